// SPDX-License-Identifier: Apache-2.0
#include "publishers/rule.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ledger/check.h"

namespace tallywire {
namespace {

__extension__ using Wide = __int128;

// Names spelled out in a trace before it says how many more there are.
constexpr size_t kNamesInTrace = 5;

constexpr int64_t kMicrosPerSecond = 1'000'000;

int64_t Saturate(Wide value) {
  constexpr Wide kMin = std::numeric_limits<int64_t>::min();
  constexpr Wide kMax = std::numeric_limits<int64_t>::max();
  return static_cast<int64_t>(std::clamp(value, kMin, kMax));
}

// Towards minus infinity, as a quantity is rounded down.
Wide FloorDivide(Wide value, Wide by) {
  const Wide quotient = value / by;
  return value % by < 0 ? quotient - 1 : quotient;
}

Wide AtLeastZero(Wide value) { return std::max<Wide>(value, 0); }

// `WH1/B/C` → `WH1/B` → `WH1` → nothing.
std::string_view Parent(std::string_view location) {
  const size_t slash = location.rfind('/');
  return slash == location.npos ? std::string_view() : location.substr(0, slash);
}

std::string KindName(int kind) {
  const std::string name = v1::SiteKind_Name(static_cast<v1::SiteKind>(kind));
  return name.substr(std::string_view("SITE_KIND_").size());
}

std::string PoolName(Pool pool) { return std::string(Name(pool)); }

// `a, b, c and 2 more`.
std::string List(const std::vector<std::string>& names) {
  std::string out;
  for (size_t i = 0; i < std::min(names.size(), kNamesInTrace); ++i) {
    absl::StrAppend(&out, i == 0 ? "" : ", ", names[i]);
  }
  if (names.size() > kNamesInTrace) {
    absl::StrAppend(&out, " and ", names.size() - kNamesInTrace, " more");
  }
  return out;
}

// One site of the SKU, and the sum over those of its locations that the listing looks at.
struct Site {
  int kind = v1::SITE_KIND_UNSPECIFIED;
  int64_t ats = 0;
  bool own_location_sellable = false;
  // What the site's row says less its places: what lies at the site's own location.
  std::array<Wide, kPools> own = {};
  std::array<Wide, kPools> seen = {};
};

// What a listing looks at, read once.
class View {
 public:
  explicit View(const v1::Listing& listing) : listing_(listing) {
    named_.insert(listing.locations().begin(), listing.locations().end());
    kinds_.insert(listing.kinds().begin(), listing.kinds().end());
    for (const int pool : listing.pools()) {
      pools_.insert(pool == v1::POOL_UNSPECIFIED ? Pool::kAvailable
                                                 : static_cast<Pool>(pool - v1::POOL_AVAILABLE));
    }
    if (pools_.empty()) pools_.insert(Pool::kAvailable);
  }

  const std::set<Pool>& pools() const { return pools_; }
  bool names_locations() const { return !named_.empty(); }
  bool names_kinds() const { return !kinds_.empty(); }

  bool SeesKind(int kind) const { return kinds_.empty() || kinds_.contains(kind); }

  // Named locations are seen whether or not they are sellable, each once, however often it is
  // named; where none is named, the sellable ones.
  bool SeesLocation(std::string_view location, bool sellable) const {
    if (named_.empty()) return sellable;
    for (; !location.empty(); location = Parent(location)) {
      if (named_.contains(location)) return true;
    }
    return false;
  }

  // ` at WH1, WH2 and inside, of kind STORE`.
  std::string Where() const {
    std::string out;
    if (!named_.empty()) {
      absl::StrAppend(&out, " at ",
                      List({listing_.locations().begin(), listing_.locations().end()}),
                      " and inside");
    }
    if (!kinds_.empty()) {
      std::vector<std::string> names;
      for (const int kind : kinds_) names.push_back(KindName(kind));
      absl::StrAppend(&out, named_.empty() ? " at sites of kind " : ", of kind ", List(names));
    }
    return out;
  }

