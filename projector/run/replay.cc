// SPDX-License-Identifier: Apache-2.0
#include "projector/run/replay.h"

#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "ledger/codec.h"
#include "ledger/read_to.h"
#include "ledger/status.h"
#include "ledger/topics.h"
#include "projector/fold/fold.h"

namespace tallywire {
namespace {

constexpr int64_t kTellEvery = 10'000;
constexpr int64_t kCheckpointRecords = 500'000;
constexpr size_t kCacheSkus = 1'000'000;

void FoldOne(const Record& record, const StoreIdentity& identity, Decoder& decoder, Fold& fold) {
  const auto decoded = decoder.Decode(record.value, record.headers,
                                      {record.key, identity.partition, identity.partitions});
  const FoldRecord where{record.offset, record.stamp};
  if (const auto* event = std::get_if<const Event*>(&decoded)) {
    fold.Apply(where, **event);
    return;
  }
  const RefusedReason reason = std::get<Refusal>(decoded).reason;
  // The state remembers which sources misplace their records.
  const Misplaced who =
      reason == RefusedReason::kWrongPartition ? decoder.LastMisplaced() : Misplaced();
  fold.Refuse(where, reason, who.source, who.sku);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> Replay(Log* log, const StoreIdentity& identity, Offset end,
                                              const Scratch& scratch,
                                              const std::function<void(int64_t)>& folded) {
  TW_ASSIGN_OR_RETURN(std::unique_ptr<Store> store,
                      Store::Open(scratch.folder, identity, scratch.open_rocks, true));
  FoldState state;
  StoreMarks marks;
  TW_RETURN_IF_ERROR(store->Restore(&state, &marks));
  Fold fold(&state, store.get());
  Decoder decoder;
  RecordBatch batch;
  TW_ASSIGN_OR_RETURN(const auto reader,
                      log->OpenReader(kStockEvents, identity.partition, state.next_offset));
  const auto checkpoint = [&]() -> absl::Status {
    TW_RETURN_IF_ERROR(store->TakeReadError());
    fold.effects().Clear();
    TW_RETURN_IF_ERROR(store->WriteCheckpoint(state, marks));
    ClearDirty(state);
    fold.Evict(kCacheSkus);
    return absl::OkStatus();
  };
  int64_t since_checkpoint = 0;
  int64_t untold = 0;
  TW_RETURN_IF_ERROR(ReadTo(*reader, end, [&](const Record& record) -> absl::Status {
    FoldOne(record, identity, decoder, fold);
    if (++untold == kTellEvery) folded(std::exchange(untold, 0));
    if (++since_checkpoint < kCheckpointRecords) return absl::OkStatus();
    since_checkpoint = 0;
    return checkpoint();
  }));
  folded(untold);
  // A partition without records has no checkpoint either.
  if (end == Offset(0)) return store;
  state.next_offset = end;
  TW_RETURN_IF_ERROR(checkpoint());
  return store;
}

}  // namespace tallywire
