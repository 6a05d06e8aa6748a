// SPDX-License-Identifier: Apache-2.0
#include "projector/run/partition.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>
#include <utility>
#include <variant>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "ledger/mark.h"
#include "ledger/read_to.h"
#include "ledger/status.h"
#include "ledger/topics.h"
#include "tallywire/v1/progress.pb.h"

namespace tallywire {
namespace {

constexpr Span kTickEvery = Seconds(1);
constexpr Span kTickAtMost = Seconds(60);
// Rows of more SKUs go out in appends of their own.
constexpr size_t kFewSkus = 2'000;
// Records that are worth a checkpoint while there are more at once.
constexpr int64_t kFewestBehind = 50'000;

LastRecord MarkOf(const Record& record) {
  XXH3_state_t state;
  XXH3_64bits_reset(&state);
  const int64_t numbers[] = {record.stamp.value(), static_cast<int64_t>(record.key.size())};
  XXH3_64bits_update(&state, numbers, sizeof(numbers));
  XXH3_64bits_update(&state, record.key.data(), record.key.size());
  XXH3_64bits_update(&state, record.value.data(), record.value.size());
  return {record.offset, XXH3_64bits_digest(&state)};
}

// What stock.progress says of a partition of this log.
absl::StatusOr<ProgressMarks> ReadProgress(Log* log, Partition partition) {
  ProgressMarks marks;
  v1::Progress progress;
  TW_ASSIGN_OR_RETURN(const LogBounds bounds, log->Bounds(kStockProgress, partition));
  TW_RETURN_IF_ERROR(ReadRange(
      *log, kStockProgress, partition, bounds.begin, bounds.end, [&](const Record& record) {
        if (!progress.ParseFromArray(record.value.data(), static_cast<int>(record.value.size()))) {
          return absl::DataLossError(absl::StrCat("stock.progress ", partition.value(), "/",
                                                  record.offset.value(), ": no Progress"));
        }
        if (progress.log_id() != log->Id() || progress.partition() != partition.value()) {
          return absl::OkStatus();
        }
        marks = {Offset(progress.emitted_through()), Offset(progress.linked_through())};
        return absl::OkStatus();
      }));
  return marks;
}

}  // namespace

PartitionLoop::PartitionLoop(Log* log, Partition partition, int32_t partitions,
                             const ProgressMarks& progress, const Projector::Options& options)
    : log_(log),
      partition_(partition),
      partitions_(partitions),
      options_(options),
      folder_(absl::StrCat(options.folder, "/", partition.value())),
      silent_until_(progress.emitted_through),
      linked_until_(progress.linked_through) {}

absl::StatusOr<std::unique_ptr<PartitionLoop>> PartitionLoop::Open(
    Log* log, Partition partition, int32_t partitions, const Projector::Options& options) {
  TW_ASSIGN_OR_RETURN(const ProgressMarks progress, ReadProgress(log, partition));
  std::unique_ptr<PartitionLoop> loop(
      new PartitionLoop(log, partition, partitions, progress, options));
  TW_RETURN_IF_ERROR(loop->OpenStore());
  TW_RETURN_IF_ERROR(loop->Load());
  TW_RETURN_IF_ERROR(loop->TakeOver());
  return loop;
}

absl::Status PartitionLoop::OpenStore() {
  TW_ASSIGN_OR_RETURN(store_, Store::Open(folder_,
                                          {.log_id = log_->Id(),
                                           .topic = std::string(kStockEvents),
                                           .partition = partition_,
                                           .partitions = partitions_},
                                          options_.open_rocks));
  return absl::OkStatus();
}

absl::Status PartitionLoop::Load() {
  is_void_ = true;
  auto state = std::make_unique<FoldState>();
  StoreMarks marks;
  TW_RETURN_IF_ERROR(store_->Restore(state.get(), &marks));
  fold_.reset();
  state_ = std::move(state);
  // Who took over and had to begin again still has to compare.
  marks_changed_ = marks_.settle && !marks.settle;
  marks.settle = marks.settle || marks_.settle;
  marks_ = std::move(marks);
  stored_.store(state_->next_offset.value(), std::memory_order_release);
  folded_.store(state_->next_offset.value(), std::memory_order_release);
  fold_ = std::make_unique<tallywire::Fold>(state_.get(), store_.get());
  letters_.clear();
  TW_RETURN_IF_ERROR(CheckLog());
  TW_RETURN_IF_ERROR(CheckLastRecord());
  TW_ASSIGN_OR_RETURN(const LogBounds bounds, log_->Bounds(kStockEvents, partition_));
  taken_over_ = bounds.end;
  TW_ASSIGN_OR_RETURN(reader_, log_->OpenReader(kStockEvents, partition_, state_->next_offset));
  is_void_ = false;
  return absl::OkStatus();
}

absl::Status PartitionLoop::CheckLog() {
  const absl::StatusOr<LogBounds> found = log_->Bounds(kStockEvents, partition_);
  if (absl::IsNotFound(found.status())) {
    return absl::FailedPreconditionError(absl::StrCat(
        "stock.events ", partition_.value(), " is gone: records 0 to ",
        state_->next_offset.value() - 1, " are folded, and nobody has them any more (",
        std::string(found.status().message()),
        "). Restore the log, or make it anew (`tallywire topics apply --execute`) and move ",
        folder_, " away."));
  }
  TW_RETURN_IF_ERROR(found.status());
  const LogBounds& bounds = *found;
  if (bounds.begin > Offset(0)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "stock.events ", partition_.value(), " begins at offset ", bounds.begin.value(),
        ": records 0 to ", bounds.begin.value() - 1,
        " are gone, and numbers rest on them. Restore the log, and see that nothing is ever ",
        "dropped from it (`tallywire topics plan`)."));
  }
  const Offset next = state_->next_offset;
  if (next > bounds.end) {
    return absl::FailedPreconditionError(absl::StrCat(
        "stock.events ", partition_.value(), " ends at offset ", bounds.end.value(),
        ", but is folded up to ", next.value(), ": records ", bounds.end.value(), " to ",
        next.value() - 1, " are lost, or this is another log. Restore the log, or move ", folder_,
        " away to fold anew what is there."));
  }
  return absl::OkStatus();
}