 private:
  const v1::Listing& listing_;
  std::set<std::string, std::less<>> named_;
  std::set<int> kinds_;
  std::set<Pool> pools_;
};

using Sites = std::map<std::string_view, Site>;

void Add(const std::array<Wide, kPools>& from, std::array<Wide, kPools>& to, int sign) {
  for (int pool = 0; pool < kPools; ++pool) to[pool] += sign * from[pool];
}

std::array<Wide, kPools> Widen(const std::array<int64_t, kPools>& pools) {
  std::array<Wide, kPools> wide;
  std::copy(pools.begin(), pools.end(), wide.begin());
  return wide;
}

// A place belongs to the nearest location above it that has a SITE row; the law gives each one.
Site& SiteOf(std::string_view place, Sites& sites) {
  for (std::string_view at = Parent(place); !at.empty(); at = Parent(at)) {
    const auto found = sites.find(at);
    if (found != sites.end()) return found->second;
  }
  return sites[place];
}

Sites SitesOf(const StockPicture& picture, const View& view) {
  Sites sites;
  for (const auto& [location, row] : picture.rows) {
    if (row.level != v1::LEVEL_SITE) continue;
    sites[location] = {.kind = row.kind,
                       .ats = row.ats,
                       .own_location_sellable = row.own_location_sellable,
                       .own = Widen(row.pools),
                       .seen = {}};
  }
  for (const auto& [location, row] : picture.rows) {
    if (row.level != v1::LEVEL_PLACE) continue;
    Site& site = SiteOf(location, sites);
    const auto pools = Widen(row.pools);
    Add(pools, site.own, -1);
    if (view.SeesLocation(location, row.sellable)) Add(pools, site.seen, +1);
  }
  for (auto& [location, site] : sites) {
    if (view.SeesLocation(location, site.own_location_sellable)) Add(site.own, site.seen, +1);
  }
  return sites;
}

struct Base {
  Wide units = 0;
  std::string text;
};

// Sites do not net against each other: each gives at least 0.
template <class UnitsOfSite>
Base SumSites(const Sites& sites, const View& view, const std::string& text, UnitsOfSite units_of) {
  Base base;
  std::vector<std::string> parts;
  for (const auto& [name, site] : sites) {
    if (!view.SeesKind(site.kind)) continue;
    const Wide units = AtLeastZero(units_of(site));
    base.units += units;
    if (units != 0) parts.push_back(absl::StrCat(std::string(name), " ", Saturate(units)));
  }
  base.text = absl::StrCat(text, ": ", parts.empty() ? "none" : List(parts));
  return base;
}

// What the listing's rule starts from. For each pool that it names (AVAILABLE, where it names
// none), added up:
// - with locations: what lies at them and inside them, sellable or not, without safety stock. Bins
//   of one site net against each other, which is never more than what each has; sites do not net;
// - AVAILABLE without locations: the TOTAL's ATS; with kinds, the ATS of the sites of those kinds
//   that have any;
// - another pool without locations: what the sellable locations of each site net to.
Base BaseOf(const v1::Listing& listing, const StockPicture& picture) {
  const View view(listing);
  const bool total_only = !view.names_locations() && !view.names_kinds() &&
                          view.pools() == std::set<Pool>{Pool::kAvailable};
  const Sites sites = total_only ? Sites() : SitesOf(picture, view);
  Base base;
  for (const Pool pool : view.pools()) {
    Base part;
    if (view.names_locations()) {
      part = SumSites(sites, view, PoolName(pool) + view.Where(),
                      [pool](const Site& site) { return site.seen[Index(pool)]; });
    } else if (pool != Pool::kAvailable) {
      part = SumSites(sites, view, PoolName(pool) + " where it is sellable" + view.Where(),
                      [pool](const Site& site) { return site.seen[Index(pool)]; });
    } else if (view.names_kinds()) {
      part = SumSites(sites, view, "available to sell" + view.Where(),
                      [](const Site& site) { return Wide{site.ats}; });
    } else {
      part = {.units = AtLeastZero(picture.total->ats),
              .text = absl::StrCat("available to sell in all: ", picture.total->ats)};
    }
    base.units += part.units;
    absl::StrAppend(&base.text, base.text.empty() ? "" : " + ", part.text);
  }
  return base;
}

void AddStep(v1::ListingUpdate& update, const char* step, Wide result, const std::string& text) {
  v1::TraceStep* added = update.add_trace();
  added->set_step(step);
  added->set_result(Saturate(result));
  added->set_text(text);
}

// One step that settles it.
void Settle(v1::ListingUpdate& update, v1::ListingState state, int64_t quantity, const char* step,
            const std::string& text) {
  update.set_state(state);
  update.set_quantity(quantity);
  AddStep(update, step, quantity, text);
}

void SettleUnlimited(const v1::Listing& listing, v1::ListingUpdate& update) {
  const std::string endless = listing.sku() + " is sold without an end: ";
  if (listing.has_max()) {
    return Settle(update, v1::LISTING_STATE_ACTIVE, listing.max(), "unlimited",
                  absl::StrCat(endless, "the listing's max of ", listing.max()));
  }
  update.set_state(v1::LISTING_STATE_NEEDS_CAP);
  AddStep(update, "unlimited", 0, endless + "the listing has no max, so no quantity can be said");
}

void SettleFromStock(const v1::Listing& listing, const StockPicture& picture,
                     v1::ListingUpdate& update) {
  const Base base = BaseOf(listing, picture);
  AddStep(update, "base", base.units, base.text);
  Wide units = base.units;
  if (listing.buffer() > 0) {
    const Wide before = std::exchange(units, units - listing.buffer());
    AddStep(update, "buffer", units,
            absl::StrCat(Saturate(before), " less a buffer of ", listing.buffer()));
  }
  if (listing.has_percent()) {
    const Wide before = std::exchange(units, FloorDivide(units * listing.percent(), 100));
    AddStep(update, "percent", units,
            absl::StrCat(listing.percent(), " % of ", Saturate(before), ", rounded down"));
  }
  if (listing.has_max()) {
    const Wide before = std::exchange(units, std::min<Wide>(units, listing.max()));
    AddStep(update, "max", units, absl::StrCat(Saturate(before), ", at most ", listing.max()));
  }
  if (units < 0) {
    AddStep(update, "floor", 0, absl::StrCat(Saturate(units), ", at least 0"));
    units = 0;
  }
  TW_CHECK(units <= base.units, "a listing without `fixed` shows more than its base");
  update.set_state(v1::LISTING_STATE_ACTIVE);
  update.set_quantity(Saturate(units));
}

void SettleValues(const RuleInForce& rule, const StockPicture& picture, v1::ListingUpdate& update) {
  const v1::Listing& listing = rule.listing;
  if (rule.removed) {
    return Settle(update, v1::LISTING_STATE_REMOVED, 0, "removed", "the listing was taken away");
  }
  if (listing.paused()) {
    return Settle(update, v1::LISTING_STATE_PAUSED, 0, "paused", "the listing is paused");
  }
  if (!picture.total) {
    return Settle(update, v1::LISTING_STATE_ACTIVE, 0, "base",
                  "nothing is known of " + listing.sku() + " yet");
  }
  if (!picture.total->sellable) {
    return Settle(update, v1::LISTING_STATE_ACTIVE, 0, "base",
                  listing.sku() + " itself is not for sale");
  }
  if (listing.has_fixed()) {
    return Settle(update, v1::LISTING_STATE_ACTIVE, listing.fixed(), "fixed",
                  absl::StrCat("fixed at ", listing.fixed(), ", whatever the stock is"));
  }
  if (picture.total->unlimited) return SettleUnlimited(listing, update);
  SettleFromStock(listing, picture, update);
}

}  // namespace

StockRow ToStockRow(const v1::Availability& row) {
  StockRow out;
  out.level = row.level();
  out.kind = row.kind();
  out.unlimited = row.unlimited();
  out.sellable = row.sellable();
  out.own_location_sellable = row.own_location_sellable();
  out.partition = Partition(row.partition());
  out.version = row.version();
  out.log_time = Time(row.log_time().seconds() * kMicrosPerSecond + row.log_time().nanos() / 1'000);
  out.ats = row.ats();
  out.pools = {row.available(), row.committed(),       row.held(),    row.damaged(),
               row.used(),      row.quality_control(), row.incoming()};
  return out;
}

bool StockPicture::Apply(std::string_view location, const StockRow& row) {
  if (location.empty()) {
    if (total && row.version <= total->version) return false;
    total = row;
    return true;
  }
  const auto found = rows.find(location);
  if (found == rows.end()) {
    rows.emplace(location, row);
  } else if (row.version > found->second.version) {
    found->second = row;
  } else {
    return false;
  }
  newest_row = std::max(newest_row, row.version);
  return true;
}

bool StockPicture::Whole() const { return total ? total->version >= newest_row : rows.empty(); }

v1::ListingUpdate MakeUpdate(const RuleInForce& rule, const StockPicture& picture) {
  TW_CHECK(picture.Whole(), "a listing is computed from a part of a picture");
  v1::ListingUpdate update;
  update.set_channel(rule.listing.channel());
  update.set_listing_id(rule.listing.listing_id());
  update.set_sku(rule.listing.sku());
  update.set_rules_version(rule.version);
  update.set_stock_version(picture.version());
  if (picture.total) {
    const int64_t micros = picture.total->log_time.value();
    update.mutable_log_time()->set_seconds(micros / kMicrosPerSecond);
    update.mutable_log_time()->set_nanos(static_cast<int32_t>(micros % kMicrosPerSecond * 1'000));
  }
  SettleValues(rule, picture, update);
  return update;
}

}  // namespace tallywire
