// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_SCENARIOS_SET_LOG_H_
#define TALLYWIRE_TESTS_SCENARIOS_SET_LOG_H_

// A log in a cluster that many worlds share, as one world sees it: topics of its own, and records
// with the stamps of the world's clock in place of the broker's. All else is the log's.
//
// Threads: as a Log.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ledger/log.h"

namespace tallywire::scenarios {

// What the clock said when a record was appended; outlives the logs.
struct Stamps {
  // Held over an append: who reads a record finds its stamp.
  std::mutex mu;
  std::map<std::tuple<std::string, int32_t, int64_t>, Time> of;
};

class SetLog : public Log {
 public:
  SetLog(Log* log, std::string prefix, Stamps* stamps, std::function<Time()> clock)
      : log_(*log), prefix_(std::move(prefix)), stamps_(*stamps), clock_(std::move(clock)) {}

  absl::StatusOr<std::vector<Appended>> Append(std::span<const NewRecord> records) override;
  absl::StatusOr<std::unique_ptr<LogReader>> OpenReader(std::string_view topic, Partition partition,
                                                        Offset from) override;
  absl::StatusOr<LogBounds> Bounds(std::string_view topic, Partition partition) override {
    return log_.Bounds(Named(topic), partition);
  }
  absl::Status CreateTopics(std::span<const TopicSpec> topics) override;
  absl::StatusOr<TopicSpec> Describe(std::string_view topic) override;
  std::string Id() const override { return log_.Id(); }
  bool IsShared() const override { return log_.IsShared(); }

 private:
  std::string Named(std::string_view topic) const { return prefix_ + std::string(topic); }

  Log& log_;
  const std::string prefix_;
  Stamps& stamps_;
  const std::function<Time()> clock_;
};

}  // namespace tallywire::scenarios

#endif  // TALLYWIRE_TESTS_SCENARIOS_SET_LOG_H_
