// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_PUBLISHERS_TOPIC_INPUT_H_
#define TALLYWIRE_PUBLISHERS_TOPIC_INPUT_H_

// All partitions of one topic, read forwards from given offsets. A record whose handling failed is
// read again by the next call.
//
// Threads: one at a time. `log` outlives it.
// Errors: those of the log, and what `visit` returns.

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ledger/log.h"
#include "ledger/types.h"

namespace tallywire {

class TopicInput {
 public:
  using Visit = std::function<absl::Status(const Record&)>;

  // `next` has one offset for each partition, each within the partition's bounds.
  TopicInput(Log* log, std::string topic, std::vector<Offset> next);

  // Visits at most `max` records of each partition in offset order; waits up to `wait` for the
  // first of each. True: there was one at least.
  [[nodiscard]] absl::StatusOr<bool> Read(size_t max, Span wait, const Visit& visit);

  // By partition, the first offset that was not visited yet.
  const std::vector<Offset>& next() const { return next_; }
  // By partition, where the log ends now.
  [[nodiscard]] absl::StatusOr<std::vector<Offset>> Ends() const;
  bool Reached(const std::vector<Offset>& ends) const;

  const std::string& topic() const { return topic_; }

 private:
  [[nodiscard]] absl::StatusOr<bool> ReadPartition(size_t index, size_t max, Span wait,
                                                   const Visit& visit);

  Log* const log_;
  const std::string topic_;

  std::vector<Offset> next_;
  // None: to be opened at next_.
  std::vector<std::unique_ptr<LogReader>> readers_;
  RecordBatch batch_;
};

}  // namespace tallywire

#endif  // TALLYWIRE_PUBLISHERS_TOPIC_INPUT_H_
