// SPDX-License-Identifier: Apache-2.0
// What a topic's Cleanup allows to drop: after appends, by the thread that appended, or when asked.

#include <xxhash.h>

#include <algorithm>
#include <random>

#include "absl/container/flat_hash_set.h"
#include "ledger/embedded_log_impl.h"
#include "ledger/mark.h"
#include "ledger/status.h"

namespace tallywire::embedded {
namespace {

constexpr size_t kDeletionsPerWrite = 10'000;

}  // namespace

void EmbeddedLogImpl::CleanIfDue(const Call& call) {
  if (options_.compact_after <= 0) return;
  PartitionState* last = nullptr;
  for (PartitionState* state : call.targets) {
    if (state == last || state->cleanup == Cleanup::kForever) continue;
    last = state;
    std::unique_lock cleaning(clean_mu_, std::try_to_lock);
    if (!cleaning) return;
    {
      std::lock_guard lock(mu_);
      if (state->new_records < std::max(options_.compact_after, state->kept)) continue;
    }
    IgnoreError(Clean(*state), "the append is done; what was not dropped is dropped another time");
  }
}

absl::Status EmbeddedLogImpl::Clean(PartitionState& state) {
  if (state.cleanup == Cleanup::kForever) return absl::OkStatus();
  {
    std::lock_guard lock(mu_);
    state.new_records = 0;
  }
  return state.cleanup == Cleanup::kCompact ? DropOverwritten(state) : DropExpired(state);
}

// From the newest to the oldest: a key that has been seen is overwritten. Keys are remembered by
// 128 bits under a seed of this run, which nobody can choose keys against.
absl::Status EmbeddedLogImpl::DropOverwritten(PartitionState& state) {
  LogBounds bounds;
  {
    std::lock_guard lock(mu_);
    bounds = {state.begin, state.end};
  }
  std::random_device random;
  const uint64_t seed = (uint64_t{random()} << 32) | random();
  absl::flat_hash_set<std::pair<uint64_t, uint64_t>> seen;
  RocksBatch batch;
  size_t deletions = 0;
  const auto drop = [&] {
    // Not synced: what comes back is dropped another time.
    const absl::Status status = store_->Write(batch, false);
    batch.Clear();
    deletions = 0;
    return status;
  };
  batch.Put(BoundsRowKey(state.topic, state.partition), EncodeBoundsRow(bounds));
  RocksIterator it = store_->BackwardRange(PartitionPrefix(state.topic, state.partition),
                                           RecordKey(state.topic, state.partition, bounds.end));
  for (; it.Valid(); it.Next()) {
    RecordRow row;
    if (!DecodeRecord(it.value(), row)) return Damaged(state, it.key());
    const XXH128_hash_t hash = XXH3_128bits_withSeed(row.key.data(), row.key.size(), seed);
    if (seen.insert({hash.low64, hash.high64}).second) continue;
    TW_MARK("log.an-overwritten-record-goes");
    batch.Delete(it.key());
    if (++deletions == kDeletionsPerWrite) TW_RETURN_IF_ERROR(drop());
  }
  TW_RETURN_IF_ERROR(it.status());
  if (deletions > 0) TW_RETURN_IF_ERROR(drop());
  std::lock_guard lock(mu_);
  state.kept = static_cast<int64_t>(seen.size());
  return absl::OkStatus();
}

// As far as the first record that is young enough: stamps need not rise.
absl::Status EmbeddedLogImpl::DropExpired(PartitionState& state) {
  LogBounds bounds;
  Time cutoff;
  {
    std::lock_guard lock(mu_);
    bounds = {state.begin, state.end};
    cutoff = options_.clock() - state.retention;
  }
  RocksIterator it = store_->ForwardRange(RecordKey(state.topic, state.partition, bounds.begin),
                                          RecordKey(state.topic, state.partition, bounds.end));
  RocksBatch batch;
  Offset begin = bounds.begin;
  // Told before anything is gone, so that no reader takes the hole for the log's own.
  const auto drop = [&] {
    {
      std::lock_guard lock(mu_);
      state.begin = begin;
    }
    batch.Put(BoundsRowKey(state.topic, state.partition), EncodeBoundsRow({begin, bounds.end}));
    const absl::Status status = store_->Write(batch, true);
    batch.Clear();
    return status;
  };
  size_t deletions = 0;
  for (; it.Valid(); it.Next()) {
    RecordRow row;
    const std::optional<Offset> offset = OffsetOfRecordKey(it.key());
    if (!offset || !DecodeRecord(it.value(), row)) return Damaged(state, it.key());
    if (row.stamp >= cutoff) break;
    TW_MARK("log.an-expired-record-goes");
    begin = offset->Next();
    batch.Delete(it.key());
    if (++deletions % kDeletionsPerWrite == 0) TW_RETURN_IF_ERROR(drop());
  }
  TW_RETURN_IF_ERROR(it.status());
  return deletions % kDeletionsPerWrite == 0 ? absl::OkStatus() : drop();
}

absl::Status EmbeddedLogImpl::Compact() {
  std::vector<const Topic*> topics;
  {
    std::lock_guard lock(mu_);
    for (const auto& [name, topic] : topics_) topics.push_back(topic.get());
  }
  std::lock_guard cleaning(clean_mu_);
  for (const Topic* topic : topics) {
    if (topic->spec.cleanup == Cleanup::kForever) continue;
    for (const auto& state : topic->partitions) TW_RETURN_IF_ERROR(Clean(*state));
    const std::string prefix = TopicPrefix(topic->id);
    TW_RETURN_IF_ERROR(store_->CompactRange(prefix, PrefixEnd(prefix)));
  }
  return absl::OkStatus();
}

}  // namespace tallywire::embedded
