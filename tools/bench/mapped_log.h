// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_BENCH_MAPPED_LOG_H_
#define TALLYWIRE_TOOLS_BENCH_MAPPED_LOG_H_

// Another log whose topics go by other names, so that a measurement has topics of its own on a
// cluster that is in use, and outputs of its own in each round. Counts what is appended.
//
//   MappedLog round(log, {{"stock.availability", "bench.round-1.stock.availability"}});
//
// Threads: as a Log; what it counted is asked for when nobody appends. A topic that is not mapped
// is not there (NOT_FOUND).

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/log.h"

namespace tallywire {

class MappedLog : public Log {
 public:
  struct Count {
    int64_t records = 0;
    int64_t bytes = 0;  // keys and values
  };

  // `log` must outlive it. Keys of `names` are what callers say, values what is in `log`.
  MappedLog(Log* log, std::map<std::string, std::string, std::less<>> names)
      : log_(log), names_(std::move(names)) {}

  absl::StatusOr<std::vector<Appended>> Append(std::span<const NewRecord> records) override;
  absl::StatusOr<std::unique_ptr<LogReader>> OpenReader(std::string_view topic, Partition partition,
                                                        Offset from) override;
  absl::StatusOr<LogBounds> Bounds(std::string_view topic, Partition partition) override;
  // Of `topics` those that are mapped.
  absl::Status CreateTopics(std::span<const TopicSpec> topics) override;
  absl::StatusOr<TopicSpec> Describe(std::string_view topic) override;
  std::string Id() const override { return log_->Id(); }
  bool IsShared() const override { return log_->IsShared(); }

  // By the caller's names, since the log was made.
  const std::map<std::string, Count, std::less<>>& appended() const { return appended_; }
  // Sees each record before it is appended, one at a time.
  void Watch(std::function<void(const NewRecord&)> watch) { watch_ = std::move(watch); }

 private:
  absl::StatusOr<std::string_view> NameOf(std::string_view topic) const;
  // Counts them and gives their copies the other names.
  absl::Status Map(std::span<const NewRecord> records, std::span<NewRecord> mapped);

  Log* const log_;
  const std::map<std::string, std::string, std::less<>> names_;

  std::mutex mu_;
  // Guarded by mu_.
  std::map<std::string, Count, std::less<>> appended_;
  std::function<void(const NewRecord&)> watch_;
};

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_BENCH_MAPPED_LOG_H_
