// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_BENCH_TOPIC_WATCH_H_
#define TALLYWIRE_TOOLS_BENCH_TOPIC_WATCH_H_

// Sees the records of a topic as they become readable, from its end on, in a thread of its own.
//
// Threads: one; `see` is called from the watch's own, and never after the watch is gone.

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "ledger/log.h"

namespace tallywire {

class TopicWatch {
 public:
  using Clock = std::chrono::steady_clock;
  using See = std::function<void(std::span<const Record> records, Clock::time_point now)>;

  // `log` must outlive it.
  static absl::StatusOr<std::unique_ptr<TopicWatch>> Open(Log* log, std::string_view topic,
                                                          int32_t partitions, See see);
  ~TopicWatch();
  TopicWatch(const TopicWatch&) = delete;
  TopicWatch& operator=(const TopicWatch&) = delete;

  // Why it sees nothing any more, or OK.
  absl::Status status() const;

 private:
  explicit TopicWatch(See see) : see_(std::move(see)) {}
  void Run();

  const See see_;
  std::vector<std::unique_ptr<LogReader>> readers_;  // its thread's
  std::atomic<bool> stop_ = false;
  mutable std::mutex mu_;
  absl::Status status_;  // guarded by mu_
  std::thread thread_;
};

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_BENCH_TOPIC_WATCH_H_
