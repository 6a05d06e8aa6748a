// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_LEDGER_EMBEDDED_LOG_IMPL_H_
#define TALLYWIRE_LEDGER_EMBEDDED_LOG_IMPL_H_

// The embedded log's own parts: appending and topics (embedded_log.cc), reading
// (embedded_log_reader.cc), dropping what may be dropped (embedded_log_clean.cc).

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ledger/check.h"
#include "ledger/embedded_batch.h"
#include "ledger/embedded_log.h"
#include "ledger/log_rows.h"
#include "ledger/rocks.h"

namespace tallywire::embedded {

// One partition as it is in memory.
struct PartitionState {
  TopicId topic{};
  Partition partition{0};
  Cleanup cleanup = Cleanup::kForever;
  Span retention;

  // Guarded by the log's mu_.
  Offset begin{0};  // nothing below is kept; of a compacted topic what is above may have gaps
  Offset end{0};
  std::condition_variable appended;
  int64_t new_records = 0;  // since the last cleaning
  int64_t kept = 0;         // by it

  // Of the appending thread that leads: `end` as it will be once the write is done.
  Offset next{0};
};

struct Topic {
  TopicId id{};
  TopicSpec spec;
  std::vector<std::unique_ptr<PartitionState>> partitions;
};

class EmbeddedLogImpl;

class EmbeddedReader : public LogReader {
 public:
  EmbeddedReader(EmbeddedLogImpl* log, PartitionState* partition, Offset from);
  ~EmbeddedReader() override;

  absl::Status Poll(size_t max, Span wait, RecordBatch& batch) override;
  Offset Position() const override { return position_; }

  // From any thread: lets go of the store.
  void DropIterator() {
    std::lock_guard lock(it_mu_);
    it_.reset();
  }

 private:
  Offset WaitForRecords(Span wait);
  // Reads up to `end`; true if it looked with an iterator that has seen all of it.
  absl::StatusOr<bool> Read(Offset end, size_t max, EmbeddedBatch& batch);

  EmbeddedLogImpl* const log_;
  PartitionState* const partition_;
  Offset position_;

  std::mutex it_mu_;
  // Guarded by it_mu_; kept from poll to poll while it has more.
  std::optional<RocksIterator> it_;
};

class EmbeddedLogImpl : public EmbeddedLog {
 public:
  EmbeddedLogImpl(Options options, std::unique_ptr<Rocks> store)
      : options_(std::move(options)), store_(std::move(store)) {}

  ~EmbeddedLogImpl() override {
    TW_CHECK(readers_.empty(), "readers must be gone before their log");
  }

  absl::Status Load();

  absl::StatusOr<std::vector<Appended>> Append(std::span<const NewRecord> records) override;
  absl::StatusOr<std::unique_ptr<LogReader>> OpenReader(std::string_view topic, Partition partition,
                                                        Offset from) override;
  absl::StatusOr<LogBounds> Bounds(std::string_view topic, Partition partition) override;
  absl::Status CreateTopics(std::span<const TopicSpec> topics) override;
  absl::StatusOr<TopicSpec> Describe(std::string_view topic) override;
  std::string Id() const override { return id_; }
  absl::Status Compact() override;

 private:
  friend class EmbeddedReader;

  // One Append that waits for its turn.
  struct Call {
    std::span<const NewRecord> records;
    std::vector<PartitionState*> targets;
    std::vector<Appended> results;
    Time stamp;
    absl::Status status;
    bool done = false;
    std::condition_variable wake;
  };

  absl::Status LoadTopic(const TopicRow& row);
  absl::Status LoadPartition(PartitionState& state, const std::string& name);
  absl::StatusOr<PartitionState*> Find(std::string_view topic, Partition partition);
  absl::Status CheckRecord(const NewRecord& record) const;
  absl::Status FindTargets(Call& call);
  absl::Status WriteCalls(const std::vector<Call*>& calls);
  absl::Status FlushBatch();
  void CleanIfDue(const Call& call);
  absl::Status Clean(PartitionState& state);
  absl::Status DropOverwritten(PartitionState& state);
  absl::Status DropExpired(PartitionState& state);
  absl::Status Damaged(const PartitionState& state, std::string_view key) const;

  const Options options_;
  const std::unique_ptr<Rocks> store_;
  std::string id_;  // constant after Load

  std::mutex mu_;
  // Guarded by mu_; topics and partitions, once there, stay where they are.
  std::map<std::string, std::unique_ptr<Topic>, std::less<>> topics_;
  std::deque<Call*> queue_;
  bool leading_ = false;

  // Of the thread that leads.
  RocksBatch batch_;
  std::vector<PartitionState*> touched_;
  std::string row_;

  // The store cannot go on while it is read through, so readers hold no iterators meanwhile.
  std::atomic<bool> write_failed_ = false;
  std::mutex readers_mu_;
  std::set<EmbeddedReader*> readers_;  // guarded by readers_mu_

  // One cleaning at a time.
  std::mutex clean_mu_;
};

}  // namespace tallywire::embedded

#endif  // TALLYWIRE_LEDGER_EMBEDDED_LOG_IMPL_H_
