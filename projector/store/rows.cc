// SPDX-License-Identifier: Apache-2.0
#include "projector/store/rows.h"

#include <array>
#include <limits>
#include <memory>
#include <utility>

#include "projector/store/bytes.h"

namespace tallywire::store {
namespace {

constexpr uint8_t kCauseKinds = 4;
constexpr uint8_t kSiteKinds = 5;
constexpr uint8_t kTrackings = 2;
static_assert(static_cast<int>(CauseKind::kTimer) + 1 == kCauseKinds);
static_assert(static_cast<int>(SiteKind::kThirdParty) + 1 == kSiteKinds);
static_assert(static_cast<int>(Tracking::kNonInventory) + 1 == kTrackings);

// What a version is below.
constexpr uint64_t kVersions = uint64_t{1} << 31;

// Bits of a journal row's first byte; the three below are the number of changes.
constexpr uint8_t kMaxTimeDiffers = 1 << 3;
constexpr uint8_t kOccurredDiffers = 1 << 4;
static_assert(kMaxPoolDeltas < kMaxTimeDiffers);

template <class T>
std::string& Cleared(T* row) {
  row->clear();
  return *row;
}

// A byte that says which of a few numbers are not zero, then those.
template <size_t n>
void PutSparse(const std::array<Quantity, n>& values, ByteWriter& out) {
  static_assert(n <= 8);
  uint8_t mask = 0;
  for (size_t i = 0; i < n; ++i) {
    if (values[i] != 0) mask = static_cast<uint8_t>(mask | (1 << i));
  }
  out.Byte(mask);
  for (const Quantity value : values) {
    if (value != 0) out.Zigzag(value);
  }
}

template <size_t n>
void GetSparse(ByteReader& in, std::array<Quantity, n>& values) {
  const uint8_t mask = in.Byte();
  if ((mask >> n) != 0) in.Fail();
  for (size_t i = 0; i < n; ++i) {
    const bool given = (mask >> i & 1) != 0;
    values[i] = given ? in.Zigzag() : 0;
    if (given && values[i] == 0) in.Fail();
  }
}

// The offset, -1 or more, shares a number with the kind.
void PutTouch(const Touch& touch, ByteWriter& out) {
  const uint64_t moved = static_cast<uint64_t>(touch.offset.value() + 1);
  out.Varint(moved << 2 | static_cast<uint64_t>(touch.kind));
  out.Zigzag(touch.log_time.value());
  if (touch.kind != CauseKind::kEvent) return;
  out.Difference(touch.occurred_at.value(), touch.log_time.value());
  out.String(touch.cause.text());
}

void GetTouch(ByteReader& in, Touch& touch) {
  const uint64_t number = in.Varint();
  touch.offset = Offset(static_cast<int64_t>(number >> 2) - 1);
  touch.kind = static_cast<CauseKind>(number & (kCauseKinds - 1));
  touch.log_time = Time(in.Zigzag());
  touch.occurred_at = Time();
  touch.cause.Clear();
  if (touch.kind != CauseKind::kEvent) return;
  touch.occurred_at = Time(in.Difference(touch.log_time.value()));
  touch.cause = in.String();
}

void PutMoney(const Money& money, ByteWriter& out) {
  out.Zigzag(money.amount);
  out.String(money.currency);
}

Money GetMoney(ByteReader& in) {
  Money money;
  money.amount = in.Zigzag();
  money.currency = in.String();
  return money;
}

// 0: nothing, 1: false, 2: true.
uint8_t ThreeWay(const std::optional<bool>& value) {
  return static_cast<uint8_t>(value.has_value() ? 1 + *value : 0);
}

std::optional<bool> FromThreeWay(uint8_t value) {
  if (value == 0) return std::nullopt;
  return value == 2;
}

void PutLocationDefinition(const LocationDefinition& definition, ByteWriter& out) {
  out.Byte(static_cast<uint8_t>(definition.kind));
  out.Byte(ThreeWay(definition.sellable));
  out.Byte(static_cast<uint8_t>(definition.priority.has_value() << 0 |
                                definition.lead_time.has_value() << 1 |
                                definition.coordinates.has_value() << 2));
  if (definition.priority.has_value()) out.Zigzag(*definition.priority);
  if (definition.lead_time.has_value()) out.Zigzag(definition.lead_time->value());
  if (definition.coordinates.has_value()) {
    out.Zigzag(definition.coordinates->latitude_e7);
    out.Zigzag(definition.coordinates->longitude_e7);
  }
}

int32_t GetInt32(ByteReader& in) {
  const int64_t value = in.Zigzag();
  if (value < std::numeric_limits<int32_t>::min() || value > std::numeric_limits<int32_t>::max()) {
    in.Fail();
    return 0;
  }
  return static_cast<int32_t>(value);
}

LocationDefinition GetLocationDefinition(ByteReader& in) {
  LocationDefinition definition;
  definition.kind = static_cast<SiteKind>(in.Enum(kSiteKinds));
  definition.sellable = FromThreeWay(in.Enum(3));
  const uint8_t has = in.Enum(1 << 3);
  if ((has & 1) != 0) definition.priority = GetInt32(in);
  if ((has & 2) != 0) definition.lead_time = Span(in.Zigzag());
  if ((has & 4) != 0) {
    Coordinates coordinates;
    coordinates.latitude_e7 = GetInt32(in);
    coordinates.longitude_e7 = GetInt32(in);
    definition.coordinates = coordinates;
  }
  return definition;
}

void PutSkuDefinition(const SkuDefinition& definition, ByteWriter& out) {
  out.String(definition.title);
  out.Byte(static_cast<uint8_t>(definition.tracking));
  out.Byte(static_cast<uint8_t>(definition.sellable << 0 | definition.discontinued << 1 |
                                definition.unit_cost.has_value() << 2 |
                                definition.msrp.has_value() << 3 |
                                definition.map.has_value() << 4));
  out.Zigzag(definition.safety_stock);
  for (const auto* money : {&definition.unit_cost, &definition.msrp, &definition.map}) {
    if (money->has_value()) PutMoney(**money, out);
  }
}

void GetSkuDefinition(ByteReader& in, SkuDefinition& definition) {
  definition.title = in.String();
  definition.tracking = static_cast<Tracking>(in.Enum(kTrackings));
  const uint8_t has = in.Enum(1 << 5);
  definition.sellable = (has & 1) != 0;
  definition.discontinued = (has & 2) != 0;
  definition.safety_stock = in.Zigzag();
  if ((has & 4) != 0) definition.unit_cost = GetMoney(in);
  if ((has & 8) != 0) definition.msrp = GetMoney(in);
  if ((has & 16) != 0) definition.map = GetMoney(in);
}

void PutUnits(const std::map<std::string, Quantity>& units, ByteWriter& out) {
  out.Varint(units.size());
  for (const auto& [location, quantity] : units) {
    out.String(location);
    out.Zigzag(quantity);
  }
}

void GetUnits(ByteReader& in, std::map<std::string, Quantity>& units) {
  units.clear();
  for (uint64_t left = in.Varint(); left > 0; --left) {
    std::string location(in.String());
    // Written in the map's order, so anything else is not what was written.
    if (in.empty() || (!units.empty() && location <= units.rbegin()->first)) {
      in.Fail();
      return;
    }
    units.insert_or_assign(units.end(), std::move(location), in.Zigzag());
  }
}

}  // namespace

void PutIdentity(const IdentityRow& value, std::string* row) {
  ByteWriter out(&Cleared(row));
  out.Varint(static_cast<uint64_t>(value.format_version));
  out.Varint(static_cast<uint64_t>(value.fold_version));
  out.String(value.identity.log_id);
  out.String(value.identity.topic);
  out.Zigzag(value.identity.partition.value());
  out.Zigzag(value.identity.partitions);
}

bool GetIdentity(std::string_view row, IdentityRow* value) {
  ByteReader in(row);
  value->format_version = static_cast<int>(in.VarintBelow(kVersions));
  if (value->format_version != kFormatVersion) return value->format_version > 0;
  value->fold_version = static_cast<int>(in.VarintBelow(kVersions));
  value->identity.log_id = in.String();
  value->identity.topic = in.String();
  value->identity.partition = Partition(GetInt32(in));
  value->identity.partitions = GetInt32(in);
  return in.done();
}

void PutCheckpoint(const FoldState& state, std::string* row) {
  ByteWriter out(&Cleared(row));
  out.Zigzag(state.next_offset.value());
  out.Zigzag(state.log_time.value());
  out.Difference(state.max_log_time.value(), state.log_time.value());
  out.Zigzag(state.counts.applied);
  out.Zigzag(state.counts.duplicates);
  out.Zigzag(state.counts.refused);
}

bool GetCheckpoint(std::string_view row, FoldState* state) {
  ByteReader in(row);
  state->next_offset = Offset(in.Zigzag());
  state->log_time = Time(in.Zigzag());
  state->max_log_time = Time(in.Difference(state->log_time.value()));
  state->counts.applied = in.Zigzag();
  state->counts.duplicates = in.Zigzag();
  state->counts.refused = in.Zigzag();
  return in.done();
}

void PutMarks(const StoreMarks& marks, std::string* row) {
  ByteWriter out(&Cleared(row));
  out.Byte(marks.settle ? 1 : 0);
  out.Varint(static_cast<uint64_t>(marks.last.offset.value() + 1));
  out.Fixed64(marks.last.hash);
  for (const Sweep& sweep : marks.sweeps) {
    out.String(sweep.location);
    out.Zigzag(sweep.offset.value());
    out.String(sweep.cursor);
  }
}

bool GetMarks(std::string_view row, StoreMarks* marks) {
  ByteReader in(row);
  marks->settle = in.Enum(2) == 1;
  marks->last.offset = Offset(static_cast<int64_t>(in.VarintBelow(uint64_t{1} << 63)) - 1);
  marks->last.hash = in.Fixed64();
  marks->sweeps.clear();
  while (!in.empty()) {
    Sweep sweep;
    sweep.location = in.String();
    sweep.offset = Offset(in.Zigzag());
    sweep.cursor = in.String();
    marks->sweeps.push_back(std::move(sweep));
  }
  return in.done();
}

void PutSku(const SkuState& sku, std::string* row) {
  ByteWriter out(&Cleared(row));
  PutTouch(sku.touch, out);
  PutSparse(sku.counters, out);
  if (sku.definition == nullptr) return;
  PutTouch(sku.definition_touch, out);
  PutSkuDefinition(*sku.definition, out);
}

bool GetSku(std::string_view row, SkuState* sku) {
  ByteReader in(row);
  GetTouch(in, sku->touch);
  GetSparse(in, sku->counters);
  sku->definition = nullptr;
  sku->definition_touch = Touch();
  if (in.empty()) return in.done();
  GetTouch(in, sku->definition_touch);
  sku->definition = std::make_unique<SkuDefinition>();
  GetSkuDefinition(in, *sku->definition);
  return in.done();
}

void PutPlace(const Place& place, std::string* row) {
  const int64_t base = place.touch.log_time.value();
  ByteWriter out(&Cleared(row));
  PutTouch(place.touch, out);
  out.Zigzag(place.first.value());
  out.Difference(place.journal_time.value(), base);
  PutSparse(place.pools, out);
  uint8_t has = 0;
  for (int set = 0; set < kCountSets; ++set) {
    if (place.counted_at[static_cast<size_t>(set)].has_value()) {
      has = static_cast<uint8_t>(has | 1 << set);
    }
  }
  if (place.unit_cost.has_value()) has |= 1 << kCountSets;
  out.Byte(has);
  for (const auto& counted_at : place.counted_at) {
    if (counted_at.has_value()) out.Difference(counted_at->value(), base);
  }
  if (!place.unit_cost.has_value()) return;
  PutMoney(place.unit_cost->money, out);
  out.Zigzag(place.unit_cost->offset.value());
}

bool GetPlace(std::string_view row, Place* place) {
  ByteReader in(row);
  GetTouch(in, place->touch);
  const int64_t base = place->touch.log_time.value();
  place->first = Offset(in.Zigzag());
  place->journal_time = Time(in.Difference(base));
  GetSparse(in, place->pools);
  const uint8_t has = in.Enum(1 << (kCountSets + 1));
  for (int set = 0; set < kCountSets; ++set) {
    std::optional<Time>& counted_at = place->counted_at[static_cast<size_t>(set)];
    counted_at = std::nullopt;
    if ((has >> set & 1) != 0) counted_at = Time(in.Difference(base));
  }
  place->unit_cost = std::nullopt;
  if ((has >> kCountSets & 1) != 0) {
    UnitCost cost;
    cost.money = GetMoney(in);
    cost.offset = Offset(in.Zigzag());
    place->unit_cost = std::move(cost);
  }
  return in.done();
}

void PutRule(const PlaceRule& rule, std::string* row) {
  ByteWriter out(&Cleared(row));
  PutTouch(rule.touch, out);
  out.Byte(ThreeWay(rule.rule.sellable));
  if (rule.rule.safety_stock.has_value()) out.Zigzag(*rule.rule.safety_stock);
}

bool GetRule(std::string_view row, PlaceRule* rule) {
  ByteReader in(row);
  GetTouch(in, rule->touch);
  rule->rule.sellable = FromThreeWay(in.Enum(3));
  rule->rule.safety_stock = std::nullopt;
  if (!in.empty()) rule->rule.safety_stock = in.Zigzag();
  return in.done();
}

void PutTransfer(const TransferState& transfer, std::string* row) {
  ByteWriter out(&Cleared(row));
  out.Byte(transfer.closed ? 1 : 0);
  PutUnits(transfer.outstanding, out);
  PutUnits(transfer.unexpected, out);
}

bool GetTransfer(std::string_view row, TransferState* transfer) {
  ByteReader in(row);
  transfer->closed = in.Enum(2) == 1;
  GetUnits(in, transfer->outstanding);
  GetUnits(in, transfer->unexpected);
  return in.done();
}

void PutTimer(const Timer& timer, std::string* row) {
  ByteWriter out(&Cleared(row));
  out.Byte(static_cast<uint8_t>(timer.from_pool));
  out.Zigzag(timer.quantity);
  out.String(timer.location);
}

bool GetTimer(std::string_view row, Timer* timer) {
  ByteReader in(row);
  timer->from_pool = static_cast<Pool>(in.Enum(kPools));
  timer->quantity = in.Zigzag();
  timer->location = in.String();
  return in.done();
}

void PutFingerprint(uint64_t fingerprint, std::string* row) {
  ByteWriter(&Cleared(row)).Fixed64(fingerprint);
}

bool GetFingerprint(std::string_view row, uint64_t* fingerprint) {
  ByteReader in(row);
  *fingerprint = in.Fixed64();
  return in.done();
}

void PutHighest(uint64_t highest, std::string* row) { ByteWriter(&Cleared(row)).Varint(highest); }

bool GetHighest(std::string_view row, uint64_t* highest) {
  ByteReader in(row);
  *highest = in.Varint();
  return in.done();
}

void PutSlot(const SequenceState::Slot& slot, std::string* row) {
  ByteWriter out(&Cleared(row));
  out.Varint(slot.sequence);
  out.Fixed64(slot.identity.high);
  out.Fixed64(slot.identity.low);
}

bool GetSlot(std::string_view row, SequenceState::Slot* slot) {
  ByteReader in(row);
  slot->sequence = in.Varint();
  slot->identity.high = in.Fixed64();
  slot->identity.low = in.Fixed64();
  return in.done();
}

void PutHome(const HomeLocation& home, std::string* row) {
  ByteWriter out(&Cleared(row));
  out.Zigzag(home.offset.value());
  PutLocationDefinition(home.definition, out);
}

bool GetHome(std::string_view row, HomeLocation* home) {
  ByteReader in(row);
  home->offset = Offset(in.Zigzag());
  home->definition = GetLocationDefinition(in);
  return in.done();
}

void PutLocation(const LocationEntry& entry, std::string* row) {
  ByteWriter out(&Cleared(row));
  out.Zigzag(entry.cause_partition.value());
  out.Zigzag(entry.cause_offset.value());
  PutTouch(entry.touch, out);
  out.Byte(entry.definition.has_value() ? 1 : 0);
  if (entry.definition.has_value()) PutLocationDefinition(*entry.definition, out);
  for (const SiteChange& change : entry.site_changes) {
    out.Byte(change.is_site ? 1 : 0);
    out.Zigzag(change.offset.value());
  }
}

bool GetLocation(std::string_view row, LocationEntry* entry) {
  ByteReader in(row);
  entry->cause_partition = Partition(GetInt32(in));
  entry->cause_offset = Offset(in.Zigzag());
  GetTouch(in, entry->touch);
  entry->definition = std::nullopt;
  if (in.Enum(2) == 1) entry->definition = GetLocationDefinition(in);
  entry->site_changes.clear();
  while (!in.empty()) {
    SiteChange change;
    change.is_site = in.Enum(2) == 1;
    change.offset = Offset(in.Zigzag());
    entry->site_changes.push_back(change);
  }
  return in.done();
}

void PutJournalEntry(const JournalEntry& entry, std::string* row) {
  const bool max_differs = entry.max_log_time != entry.log_time;
  const bool occurred_differs = entry.occurred_at != entry.log_time;
  ByteWriter out(&Cleared(row));
  out.Byte(static_cast<uint8_t>(entry.changes | (max_differs ? kMaxTimeDiffers : 0) |
                                (occurred_differs ? kOccurredDiffers : 0)));
  out.Byte(entry.what);
  out.Zigzag(entry.log_time.value());
  if (max_differs) out.Difference(entry.max_log_time.value(), entry.log_time.value());
  if (occurred_differs) out.Difference(entry.occurred_at.value(), entry.log_time.value());
  for (size_t i = 0; i < entry.changes; ++i) {
    const PoolDelta& change = entry.pools[i];
    out.Byte(static_cast<uint8_t>(change.pool));
    out.Zigzag(change.delta);
    out.Zigzag(change.after);
  }
  out.String(entry.cause.text());
}

bool GetJournalEntry(std::string_view row, JournalEntry* entry) {
  ByteReader in(row);
  const uint8_t head = in.Enum(kOccurredDiffers << 1);
  entry->changes = head & (kMaxTimeDiffers - 1);
  if (entry->changes > kMaxPoolDeltas) return false;
  entry->what = in.Byte();
  if (entry->what >= kBodies && entry->what != kJournalTimer) return false;
  const int64_t base = in.Zigzag();
  entry->log_time = Time(base);
  entry->max_log_time = entry->occurred_at = entry->log_time;
  const auto differing = [&](uint8_t bit, Time* time) {
    if ((head & bit) == 0) return;
    *time = Time(in.Difference(base));
    if (*time == entry->log_time) in.Fail();
  };
  differing(kMaxTimeDiffers, &entry->max_log_time);
  differing(kOccurredDiffers, &entry->occurred_at);
  entry->pools = {};
  for (size_t i = 0; i < entry->changes; ++i) {
    PoolDelta& change = entry->pools[i];
    change.pool = static_cast<Pool>(in.Enum(kPools));
    change.delta = in.Zigzag();
    change.after = in.Zigzag();
  }
  entry->cause = in.String();
  return in.done();
}

}  // namespace tallywire::store
