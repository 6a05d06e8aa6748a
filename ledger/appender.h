// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_LEDGER_APPENDER_H_
#define TALLYWIRE_LEDGER_APPENDER_H_

// Puts events into stock.events: checks their form, finds key and partition, and acknowledges only
// what is durable. The one way for events to get in, whatever they came by.
//
// Threads: Append may be called by many threads at once. Calls that come together are written
// together (one sync for all); at most `max_pending_bytes` wait, further calls get
// RESOURCE_EXHAUSTED at once and have appended nothing.

#include <cstddef>
#include <memory>
#include <span>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "ledger/log.h"
#include "ledger/refused.h"

namespace tallywire::v1 {
class StockEvent;
}

namespace tallywire {

struct AppendedEvent {
  Partition partition;
  Offset offset;
  Time stamp;
};

// What became of one event of a batch.
using AppendResult = std::variant<AppendedEvent, Refusal>;

class Appender {
 public:
  struct Options {
    size_t max_pending_bytes = 64 << 20;
  };

  // `log` must outlive the appender and have the topic stock.events.
  static absl::StatusOr<std::unique_ptr<Appender>> Create(Log* log, Options options);
  static absl::StatusOr<std::unique_ptr<Appender>> Create(Log* log);
  ~Appender();

  // One result for each event, in order. Refused ones are left out, the others appended. On an
  // error some may have been appended: append the same again, the ledger drops what it knows.
  // INVALID_ARGUMENT: more than kMaxAppendBatch events.
  [[nodiscard]] absl::StatusOr<std::vector<AppendResult>> Append(
      std::span<const v1::StockEvent* const> events);

  // The same for records that have their key, partition, value and headers already; the topic is
  // always stock.events. What would be refused for its form where it is to lie is left out, and so
  // is a body that only the ledger writes. Views must live until the call returns.
  [[nodiscard]] absl::StatusOr<std::vector<AppendResult>> AppendRecords(
      std::span<const NewRecord> records);

 private:
  struct Impl;
  explicit Appender(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tallywire

#endif  // TALLYWIRE_LEDGER_APPENDER_H_
