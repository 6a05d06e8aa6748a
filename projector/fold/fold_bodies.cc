// SPDX-License-Identifier: Apache-2.0
// What each body does: which postings it plans, and what it remembers.
#include <algorithm>
#include <string>
#include <utility>

#include "ledger/check.h"
#include "ledger/mark.h"
#include "projector/fold/fold.h"

namespace tallywire {
namespace {

bool HasStock(const Place& place) {
  for (int p = 0; p < kPools; ++p) {
    if (p != Index(Pool::kIncoming) && place.pools[static_cast<size_t>(p)] != 0) return true;
  }
  return false;
}

// Takes at most `wanted` out of one entry, which goes when nothing is left of it.
Quantity TakeFrom(std::map<std::string, Quantity>& units, const std::string& location,
                  Quantity wanted) {
  const auto found = units.find(location);
  if (found == units.end()) return 0;
  const Quantity taken = std::min(found->second, wanted);
  found->second -= taken;
  if (found->second == 0) units.erase(found);
  return taken;
}

}  // namespace

void Fold::Plan::Clear() {
  deltas.clear();
  counters.fill(0);
}

void Fold::Plan::Add(LocationId location, Pool pool, Quantity delta) {
  for (Delta& d : deltas) {
    if (d.location == location && d.pool == pool) {
      d.delta += delta;
      return;
    }
  }
  deltas.push_back({location, pool, delta});
}

bool Fold::ApplyBody(const Event& event) {
  plan_.Clear();
  late_.clear();
  plan_.what = static_cast<uint8_t>(event.body);
  plan_.occurred_at = Occurred(event);
  switch (event.body) {
    case Body::kReceived:
    case Body::kSold:
    case Body::kReturned:
    case Body::kAdjusted:
    case Body::kMoved:
    case Body::kTransferred:
      return ApplyMovement(event);
    case Body::kCounted:
      return ApplyCount(event);
    case Body::kTransferShipped:
      return ApplyTransferShipped(event);
    case Body::kTransferReceived:
      return ApplyTransferReceived(event);
    case Body::kTransferClosed:
      return ApplyTransferClosed(event);
    case Body::kSkuDefined:
      ApplySkuDefined(event);
      return true;
    case Body::kSkuLocationSet:
      ApplySkuLocationSet(event);
      return true;
    case Body::kLocationDefined:
      state_.dirty_homes.insert_or_assign(std::string(event.location),
                                          HomeLocation{event.location_definition, offset_});
      effects_.links.push_back({std::string(event.location), event.location_definition, offset_});
      return true;
    case Body::kLocationCopied:
    case Body::kTicked:
      break;
  }
  TW_CHECK(false, "linked records have no body to apply");
  return false;
}

void Fold::PlanMovement(const Event& event) {
  const Quantity q = event.quantity;
  const LocationId location = state_.locations.Intern(event.location);
  switch (event.body) {
    case Body::kReceived:
      plan_.Add(Counter::kSupplier, -q);
      plan_.Add(location, event.pool, q);
      return;
    case Body::kSold:
      plan_.Add(location, event.pool, -q);
      plan_.Add(Counter::kCustomer, q);
      return;
    case Body::kReturned:
      plan_.Add(Counter::kCustomer, -q);
      plan_.Add(location, event.pool, q);
      return;
    case Body::kAdjusted:
      plan_.Add(Counter::kVariance, -q);
      plan_.Add(location, event.pool, q);
      return;
    case Body::kMoved:
      plan_.Add(location, event.pool, -q);
      plan_.Add(location, event.to_pool, q);
      return;
    case Body::kTransferred:
      plan_.Add(location, event.pool, -q);
      plan_.Add(state_.locations.Intern(event.to), event.pool, q);
      return;
    default:
      TW_CHECK(false, "not a movement");
  }
}

bool Fold::ApplyMovement(const Event& event) {
  SkuState& sku = Sku(event.sku);
  PlanMovement(event);
  if (!Finish(sku)) return false;
  Post(sku, &event);
  if (event.body == Body::kReceived && event.unit_cost.has_value()) {
    sku.places.Find(plan_.deltas[0].location)->unit_cost = UnitCost{*event.unit_cost, offset_};
  }
  if (event.body == Body::kSold) AlertOversold(sku, event);
  if (event.until.has_value()) {
    const TimerKey key{*event.until, sku.sku, offset_};
    state_.timers.insert_or_assign(key,
                                   Timer{std::string(event.location), event.pool, event.quantity});
    state_.dirty_timers.push_back(key);
  }
  return true;
}

bool Fold::ApplyCount(const Event& event) {
  SkuState& sku = Sku(event.sku);
  const LocationId location = state_.locations.Intern(event.location);
  const auto set_index = static_cast<size_t>(Index(event.set));
  const Pool own = OwnPool(event.set);
  const Time counted_at = plan_.occurred_at;
  const Place* place = sku.places.Find(location);
  plan_.Add(location, own, 0);

  if (place != nullptr && place->counted_at[set_index].has_value()) {
    const Time last = *place->counted_at[set_index];
    // A last count from after log time was stamped by a clock that has stepped back since.
    if (counted_at < last && last <= state_.log_time) {
      TW_MARK("count.older-than-the-last");
      Post(sku, &event);
      return true;
    }
  }
  if (place != nullptr && place->counted_at[set_index] > state_.log_time) {
    TW_MARK("count.last-is-after-log-time");
  }
  Quantity expected = 0;
  if (place != nullptr) {
    for (int p = 0; p < kPools; ++p) {
      if (SetOf(static_cast<Pool>(p)) == event.set)
        expected += place->pools[static_cast<size_t>(p)];
    }
    expected -= MovedSince(sku, *place, event.set, counted_at);
  }
  const Quantity variance = event.quantity - expected;
  plan_.Add(location, own, variance);
  plan_.Add(Counter::kVariance, -variance);
  if (!FitsLimits(sku)) return false;
  Post(sku, &event);
  sku.places.Find(location)->counted_at[set_index] = counted_at;

  if (variance != 0) {
    AlertEffect& alert = AddAlert(AlertKind::kCountVariance, &event, sku.sku, event.location);
    alert.set = event.set;
    alert.before = expected;
    alert.after = event.quantity;
    alert.amount = variance;
  }
  AlertOversold(sku, event);
  const LocationId site = state_.locations.SiteOf(location);
  for (const Place& other : sku.places) {
    if (!HasStock(other)) continue;
    if (state_.locations.IsInside(other.location, location) ||
        (other.location == site && site != location)) {
      AddAlert(AlertKind::kCountNearOthers, &event, sku.sku, event.location);
      break;
    }
  }
  return true;
}

TransferState& Fold::Transfer(std::string_view sku, std::string_view id) {
  TransferKey key{std::string(sku), std::string(id)};
  const auto [found, made] = state_.transfers.try_emplace(key);
  if (made) reader_.LoadTransfer(key, &found->second);
  return found->second;
}

void Fold::MarkDirty(const TransferKey& key, TransferState& transfer) {
  if (transfer.dirty) return;
  transfer.dirty = true;
  state_.dirty_transfers.push_back(key);
}

bool Fold::ApplyTransferShipped(const Event& event) {
  SkuState& sku = Sku(event.sku);
  TransferState& held = Transfer(event.sku, event.transfer_id);
  const LocationId from = state_.locations.Intern(event.location);
  const LocationId to = state_.locations.Intern(event.to);
  const LocationId site = state_.locations.SiteOf(to);

  TransferState next = held;
  Quantity on_its_way = event.quantity;
  for (const auto& [location, quantity] : held.unexpected) {
    if (state_.locations.SiteOf(state_.locations.Intern(location)) != site) continue;
    on_its_way -= TakeFrom(next.unexpected, location, on_its_way);
    if (on_its_way == 0) break;
  }
  plan_.Add(from, event.pool, -event.quantity);
  plan_.Add(Counter::kVariance, event.quantity - on_its_way);
  if (on_its_way < event.quantity) TW_MARK("transfer.came-before-it-was-sent");
  if (on_its_way > 0) {
    plan_.Add(to, Pool::kIncoming, on_its_way);
    next.outstanding[std::string(event.to)] += on_its_way;
  }
  next.closed = false;
  if (!Finish(sku)) return false;
  Post(sku, &event);
  next.dirty = held.dirty;
  held = std::move(next);
  MarkDirty({sku.sku, std::string(event.transfer_id)}, held);
  return true;
}

bool Fold::ApplyTransferReceived(const Event& event) {
  SkuState& sku = Sku(event.sku);
  TransferState& held = Transfer(event.sku, event.transfer_id);
  const LocationId to = state_.locations.Intern(event.to);
  const LocationId site = state_.locations.SiteOf(to);

  TransferState next = held;
  Quantity rest = event.quantity;
  const auto take = [&](LocationId at) {
    const Quantity taken = TakeFrom(next.outstanding, state_.locations.at(at).name, rest);
    if (taken == 0) return;
    plan_.Add(at, Pool::kIncoming, -taken);
    rest -= taken;
  };
  for (LocationId at = to; at != kNoLocation && rest > 0; at = state_.locations.at(at).parent) {
    take(at);
  }
  for (const auto& [location, quantity] : held.outstanding) {
    if (rest == 0) break;
    const LocationId at = state_.locations.Intern(location);
    if (state_.locations.SiteOf(at) != site) continue;
    TW_MARK("transfer.taken-elsewhere-in-its-site");
    take(at);
  }
  plan_.Add(to, event.pool, event.quantity);
  plan_.Add(Counter::kVariance, -rest);
  if (rest > 0 && held.closed) TW_MARK("transfer.came-after-its-close");
  if (rest > 0 && !held.closed) next.unexpected[std::string(event.to)] += rest;
  if (!Finish(sku)) return false;
  Post(sku, &event);
  next.dirty = held.dirty;
  held = std::move(next);
  MarkDirty({sku.sku, std::string(event.transfer_id)}, held);
  if (rest > 0) {
    AddAlert(AlertKind::kTransferUnexpected, &event, sku.sku, event.to).amount = rest;
  }
  return true;
}

bool Fold::ApplyTransferClosed(const Event& event) {
  SkuState& sku = Sku(event.sku);
  TransferState& held = Transfer(event.sku, event.transfer_id);
  for (const auto& [location, quantity] : held.outstanding) {
    plan_.Add(state_.locations.Intern(location), Pool::kIncoming, -quantity);
    plan_.Add(Counter::kVariance, quantity);
  }
  if (!FitsLimits(sku)) return false;
  if (!plan_.deltas.empty() || sku.touch.offset.value() < 0) Post(sku, &event);
  held.outstanding.clear();
  held.unexpected.clear();
  if (!plan_.deltas.empty()) TW_MARK("transfer.closed-with-units-on-their-way");
  held.closed = true;
  MarkDirty({sku.sku, std::string(event.transfer_id)}, held);
  return true;
}

void Fold::ApplySkuDefined(const Event& event) {
  SkuState& sku = Sku(event.sku);
  if (sku.definition != nullptr && *sku.definition == event.sku_definition) return;
  sku.definition = std::make_unique<SkuDefinition>(event.sku_definition);
  SetTouch(sku.definition_touch, &event);
  TouchSku(sku, &event);
}

void Fold::ApplySkuLocationSet(const Event& event) {
  SkuState& sku = Sku(event.sku);
  const LocationId location = state_.locations.Intern(event.location);
  const auto found = std::find_if(sku.rules.begin(), sku.rules.end(),
                                  [&](const PlaceRule& r) { return r.location == location; });
  const SkuLocation before = found == sku.rules.end() ? SkuLocation{} : found->rule;
  if (before == event.sku_location) {
    // The SKU's first record makes its TOTAL, whatever it says.
    if (sku.touch.offset.value() < 0) TouchSku(sku, &event);
    return;
  }
  PlaceRule& rule = found == sku.rules.end() ? sku.rules.emplace_back() : *found;
  rule.location = location;
  rule.rule = event.sku_location;
  rule.dirty = true;
  SetTouch(rule.touch, &event);
  TouchSku(sku, &event);
}

}  // namespace tallywire
