// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_LEDGER_FORWARDING_LOG_H_
#define TALLYWIRE_LEDGER_FORWARDING_LOG_H_

// A log that passes every call on to another one: whoever changes some of them derives from it.
// A `below` that it does not own must outlive it.

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ledger/log.h"

namespace tallywire {

class ForwardingLog : public Log {
 public:
  explicit ForwardingLog(Log* below) : below_(*below) {}
  explicit ForwardingLog(std::unique_ptr<Log> below) : owned_(std::move(below)), below_(*owned_) {}

  absl::StatusOr<std::vector<Appended>> Append(std::span<const NewRecord> records) override {
    return below_.Append(records);
  }
  absl::StatusOr<std::unique_ptr<LogReader>> OpenReader(std::string_view topic, Partition partition,
                                                        Offset from) override {
    return below_.OpenReader(topic, partition, from);
  }
  absl::StatusOr<LogBounds> Bounds(std::string_view topic, Partition partition) override {
    return below_.Bounds(topic, partition);
  }
  absl::Status CreateTopics(std::span<const TopicSpec> topics) override {
    return below_.CreateTopics(topics);
  }
  absl::StatusOr<TopicSpec> Describe(std::string_view topic) override {
    return below_.Describe(topic);
  }
  std::string Id() const override { return below_.Id(); }
  bool IsShared() const override { return below_.IsShared(); }

 private:
  const std::unique_ptr<Log> owned_;  // may be null
  Log& below_;
};

}  // namespace tallywire

#endif  // TALLYWIRE_LEDGER_FORWARDING_LOG_H_
