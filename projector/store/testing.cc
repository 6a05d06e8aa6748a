// SPDX-License-Identifier: Apache-2.0
#include "projector/store/testing.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <utility>

#include "ledger/check.h"
#include "ledger/rocks.h"
#include "projector/store/describe.h"
#include "projector/store/keys.h"
#include "projector/store/rows.h"

namespace tallywire::store {

TestFolder::TestFolder() {
  std::string name = std::filesystem::temp_directory_path() / "tallywire-store-XXXXXX";
  TW_CHECK(::mkdtemp(name.data()) != nullptr, "a test's folder can be made");
  base_ = name;
  path_ = base_ + "/state/3";
}

TestFolder::~TestFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(base_, ignored);
}

StoreIdentity TestIdentity() {
  return {.log_id = "log-a", .topic = "stock.events", .partition = Partition(3), .partitions = 4};
}

std::string CauseOf(std::string_view source, std::string_view event_id) {
  std::string cause(source);
  cause.push_back('\0');
  cause.append(event_id);
  cause.push_back('\0');
  return cause;
}

SkuState& SkuOf(FoldState& state, std::string_view sku) {
  auto found = state.skus.find(sku);
  if (found == state.skus.end()) {
    auto made = std::make_unique<SkuState>();
    made->sku = sku;
    const std::string_view name = made->sku;
    found = state.skus.emplace(name, std::move(made)).first;
  }
  SkuState& held = *found->second;
  if (!std::exchange(held.dirty, true)) state.dirty_skus.push_back(&held);
  return held;
}

Place& PlaceOf(FoldState& state, std::string_view sku, std::string_view location) {
  SkuState& held = SkuOf(state, sku);
  const LocationId id = state.locations.Intern(location);
  if (Place* place = held.places.Find(id)) {
    place->dirty = true;
    return *place;
  }
  Place& place = held.places.Add(id);
  place.dirty = place.is_new = true;
  return place;
}

PlaceRule& RuleOf(FoldState& state, std::string_view sku, std::string_view location) {
  SkuState& held = SkuOf(state, sku);
  const LocationId id = state.locations.Intern(location);
  for (PlaceRule& rule : held.rules) {
    if (rule.location != id) continue;
    rule.dirty = true;
    return rule;
  }
  PlaceRule& rule = held.rules.emplace_back();
  rule.location = id;
  rule.dirty = true;
  return rule;
}

TransferState& TransferOf(FoldState& state, std::string_view sku, std::string_view id) {
  TransferKey key{std::string(sku), std::string(id)};
  TransferState& transfer = state.transfers[key];
  if (!std::exchange(transfer.dirty, true)) state.dirty_transfers.push_back(std::move(key));
  return transfer;
}

JournalEntry& AddEntry(FoldState& state, std::string_view sku, std::string_view location,
                       Offset offset) {
  Place& place = PlaceOf(state, sku, location);
  PendingEntry& pending = state.journal.emplace_back();
  pending.sku = &SkuOf(state, sku);
  pending.location = place.location;
  pending.older = place.newest_pending;
  pending.entry.offset = offset;
  place.newest_pending = static_cast<int32_t>(state.journal.size() - 1);
  return pending.entry;
}

void ArmTimer(FoldState& state, const TimerKey& key, const Timer& timer) {
  state.timers.insert_or_assign(key, timer);
  state.dirty_timers.push_back(key);
}

void EndTimer(FoldState& state, const TimerKey& key) {
  state.timers.erase(key);
  state.dirty_timers.push_back(key);
}

void NumberSource(FoldState& state, std::string_view source, uint64_t sequence,
                  const Identity& identity) {
  SequenceState& held = state.sources[std::string(source)];
  if (held.dirty.empty()) state.dirty_sources.emplace_back(source);
  held.highest = std::max(held.highest.value_or(sequence), sequence);
  const auto slot = static_cast<uint32_t>(sequence % kSequenceSlots);
  held.slots[slot] = {sequence, identity};
  held.dirty.push_back(slot);
}

std::map<std::string, std::string> DumpRows(const std::string& folder) {
  auto rocks = Rocks::Open(folder, {.writes = Rocks::Writes::kSortedFiles, .must_exist = true});
  TW_CHECK(rocks.ok(), "a test's store opens");
  std::map<std::string, std::string> rows;
  for (RocksIterator it = (*rocks)->Forward({}); it.Valid(); it.Next()) {
    if (IsOfTheFold(it.key())) rows[DescribeKey(it.key())] = DescribeRow(it.key(), it.value());
  }
  return rows;
}

std::string Words(const Locations& locations, const SkuState& sku) {
  std::string key;
  std::string row;
  SkuKey(sku.sku, &key);
  PutSku(sku, &row);
  std::vector<std::string> lines = {DescribeKey(key) + ": " + DescribeRow(key, row)};
  for (const Place& place : sku.places) {
    PlaceKey(sku.sku, PlaceRow::kBalances, locations.at(place.location).name, &key);
    PutPlace(place, &row);
    lines.push_back(DescribeKey(key) + ": " + DescribeRow(key, row));
  }
  for (const PlaceRule& rule : sku.rules) {
    PlaceKey(sku.sku, PlaceRow::kRule, locations.at(rule.location).name, &key);
    PutRule(rule, &row);
    lines.push_back(DescribeKey(key) + ": " + DescribeRow(key, row));
  }
  std::sort(lines.begin(), lines.end());
  std::string words;
  for (const std::string& line : lines) words += line + "\n";
  return words;
}

