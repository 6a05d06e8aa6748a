// SPDX-License-Identifier: Apache-2.0
#include "projector/fold/picture.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "projector/fold/fold.h"

namespace tallywire {
namespace {

const SkuDefinition& DefinitionOf(const SkuState& sku) {
  static const SkuDefinition* const undefined = new SkuDefinition();
  return sku.definition == nullptr ? *undefined : *sku.definition;
}

// Of two touches by one record the event's own counts, then a definition's.
int Rank(CauseKind kind) {
  switch (kind) {
    case CauseKind::kEvent:
      return 3;
    case CauseKind::kLocation:
      return 2;
    case CauseKind::kTimer:
      return 1;
    case CauseKind::kNone:
      break;
  }
  return 0;
}

void Raise(const Touch*& newest, const Touch& touch) {
  if (touch.offset.value() < 0) return;
  if (newest == nullptr || touch.offset > newest->offset ||
      (touch.offset == newest->offset && Rank(touch.kind) > Rank(newest->kind))) {
    newest = &touch;
  }
}

class Picture {
 public:
  Picture(const SkuState& sku, const Locations& locations)
      : sku_(sku), locations_(locations), definition_(DefinitionOf(sku)) {}

  std::vector<StockRow> Take() {
    for (const Place& place : sku_.places) AddPlace(place);
    for (const Place& place : sku_.places) AddFormerSites(place);
    for (auto& [id, site] : sites_) FinishSite(site);
    std::sort(rows_.begin(), rows_.end(),
              [](const StockRow& a, const StockRow& b) { return a.name < b.name; });
    rows_.push_back(Total());
    return std::move(rows_);
  }

 private:
  struct Site {
    StockRow row;
    Quantity sellable_sum = 0;
    Quantity other_sum = 0;
    bool any_sellable = false;
  };

  NotSellable WhyNot(LocationId location) const {
    if (!definition_.sellable) return NotSellable::kSku;
    if (!locations_.HasSite(location)) return NotSellable::kUndefinedLocation;
    if (!sku_.rules.empty()) {
      for (LocationId l = location; l != kNoLocation; l = locations_.at(l).parent) {
        const PlaceRule* rule = RuleAt(l);
        if (rule != nullptr && rule->rule.sellable.has_value()) {
          return *rule->rule.sellable ? NotSellable::kNone : NotSellable::kLocation;
        }
      }
    }
    return locations_.Sellable(location).value_or(true) ? NotSellable::kNone
                                                        : NotSellable::kLocation;
  }

  const PlaceRule* RuleAt(LocationId location) const {
    for (const PlaceRule& rule : sku_.rules) {
      if (rule.location == location) return &rule;
    }
    return nullptr;
  }

  Quantity SafetyStockAt(LocationId site) const {
    if (definition_.discontinued) return 0;
    const PlaceRule* rule = RuleAt(site);
    if (rule != nullptr && rule->rule.safety_stock.has_value()) return *rule->rule.safety_stock;
    return definition_.safety_stock;
  }

  bool is_limited() const { return definition_.tracking == Tracking::kTracked; }
  bool is_unlimited() const { return !is_limited() && definition_.sellable; }

  StockRow MakeRow(Level level, LocationId location) const {
    StockRow row;
    row.level = level;
    row.location = location;
    row.name = locations_.at(location).name;
    row.unlimited = is_unlimited();
    Raise(row.touch, sku_.definition_touch);
    Raise(row.touch, locations_.NewestTouch(location));
    for (const PlaceRule& rule : sku_.rules) {
      if (rule.location == location || locations_.IsInside(location, rule.location) ||
          locations_.IsInside(rule.location, location)) {
        Raise(row.touch, rule.touch);
      }
    }
    return row;
  }

