// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/auditor_rows.h"

#include <algorithm>

namespace tallywire::sim {
namespace {

void SetPools(const Pools& pools, v1::Availability* row) {
  row->set_available(pools.at(v1::POOL_AVAILABLE));
  row->set_committed(pools.at(v1::POOL_COMMITTED));
  row->set_held(pools.at(v1::POOL_HELD));
  row->set_damaged(pools.at(v1::POOL_DAMAGED));
  row->set_used(pools.at(v1::POOL_USED));
  row->set_quality_control(pools.at(v1::POOL_QUALITY_CONTROL));
  row->set_incoming(pools.at(v1::POOL_INCOMING));
  int64_t on_hand = 0;
  for (const v1::Pool pool : kOnHand) on_hand += pools.at(pool);
  row->set_on_hand(on_hand);
}

void AddTo(Pools& sum, const Pools& pools) {
  for (const v1::Pool pool : kAllPools) sum[pool] += pools.at(pool);
}

Pools Nothing() {
  Pools pools;
  for (const v1::Pool pool : kAllPools) pools[pool] = 0;
  return pools;
}

class Picture {
 public:
  Picture(const std::string& name, const SkuHistory& sku, const Locations& locations)
      : name_(name), sku_(sku), locations_(locations) {
    for (const std::string& place : sku.places) pools_[place] = sku.At(place);
  }

  std::map<std::string, RowAt> Take() {
    std::map<std::string, RowAt> rows;
    for (const std::string& location : RowsOf(sku_, locations_)) {
      const std::string site = locations_.SiteOf(location);
      rows[location] = {site == location ? Site(location) : Place(location), Own(location), site};
    }
    const v1::Availability total = Total(rows);
    rows[""] = {total, Nothing(), ""};
    return rows;
  }

 private:
  Pools Own(const std::string& location) const {
    const auto found = pools_.find(location);
    return found == pools_.end() ? Nothing() : found->second;
  }

  v1::Availability Row(const std::string& location, v1::Level level) const {
    v1::Availability row;
    row.set_sku(name_);
    row.set_location(location);
    row.set_level(level);
    row.set_unlimited(!sku_.tracked() && sku_.sellable());
    return row;
  }

  v1::Availability Place(const std::string& location) const {
    v1::Availability row = Row(location, v1::LEVEL_PLACE);
    SetPools(Own(location), &row);
    row.set_not_sellable_because(WhyNotSellable(sku_, locations_, location));
    row.set_sellable(row.not_sellable_because() == v1::NOT_SELLABLE_BECAUSE_UNSPECIFIED);
    return row;
  }

  int64_t SafetyStock(const std::string& site) const {
    if (sku_.definition.has_value() && sku_.definition->discontinued()) return 0;
    const auto rule = sku_.rules.find(site);
    if (rule != sku_.rules.end() && rule->second.has_safety_stock()) {
      return rule->second.safety_stock();
    }
    return sku_.definition.has_value() ? sku_.definition->safety_stock() : 0;
  }

  v1::Availability Site(const std::string& site) const {
    v1::Availability row = Row(site, v1::LEVEL_SITE);
    const v1::NotSellableBecause own = WhyNotSellable(sku_, locations_, site);
    row.set_own_location_sellable(own == v1::NOT_SELLABLE_BECAUSE_UNSPECIFIED);
    bool any_sellable = row.own_location_sellable();
    Pools sum = Nothing();
    int64_t sellable = 0;
    int64_t others = 0;
    for (const auto& [place, pools] : pools_) {
      if (locations_.SiteOf(place) != site) continue;
      AddTo(sum, pools);
      const bool is_sellable =
          WhyNotSellable(sku_, locations_, place) == v1::NOT_SELLABLE_BECAUSE_UNSPECIFIED;
      any_sellable |= is_sellable;
      (is_sellable ? sellable : others) += pools.at(v1::POOL_AVAILABLE);
    }
    SetPools(sum, &row);
    row.set_sellable(any_sellable);
    if (!any_sellable) row.set_not_sellable_because(own);
    row.set_safety_stock(SafetyStock(site));
    const bool limited = sku_.tracked();
    const int64_t ats = sellable + std::min<int64_t>(0, others) - row.safety_stock();
    row.set_ats(limited && any_sellable ? ats : 0);
    row.set_shortfall(limited ? std::max<int64_t>(0, -sum.at(v1::POOL_AVAILABLE)) : 0);
    SetDefined(site, &row);
    return row;
  }

