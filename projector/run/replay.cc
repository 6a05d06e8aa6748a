// SPDX-License-Identifier: Apache-2.0
#include "projector/run/replay.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "ledger/codec.h"
#include "ledger/status.h"
#include "ledger/topics.h"
#include "projector/fold/fold.h"

namespace tallywire {
namespace {

constexpr size_t kBatch = 10'000;
constexpr int64_t kCheckpointRecords = 500'000;
constexpr size_t kCacheSkus = 1'000'000;

void Remove(const std::string& path) {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

void FoldRecords(const RecordBatch& batch, const StoreIdentity& identity, Offset end,
                 Decoder& decoder, Fold& fold) {
  for (const Record& record : batch.records) {
    if (record.offset >= end) return;
    const auto decoded = decoder.Decode(record.value, record.headers,
                                        {record.key, identity.partition, identity.partitions});
    const FoldRecord where{record.offset, record.stamp};
    if (const auto* event = std::get_if<const Event*>(&decoded)) {
      fold.Apply(where, **event);
      continue;
    }
    const RefusedReason reason = std::get<Refusal>(decoded).reason;
    // The state remembers which sources misplace their records.
    std::string source;
    if (reason == RefusedReason::kWrongPartition) {
      const auto again = decoder.Decode(
          record.value, record.headers,
          {record.key, PartitionOf(record.key, identity.partitions), identity.partitions});
      if (const auto* event = std::get_if<const Event*>(&again)) source = (*event)->source;
    }
    fold.Refuse(where, reason, source, "");
  }
}

}  // namespace

ScratchFolder::ScratchFolder(std::string path) : path_(std::move(path)) { Remove(path_); }
ScratchFolder::~ScratchFolder() { Remove(path_); }

absl::StatusOr<std::unique_ptr<Store>> Replay(Log* log, const StoreIdentity& identity, Offset end,
                                              const std::string& folder,
                                              const std::function<void(int64_t)>& folded) {
  TW_ASSIGN_OR_RETURN(std::unique_ptr<Store> store, Store::Open(folder, identity));
  FoldState state;
  StoreMarks marks;
  TW_RETURN_IF_ERROR(store->Restore(&state, &marks));
  Fold fold(&state, store.get());
  Decoder decoder;
  RecordBatch batch;
  TW_ASSIGN_OR_RETURN(const auto reader,
                      log->OpenReader(kStockEvents, identity.partition, state.next_offset));
  Offset stored = state.next_offset;
  while (state.next_offset < end) {
    const Offset before = state.next_offset;
    TW_RETURN_IF_ERROR(reader->Poll(kBatch, Span(0), batch));
    FoldRecords(batch, identity, end, decoder, fold);
    TW_RETURN_IF_ERROR(store->TakeReadError());
    fold.effects().Clear();
    if (state.next_offset == before) {
      return absl::DataLossError(
          absl::StrCat("stock.events ", identity.partition.value(), " ends before ", end.value()));
    }
    folded(state.next_offset.value() - before.value());
    if (state.next_offset.value() - stored.value() >= kCheckpointRecords ||
        state.next_offset >= end) {
      TW_RETURN_IF_ERROR(store->WriteCheckpoint(state, marks));
      ClearDirty(state);
      fold.Evict(kCacheSkus);
      stored = state.next_offset;
    }
  }
  return store;
}

}  // namespace tallywire
