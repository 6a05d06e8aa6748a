// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_SIM_AUDITOR_SKU_H_
#define TALLYWIRE_TESTS_SIM_AUDITOR_SKU_H_

// All that has happened to one SKU, as the auditor remembers it, and how much of it is where.
//
// A balance is never kept: what lies in a set (the shelf, the damaged ones …) of a place is what
// was counted there last and everything that moved since in the eyes of who counted; a pool is what
// its set has less the set's other pools. So a variance is not posted to a pool at all, it follows.
// Only the counter accounts are sums, so that conservation is a true test of both.
//
// Copied before each record that may be refused. Plain values; sums over the whole history each
// time.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "tallywire/v1/availability.pb.h"
#include "tallywire/v1/event.pb.h"
#include "tests/sim/auditor_form.h"

namespace tallywire::sim {

// The pools of units on hand, and the one that is not.
inline constexpr v1::Pool kOnHand[] = {v1::POOL_AVAILABLE, v1::POOL_COMMITTED,
                                       v1::POOL_HELD,      v1::POOL_DAMAGED,
                                       v1::POOL_USED,      v1::POOL_QUALITY_CONTROL};
inline constexpr v1::Pool kAllPools[] = {
    v1::POOL_AVAILABLE, v1::POOL_COMMITTED,       v1::POOL_HELD,    v1::POOL_DAMAGED,
    v1::POOL_USED,      v1::POOL_QUALITY_CONTROL, v1::POOL_INCOMING};

using Pools = std::map<v1::Pool, int64_t>;

// What a count of it covers; UNSPECIFIED for INCOMING and COMMITTED.
v1::CountSet SetOf(v1::Pool pool);

enum class Account { kSupplier, kCustomer, kVariance, kConversion };

struct Movement {
  int64_t order = 0;  // in the log, timers before their record
  Micros at = 0;      // effective
  std::string location;
  v1::Pool pool = v1::POOL_AVAILABLE;
  int64_t units = 0;
};

// One that holds: not older than the one before.
struct Count {
  int64_t order = 0;
  Micros at = 0;
  Micros log_time = 0;
  std::string location;
  v1::CountSet set = v1::COUNT_SET_SHELF;
  int64_t units = 0;
  int64_t variance = 0;
};

// A receipt that named its cost.
struct Receipt {
  int64_t offset = 0;
  std::string location;
  v1::Money cost;
};

struct Transfer {
  std::map<std::string, int64_t> outstanding;  // by `to`
  std::map<std::string, int64_t> unexpected;   // by where it arrived
  bool closed = false;
};

struct SkuHistory {
  std::vector<Movement> movements;
  std::vector<Count> counts;
  // Of the movements of one order, at a location, those of a set that its last count had seen.
  std::set<std::tuple<int64_t, std::string, v1::CountSet>> seen;
  std::map<Account, int64_t> accounts;
  std::set<std::string> places;  // where something was posted or counted
  std::vector<Receipt> receipts;
  std::map<std::string, Transfer> transfers;

  std::optional<v1::SkuDefined> definition;
  std::map<std::string, v1::SkuLocationSet> rules;

  // The last picture that went out, by location. A row that was there once is there for ever.
  std::map<std::string, v1::Availability> rows;

  // The last count of a set that holds; null: none.
  const Count* LastCount(const std::string& location, v1::CountSet set) const;
  int64_t InSet(const std::string& location, v1::CountSet set) const;
  int64_t InPool(const std::string& location, v1::Pool pool) const;
  Pools At(const std::string& location) const;

  // The sum over all that there is; 0, or units came from nowhere.
  int64_t Sum() const;
  // No account is beyond its limit.
  bool Fits() const;

  bool sellable() const { return !definition.has_value() || definition->sellable(); }
  bool tracked() const {
    return !definition.has_value() || definition->tracking() == v1::TRACKING_TRACKED;
  }
};

}  // namespace tallywire::sim

#endif  // TALLYWIRE_TESTS_SIM_AUDITOR_SKU_H_
