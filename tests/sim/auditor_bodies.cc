// SPDX-License-Identifier: Apache-2.0
// What each body does to a SKU, for the auditor: one function a line of the law's table.
#include <algorithm>
#include <string>
#include <utility>

#include "tests/sim/auditor_partition.h"

namespace tallywire::sim {
namespace {

bool HasOnHand(const Pools& pools) {
  return std::any_of(std::begin(kOnHand), std::end(kOnHand),
                     [&](v1::Pool pool) { return pools.at(pool) != 0; });
}

// Takes at most `wanted` of what stands at a location.
int64_t TakeAt(std::map<std::string, int64_t>& units, const std::string& location, int64_t wanted) {
  const auto found = units.find(location);
  if (found == units.end()) return 0;
  const int64_t taken = std::min(found->second, wanted);
  found->second -= taken;
  if (found->second == 0) units.erase(found);
  return taken;
}

}  // namespace

// On a copy, which takes the place of what was before if all of it fits.
bool PartitionAuditor::Apply(const Told& told) {
  if (told.event.has_location_defined()) {
    expected_.defined.push_back({{partition_, offset_}, told.event.location_defined()});
    return true;
  }
  sku_ = told.event.sku();
  const auto held = skus_.find(sku_);
  const bool first = held == skus_.end();
  const SkuHistory before = first ? SkuHistory() : held->second;
  const auto touched_before = touched_;
  const auto alerts_before = alerts_;
  const auto timers_before = timers_;
  SkuHistory after = before;
  ++order_;
  ApplyBody(told, after);
  TakeBackWhatWasSeen(after, &told);
  if (told.event.has_sold() || told.event.has_counted()) TellOversold(before, after, told);
  if (!after.Fits()) {
    touched_ = touched_before;
    alerts_ = alerts_before;
    timers_ = timers_before;
    return false;
  }
  // The first record of a SKU makes its TOTAL, whatever it says.
  if (first) Touch(sku_, "", CauseOf(&told));
  skus_[sku_] = std::move(after);
  return true;
}

void PartitionAuditor::ApplyBody(const Told& told, SkuHistory& sku) {
  const v1::StockEvent& event = told.event;
  if (event.has_received()) {
    const auto& body = event.received();
    sku.accounts[Account::kSupplier] -= body.quantity();
    Move(sku, &told, body.location(), body.pool(), body.quantity());
    if (body.has_unit_cost()) sku.receipts.push_back({offset_, body.location(), body.unit_cost()});
  } else if (event.has_sold()) {
    const auto& body = event.sold();
    Move(sku, &told, body.location(), body.pool(), -body.quantity());
    sku.accounts[Account::kCustomer] += body.quantity();
  } else if (event.has_returned()) {
    const auto& body = event.returned();
    sku.accounts[Account::kCustomer] -= body.quantity();
    Move(sku, &told, body.location(), body.pool(), body.quantity());
  } else if (event.has_adjusted()) {
    const auto& body = event.adjusted();
    sku.accounts[Account::kVariance] -= body.delta();
    Move(sku, &told, body.location(), body.pool(), body.delta());
  } else if (event.has_moved()) {
    const auto& body = event.moved();
    Move(sku, &told, body.location(), body.from_pool(), -body.quantity());
    Move(sku, &told, body.location(), body.to_pool(), body.quantity());
    if (body.has_until()) {
      const Micros due = body.until().seconds() * 1'000'000 + body.until().nanos() / 1'000;
      timers_.insert({due, sku_, offset_, body.location(), body.from_pool(), body.quantity()});
    }
  } else if (event.has_transferred()) {
    const auto& body = event.transferred();
    Move(sku, &told, body.from(), body.pool(), -body.quantity());
    Move(sku, &told, body.to(), body.pool(), body.quantity());
  } else if (event.has_counted()) {
    Count(told, sku);
  } else if (event.has_transfer_shipped()) {
    Ship(told, sku);
  } else if (event.has_transfer_received()) {
    Arrive(told, sku);
  } else if (event.has_transfer_closed()) {
    Close(told, sku);
  } else if (event.has_sku_defined()) {
    ApplyDefinition(told, sku);
  } else if (event.has_sku_location_set()) {
    ApplyLocationSet(told, sku);
  }
}

void PartitionAuditor::ApplyDefinition(const Told& told, SkuHistory& sku) {
  const v1::SkuDefined& body = told.event.sku_defined();
  const bool same =
      sku.definition.has_value() && sku.definition->SerializeAsString() == body.SerializeAsString();
  if (same) return;
  sku.definition = body;
  Touch(sku_, "", CauseOf(&told));
  for (const std::string& row : RowsOf(sku, locations_)) Touch(sku_, row, CauseOf(&told));
}

void PartitionAuditor::ApplyLocationSet(const Told& told, SkuHistory& sku) {
  const v1::SkuLocationSet& body = told.event.sku_location_set();
  // The law is silent on one that says nothing where nothing was said: it says the same.
  v1::SkuLocationSet before;
  before.set_location(body.location());
  if (const auto held = sku.rules.find(body.location()); held != sku.rules.end()) {
    before = held->second;
  }
  if (before.SerializeAsString() == body.SerializeAsString()) return;
  sku.rules[body.location()] = body;
  // The law is silent on whether it touches a TOTAL of which no row is concerned: it does.
  Touch(sku_, "", CauseOf(&told));
  TouchAround(sku_, sku, body.location(), CauseOf(&told));
}

void PartitionAuditor::NameAPlace(SkuHistory& sku, const Told* told, const std::string& location) {
  TouchPlace(sku_, location, CauseOf(told));
  if (!sku.places.insert(location).second) return;
  // Told for each SKU by itself; where it was defined then, never.
  if (!locations_.SiteAbove(location)) {
    Tell(v1::ALERT_KIND_UNDEFINED_LOCATION, told, sku_, location);
  }
}

void PartitionAuditor::Move(SkuHistory& sku, const Told* told, const std::string& location,
                            v1::Pool pool, int64_t units) {
  NameAPlace(sku, told, location);
  sku.movements.push_back({order_, at_, location, pool, units});
}

// A movement that comes after a count but happened before it was seen by who counted: it is on the
// books, and the set's sum stays.
void PartitionAuditor::TakeBackWhatWasSeen(SkuHistory& sku, const Told* told) {
  std::map<std::pair<std::string, v1::CountSet>, int64_t> nets;
  for (const Movement& movement : sku.movements) {
    const v1::CountSet set = SetOf(movement.pool);
    if (movement.order != order_ || set == v1::COUNT_SET_UNSPECIFIED) continue;
    nets[{movement.location, set}] += movement.units;
  }
  for (const auto& [where, net] : nets) {
    const tallywire::sim::Count* const last = sku.LastCount(where.first, where.second);
    // Of a count from after log time only the order of the log is known.
    if (net == 0 || last == nullptr || at_ >= last->at || last->at > *log_time_) continue;
    sku.seen.insert({order_, where.first, where.second});
    sku.accounts[Account::kVariance] += net;
    v1::Alert& alert = Tell(v1::ALERT_KIND_LATE_MOVEMENT, told, sku_, where.first);
    SetTime(at_, alert.mutable_occurred_at());
    alert.set_set(where.second);
    alert.set_amount(net);
    const Micros late = *log_time_ - at_;
    alert.mutable_lateness()->set_seconds(late / 1'000'000);
    alert.mutable_lateness()->set_nanos(static_cast<int32_t>(late % 1'000'000) * 1'000);
  }
}

void PartitionAuditor::Count(const Told& told, SkuHistory& sku) {
  const v1::Counted& body = told.event.counted();
  NameAPlace(sku, &told, body.location());
  const tallywire::sim::Count* const last = sku.LastCount(body.location(), body.set());
  // The law is silent on whether an older one tells of stock nearby: it changes nothing.
  if (last != nullptr && at_ < last->at && last->at <= *log_time_) return;
  const int64_t held = sku.InSet(body.location(), body.set());
  sku.counts.push_back({order_, at_, *log_time_, body.location(), body.set(), body.quantity(), 0});
  // What it makes of the set, less what was there, is what was found or is missing.
  const int64_t variance = sku.InSet(body.location(), body.set()) - held;
  sku.counts.back().variance = variance;
  sku.accounts[Account::kVariance] -= variance;
  if (variance != 0) {
    v1::Alert& alert = Tell(v1::ALERT_KIND_COUNT_VARIANCE, &told, sku_, body.location());
    alert.set_set(body.set());
    alert.set_before(body.quantity() - variance);
    alert.set_after(body.quantity());
    alert.set_amount(variance);
  }
  TellNearOthers(sku, told);
}

void PartitionAuditor::TellNearOthers(const SkuHistory& sku, const Told& told) {
  const std::string& location = told.event.counted().location();
  const std::string site = locations_.SiteOf(location);
  for (const std::string& place : sku.places) {
    const bool near = IsInside(place, location) || (place == site && site != location);
    if (!near || !HasOnHand(sku.At(place))) continue;
    Tell(v1::ALERT_KIND_COUNT_NEAR_OTHERS, &told, sku_, location);
    return;
  }
}

void PartitionAuditor::Ship(const Told& told, SkuHistory& sku) {
  const v1::TransferShipped& body = told.event.transfer_shipped();
  Transfer& transfer = sku.transfers[body.transfer_id()];
  // What has arrived at that site, by name, is not on its way any more.
  const std::string site = locations_.SiteOf(body.to());
  int64_t on_its_way = body.quantity();
  for (const auto& [location, units] : std::map(transfer.unexpected)) {
    if (locations_.SiteOf(location) != site) continue;
    on_its_way -= TakeAt(transfer.unexpected, location, on_its_way);
  }
  Move(sku, &told, body.from(), body.pool(), -body.quantity());
  if (on_its_way > 0) Move(sku, &told, body.to(), v1::POOL_INCOMING, on_its_way);
  sku.accounts[Account::kVariance] += body.quantity() - on_its_way;
  if (on_its_way > 0) transfer.outstanding[body.to()] += on_its_way;
  transfer.closed = false;
}

void PartitionAuditor::Arrive(const Told& told, SkuHistory& sku) {
  const v1::TransferReceived& body = told.event.transfer_received();
  Transfer& transfer = sku.transfers[body.transfer_id()];
  std::vector<std::string> where = PathOf(body.to());
  for (const auto& [location, units] : transfer.outstanding) {
    if (locations_.SiteOf(location) == locations_.SiteOf(body.to())) where.push_back(location);
  }
  int64_t rest = body.quantity();
  for (const std::string& location : where) {
    const int64_t taken = TakeAt(transfer.outstanding, location, rest);
    if (taken > 0) Move(sku, &told, location, v1::POOL_INCOMING, -taken);
    rest -= taken;
  }
  Move(sku, &told, body.to(), body.pool(), body.quantity());
  if (rest == 0) return;
  sku.accounts[Account::kVariance] -= rest;
  if (!transfer.closed) transfer.unexpected[body.to()] += rest;
  Tell(v1::ALERT_KIND_TRANSFER_UNEXPECTED, &told, sku_, body.to()).set_amount(rest);
}

void PartitionAuditor::Close(const Told& told, SkuHistory& sku) {
  Transfer& transfer = sku.transfers[told.event.transfer_closed().transfer_id()];
  for (const auto& [location, units] : transfer.outstanding) {
    Move(sku, &told, location, v1::POOL_INCOMING, -units);
    sku.accounts[Account::kVariance] += units;
  }
  transfer = {.outstanding = {}, .unexpected = {}, .closed = true};
}

// As many as are still held, at most what was moved. The law is silent on an account that would
// overflow: no more than fit, and none at all where it is VARIANCE.
void PartitionAuditor::Fire(const Timer& timer) {
  sku_ = timer.sku;
  at_ = timer.due;
  ++order_;
  const auto alerts_before = alerts_;
  SkuHistory& sku = skus_.at(sku_);
  SkuHistory after = sku;
  const int64_t held = sku.InPool(timer.location, v1::POOL_HELD);
  const int64_t there = sku.InPool(timer.location, timer.from);
  const int64_t back = std::min({timer.units, std::max<int64_t>(0, held), kMostUnits - there});
  Move(after, nullptr, timer.location, v1::POOL_HELD, -back);
  Move(after, nullptr, timer.location, timer.from, back);
  TakeBackWhatWasSeen(after, nullptr);
  if (after.Fits()) {
    sku = std::move(after);
  } else {
    alerts_ = alerts_before;
  }
}

int64_t PartitionAuditor::SiteNet(const SkuHistory& sku, const std::string& site,
                                  v1::Pool pool) const {
  int64_t net = 0;
  for (const std::string& place : sku.places) {
    if (locations_.SiteOf(place) == site) net += sku.InPool(place, pool);
  }
  return net;
}

// `before` is after the timers of the same record: what the event itself did. The law says "before
// the record", which can be read otherwise.
void PartitionAuditor::TellOversold(const SkuHistory& before, const SkuHistory& after,
                                    const Told& told) {
  if (!after.tracked()) return;
  const std::string site = locations_.SiteOf(
      told.event.has_sold() ? told.event.sold().location() : told.event.counted().location());
  for (const v1::Pool pool : kOnHand) {
    const int64_t was = SiteNet(before, site, pool);
    const int64_t is = SiteNet(after, site, pool);
    if (is >= 0 || is >= was) continue;
    v1::Alert& alert = Tell(v1::ALERT_KIND_OVERSOLD, &told, sku_, site);
    alert.set_pool(pool);
    alert.set_before(was);
    alert.set_after(is);
  }
}

}  // namespace tallywire::sim
