// SPDX-License-Identifier: Apache-2.0
// A partition may have had another owner, and that one may not know yet that it is none any more.
// An old number must not stay behind: after a take-over everything that is out is compared with the
// state once, and from then on whatever lies between own records.
#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "ledger/mark.h"
#include "ledger/read_to.h"
#include "ledger/status.h"
#include "ledger/topics.h"
#include "projector/run/partition.h"

namespace tallywire {
namespace {

// Between two looks at an idle partition's end.
constexpr Span kLookEvery = Seconds(3);

constexpr Offset kAll{INT64_MAX};

// What is none counts as older than any.
int64_t VersionOf(const Record& record, v1::Availability& row) {
  if (row.ParseFromArray(record.value.data(), static_cast<int>(record.value.size()))) {
    return row.version();
  }
  return -1;
}

std::string_view SkuOfKey(std::string_view key) { return key.substr(0, key.find('\0')); }

}  // namespace

// One from beyond what is folded is another owner's, which is ahead: it is reached soon. There is
// nothing beyond the log's end that it could have come from.
absl::Status PartitionLoop::CheckVersion(int64_t version, Offset offset, Offset* events_end) {
  if (version < events_end->value()) return absl::OkStatus();
  TW_ASSIGN_OR_RETURN(const LogBounds bounds, log_->Bounds(kStockEvents, partition_));
  *events_end = bounds.end;
  if (version < events_end->value()) {
    TW_MARK("settle.another-owner-is-ahead");
    return absl::OkStatus();
  }
  return absl::DataLossError(absl::StrCat(
      "stock.availability ", partition_.value(), "/", offset.value(), " rests on record ", version,
      " of stock.events, which ends at ", events_end->value(), ": records ", events_end->value(),
      " to ", version, " are lost. Restore the log."));
}

absl::Status PartitionLoop::TakeOver() {
  rows_out_ = std::max(stored_offset(), silent_until_);
  if (stored_offset() >= silent_until_ && !log_->IsShared() && !marks_.settle) {
    return absl::OkStatus();
  }
  TW_ASSIGN_OR_RETURN(const LogBounds bounds, log_->Bounds(kStockAvailability, partition_));
  marks_.settle = true;
  marks_changed_ = true;
  settle_rows_ = rows_out_;
  settle_out_ = bounds.end;
  watch_.Begin(bounds.end);
  return absl::OkStatus();
}

// Rows from settle_rows_ on go out by the running fold or by a sweep, whatever was out before.
absl::Status PartitionLoop::Settle(Time now) {
  if (settle_rows_ > Offset(0) || settle_out_ > Offset(0)) {
    TW_RETURN_IF_ERROR(CompareWithOut(now));
  }
  last_look_ = now;
  marks_.settle = false;
  std::erase_if(marks_.sweeps, [this](const Sweep& s) { return s.offset < settle_rows_; });
  marks_changed_ = true;
  return absl::OkStatus();
}

absl::Status PartitionLoop::CompareWithOut(Time now) {
  TW_RETURN_IF_ERROR(CheckpointLocked(now));
  absl::flat_hash_map<std::string, int64_t> out;
  TW_ASSIGN_OR_RETURN(const LogBounds bounds, log_->Bounds(kStockAvailability, partition_));
  const Offset out_end = std::min(settle_out_, bounds.end);
  Offset events_end = state_->next_offset;
  v1::Availability row;
  const auto look = [&](const Record& record) -> absl::Status {
    const int64_t version = VersionOf(record, row);
    TW_RETURN_IF_ERROR(CheckVersion(version, record.offset, &events_end));
    out[std::string(record.key)] = version;
    return absl::OkStatus();
  };
  if (bounds.begin < out_end) {
    TW_RETURN_IF_ERROR(
        ReadRange(*log_, kStockAvailability, partition_, bounds.begin, out_end, look));
  }
  std::string after;
  std::vector<std::string> names;
  do {
    names.clear();
    TW_RETURN_IF_ERROR(store_->ListSkus(after, options_.sweep_step, &names));
    std::vector<SkuState*> behind;
    for (const std::string& name : names) {
      SkuState* sku = fold_->FindSku(name);
      if (sku == nullptr) continue;
      for (const StockRow& r : RowsOf(*sku, state_->locations)) {
        if (r.touch->offset >= settle_rows_) continue;
        const auto found = out.find(JoinKey(name, r.name));
        if (found != out.end() && found->second >= r.touch->offset.value()) continue;
        TW_MARK("settle.a-row-is-missing-or-old");
        behind.push_back(sku);
        break;
      }
      after = name;
    }
    TW_RETURN_IF_ERROR(store_->TakeReadError());
    TW_RETURN_IF_ERROR(EmitSkus(behind, Offset(0)));
  } while (names.size() == options_.sweep_step);
  return absl::OkStatus();
}

absl::Status PartitionLoop::Watch(Time now) {
  if (IsItsMoment(last_look_, now, kLookEvery)) {
    last_look_ = now;
    TW_RETURN_IF_ERROR(CheckLog());
    TW_ASSIGN_OR_RETURN(const LogBounds bounds, log_->Bounds(kStockAvailability, partition_));
    watch_.End(bounds.end);
  }
  if (watch_.holes().empty()) return absl::OkStatus();
  std::vector<SkuState*> behind;
  for (const OutputWatch::Hole& hole : watch_.holes()) {
    TW_RETURN_IF_ERROR(Mend(hole, behind));
  }
  // By name, each once: the same whatever order they came in.
  std::sort(behind.begin(), behind.end(),
            [](const SkuState* a, const SkuState* b) { return a->sku < b->sku; });
  behind.erase(std::unique(behind.begin(), behind.end()), behind.end());
  watch_.Mended();
  const absl::Status sent = EmitSkus(behind, Offset(0));
  if (sent.ok()) return sent;
  // Nobody knows what of it is out: all of it is compared once more.
  TW_MARK("settle.an-answer-failed");
  marks_.settle = true;
  marks_changed_ = true;
  settle_rows_ = settle_out_ = kAll;
  return sent;
}

absl::Status PartitionLoop::Mend(const OutputWatch::Hole& hole, std::vector<SkuState*>& behind) {
  v1::Availability row;
  Offset events_end = state_->next_offset;
  return ReadRange(*log_, kStockAvailability, partition_, hole.begin, hole.end,
                   [&](const Record& record) -> absl::Status {
                     const int64_t version = VersionOf(record, row);
                     TW_RETURN_IF_ERROR(CheckVersion(version, record.offset, &events_end));
                     SkuState* sku = fold_->FindSku(SkuOfKey(record.key));
                     TW_RETURN_IF_ERROR(store_->TakeReadError());
                     if (sku == nullptr) return absl::OkStatus();
                     for (const StockRow& own : RowsOf(*sku, state_->locations)) {
                       if (JoinKey(sku->sku, own.name) != record.key) continue;
                       // The whole picture, so that the TOTAL comes last.
                       if (version >= own.touch->offset.value()) continue;
                       TW_MARK("settle.an-old-row-is-answered");
                       behind.push_back(sku);
                     }
                     return absl::OkStatus();
                   });
}

}  // namespace tallywire