std::string RandomFold::AnyLocation() {
  std::string location = "WH" + std::to_string(Below(3) * 10 + 1);
  if (Chance(50)) location += "/BIN" + std::to_string(Below(4));
  if (Chance(10)) location += "/x";
  return location;
}

Touch RandomFold::AnyTouch() {
  Touch touch{.offset = Offset(offset_),
              .log_time = Time(time_),
              .kind = Chance(80) ? CauseKind::kEvent : CauseKind::kTimer,
              .occurred_at = Time(),
              .cause = {}};
  if (touch.kind != CauseKind::kEvent) return touch;
  touch.occurred_at = Time(time_ - static_cast<int64_t>(Below(1'000'000)));
  touch.cause = CauseOf("till", std::to_string(Below(1000))) + CauseOf("web", "l1");
  return touch;
}

void RandomFold::Step(FoldState& state) {
  ++offset_;
  time_ += static_cast<int64_t>(Below(50'000)) - 10'000;
  state.next_offset = Offset(offset_ + 1);
  state.log_time = Time(time_);
  state.max_log_time = std::max(state.max_log_time, state.log_time);
  ++state.counts.applied;
  ChangePlace(state);
  ChangeOthers(state);
  const Identity identity{random_(), random_()};
  identities_[identity] = state.identities[identity] = random_();
}

void RandomFold::ChangePlace(FoldState& state) {
  const std::string sku = AnySku();
  const std::string location = AnyLocation();
  const bool is_first = !journal_.contains(sku + '\0' + location);
  JournalEntry& entry = AddEntry(state, sku, location, Offset(offset_));
  Place& place = PlaceOf(state, sku, location);
  place.touch = AnyTouch();
  if (is_first) place.first = Offset(offset_);
  place.journal_time = state.max_log_time;
  const size_t pool = Below(kPools);
  const Quantity delta = static_cast<Quantity>(Below(2001)) - 1000;
  place.pools[pool] += delta;
  if (Chance(20)) place.counted_at[Below(kCountSets)] = Time(time_ - 7);
  if (Chance(20)) place.unit_cost = UnitCost{{199, "EUR"}, Offset(offset_)};
  entry.what = Chance(5) ? kJournalTimer : static_cast<uint8_t>(Below(kBodies));
  entry.changes = 1;
  entry.pools[0] = {static_cast<Pool>(pool), delta, place.pools[pool]};
  entry.log_time = Time(time_);
  entry.max_log_time = state.max_log_time;
  entry.occurred_at = Time(time_ - static_cast<int64_t>(Below(3)));
  entry.cause = place.touch.cause;
  journal_[sku + '\0' + location].push_back(entry);

  SkuState& held = SkuOf(state, sku);
  held.touch = place.touch;
  held.counters[Below(kCounters)] -= delta;
  if (!Chance(10)) return;
  held.definition = std::make_unique<SkuDefinition>();
  held.definition->title = "title " + std::to_string(Below(10));
  held.definition->msrp = Money{static_cast<int64_t>(Below(1000)), "EUR"};
  held.definition_touch = place.touch;
}

void RandomFold::ChangeOthers(FoldState& state) {
  const std::string sku = AnySku();
  const std::string location = AnyLocation();
  if (Chance(20)) {
    PlaceRule& rule = RuleOf(state, sku, location);
    rule.rule = {.sellable = Chance(50), .safety_stock = static_cast<Quantity>(Below(9))};
    rule.touch = AnyTouch();
    SkuOf(state, sku).touch = rule.touch;
  }
  if (Chance(30)) {
    TransferState& transfer = TransferOf(state, sku, "t" + std::to_string(Below(5)));
    auto& side = Chance(50) ? transfer.outstanding : transfer.unexpected;
    if (Chance(40)) {
      side.clear();
    } else {
      side[location] = static_cast<Quantity>(1 + Below(100));
    }
  }
  if (Chance(30)) {
    const TimerKey key{Time(time_ + static_cast<int64_t>(Below(1'000'000))), sku, Offset(offset_)};
    ArmTimer(state, key, {location, Pool::kUsed, 4});
  }
  if (Chance(25) && !state.timers.empty()) EndTimer(state, TimerKey(state.timers.begin()->first));
  if (Chance(20)) {
    NumberSource(state, "pos-" + std::to_string(Below(3)), Below(5000), {random_(), random_()});
  }
  const std::string misplacing = "lost-" + std::to_string(Below(9));
  if (Chance(5) && state.misplacing.insert(misplacing).second) {
    state.dirty_misplacing.push_back(misplacing);
  }
  if (!Chance(10)) return;
  LocationDefinition definition;
  definition.kind = static_cast<SiteKind>(Below(5));
  definition.priority = static_cast<int32_t>(Below(4));
  state.dirty_homes[location] = {definition, Offset(offset_)};
  state.locations.ApplyCopy(location, definition, Partition(1), Offset(offset_), Offset(offset_),
                            state.log_time);
}

}  // namespace tallywire::store
