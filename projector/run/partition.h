// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_PROJECTOR_RUN_PARTITION_H_
#define TALLYWIRE_PROJECTOR_RUN_PARTITION_H_

// The loop of one partition: reads records, folds them, puts out what follows and writes
// checkpoints, in this order: outputs and linked records are acknowledged by the log before the
// checkpoint that covers them is written, so a crash repeats outputs and never loses one.
//
//   loop->Fold(now, out);          // of each partition
//   out.Send(log, …);              // together
//   loop->Finish(now, own_rows);   // of each partition
//
// Threads: Fold, Finish and Close from one thread. Questions come from any: they take mu()
// and then see the state between two records.

#include <atomic>
#include <memory>
#include <mutex>
#include <span>
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
#include "projector/run/outgoing.h"
#include "projector/run/output_watch.h"
#include "projector/store/store.h"

namespace tallywire {

// What its owner had said of a partition before.
struct ProgressMarks {
  Offset emitted_through{0};
  Offset linked_through{0};
};

class PartitionLoop {
 public:
  // Reads what stock.progress says of the partition, and opens its folder.
  static absl::StatusOr<std::unique_ptr<PartitionLoop>> Open(Log* log, Partition partition,
                                                             int32_t partitions,
                                                             const Projector::Options& options);

  // Reads and folds a batch at most, and adds what is to go out. On an error nothing was added.
  absl::Status Fold(Time now, Outgoing& out);
  // What Fold added is in the log (else this is left out, and the next turn puts it out), rows of
  // stock.availability at the offsets `rows`; takes the rest of the turn. True: there may be more
  // to do at once.
  absl::StatusOr<bool> Finish(Time now, std::span<const Offset> rows);

  // Puts out what is due and writes a checkpoint, if there is anything to write.
  absl::Status Checkpoint(Time now);
  // Checkpoint, and it folds no more. Questions that are under way still find it.
  absl::Status Close(Time now);
  // It folds no more, and puts nothing out: somebody else is the owner.
  void Abandon();

  // In its last turn there was more to be folded than one takes. Of the thread of Fold.
  bool WasBehind() const { return turn_.folded >= options_.batch; }

  // For records that the log has and has not handed over yet.
  static void WaitForTheLog();

  // Where the next record will be read from, without a lock; and where a restart would go on.
  Offset next_offset() const { return Offset(folded_.load(std::memory_order_acquire)); }
  Offset stored_offset() const { return Offset(stored_.load(std::memory_order_acquire)); }
  Partition partition() const { return partition_; }
  int32_t partitions() const { return partitions_; }
  // As of the last turn: whoever asks waits for nothing, as mu() may when the log does not answer.
  struct Glance {
    FoldCounts counts;
    Time log_time;
    size_t unfinished = 0;
  };
  Glance LastGlance() const;

  // For questions. Everything below is asked with mu() held.
  std::mutex& mu() { return mu_; }
  void BeginQuestion() { questions_.fetch_add(1, std::memory_order_relaxed); }
  void EndQuestion() { questions_.fetch_sub(1, std::memory_order_relaxed); }
  bool HasQuestions() const { return questions_.load(std::memory_order_relaxed) > 0; }
  FoldState& state() { return *state_; }
  tallywire::Fold& fold() { return *fold_; }
  Store& store() { return *store_; }
  // Definitions whose rows are still going out, or rows that have to be compared with what is out.
  size_t unfinished() const { return marks_.sweeps.size() + (marks_.settle ? 1 : 0); }
  // To be asked before anything else, and not OK while what is in memory is void and cannot be
  // loaded anew.
  absl::Status Ready() { return is_void_ ? Load() : absl::OkStatus(); }
  // The same as Checkpoint.
  absl::Status CheckpointLocked(Time now);

