// SPDX-License-Identifier: Apache-2.0
// What a partition puts out: linked records, alerts and dead letters at once; rows of touched SKUs;
// rows that a definition touched, by a sweep beside the running fold; and after a take-over what is
// missing.
#include <algorithm>
#include <deque>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "ledger/status.h"
#include "ledger/topics.h"
#include "projector/run/partition.h"

namespace tallywire {
namespace {

// Records handed to the log at once.
constexpr size_t kChunk = 20'000;

// Records with the memory they lie in.
class Outgoing {
 public:
  std::string_view Keep(std::string text) { return kept_.emplace_back(std::move(text)); }
  void Add(const NewRecord& record) { records_.push_back(record); }
  size_t size() const { return records_.size(); }

  absl::Status Send(Log* log) {
    if (records_.empty()) return absl::OkStatus();
    TW_RETURN_IF_ERROR(log->Append(records_).status());
    records_.clear();
    kept_.clear();
    return absl::OkStatus();
  }

 private:
  std::vector<NewRecord> records_;
  std::deque<std::string> kept_;
};

std::string_view RootOf(std::string_view location) {
  return location.substr(0, location.find('/'));
}

}  // namespace

absl::Status PartitionLoop::Emit(bool rows) {
  retry_ = true;
  TW_RETURN_IF_ERROR(EmitEffects());
  if (rows) TW_RETURN_IF_ERROR(EmitTouched());
  retry_ = false;
  return absl::OkStatus();
}

absl::Status PartitionLoop::EmitEffects() {
  Effects& effects = fold_->effects();
  Outgoing out;
  for (const LinkEffect& link : effects.links) {
    if (link.cause < linked_until_) continue;
    for (int32_t p = 0; p < partitions_; ++p) {
      const std::string_view value = out.Keep(EncodeLocationCopied(
          Partition(p), partition_, link.cause, link.location, link.definition));
      out.Add({.topic = kStockEvents, .partition = Partition(p), .key = "", .value = value});
    }
  }
  for (const AlertEffect& effect : effects.alerts) {
    if (effect.offset < silent_until_) continue;
    v1::Alert alert;
    EncodeAlert(effect, partition_, &alert);
    out.Add({.topic = kStockAlerts,
             .partition = partition_,
             .key = out.Keep(effect.sku.empty() ? effect.location : effect.sku),
             .value = out.Keep(alert.SerializeAsString())});
  }
  for (const DeadLetter& letter : letters_) {
    out.Add({.topic = kStockDeadLetters,
             .partition = partition_,
             .key = letter.key,
             .value = letter.value,
             .headers = letter.headers});
  }
  TW_RETURN_IF_ERROR(out.Send(log_));
  effects.links.clear();
  effects.alerts.clear();
  letters_.clear();
  return absl::OkStatus();
}

Offset PartitionLoop::RowThreshold() const {
  Offset threshold = rows_out_;
  for (const Sweep& sweep : marks_.sweeps) threshold = std::min(threshold, sweep.offset);
  return threshold;
}

absl::Status PartitionLoop::EmitTouched() {
  Effects& effects = fold_->effects();
  if (state_->next_offset >= silent_until_) {
    TW_RETURN_IF_ERROR(EmitSkus(effects.touched, RowThreshold()));
  }
  effects.Clear();
  rows_out_ = std::max(rows_out_, state_->next_offset);
  return absl::OkStatus();
}

absl::Status PartitionLoop::EmitSkus(const std::vector<SkuState*>& skus, Offset threshold) {
  Outgoing out;
  v1::Availability message;
  for (const SkuState* sku : skus) {
    for (const StockRow& row : RowsOf(*sku, state_->locations)) {
      if (row.touch->offset < threshold) continue;
      message.Clear();
      EncodeRow(row, *sku, partition_, &message);
      out.Add({.topic = kStockAvailability,
               .partition = partition_,
               .key = out.Keep(JoinKey(sku->sku, row.name)),
               .value = out.Keep(message.SerializeAsString())});
    }
    if (out.size() >= kChunk) TW_RETURN_IF_ERROR(out.Send(log_));
  }
  return out.Send(log_);
}

void PartitionLoop::AddSweeps() {
  Effects& effects = fold_->effects();
  for (const SweepEffect& effect : effects.sweeps) {
    const std::string_view root = RootOf(effect.location);
    // One that has not begun yet goes over everything, this definition's rows included.
    const bool waiting = std::any_of(
        marks_.sweeps.begin(), marks_.sweeps.end(),
        [&](const Sweep& sweep) { return sweep.location == root && sweep.cursor.empty(); });
    if (waiting) continue;
    marks_.sweeps.push_back({std::string(root), effect.offset, ""});
    marks_changed_ = true;
  }
  effects.sweeps.clear();
}

absl::Status PartitionLoop::SweepStep(Time now) {
  Sweep& sweep = marks_.sweeps.front();
  if (sweep.cursor.empty()) {
    // The store names the SKUs of a place: all that had a row before the definition are in it now.
    TW_RETURN_IF_ERROR(CheckpointLocked(now));
  }
  std::vector<std::string> names;
  TW_RETURN_IF_ERROR(
      store_->ListSkusInside(sweep.location, sweep.cursor, options_.sweep_step, &names));
  std::vector<SkuState*> skus;
  for (const std::string& name : names) {
    SkuState* sku = fold_->FindSku(name);
    if (sku == nullptr) continue;
    skus.push_back(sku);
  }
  TW_RETURN_IF_ERROR(store_->TakeReadError());
  TW_RETURN_IF_ERROR(EmitSkus(skus, RowThreshold()));
  marks_changed_ = true;
  if (names.size() < options_.sweep_step) {
    marks_.sweeps.erase(marks_.sweeps.begin());
  } else {
    sweep.cursor = names.back();
  }
  return absl::OkStatus();
}

absl::Status PartitionLoop::Settle(Time now) {
  TW_RETURN_IF_ERROR(CheckpointLocked(now));
  absl::flat_hash_map<std::string, int64_t> out;
  TW_ASSIGN_OR_RETURN(const LogBounds bounds, log_->Bounds(kStockAvailability, partition_));
  TW_ASSIGN_OR_RETURN(const auto reader,
                      log_->OpenReader(kStockAvailability, partition_, bounds.begin));
  RecordBatch batch;
  v1::Availability row;
  while (reader->Position() < bounds.end) {
    TW_RETURN_IF_ERROR(reader->Poll(options_.batch, Span(0), batch));
    if (batch.records.empty()) break;
    for (const Record& record : batch.records) {
      if (!row.ParseFromArray(record.value.data(), static_cast<int>(record.value.size()))) {
        return absl::DataLossError(absl::StrCat("stock.availability ", partition_.value(), "/",
                                                record.offset.value(), ": no Availability"));
      }
      if (row.version() >= state_->next_offset.value()) {
        return absl::DataLossError(
            absl::StrCat("stock.availability ", partition_.value(), "/", record.offset.value(),
                         " rests on record ", row.version(), " of stock.events, which ends at ",
                         state_->next_offset.value(), ": the log has lost records. Restore it."));
      }
      out[std::string(record.key)] = row.version();
    }
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
        const auto found = out.find(JoinKey(name, r.name));
        if (found != out.end() && found->second >= r.touch->offset.value()) continue;
        behind.push_back(sku);
        break;
      }
      after = name;
    }
    TW_RETURN_IF_ERROR(store_->TakeReadError());
    TW_RETURN_IF_ERROR(EmitSkus(behind, Offset(0)));
  } while (names.size() == options_.sweep_step);
  marks_.settle = false;
  marks_.sweeps.clear();
  marks_changed_ = true;
  return absl::OkStatus();
}

}  // namespace tallywire
