// SPDX-License-Identifier: Apache-2.0
#include "projector/run/partition.h"

#include <algorithm>
#include <array>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "ledger/check.h"
#include "ledger/status.h"
#include "ledger/topics.h"
#include "tallywire/v1/progress.pb.h"

namespace tallywire {
namespace {

constexpr Span kTickEvery = Seconds(1);
constexpr Span kTickAtMost = Seconds(60);

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
    Log* log, Partition partition, int32_t partitions, const ProgressMarks& progress,
    const Projector::Options& options) {
  std::unique_ptr<PartitionLoop> loop(
      new PartitionLoop(log, partition, partitions, progress, options));
  TW_RETURN_IF_ERROR(loop->OpenStore());
  TW_RETURN_IF_ERROR(loop->Load());
  loop->rows_out_ = std::max(loop->stored_offset_, loop->silent_until_);
  if (loop->stored_offset_ < loop->silent_until_) {
    loop->marks_.settle = true;
    loop->marks_changed_ = true;
  }
  return loop;
}

absl::Status PartitionLoop::OpenStore() {
  TW_ASSIGN_OR_RETURN(store_, Store::Open(folder_, {.log_id = log_->Id(),
                                                    .topic = std::string(kStockEvents),
                                                    .partition = partition_,
                                                    .partitions = partitions_}));
  return absl::OkStatus();
}

absl::Status PartitionLoop::Load() {
  fold_.reset();
  state_ = std::make_unique<FoldState>();
  StoreMarks marks;
  TW_RETURN_IF_ERROR(store_->Restore(state_.get(), &marks));
  marks_ = std::move(marks);
  marks_changed_ = false;
  stored_offset_ = state_->next_offset;
  folded_.store(stored_offset_.value(), std::memory_order_release);
  fold_ = std::make_unique<Fold>(state_.get(), store_.get());
  letters_.clear();
  TW_ASSIGN_OR_RETURN(const LogBounds bounds, log_->Bounds(kStockEvents, partition_));
  if (stored_offset_ > bounds.end) {
    return absl::FailedPreconditionError(
        absl::StrCat("partition ", partition_.value(), " is folded up to offset ",
                     stored_offset_.value(), ", but the log ends at ", bounds.end.value(),
                     ": the log has lost records, or is another one. Restore the log, or move ",
                     folder_, " away to fold anew what is there."));
  }
  TW_ASSIGN_OR_RETURN(reader_, log_->OpenReader(kStockEvents, partition_, stored_offset_));
  return absl::OkStatus();
}

bool PartitionLoop::IsDirty() const {
  return state_->next_offset != stored_offset_ || marks_changed_;
}

absl::StatusOr<bool> PartitionLoop::RunOnce(Time now) {
  const std::lock_guard lock(mu_);
  if (retry_) {
    // What is owed comes before what is new.
    TW_RETURN_IF_ERROR(CheckpointLocked(now));
  }
  TW_ASSIGN_OR_RETURN(const size_t folded, FoldBatch());
  const bool at_end = folded < options_.batch;
  const bool checkpoint_due = IsDirty() && (now - last_checkpoint_ >= options_.checkpoint_every ||
                                            state_->next_offset.value() - stored_offset_.value() >=
                                                options_.checkpoint_records);
  TW_RETURN_IF_ERROR(Emit(at_end || checkpoint_due));
  if (checkpoint_due) TW_RETURN_IF_ERROR(CheckpointLocked(now));
  bool more = folded > 0;
  if (marks_.settle) {
    if (!at_end) return true;
    TW_RETURN_IF_ERROR(Settle(now));
    more = true;
  } else if (!marks_.sweeps.empty()) {
    TW_RETURN_IF_ERROR(SweepStep(now));
    more = true;
  }
  if (!more) {
    TW_ASSIGN_OR_RETURN(const bool ticked, TickIfDue(now));
    more = ticked;
  }
  return more;
}

absl::StatusOr<size_t> PartitionLoop::FoldBatch() {
  TW_RETURN_IF_ERROR(reader_->Poll(options_.batch, Span(0), batch_));
  for (size_t i = 0; i < batch_.records.size(); ++i) {
    if (i % Fold::kAhead == 0) PrefetchFrom(i);
    const Record& record = batch_.records[i];
    if (record.offset != state_->next_offset) {
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
    TW_RETURN_IF_ERROR(Load());
    return read;
  }
  AddSweeps();
  folded_.store(state_->next_offset.value(), std::memory_order_release);
  return batch_.records.size();
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

void PartitionLoop::Refuse(const Record& record, const Refusal& refused) {
  const Refusal refusal = refused;  // the decoder is asked once more below
  std::string source;
  std::string sku;
  if (refusal.reason == RefusedReason::kWrongPartition) {
    const Placement right{record.key, PartitionOf(record.key, partitions_), partitions_};
    const auto decoded = decoder_.Decode(record.value, record.headers, right);
    if (const auto* event = std::get_if<const Event*>(&decoded)) {
      source = (*event)->source;
      sku = (*event)->sku;
    }
  }
  fold_->Refuse({record.offset, record.stamp}, refusal.reason, source, sku);
  if (record.offset >= silent_until_) letters_.push_back(MakeDeadLetter(record, refusal));
}

absl::Status PartitionLoop::Checkpoint(Time now) {
  const std::lock_guard lock(mu_);
  return CheckpointLocked(now);
}

absl::Status PartitionLoop::CheckpointLocked(Time now) {
  TW_RETURN_IF_ERROR(Emit(true));
  if (!IsDirty()) return absl::OkStatus();
  retry_ = true;
  TW_RETURN_IF_ERROR(store_->WriteCheckpoint(*state_, marks_));
  ClearDirty(*state_);
  stored_offset_ = state_->next_offset;
  marks_changed_ = false;
  last_checkpoint_ = now;
  fold_->Evict(options_.cache_skus);
  TW_RETURN_IF_ERROR(WriteProgress());
  retry_ = false;
  return absl::OkStatus();
}

absl::Status PartitionLoop::WriteProgress() {
  if (stored_offset_ <= progress_written_ || stored_offset_ < silent_until_) {
    return absl::OkStatus();
  }
  v1::Progress progress;
  progress.set_partition(partition_.value());
  progress.set_emitted_through(stored_offset_.value());
  progress.set_linked_through(stored_offset_.value());
  progress.set_log_id(log_->Id());
  const std::string key = absl::StrCat(partition_.value());
  const std::string value = progress.SerializeAsString();
  const NewRecord record{
      .topic = kStockProgress, .partition = partition_, .key = key, .value = value};
  TW_RETURN_IF_ERROR(log_->Append({&record, 1}).status());
  progress_written_ = stored_offset_;
  return absl::OkStatus();
}

absl::StatusOr<bool> PartitionLoop::TickIfDue(Time now) {
  if (state_->timers.empty() || state_->timers.begin()->first.due > now) return false;
  if (tick_offset_.value() >= 0 || now - last_tick_ < tick_wait_) return false;
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
  const std::lock_guard lock(mu_);
  TW_RETURN_IF_ERROR(CheckpointLocked(now));
  reader_.reset();
  return absl::OkStatus();
}

}  // namespace tallywire
