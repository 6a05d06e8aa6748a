// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_COMMANDS_APPEND_BATCH_H_
#define TALLYWIRE_TOOLS_COMMANDS_APPEND_BATCH_H_

// Items of an input on their way to the ledger: gathers them, sends them together, tells and keeps
// what was refused, counts. One thread.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "ledger/refused.h"
#include "tallywire/v1/api.pb.h"
#include "tools/commands/command.h"

namespace tallywire {

struct AppendCounts {
  int64_t appended = 0;
  int64_t refused = 0;
  std::map<RefusedReason, int64_t> reasons;
  int64_t last_number = 0;  // every item up to it is in or told as refused
};

class AppendBatch {
 public:
  struct Options {
    std::string unit = "line";  // what an item's number counts
    size_t events = 5'000;
    Output* rejected = nullptr;  // null: none is kept
  };

  AppendBatch(const Context& context, Api* api, Options options);

  // `shown` is what a person is told of it, `raw` goes to the rejected as it is.
  void Add(int64_t number, std::string_view raw, v1::StockEvent event);
  void AddRefused(int64_t number, std::string_view raw, std::string_view shown, Refusal refusal);

  bool empty() const { return items_.empty(); }
  // Time to send.
  bool full() const;

  // Sends all, again where it should be tried again; on an error nothing is forgotten and nothing
  // of this batch is counted.
  [[nodiscard]] absl::Status Send();

  // More bytes of the item refused last, for the rejected only.
  void KeepMore(std::string_view raw);

  const AppendCounts& counts() const { return counts_; }

 private:
  struct Item {
    int64_t number = 0;
    std::string raw;
    std::string shown;
    bool refused = false;
    Refusal refusal;
  };

  absl::Status Ask(v1::AppendEventsResponse* response);
  void Refuse(const Item& item, RefusedReason reason, const std::string& detail);

  const Context& context_;
  Api* const api_;
  const Options options_;
  v1::AppendEventsRequest request_;
  std::vector<Item> items_;
  size_t bytes_ = 0;
  AppendCounts counts_;
};

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_COMMANDS_APPEND_BATCH_H_