  void SetDefined(const std::string& site, v1::Availability* row) const {
    const Receipt* last = nullptr;
    for (const Receipt& receipt : sku_.receipts) {
      if (locations_.SiteOf(receipt.location) == site) last = &receipt;
    }
    if (last != nullptr) *row->mutable_unit_cost() = last->cost;
    // The law is silent on what a location that is no site says of itself: nothing is shown.
    if (locations_.SiteAbove(site) != site) return;
    const v1::LocationDefined& definition = locations_.known.at(site).definition;
    row->set_kind(definition.kind());
    if (definition.has_priority()) row->set_priority(definition.priority());
    if (definition.has_lead_time()) *row->mutable_lead_time() = definition.lead_time();
  }

  v1::Availability Total(const std::map<std::string, RowAt>& rows) const {
    v1::Availability total = Row("", v1::LEVEL_TOTAL);
    Pools sum = Nothing();
    for (const auto& [place, pools] : pools_) AddTo(sum, pools);
    SetPools(sum, &total);
    int64_t ats = 0;
    int64_t shortfall = 0;
    int64_t safety_stock = 0;
    for (const auto& [location, at] : rows) {
      if (at.row.level() != v1::LEVEL_SITE) continue;
      ats += std::max<int64_t>(0, at.row.ats());
      shortfall += at.row.shortfall();
      safety_stock += at.row.safety_stock();
    }
    total.set_ats(ats);
    total.set_shortfall(shortfall);
    total.set_safety_stock(safety_stock);
    total.set_sellable(sku_.sellable());
    if (!sku_.sellable()) total.set_not_sellable_because(v1::NOT_SELLABLE_BECAUSE_SKU);
    if (sku_.definition.has_value()) *total.mutable_definition() = *sku_.definition;
    return total;
  }

  const std::string& name_;
  const SkuHistory& sku_;
  const Locations& locations_;
  std::map<std::string, Pools> pools_;  // by place
};

}  // namespace

std::vector<std::string> PathOf(const std::string& location) {
  std::vector<std::string> path = {location};
  while (path.back().find('/') != std::string::npos) {
    path.push_back(path.back().substr(0, path.back().rfind('/')));
  }
  return path;
}

bool IsInside(std::string_view inner, std::string_view outer) {
  return inner.starts_with(std::string(outer) + "/");
}

bool AreOnOnePath(std::string_view a, std::string_view b) {
  return a == b || IsInside(a, b) || IsInside(b, a);
}

std::optional<std::string> Locations::SiteAbove(const std::string& location) const {
  for (const std::string& at : PathOf(location)) {
    const auto found = known.find(at);
    if (found == known.end()) continue;
    if (found->second.definition.kind() != v1::SITE_KIND_UNSPECIFIED) return at;
  }
  return std::nullopt;
}

std::string Locations::SiteOf(const std::string& location) const {
  return SiteAbove(location).value_or(location);
}

v1::NotSellableBecause WhyNotSellable(const SkuHistory& sku, const Locations& locations,
                                      const std::string& location) {
  const auto says = [](bool sellable) {
    return sellable ? v1::NOT_SELLABLE_BECAUSE_UNSPECIFIED : v1::NOT_SELLABLE_BECAUSE_LOCATION;
  };
  if (!sku.sellable()) return v1::NOT_SELLABLE_BECAUSE_SKU;
  if (!locations.SiteAbove(location)) return v1::NOT_SELLABLE_BECAUSE_UNDEFINED_LOCATION;
  for (const std::string& at : PathOf(location)) {
    const auto rule = sku.rules.find(at);
    if (rule != sku.rules.end() && rule->second.has_sellable()) {
      return says(rule->second.sellable());
    }
  }
  for (const std::string& at : PathOf(location)) {
    const auto known = locations.known.find(at);
    if (known != locations.known.end() && known->second.definition.has_sellable()) {
      return says(known->second.definition.sellable());
    }
  }
  return v1::NOT_SELLABLE_BECAUSE_UNSPECIFIED;
}

std::set<std::string> RowsOf(const SkuHistory& sku, const Locations& locations) {
  std::set<std::string> rows;
  for (const std::string& place : sku.places) {
    rows.insert(place);
    rows.insert(locations.SiteOf(place));
  }
  for (const auto& [location, row] : sku.rows) {
    if (!location.empty()) rows.insert(location);
  }
  return rows;
}

std::map<std::string, RowAt> PictureOf(const std::string& name, const SkuHistory& sku,
                                       const Locations& locations) {
  return Picture(name, sku, locations).Take();
}

}  // namespace tallywire::sim
