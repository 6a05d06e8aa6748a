// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_SIM_MEMORY_LOG_H_
#define TALLYWIRE_TESTS_SIM_MEMORY_LOG_H_

// A log in memory: the twin of the embedded log and of a Kafka cluster, for the simulator. The
// cluster holds topics and records; each simulated process has a view of it, which is the Log that
// its parts use, and whose end is that process's crash.
//
//   MemoryCluster cluster({.id = "m", .shared = true, .clock = [&] { return now; }});
//   std::unique_ptr<Log> a = cluster.OpenView("a");
//   std::unique_ptr<Log> b = cluster.OpenView("b");
//   cluster.before = [&](MemoryCluster::AppendCall& call) { return faults.Ask(call); };
//
// Nothing here has a thread or a clock of its own, and a Poll does not sleep unless `waits` says
// so: without it, an empty Poll comes back at once whatever it was told to wait.
//
// Threads: views and readers as ledger/log.h says; hooks are called without the cluster's lock, by
// the thread that calls. Everything else of the cluster from one thread. Readers must be gone
// before their view, views before their cluster; a batch may stay.

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ledger/log.h"
#include "ledger/types.h"

namespace tallywire::sim {

class MemoryCluster {
 public:
  struct Options {
    std::string id = "memory";
    // What Log::IsShared says. Only then may offsets of a topic that keeps everything have gaps.
    bool shared = true;
    // What stamps records.
    std::function<Time()> clock;
    // Poll waits for the first record by the machine's clock: for tests with threads.
    bool waits = false;
  };

  // An append, as the hooks see it.
  struct AppendCall {
    std::string_view view;
    std::span<const NewRecord> records;
    int64_t number = 0;  // of this cluster, from 0, refused ones too
    // If `before` refuses: those of `records`, by index, that get into the log all the same, in the
    // order in which they come to lie there. One that stands here twice lies there twice.
    std::vector<size_t> through = {};
    // For `after`: where they lie; as `records`, or as `through`.
    std::span<const Appended> appended = {};
  };
  using AppendHook = std::function<absl::Status(AppendCall& call)>;

  // Another call, as the hook sees it.
  struct OtherCall {
    enum class What { kCreateTopics, kDescribe, kBounds, kOpenReader, kPoll };
    What what;
    std::string_view view;
    std::string_view topic;   // kCreateTopics: the first of them
    Partition partition{-1};  // -1: none
    Offset position{-1};      // of kOpenReader and kPoll
    size_t max = 0;           // of kPoll; may be lowered, 0: nothing comes yet
  };
  using OtherHook = std::function<absl::Status(OtherCall& call)>;

  explicit MemoryCluster(Options options);
  ~MemoryCluster();
  MemoryCluster(const MemoryCluster&) = delete;
  MemoryCluster& operator=(const MemoryCluster&) = delete;

  // The log as the process `name` has it.
  std::unique_ptr<Log> OpenView(std::string name);

  // Asked before an append takes effect. An error is what the caller gets; nothing has happened but
  // what the call's `through` says.
  AppendHook before;
  // Asked once it has taken effect. An error is what the caller gets: the acknowledgement got lost.
  AppendHook after;
  // Asked before every other call. An error is what the caller gets.
  OtherHook other;

  // Keeps the last record of each key of a compacted topic, drops what is too old from one with a
  // retention; nothing of others. Of the newest `keep` records of a partition nothing is dropped.
  void Clean(std::string_view topic, int64_t keep = 0);
  // The next record of the partition lies `count` offsets further: between lies the mark of a
  // transaction, or one that was aborted.
  void SkipOffsets(std::string_view topic, Partition partition, int64_t count = 1);
  // The log loses its records from `end` on, as by a leader that lacked them.
  void Truncate(std::string_view topic, Partition partition, Offset end);
  // The log loses its records below `begin`.
  void DropBelow(std::string_view topic, Partition partition, Offset begin);

  // Everything that is in the partition now, in order; views live until it is cleaned or cut.
  std::vector<Record> Records(std::string_view topic, Partition partition) const;
  LogBounds BoundsOf(std::string_view topic, Partition partition) const;
  std::vector<TopicSpec> Topics() const;

 private:
  friend class MemoryLog;
  friend class MemoryReader;
  struct Stored;
  struct PartitionLog;
  struct Topic;

  absl::StatusOr<PartitionLog*> Find(std::string_view topic, Partition partition) const;
  PartitionLog& At(std::string_view topic, Partition partition) const;
  // Guarded: appends those of `records` at `indexes`.
  std::vector<Appended> Put(std::span<const NewRecord> records, std::span<const size_t> indexes);
  absl::StatusOr<std::vector<Appended>> Append(std::string_view view,
                                               std::span<const NewRecord> records);
  absl::Status Ask(OtherCall& call) const;

  const Options options_;
  mutable std::mutex mu_;
  // Guarded by mu_; a topic, once there, stays where it is.
  std::map<std::string, std::unique_ptr<Topic>, std::less<>> topics_;
  int64_t calls_ = 0;
  std::condition_variable appended_;
};

}  // namespace tallywire::sim

#endif  // TALLYWIRE_TESTS_SIM_MEMORY_LOG_H_
