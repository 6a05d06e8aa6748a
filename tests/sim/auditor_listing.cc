// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/auditor_listing.h"

#include <algorithm>
#include <optional>
#include <set>

namespace tallywire::sim {
namespace {

constexpr int kMostLocations = 1'000;

bool IsName(const std::string& name) {
  return !name.empty() && name.size() <= kMostNameBytes && IsCleanName(name);
}

bool IsUnits(int64_t units) { return units >= 0 && units <= kMostUnits; }

bool IsWellFormed(const v1::Listing& listing) {
  bool good = IsName(listing.channel()) && IsName(listing.listing_id()) && IsName(listing.sku());
  good &= listing.locations_size() <= kMostLocations;
  for (const std::string& location : listing.locations()) {
    good &= IsName(location) && IsCleanLocation(location);
  }
  for (const int kind : listing.kinds()) {
    good &= v1::SiteKind_IsValid(kind) && kind != v1::SITE_KIND_UNSPECIFIED;
  }
  for (const int pool : listing.pools()) {
    good &= v1::Pool_IsValid(pool) && pool != v1::POOL_INCOMING;
  }
  good &= IsUnits(listing.buffer());
  good &= !listing.has_percent() || (listing.percent() >= 0 && listing.percent() <= 100);
  good &= !listing.has_max() || IsUnits(listing.max());
  good &= !listing.has_fixed() || IsUnits(listing.fixed());
  return good;
}

// What the listing's number begins with.
class Base {
 public:
  Base(const v1::Listing& listing, const std::map<std::string, RowAt>& picture)
      : listing_(listing), picture_(picture) {}

  int64_t Units() const {
    std::set<v1::Pool> pools;
    for (const int pool : listing_.pools()) {
      pools.insert(pool == v1::POOL_UNSPECIFIED ? v1::POOL_AVAILABLE : static_cast<v1::Pool>(pool));
    }
    if (pools.empty()) pools.insert(v1::POOL_AVAILABLE);
    int64_t units = 0;
    for (const v1::Pool pool : pools) units += UnitsOf(pool);
    return units;
  }

 private:
  int64_t UnitsOf(v1::Pool pool) const {
    const bool anywhere = listing_.locations().empty();
    if (anywhere && listing_.kinds().empty() && pool == v1::POOL_AVAILABLE) {
      return picture_.at("").row.ats();
    }
    int64_t units = 0;
    for (const auto& [site, at] : picture_) {
      if (at.row.level() != v1::LEVEL_SITE || !IsOfKind(at.row.kind())) continue;
      const bool ats = anywhere && pool == v1::POOL_AVAILABLE;
      units += std::max<int64_t>(0, ats ? at.row.ats() : NetOf(site, pool));
    }
    return units;
  }

  // What the listing sees of a pool at a site, its locations together.
  int64_t NetOf(const std::string& site, v1::Pool pool) const {
    int64_t net = 0;
    for (const auto& [location, at] : picture_) {
      if (location.empty() || at.site != site) continue;
      if (IsSeen(location, at.row)) net += at.own.at(pool);
    }
    return net;
  }

  bool IsOfKind(v1::SiteKind kind) const {
    const auto& kinds = listing_.kinds();
    return kinds.empty() || std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
  }

  bool IsSeen(const std::string& location, const v1::Availability& row) const {
    if (listing_.locations().empty()) {
      return row.level() == v1::LEVEL_SITE ? row.own_location_sellable() : row.sellable();
    }
    for (const std::string& named : listing_.locations()) {
      if (location == named || IsInside(location, named)) return true;
    }
    return false;
  }

  const v1::Listing& listing_;
  const std::map<std::string, RowAt>& picture_;
};

class Update {
 public:
  explicit Update(v1::ListingUpdate* update) : update_(*update) {}

  int64_t Step(const char* step, int64_t result) {
    v1::TraceStep* added = update_.add_trace();
    added->set_step(step);
    added->set_result(result);
    return result;
  }
  void Show(v1::ListingState state, std::optional<int64_t> quantity) {
    update_.set_state(state);
    if (quantity.has_value()) update_.set_quantity(*quantity);
  }

