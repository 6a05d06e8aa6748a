// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_PROJECTOR_RUN_PARTITION_H_
#define TALLYWIRE_PROJECTOR_RUN_PARTITION_H_

// The loop of one partition: reads records, folds them, puts out what follows and writes
// checkpoints, in this order: outputs and linked records are acknowledged by the log before the
// checkpoint that covers them is written, so a crash repeats outputs and never loses one.
//
// Threads: RunOnce and Close from one thread. Questions come from any: they take mu() and then see
// the state between two records.

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ledger/codec.h"
#include "ledger/log.h"
#include "ledger/types.h"
#include "projector/fold/fold.h"
#include "projector/projector.h"
#include "projector/run/encode.h"
#include "projector/store/store.h"

namespace tallywire {

// What its owner had said of a partition before.
struct ProgressMarks {
  Offset emitted_through{0};
  Offset linked_through{0};
};

class PartitionLoop {
 public:
  static absl::StatusOr<std::unique_ptr<PartitionLoop>> Open(Log* log, Partition partition,
                                                             int32_t partitions,
                                                             const ProgressMarks& progress,
                                                             const Projector::Options& options);

  // One turn. True: there may be more to do at once.
  absl::StatusOr<bool> RunOnce(Time now);
  // Puts out what is due and writes a checkpoint, if there is anything to write.
  absl::Status Checkpoint(Time now);
  absl::Status Close(Time now);

  // Where the next record will be read from, without a lock.
  Offset next_offset() const { return Offset(folded_.load(std::memory_order_acquire)); }
  Partition partition() const { return partition_; }

  // For questions. Everything below is asked with mu() held.
  std::mutex& mu() { return mu_; }
  void BeginQuestion() { questions_.fetch_add(1, std::memory_order_relaxed); }
  void EndQuestion() { questions_.fetch_sub(1, std::memory_order_relaxed); }
  bool HasQuestions() const { return questions_.load(std::memory_order_relaxed) > 0; }
  FoldState& state() { return *state_; }
  Fold& fold() { return *fold_; }
  Store& store() { return *store_; }
  // Definitions whose rows are still going out, or rows that have to be compared with what is out.
  size_t unfinished() const { return marks_.sweeps.size() + (marks_.settle ? 1 : 0); }
  // Nothing touched that has not gone out.
  bool all_out() const { return fold_->effects().touched.empty() && unfinished() == 0; }
  // The same as Checkpoint.
  absl::Status CheckpointLocked(Time now);

 private:
  PartitionLoop(Log* log, Partition partition, int32_t partitions, const ProgressMarks& progress,
                const Projector::Options& options);
  absl::Status OpenStore();
  absl::Status Load();

  absl::StatusOr<size_t> FoldBatch();
  void PrefetchFrom(size_t first);
  void FoldOne(const Record& record);
  void Refuse(const Record& record, const Refusal& refusal);

  // Puts out linked records, alerts and dead letters, and the rows of touched SKUs if `rows`.
  absl::Status Emit(bool rows);
  absl::Status EmitEffects();
  absl::Status EmitTouched();
  absl::Status EmitSkus(const std::vector<SkuState*>& skus, Offset threshold);
  // Rows with this version or a higher one may not have gone out.
  Offset RowThreshold() const;
  void AddSweeps();
  absl::Status SweepStep(Time now);
  // Reads what is out and puts out what is missing there or older.
  absl::Status Settle(Time now);
  absl::StatusOr<bool> TickIfDue(Time now);
  absl::Status WriteProgress();
  bool IsDirty() const;

  Log* const log_;
  const Partition partition_;
  const int32_t partitions_;
  const Projector::Options options_;
  const std::string folder_;
  // Below these nothing is put out, or linked: it was, by whoever owned the partition before.
  const Offset silent_until_;
  const Offset linked_until_;

  std::mutex mu_;
  std::atomic<int> questions_{0};
  std::atomic<int64_t> folded_{0};

  // Guarded by mu_.
  std::unique_ptr<Store> store_;
  std::unique_ptr<FoldState> state_;
  std::unique_ptr<Fold> fold_;
  StoreMarks marks_;
  std::unique_ptr<LogReader> reader_;
  RecordBatch batch_;
  Decoder decoder_;
  std::vector<DeadLetter> letters_;
  Offset rows_out_{0};       // rows touched below this have gone out, sweeps aside
  Offset stored_offset_{0};  // of the last checkpoint
  bool marks_changed_ = false;
  bool retry_ = false;  // something could not be put out or written
  Time last_checkpoint_;
  Time last_tick_;
  Span tick_wait_ = Seconds(1);
  Offset tick_offset_{-1};  // a tick that has not come back
  Offset progress_written_{-1};
};

}  // namespace tallywire

#endif  // TALLYWIRE_PROJECTOR_RUN_PARTITION_H_
