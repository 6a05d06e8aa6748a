// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_SIM_AUDITOR_ROWS_H_
#define TALLYWIRE_TESTS_SIM_AUDITOR_ROWS_H_

// The rows of stock.availability that follow from a SKU's history and from what is defined, for the
// auditor. Pure functions.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tallywire/v1/availability.pb.h"
#include "tests/sim/auditor_sku.h"

namespace tallywire::sim {

// Locations as one partition has learnt them.
struct Locations {
  struct Known {
    int64_t cause = 0;  // offset of the location_defined
    v1::LocationDefined definition;
  };
  std::map<std::string, Known> known;

  // The nearest of itself and what it lies in that is a site.
  std::optional<std::string> SiteAbove(const std::string& location) const;
  // The same; without one the location is a site by itself.
  std::string SiteOf(const std::string& location) const;
};

// Itself, then what it lies in, nearest first.
std::vector<std::string> PathOf(const std::string& location);
bool IsInside(std::string_view inner, std::string_view outer);
// One lies on the path of the other, or they are the same.
bool AreOnOnePath(std::string_view a, std::string_view b);

// A row, and what a row does not show but a listing may look at.
struct RowAt {
  v1::Availability row;
  Pools own;         // of a SITE or PLACE: what lies at that very location
  std::string site;  // that it belongs to
};

v1::NotSellableBecause WhyNotSellable(const SkuHistory& sku, const Locations& locations,
                                      const std::string& location);

// The locations that have a row: those with a posting or count, their sites, and whatever had one.
std::set<std::string> RowsOf(const SkuHistory& sku, const Locations& locations);

// Every row, by location (TOTAL: empty), without version, time and cause.
std::map<std::string, RowAt> PictureOf(const std::string& name, const SkuHistory& sku,
                                       const Locations& locations);

}  // namespace tallywire::sim

#endif  // TALLYWIRE_TESTS_SIM_AUDITOR_ROWS_H_