  Site& SiteAt(LocationId location) {
    const auto [found, made] = sites_.try_emplace(location);
    if (made) {
      Site& site = found->second;
      site.row = MakeRow(Level::kSite, location);
      site.row.because = WhyNot(location);
      site.row.own_location_sellable = site.row.because == NotSellable::kNone;
      site.any_sellable = site.row.own_location_sellable;
      site.row.safety_stock = SafetyStockAt(location);
      if (locations_.HasSite(location)) site.row.definition = &*locations_.at(location).definition;
    }
    return found->second;
  }

  void AddPlace(const Place& place) {
    const LocationId site_location = locations_.SiteOf(place.location);
    const NotSellable because = WhyNot(place.location);
    Site& site = SiteAt(site_location);
    for (size_t p = 0; p < kPools; ++p) site.row.pools[p] += place.pools[p];
    const Quantity available = place.pools[static_cast<size_t>(Index(Pool::kAvailable))];
    if (because == NotSellable::kNone) {
      site.any_sellable = true;
      site.sellable_sum += available;
    } else {
      site.other_sum += available;
    }
    Raise(site.row.touch, place.touch);
    if (place.unit_cost.has_value() &&
        (site.row.unit_cost == nullptr || place.unit_cost->offset > site.row.unit_cost->offset)) {
      site.row.unit_cost = &*place.unit_cost;
    }
    if (site_location == place.location) return;
    StockRow row = MakeRow(Level::kPlace, place.location);
    row.pools = place.pools;
    row.because = because;
    row.sellable = because == NotSellable::kNone;
    Raise(row.touch, place.touch);
    rows_.push_back(row);
  }

  // A row that was once written stays: where a site has lost its places to another.
  void AddFormerSites(const Place& place) {
    for (const LocationId former : locations_.SitesSince(place.location, place.first)) {
      if (sites_.contains(former) || sku_.places.Find(former) != nullptr) continue;
      if (locations_.SiteOf(former) == former) {
        SiteAt(former);
        continue;
      }
      const bool known = std::any_of(rows_.begin(), rows_.end(),
                                     [&](const StockRow& row) { return row.location == former; });
      if (known) continue;
      StockRow row = MakeRow(Level::kPlace, former);
      row.because = WhyNot(former);
      row.sellable = row.because == NotSellable::kNone;
      rows_.push_back(row);
    }
  }

  void FinishSite(Site& site) {
    StockRow& row = site.row;
    row.sellable = site.any_sellable;
    if (row.sellable) row.because = NotSellable::kNone;
    const Quantity net = site.sellable_sum + site.other_sum;
    if (is_limited()) {
      row.shortfall = std::max<Quantity>(0, -net);
      if (row.sellable) {
        row.ats = site.sellable_sum + std::min<Quantity>(0, site.other_sum) - row.safety_stock;
      }
    }
    for (size_t p = 0; p < kPools; ++p) total_.pools[p] += row.pools[p];
    total_.ats += std::max<Quantity>(0, row.ats);
    total_.shortfall += row.shortfall;
    total_.safety_stock += row.safety_stock;
    Raise(total_.touch, *row.touch);
    rows_.push_back(row);
  }

  StockRow Total() {
    total_.level = Level::kTotal;
    total_.unlimited = is_unlimited();
    total_.sellable = definition_.sellable;
    total_.because = definition_.sellable ? NotSellable::kNone : NotSellable::kSku;
    for (const StockRow& row : rows_) Raise(total_.touch, *row.touch);
    Raise(total_.touch, sku_.touch);
    return total_;
  }

  const SkuState& sku_;
  const Locations& locations_;
  const SkuDefinition& definition_;
  absl::flat_hash_map<LocationId, Site> sites_;
  std::vector<StockRow> rows_;
  StockRow total_;
};

}  // namespace

Quantity OnHand(const Pools& pools) {
  Quantity sum = 0;
  for (size_t p = 0; p < kPools; ++p) {
    if (p != static_cast<size_t>(Index(Pool::kIncoming))) sum += pools[p];
  }
  return sum;
}

std::vector<StockRow> RowsOf(const SkuState& sku, const Locations& locations) {
  return Picture(sku, locations).Take();
}

}  // namespace tallywire