 private:
  v1::ListingUpdate& update_;
};

int64_t FloorOfPercent(int64_t units, int64_t percent) {
  int64_t part = units * percent / 100;
  if (part * 100 > units * percent) --part;
  return part;
}

void ShowStock(const v1::Listing& listing, const std::map<std::string, RowAt>& picture,
               Update& update) {
  int64_t units = update.Step("base", Base(listing, picture).Units());
  if (listing.buffer() > 0) units = update.Step("buffer", units - listing.buffer());
  if (listing.has_percent()) {
    units = update.Step("percent", FloorOfPercent(units, listing.percent()));
  }
  if (listing.has_max()) units = update.Step("max", std::min(units, listing.max()));
  if (units < 0) units = update.Step("floor", 0);
  update.Show(v1::LISTING_STATE_ACTIVE, units);
}

void Show(const Rule& rule, const std::map<std::string, RowAt>& picture, Update& update) {
  const v1::Listing& listing = rule.listing;
  if (rule.removed) {
    return update.Show(v1::LISTING_STATE_REMOVED, update.Step("removed", 0));
  }
  if (listing.paused()) return update.Show(v1::LISTING_STATE_PAUSED, update.Step("paused", 0));
  if (picture.empty() || !picture.at("").row.sellable()) {
    return update.Show(v1::LISTING_STATE_ACTIVE, update.Step("base", 0));
  }
  if (listing.has_fixed()) {
    return update.Show(v1::LISTING_STATE_ACTIVE, update.Step("fixed", listing.fixed()));
  }
  if (!picture.at("").row.unlimited()) return ShowStock(listing, picture, update);
  if (listing.has_max()) {
    return update.Show(v1::LISTING_STATE_ACTIVE, update.Step("unlimited", listing.max()));
  }
  update.Step("unlimited", 0);
  update.Show(v1::LISTING_STATE_NEEDS_CAP, std::nullopt);
}

}  // namespace

Rules ReadRules(const std::vector<LogRecord>& records) {
  Rules rules;
  for (const LogRecord& record : records) {
    v1::ListingRule change;
    if (!change.ParseFromString(record.value)) continue;
    const bool put = change.has_put();
    const v1::ListingKey& gone = change.remove();
    if (put ? !IsWellFormed(change.put())
            : !change.has_remove() || !IsName(gone.channel()) || !IsName(gone.listing_id())) {
      continue;
    }
    const ListingName name = put ? ListingName(change.put().channel(), change.put().listing_id())
                                 : ListingName(gone.channel(), gone.listing_id());
    const auto held = rules.find(name);
    const Rule* const before = held == rules.end() ? nullptr : &held->second.rbegin()->second;
    const bool there = before != nullptr && !before->removed;
    if (!put && !there) continue;
    if (put && there && before->listing.SerializeAsString() == change.put().SerializeAsString()) {
      continue;
    }
    const Rule rule = {put ? change.put() : before->listing, !put, record.stamp};
    rules[name][record.offset] = rule;
  }
  return rules;
}

int64_t LastTotal(const Expected& expected, const std::string& sku) {
  const auto total = expected.rows.find({sku, ""});
  return total == expected.rows.end() ? -1 : total->second.rbegin()->first;
}

std::map<std::string, RowAt> PictureAt(const Expected& expected, const std::string& sku,
                                       int64_t total_version) {
  std::map<std::string, RowAt> picture;
  const auto total = expected.rows.find({sku, ""});
  if (total == expected.rows.end() || !total->second.contains(total_version)) return picture;
  for (auto row = total; row != expected.rows.end() && row->first.first == sku; ++row) {
    auto newest = row->second.upper_bound(total_version);
    if (newest == row->second.begin()) continue;
    picture[row->first.second] = (--newest)->second;
  }
  return picture;
}

v1::ListingUpdate Shown(int64_t version, const Rule& rule,
                        const std::map<std::string, RowAt>& picture) {
  v1::ListingUpdate update;
  update.set_channel(rule.listing.channel());
  update.set_listing_id(rule.listing.listing_id());
  update.set_sku(rule.listing.sku());
  update.set_rules_version(version);
  update.set_stock_version(-1);
  if (!picture.empty()) {
    update.set_stock_version(picture.at("").row.version());
    *update.mutable_log_time() = picture.at("").row.log_time();
  }
  Update steps(&update);
  Show(rule, picture, steps);
  return update;
}

}  // namespace tallywire::sim
