// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_IMPORT_MAPPER_H_
#define TALLYWIRE_TOOLS_IMPORT_MAPPER_H_

// Applies a map to the rows of one table: a row becomes an event, is left out by a rule that says
// why, or is refused because it cannot be read as the map says.
//
// The rows have to come all and in order: positions are counted over the whole table. Two mappers
// that see the same rows say the same.
//
// Threads: none; one owner. Memory: one entry for each group that a `position_among` tells apart.
// Ownership: the map must outlive the mapper.

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tallywire/v1/event.pb.h"
#include "tools/import/csv_reader.h"
#include "tools/import/map.h"

namespace tallywire {

struct RowRefusal {
  // The column at fault; empty where none can be named.
  std::string column;
  // BAD_ROW (not CSV, or not the header's number of fields), BAD_NUMBER, BAD_TIME, BAD_TEXT,
  // BAD_VALUE, NO_RULE; or a RefusedReason, if the ledger refused the event.
  std::string reason;
  std::string text;
};

struct RowOutcome {
  enum class Kind { kEvent, kLeftOut, kRefused };
  Kind kind = Kind::kRefused;
  // Which of the map's rules; of kRefused: nothing.
  size_t rule = 0;
  RowRefusal refusal;
};

class RowMapper {
 public:
  // INVALID_ARGUMENT, with file and line, where the map speaks of a column that is not in `header`.
  static absl::StatusOr<std::unique_ptr<RowMapper>> Create(const RowMap* map,
                                                           const std::vector<std::string>& header);
  ~RowMapper();

  // `event` is cleared first and is whole only where the outcome is kEvent.
  RowOutcome Map(const CsvRow& row, v1::StockEvent* event);

  // The column that a refused event's field was made from, or nothing: the ledger's detail begins
  // with the field's name.
  std::string ColumnOf(size_t rule, const std::string& detail) const;

 private:
  struct Impl;
  explicit RowMapper(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_IMPORT_MAPPER_H_
