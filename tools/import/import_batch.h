// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_IMPORT_IMPORT_BATCH_H_
#define TALLYWIRE_TOOLS_IMPORT_IMPORT_BATCH_H_

// Rows on their way to the ledger: gathers them with the events that they became, sends these
// together, tells and keeps what was refused, counts by rule.
//
// Threads: none; one owner. Everything given must outlive it.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "ledger/codec.h"
#include "tallywire/v1/api.pb.h"
#include "tools/commands/command.h"
#include "tools/import/csv_reader.h"
#include "tools/import/mapper.h"

namespace tallywire {

struct RuleCount {
  int64_t rows = 0;
  // Of the events' quantities and deltas, as they were appended; of other bodies 0.
  int64_t units = 0;
};

struct ImportCounts {
  // By the index of the map's rule; rows refused are not among them.
  std::vector<RuleCount> rules;
  std::map<std::string, int64_t> refused;  // by reason
  int64_t refused_rows = 0;
  int64_t appended = 0;
  // Every row up to this one is in, left out, or told as refused.
  int64_t last_row = 0;
};

class ImportBatch {
 public:
  struct Options {
    size_t events = 5'000;
    // Null: none is kept.
    Output* rejected = nullptr;
    char delimiter = ',';
  };

  // `api` null: nothing is sent, and events are only checked for their form.
  ImportBatch(const Context& context, Api* api, const RowMap& map, RowMapper* mapper,
              Options options);

  // A row and what the mapper made of it.
  void AddRow(CsvRow row, RowOutcome outcome, v1::StockEvent event);
  // An event that no row is behind; `name` is what a person is told of it.
  void AddEvent(std::string name, v1::StockEvent event);

  // Time to send.
  bool full() const;
  // Sends all, again where it should be tried again; on an error nothing of it is counted.
  [[nodiscard]] absl::Status Send();

  const ImportCounts& counts() const { return counts_; }

 private:
  struct Item {
    std::string name;  // of an event without a row
    CsvRow row;
    RowOutcome outcome;
  };

  absl::Status Ask(v1::AppendEventsResponse* response);
  void Check(v1::AppendEventsResponse* response);
  void Count(const Item& item, const v1::StockEvent* event);
  void Refuse(const Item& item, const RowRefusal& refusal);

  const Context& context_;
  Api* const api_;
  RowMapper* const mapper_;
  const Options options_;
  Decoder decoder_;
  v1::AppendEventsRequest request_;
  std::vector<Item> items_;
  ImportCounts counts_;
};

// What a file of rejected rows has before the columns of the table.
std::vector<std::string> RejectedColumns();

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_IMPORT_IMPORT_BATCH_H_