absl::Status PartitionLoop::CheckLastRecord() {
  const Offset last = marks_.last.offset;
  if (last.value() < 0) return absl::OkStatus();
  bool found = false;
  TW_RETURN_IF_ERROR(
      ReadRange(*log_, kStockEvents, partition_, last, last.Next(), [&](const Record& record) {
        found = MarkOf(record) == marks_.last;
        return absl::OkStatus();
      }));
  if (found) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "record ", partition_.value(), "/", last.value(),
      " of stock.events is another one than the one that was folded: the topic was made anew, or ",
      "goes on from an older copy, and nobody knows from where on it differs. Restore the log, or ",
      "move ", folder_, " away to fold anew what is there."));
}

bool PartitionLoop::IsDirty() const {
  // Of a partition without records nothing is worth remembering.
  return state_->next_offset != stored_offset() ||
         (marks_changed_ && state_->next_offset > Offset(0));
}

bool PartitionLoop::IsBehind() const {
  return WasBehind() || (marks_.settle && state_->next_offset < taken_over_);
}

bool PartitionLoop::IsItsMoment(Time last, Time now, Span every) const {
  const int64_t span = std::max<int64_t>(1, every.value());
  const int64_t phase = span * partition_.value() / partitions_;
  return (now.value() - phase) / span != (last.value() - phase) / span;
}

bool PartitionLoop::CheckpointIsDue(Time now) const {
  if (!IsDirty()) return false;
  const int64_t records = state_->next_offset.value() - stored_offset().value();
  if (!IsBehind()) {
    return IsItsMoment(last_checkpoint_, now, options_.checkpoint_every) ||
           records >= options_.checkpoint_records;
  }
  // All partitions are behind together, and what is not stored yet is in memory.
  const int64_t share = std::max(options_.checkpoint_records / partitions_, kFewestBehind);
  return now < last_checkpoint_ || now - last_checkpoint_ >= behind_span_ ||
         records >= std::min(options_.checkpoint_records, share);
}

