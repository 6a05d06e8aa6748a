// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/fold_player.h"

#include <map>
#include <string_view>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "ledger/check.h"
#include "ledger/topics.h"
#include "projector/fold/picture.h"
#include "projector/run/encode.h"
#include "tests/fuzz/input.h"

namespace tallywire::fuzz {
namespace {

constexpr char kFolder[] = "state";

void CheckOk(const absl::Status& status, const char* what) {
  CheckSame(what, "OK", status.ToString());
}

}  // namespace

std::string ToldOf::Text() const {
  std::string text = absl::StrCat(static_cast<int>(outcome), " ", reason, "\n");
  for (const v1::Alert& alert : alerts) absl::StrAppend(&text, alert.SerializeAsString(), "\n");
  for (const v1::Availability& row : rows) absl::StrAppend(&text, row.SerializeAsString(), "\n");
  for (const std::string& link : links) absl::StrAppend(&text, link, "\n");
  return text;
}

Player::Player(const FoldInput& input, bool calm) : input_(input), calm_(calm) {
  auto store = Store::Open(kFolder,
                           {.log_id = "log",
                            .topic = std::string(kStockEvents),
                            .partition = Partition(0),
                            .partitions = input.partitions},
                           disk_.Opener());
  CheckOk(store.status(), "opening a store");
  store_ = *std::move(store);
  Load();
}

void Player::Load() {
  fold_.reset();
  state_ = std::make_unique<FoldState>();
  CheckOk(store_->Restore(state_.get(), &marks_), "restoring a state");
  fold_ = std::make_unique<Fold>(state_.get(), store_.get());
}

void Player::Checkpoint() {
  CheckOk(store_->WriteCheckpoint(*state_, marks_), "a checkpoint");
  ClearDirty(*state_);
}

void Player::Play() {
  size_t i = 0;
  std::vector<bool> crashed(input_.records.size(), false);
  while (i < input_.records.size()) {
    FoldOne(i);
    const After after = calm_ ? After() : input_.after[i];
    if (after.crash && !crashed[i]) {
      crashed[i] = true;
      Load();
      i = static_cast<size_t>(state_->next_offset.value());
      continue;
    }
    ++i;
    if (!after.checkpoint) continue;
    Checkpoint();
    if (after.evict) fold_->Evict(0);
  }
  Checkpoint();
}

void Player::FoldOne(size_t i) {
  const sim::LogRecord& record = input_.records[i];
  const FoldRecord at{.offset = Offset(record.offset), .stamp = Time(record.stamp)};
  const auto decoded =
      decoder_.Decode(record.value, record.headers, {record.key, Partition(0), input_.partitions});
  ToldOf told;
  if (const auto* refusal = std::get_if<Refusal>(&decoded)) {
    const bool misplaced = refusal->reason == RefusedReason::kWrongPartition;
    const Misplaced who = misplaced ? decoder_.LastMisplaced() : Misplaced();
    fold_->Refuse(at, refusal->reason, who.source, who.sku);
    told = TakeEffects(i);
    told.outcome = Outcome::kRefused;
    told.reason = static_cast<int>(refusal->reason);
  } else {
    const Event& event = *std::get<const Event*>(decoded);
    if (!event.sku.empty()) skus_.emplace(event.sku);
    const Outcome outcome = fold_->Apply(at, event);
    told = TakeEffects(i);
    told.outcome = outcome;
    if (outcome == Outcome::kRefused) told.reason = static_cast<int>(fold_->refusal().reason);
  }
  CheckOk(store_->TakeReadError(), "reading rows");
  TW_CHECK(state_->next_offset == Offset(record.offset + 1), "on to the next record");
  if (i == told_.size()) {
    told_.push_back(std::move(told));
  } else {
    CheckSame("what followed from a record, and again after a crash", told_[i].Text(), told.Text());
  }
}

ToldOf Player::TakeEffects(size_t i) {
  ToldOf told;
  Effects& effects = fold_->effects();
  for (const AlertEffect& alert : effects.alerts) {
    EncodeAlert(alert, Partition(0), &told.alerts.emplace_back());
  }
  for (const LinkEffect& link : effects.links) told.links.push_back(link.location);
  std::set<std::string> touched;
  for (const SkuState* sku : effects.touched) touched.insert(sku->sku);
  if (!effects.sweeps.empty()) touched = skus_;
  effects.Clear();
  for (const std::string& sku : touched) {
    AddRows(sku, input_.records[i].offset, &told.rows);
  }
  return told;
}

void Player::AddRows(const std::string& sku, int64_t offset, std::vector<v1::Availability>* rows) {
  const SkuState* state = fold_->FindSku(sku);
  if (state == nullptr) return;
  for (const StockRow& row : RowsOf(*state, state_->locations)) {
    TW_CHECK(row.touch != nullptr && row.touch->offset.value() <= offset, "a row has a version");
    if (row.touch->offset.value() != offset) continue;
    EncodeRow(row, *state, Partition(0), &rows->emplace_back());
  }
}

void Player::CheckState() {
  const FoldCounts& counts = state_->counts;
  TW_CHECK(counts.applied + counts.duplicates + counts.refused ==
               static_cast<int64_t>(input_.records.size()),
           "every record is counted once");
  std::vector<std::string> stored;
  CheckOk(store_->ListSkus("", input_.records.size() + 1, &stored), "a list of SKUs");
  for (const std::string& sku : stored) CheckSku(sku);
}

void Player::CheckSku(const std::string& name) {
  SkuState* const sku = fold_->FindSku(name);
  TW_CHECK(sku != nullptr, "a SKU that is stored is found");
  Quantity sum = 0;
  int negative = 0;
  for (const Quantity units : sku->counters) sum += units;
  for (const Place& place : sku->places) {
    for (const Quantity units : place.pools) {
      TW_CHECK(units <= kMaxQuantity && units >= -kMaxQuantity, "within the limit");
      sum += units;
      negative += units < 0 ? 1 : 0;
    }
  }
  TW_CHECK(sum == 0, "units come from somewhere");
  TW_CHECK(negative == sku->negative_pools, "pools below zero are counted");
  CheckJournal(*sku);
  CheckTransfers(*sku);
}

// The journal adds up to the balances, and each of its entries begins where the one before ended.
void Player::CheckJournal(const SkuState& sku) {
  std::map<std::string, Pools> sums;
  const auto read =
      store_->ReadJournal(sku.sku, "", [&](std::string_view location, const JournalEntry& entry) {
        Pools& pools = sums[std::string(location)];
        for (int i = 0; i < entry.changes; ++i) {
          const PoolDelta& change = entry.pools[static_cast<size_t>(i)];
          Quantity& held = pools[static_cast<size_t>(Index(change.pool))];
          held += change.delta;
          TW_CHECK(held == change.after, "a journal without a hole");
        }
      });
  CheckOk(read, "a journal");
  TW_CHECK(sums.size() == sku.places.size(), "a journal of each place");
  for (const Place& place : sku.places) {
    TW_CHECK(sums[state_->locations.at(place.location).name] == place.pools,
             "a journal that ends with the balances");
  }
}

// What is on its way somewhere is INCOMING there.
void Player::CheckTransfers(const SkuState& sku) {
  std::map<std::string, Quantity> outstanding;
  const auto read =
      store_->ReadTransfers(sku.sku, [&](std::string_view, const TransferState& transfer) {
        for (const auto& [location, units] : transfer.outstanding) {
          TW_CHECK(units > 0, "what is outstanding is there");
          outstanding[location] += units;
        }
        for (const auto& [location, units] : transfer.unexpected) {
          TW_CHECK(units > 0, "what came unexpected is there");
        }
      });
  CheckOk(read, "transfers");
  for (const Place& place : sku.places) {
    const auto found = outstanding.find(state_->locations.at(place.location).name);
    const Quantity should = found == outstanding.end() ? 0 : found->second;
    TW_CHECK(place.pools[static_cast<size_t>(Index(Pool::kIncoming))] == should,
             "INCOMING is what is outstanding");
    if (found != outstanding.end()) outstanding.erase(found);
  }
  TW_CHECK(outstanding.empty(), "what is outstanding has a place");
}

}  // namespace tallywire::fuzz
