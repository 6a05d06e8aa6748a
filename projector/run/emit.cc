// SPDX-License-Identifier: Apache-2.0
// What a partition puts out: linked records, alerts and dead letters at once; rows of touched SKUs;
// rows that a definition touched, by a sweep beside the running fold.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "ledger/mark.h"
#include "ledger/status.h"
#include "ledger/topics.h"
#include "projector/run/partition.h"

namespace tallywire {
namespace {

// Records handed to the log at once.
constexpr size_t kChunk = 20'000;

std::string_view RootOf(std::string_view location) {
  return location.substr(0, location.find('/'));
}

// The oldest row of each tree of locations, among those that are not stored yet.
absl::flat_hash_map<std::string_view, Offset> OldestByRoot(const FoldState& state) {
  absl::flat_hash_map<std::string_view, Offset> oldest;
  const auto see = [&](LocationId location, Offset touched) {
    const std::string_view root = RootOf(state.locations.at(location).name);
    Offset& offset = oldest.try_emplace(root, touched).first->second;
    offset = std::min(offset, touched);
  };
  for (const SkuState* sku : state.dirty_skus) {
    for (const Place& place : sku->places) see(place.location, place.touch.offset);
    for (const PlaceRule& rule : sku->rules) see(rule.location, rule.touch.offset);
  }
  return oldest;
}

// Whether a SKU has a row there; yes if nobody can say.
bool IsStoredInside(const Store& store, std::string_view root) {
  std::vector<std::string> skus;
  return !store.ListSkusInside(root, "", 1, &skus).ok() || !skus.empty();
}

}  // namespace

absl::Status PartitionLoop::Emit(bool rows) {
  retry_ = true;
  Outgoing out;
  AddEffects(out);
  TW_RETURN_IF_ERROR(Send(out));
  EffectsAreOut();
  if (rows) TW_RETURN_IF_ERROR(EmitTouched());
  retry_ = false;
  return absl::OkStatus();
}

absl::Status PartitionLoop::Send(Outgoing& out) {
  return out.Send(log_, [this](const NewRecord& record, const Appended& where) {
    if (record.topic == kStockAvailability) watch_.Own(where.offset);
  });
}

void PartitionLoop::AddEffects(Outgoing& out) {
  const Effects& effects = fold_->effects();
  for (const LinkEffect& link : effects.links) {
    if (link.cause < linked_until_) {
      TW_MARK("emit.was-linked-before");
      continue;
    }
    for (int32_t p = 0; p < partitions_; ++p) {
      const std::string_view value = out.Keep(EncodeLocationCopied(
          Partition(p), partition_, link.cause, link.location, link.definition));
      out.Add({.topic = kStockEvents, .partition = Partition(p), .key = "", .value = value});
    }
  }
  v1::Alert alert;
  for (const AlertEffect& effect : effects.alerts) {
    if (effect.offset < silent_until_) {
      TW_MARK("emit.was-told-before");
      continue;
    }
    alert.Clear();
    EncodeAlert(effect, partition_, &alert);
    out.Add({.topic = kStockAlerts,
             .partition = partition_,
             .key = out.Keep(effect.sku.empty() ? effect.location : effect.sku),
             .value = out.Keep(alert)});
  }
  for (const DeadLetter& letter : letters_) {
    out.Add({.topic = kStockDeadLetters,
             .partition = partition_,
             .key = letter.key,
             .value = letter.value,
             .headers = letter.headers});
  }
}

void PartitionLoop::EffectsAreOut() {
  Effects& effects = fold_->effects();
  effects.links.clear();
  effects.alerts.clear();
  letters_.clear();
}

Offset PartitionLoop::RowThreshold() const {
  Offset threshold = rows_out_;
  for (const Sweep& sweep : marks_.sweeps) threshold = std::min(threshold, sweep.offset);
  return threshold;
}

absl::Status PartitionLoop::EmitTouched() {
  if (state_->next_offset >= silent_until_) {
    TW_RETURN_IF_ERROR(EmitSkus(fold_->effects().touched, RowThreshold()));
  }
  TouchedAreOut();
  return absl::OkStatus();
}

void PartitionLoop::TouchedAreOut() {
  // Alerts and links of the same records may still have to go out.
  std::vector<SkuState*>& touched = fold_->effects().touched;
  for (SkuState* sku : touched) sku->touched = false;
  touched.clear();
  rows_out_ = std::max(rows_out_, state_->next_offset);
}

absl::Status PartitionLoop::EmitSkus(const std::vector<SkuState*>& skus, Offset threshold) {
  Outgoing out;
  for (const SkuState* sku : skus) {
    AddRows(*sku, threshold, out);
    if (out.size() >= kChunk) TW_RETURN_IF_ERROR(Send(out));
  }
  return Send(out);
}

void PartitionLoop::AddRows(const SkuState& sku, Offset threshold, Outgoing& out) {
  v1::Availability message;
  std::string key = JoinKey(sku.sku, "");
  const size_t sku_part = key.size();
  for (const StockRow& row : RowsOf(sku, state_->locations)) {
    if (row.touch->offset < threshold) continue;
    message.Clear();
    EncodeRow(row, sku, partition_, &message);
    key.resize(sku_part);
    key.append(row.name);
    out.Add({.topic = kStockAvailability,
             .partition = partition_,
             .key = out.Keep(key),
             .value = out.Keep(message)});
  }
}

void PartitionLoop::AddSweeps() {
  Effects& effects = fold_->effects();
  if (effects.sweeps.empty()) return;
  const auto oldest = OldestByRoot(*state_);
  for (const SweepEffect& effect : effects.sweeps) {
    // Whoever owned the partition began it, or the comparison with what is out does its work.
    if (marks_.settle && effect.offset < silent_until_) {
      TW_MARK("emit.a-sweep-is-left-to-settling");
      continue;
    }
    const std::string_view root = RootOf(effect.location);
    // Rows newer than the definition have it in them already. A log begins with definitions, and
    // there is nothing yet that they could touch.
    const auto found = oldest.find(root);
    const bool in_memory = found != oldest.end() && found->second < effect.offset;
    if (!in_memory && !IsStoredInside(*store_, root)) continue;
    // One that has not begun yet goes over everything, this definition's rows included. Unless a
    // comparison takes its place, which leaves newer rows alone.
    const auto goes_over_it = [&](const Sweep& sweep) {
      const bool compared = marks_.settle && sweep.offset < settle_rows_;
      return sweep.location == root && sweep.cursor.empty() &&
             (!compared || effect.offset < settle_rows_);
    };
    const bool waiting = std::any_of(marks_.sweeps.begin(), marks_.sweeps.end(), goes_over_it);
    if (waiting) {
      TW_MARK("emit.a-waiting-sweep-goes-over-it");
      continue;
    }
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
    TW_MARK("emit.a-sweep-takes-several-steps");
    sweep.cursor = names.back();
  }
  return absl::OkStatus();
}

}  // namespace tallywire