 private:
  PartitionLoop(Log* log, Partition partition, int32_t partitions, const ProgressMarks& progress,
                const Projector::Options& options);
  absl::Status OpenStore();
  absl::Status Load();
  // The log still is the one that the state came from, and has all of it.
  absl::Status CheckLog();
  absl::Status CheckLastRecord();
  bool IsDirty() const;
  // There is more to be folded at once, so that rows would be old before anybody reads them.
  bool IsBehind() const;
  bool CheckpointIsDue(Time now) const;
  // Once in `every`, each partition at another time: what they wait for one after the other would
  // hold up the events of all.
  bool IsItsMoment(Time last, Time now, Span every) const;

  // Records (partition.cc).
  absl::StatusOr<size_t> FoldBatch();
  void KeepGlance();
  void PrefetchFrom(size_t first);
  void FoldOne(const Record& record);
  void Refuse(const Record& record, const Refusal& refusal);
  bool OwesProgress() const;
  void AddProgress(Outgoing& out);
  absl::StatusOr<bool> TickIfDue(Time now);

  // Output (emit.cc). Puts out linked records, alerts and dead letters, and the rows of touched
  // SKUs if `rows`.
  absl::Status Emit(bool rows);
  absl::Status Send(Outgoing& out);
  void AddEffects(Outgoing& out);
  void EffectsAreOut();
  void TouchedAreOut();
  absl::Status EmitTouched();
  absl::Status EmitSkus(const std::vector<SkuState*>& skus, Offset threshold);
  void AddRows(const SkuState& sku, Offset threshold, Outgoing& out);
  // Rows with this version or a higher one may not have gone out.
  Offset RowThreshold() const;
  void AddSweeps();
  absl::Status SweepStep(Time now);

  // Other owners (settle.cc). Remembers what is out and whose it may be.
  absl::Status TakeOver();
  // Reads what was out at the take-over and puts out what is missing there or older.
  absl::Status Settle(Time now);
  absl::Status CompareWithOut(Time now);
  // Looks for records of others behind the take-over, and answers them.
  absl::Status Watch(Time now);
  absl::Status Mend(const OutputWatch::Hole& hole, std::vector<SkuState*>& behind);
  absl::Status CheckVersion(int64_t version, Offset offset, Offset* events_end);

  Log* const log_;
  const Partition partition_;
  const int32_t partitions_;
  const Projector::Options options_;
  const std::string folder_;
  // Below these nothing is put out, or linked: it was, by whoever owned the partition before.
  const Offset silent_until_;
  const Offset linked_until_;

  std::mutex mu_;
  mutable std::mutex glance_mu_;  // taken last
  Glance glance_;                 // guarded by glance_mu_
  std::atomic<int> questions_{0};
  std::atomic<int64_t> folded_{0};
  std::atomic<int64_t> stored_{0};

  // Guarded by mu_.
  std::unique_ptr<Store> store_;
  std::unique_ptr<FoldState> state_;
  std::unique_ptr<tallywire::Fold> fold_;
  StoreMarks marks_;
  std::unique_ptr<LogReader> reader_;
  RecordBatch batch_;
  Decoder decoder_;
  std::vector<DeadLetter> letters_;
  OutputWatch watch_;
  Offset rows_out_{0};     // rows touched below this have gone out, sweeps aside
  Offset taken_over_{-1};  // stock.events up to here is folded before rows are compared
  // At the take-over: rows below this one may have gone out by others, or not at all, and what is
  // out ended here.
  Offset settle_rows_{0};
  Offset settle_out_{0};
  bool marks_changed_ = false;
  bool retry_ = false;   // something could not be put out or written
  bool is_void_ = true;  // nothing is loaded, or it rests on a look-up that failed
  Time last_checkpoint_;
  Span behind_span_ = Seconds(1);  // from one checkpoint to the next while behind
  Time last_look_;
  Time last_tick_;
  Span tick_wait_ = Seconds(1);
  Offset tick_offset_{-1};  // a tick that has not come back
  Offset progress_written_{-1};

  // Of the turn that is being taken.
  struct Turn {
    size_t folded = 0;
    bool checkpoint = false;  // is due
    bool rows = false;        // those of touched SKUs are in `out`
    Offset progress{-1};      // is in `out`; -1: none
  };
  Turn turn_;
};

}  // namespace tallywire

#endif  // TALLYWIRE_PROJECTOR_RUN_PARTITION_H_
