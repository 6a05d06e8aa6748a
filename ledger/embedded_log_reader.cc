// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>

#include "absl/strings/str_cat.h"
#include "ledger/embedded_log_impl.h"
#include "ledger/status.h"

namespace tallywire::embedded {
namespace {

constexpr size_t kMaxPollBytes = size_t{8} << 20;
// Above this a Poll waits as long as it would for ever: the clock's own arithmetic overflows.
constexpr Span kLongestWait = Seconds(int64_t{365} * 24 * 3600);

}  // namespace

EmbeddedReader::EmbeddedReader(EmbeddedLogImpl* log, PartitionState* partition, Offset from)
    : log_(log), partition_(partition), position_(from) {
  std::lock_guard lock(log_->readers_mu_);
  log_->readers_.insert(this);
}

EmbeddedReader::~EmbeddedReader() {
  std::lock_guard lock(log_->readers_mu_);
  log_->readers_.erase(this);
}

Offset EmbeddedReader::WaitForRecords(Span wait) {
  const std::chrono::microseconds span(std::clamp(wait, Span(0), kLongestWait).value());
  std::unique_lock lock(log_->mu_);
  if (span.count() > 0) {
    partition_->appended.wait_for(lock, span, [&] { return partition_->end > position_; });
  }
  return partition_->end;
}

absl::Status EmbeddedReader::Poll(size_t max, Span wait, RecordBatch& out) {
  EmbeddedBatch& batch = EmbeddedBatch::Of(out);
  batch.Begin(out);
  if (max == 0) return absl::OkStatus();
  for (;;) {
    const Offset end = WaitForRecords(wait);
    if (end <= position_) return absl::OkStatus();
    TW_ASSIGN_OR_RETURN(const bool seen_all, Read(end, max, batch));
    if (batch.Finish(out)) {
      position_ = out.records.back().offset.Next();
      return absl::OkStatus();
    }
    // What lay below `end` has been dropped since it was written.
    if (seen_all) position_ = end;
  }
}

absl::StatusOr<bool> EmbeddedReader::Read(Offset end, size_t max, EmbeddedBatch& batch) {
  std::lock_guard it_lock(it_mu_);
  const bool fresh = !it_;
  std::optional<RocksIterator> it = std::exchange(it_, std::nullopt);
  if (fresh) {
    it = log_->store_->ForwardRange(RecordKey(partition_->topic, partition_->partition, position_),
                                    RecordKey(partition_->topic, partition_->partition, end));
  }
  {
    // Looked at when the iterator is there: what is dropped from now on it still sees.
    std::lock_guard lock(log_->mu_);
    if (position_ < partition_->begin) {
      return absl::OutOfRangeError(absl::StrCat(
          "offset ", position_.value(), " of partition ", partition_->partition.value(),
          " has been dropped: it begins at ", partition_->begin.value()));
    }
  }
  size_t records = 0;
  size_t bytes = 0;
  for (; it->Valid() && records < max && bytes < kMaxPollBytes; it->Next()) {
    const std::string_view row = it->value();
    const std::optional<Offset> offset = OffsetOfRecordKey(it->key());
    if (!offset || !batch.Add(partition_->partition, *offset, row)) {
      return log_->Damaged(*partition_, it->key());
    }
    ++records;
    bytes += row.size();
  }
  TW_RETURN_IF_ERROR(it->status());
  if (it->Valid() && !log_->write_failed_) it_ = std::move(it);
  return fresh;
}

}  // namespace tallywire::embedded