absl::Status PartitionLoop::Fold(Time now, Outgoing& out) {
  const std::lock_guard lock(mu_);
  turn_ = {};
  TW_RETURN_IF_ERROR(Ready());
  // What is owed comes before what is new; it goes out with the others', and not under the lock.
  const bool owes = retry_;
  if (owes) TW_MARK("loop.owes");
  if (!owes) {
    TW_ASSIGN_OR_RETURN(turn_.folded, FoldBatch());
  }
  retry_ = true;
  turn_.checkpoint = owes ? IsDirty() : CheckpointIsDue(now);
  if (!IsBehind() || turn_.checkpoint) {
    const std::vector<SkuState*>& touched = fold_->effects().touched;
    turn_.rows = touched.size() <= kFewSkus;
    if (!turn_.rows) {
      TW_RETURN_IF_ERROR(EmitTouched());
    } else if (state_->next_offset >= silent_until_) {
      for (const SkuState* sku : touched) AddRows(*sku, RowThreshold(), out);
    }
  }
  AddEffects(out);
  if (OwesProgress()) AddProgress(out);
  return absl::OkStatus();
}

absl::StatusOr<bool> PartitionLoop::Finish(Time now, std::span<const Offset> rows) {
  const std::lock_guard lock(mu_);
  const absl::Cleanup glance = [this] { KeepGlance(); };
  for (const Offset offset : rows) watch_.Own(offset);
  EffectsAreOut();
  if (turn_.rows) TouchedAreOut();
  if (turn_.progress.value() >= 0) progress_written_ = turn_.progress;
  retry_ = false;
  if (turn_.checkpoint) TW_RETURN_IF_ERROR(CheckpointLocked(now));
  if (marks_.settle) {
    if (state_->next_offset < taken_over_) {
      TW_MARK("loop.catches-up-before-it-settles");
      return turn_.folded > 0;
    }
    TW_RETURN_IF_ERROR(Settle(now));
    return true;
  }
  if (!marks_.sweeps.empty()) {
    TW_RETURN_IF_ERROR(SweepStep(now));
    return true;
  }
  if (log_->IsShared()) TW_RETURN_IF_ERROR(Watch(now));
  if (turn_.folded > 0) return true;
  return TickIfDue(now);
}

absl::StatusOr<size_t> PartitionLoop::FoldBatch() {
  const absl::Status polled = reader_->Poll(options_.batch, Span(0), batch_);
  if (absl::IsNotFound(polled) || absl::IsOutOfRange(polled)) {
    // It says what is lost, and what to do.
    TW_RETURN_IF_ERROR(CheckLog());
  }
  TW_RETURN_IF_ERROR(polled);
  for (size_t i = 0; i < batch_.records.size(); ++i) {
    if (i % Fold::kAhead == 0) PrefetchFrom(i);
    const Record& record = batch_.records[i];
    if (record.offset != state_->next_offset && !log_->IsShared()) {
      return absl::DataLossError(absl::StrCat(
          "stock.events ", partition_.value(), ": offset ", state_->next_offset.value(),
          " is missing, the log goes on at ", record.offset.value(),
          ". Nothing may ever be dropped from this topic: restore the log."));
    }
    FoldOne(record);
  }
  const absl::Status read = store_->TakeReadError();
  if (!read.ok()) {
    // What was folded on top of a failed look-up is void: back to the checkpoint.
    TW_MARK("loop.a-read-failed");
    TW_RETURN_IF_ERROR(Load());
    return read;
  }
  if (!batch_.records.empty()) {
    marks_.last = MarkOf(batch_.records.back());
  } else if (log_->IsShared()) {
    // Offsets that hold no record: marks of somebody's transaction.
    if (reader_->Position() > state_->next_offset) TW_MARK("loop.offsets-without-records");
    state_->next_offset = std::max(state_->next_offset, reader_->Position());
  }
  AddSweeps();
  folded_.store(state_->next_offset.value(), std::memory_order_release);
  KeepGlance();
  return batch_.records.size();
}

PartitionLoop::Glance PartitionLoop::LastGlance() const {
  const std::lock_guard lock(glance_mu_);
  return glance_;
}

void PartitionLoop::KeepGlance() {
  const std::lock_guard lock(glance_mu_);
  glance_ = {state_->counts, state_->log_time, unfinished()};
}

void PartitionLoop::PrefetchFrom(size_t first) {
  std::array<std::string_view, Fold::kAhead> keys;
  const size_t n = std::min(keys.size(), batch_.records.size() - first);
  for (size_t i = 0; i < n; ++i) keys[i] = batch_.records[first + i].key;
  fold_->Prefetch(std::span(keys.data(), n));
}

void PartitionLoop::FoldOne(const Record& record) {
  if (record.offset == tick_offset_) tick_offset_ = Offset(-1);
  const Placement placement{record.key, partition_, partitions_};
  const auto decoded = decoder_.Decode(record.value, record.headers, placement);
  if (const auto* refusal = std::get_if<Refusal>(&decoded)) return Refuse(record, *refusal);
  const Event& event = *std::get<const Event*>(decoded);
  if (fold_->Apply({record.offset, record.stamp}, event) != Outcome::kRefused) return;
  if (record.offset >= silent_until_) letters_.push_back(MakeDeadLetter(record, fold_->refusal()));
}

void PartitionLoop::Refuse(const Record& record, const Refusal& refusal) {
  const Misplaced who =
      refusal.reason == RefusedReason::kWrongPartition ? decoder_.LastMisplaced() : Misplaced();
  fold_->Refuse({record.offset, record.stamp}, refusal.reason, who.source, who.sku);
  if (record.offset >= silent_until_) letters_.push_back(MakeDeadLetter(record, refusal));
}

absl::Status PartitionLoop::Checkpoint(Time now) {
  const std::lock_guard lock(mu_);
  TW_RETURN_IF_ERROR(CheckpointLocked(now));
  if (!OwesProgress()) return absl::OkStatus();
  Outgoing out;
  AddProgress(out);
  TW_RETURN_IF_ERROR(Send(out));
  progress_written_ = turn_.progress;
  return absl::OkStatus();
}

absl::Status PartitionLoop::CheckpointLocked(Time now) {
  TW_RETURN_IF_ERROR(Ready());
  TW_RETURN_IF_ERROR(Emit(true));
  if (!IsDirty()) return absl::OkStatus();
  retry_ = true;
  TW_RETURN_IF_ERROR(store_->WriteCheckpoint(*state_, marks_));
  ClearDirty(*state_);
  stored_.store(state_->next_offset.value(), std::memory_order_release);
  marks_changed_ = false;
  last_checkpoint_ = now;
  // Who is killed again and again loses no more than half of what was done since the start.
  behind_span_ = IsBehind() ? std::min(Span(behind_span_.value() * 2), options_.checkpoint_behind)
                            : options_.checkpoint_every;
  fold_->Evict(options_.cache_skus);
  retry_ = false;
  return absl::OkStatus();
}

bool PartitionLoop::OwesProgress() const {
  return stored_offset() > progress_written_ && stored_offset() >= silent_until_;
}

void PartitionLoop::AddProgress(Outgoing& out) {
  v1::Progress progress;
  progress.set_partition(partition_.value());
  progress.set_emitted_through(stored_offset().value());
  progress.set_linked_through(stored_offset().value());
  progress.set_log_id(log_->Id());
  out.Add({.topic = kStockProgress,
           .partition = partition_,
           .key = out.Keep(absl::StrCat(partition_.value())),
           .value = out.Keep(progress)});
  turn_.progress = stored_offset();
}

absl::StatusOr<bool> PartitionLoop::TickIfDue(Time now) {
  if (state_->timers.empty() || state_->timers.begin()->first.due > now) return false;
  // A clock that was set back does not put it off.
  const bool waits = now >= last_tick_ && now - last_tick_ < tick_wait_;
  if (tick_offset_.value() >= 0 || waits) return false;
  if (state_->log_time < last_tick_) TW_MARK("loop.ticks-slower");
  // The tick before came back and log time still is not there: its clock is behind this one.
  tick_wait_ = state_->log_time < last_tick_ ? std::min(Span(tick_wait_.value() * 2), kTickAtMost)
                                             : kTickEvery;
  const std::string value = EncodeTicked();
  const NewRecord record{.topic = kStockEvents, .partition = partition_, .key = "", .value = value};
  TW_ASSIGN_OR_RETURN(const auto appended, log_->Append({&record, 1}));
  tick_offset_ = appended[0].offset;
  last_tick_ = now;
  return true;
}

absl::Status PartitionLoop::Close(Time now) {
  TW_RETURN_IF_ERROR(Checkpoint(now));
  const std::lock_guard lock(mu_);
  reader_.reset();
  return absl::OkStatus();
}

void PartitionLoop::WaitForTheLog() { std::this_thread::sleep_for(std::chrono::milliseconds(1)); }

void PartitionLoop::Abandon() {
  const std::lock_guard lock(mu_);
  reader_.reset();
}

}  // namespace tallywire
