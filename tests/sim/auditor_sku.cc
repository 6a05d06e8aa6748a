// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/auditor_sku.h"

namespace tallywire::sim {

v1::CountSet SetOf(v1::Pool pool) {
  if (pool == v1::POOL_AVAILABLE || pool == v1::POOL_HELD) return v1::COUNT_SET_SHELF;
  if (pool == v1::POOL_DAMAGED) return v1::COUNT_SET_DAMAGED;
  if (pool == v1::POOL_USED) return v1::COUNT_SET_USED;
  if (pool == v1::POOL_QUALITY_CONTROL) return v1::COUNT_SET_QUALITY_CONTROL;
  return v1::COUNT_SET_UNSPECIFIED;
}

const Count* SkuHistory::LastCount(const std::string& location, v1::CountSet set) const {
  const Count* last = nullptr;
  for (const Count& count : counts) {
    if (count.location == location && count.set == set) last = &count;
  }
  return last;
}

int64_t SkuHistory::InSet(const std::string& location, v1::CountSet set) const {
  const Count* const last = LastCount(location, set);
  // Who counted had seen what came before, unless it happened later on a clock that both share.
  const auto counts_on = [last](int64_t order, Micros at) {
    return last == nullptr || order > last->order || (at > last->at && at <= last->log_time);
  };
  int64_t sum = last == nullptr ? 0 : last->units;
  for (const Movement& movement : movements) {
    if (movement.location != location || SetOf(movement.pool) != set) continue;
    if (seen.contains({movement.order, location, set})) continue;
    if (counts_on(movement.order, movement.at)) sum += movement.units;
  }
  // A variance is a movement of its set as well: it matters where a clock has stepped back, and a
  // count came before the last one but was taken after it.
  for (const Count& count : counts) {
    if (count.location != location || count.set != set || &count == last) continue;
    if (counts_on(count.order, count.at)) sum += count.variance;
  }
  return sum;
}

int64_t SkuHistory::InPool(const std::string& location, v1::Pool pool) const {
  // Own pools take up what counting finds: what is in the set and not in its other pool.
  if (pool == v1::POOL_AVAILABLE) {
    return InSet(location, v1::COUNT_SET_SHELF) - InPool(location, v1::POOL_HELD);
  }
  const bool own = pool != v1::POOL_HELD && SetOf(pool) != v1::COUNT_SET_UNSPECIFIED;
  if (own) return InSet(location, SetOf(pool));
  int64_t sum = 0;
  for (const Movement& movement : movements) {
    if (movement.location == location && movement.pool == pool) sum += movement.units;
  }
  return sum;
}

Pools SkuHistory::At(const std::string& location) const {
  Pools pools;
  for (const v1::Pool pool : kAllPools) pools[pool] = InPool(location, pool);
  return pools;
}

int64_t SkuHistory::Sum() const {
  int64_t sum = 0;
  for (const auto& [account, units] : accounts) sum += units;
  for (const std::string& place : places) {
    for (const auto& [pool, units] : At(place)) sum += units;
  }
  return sum;
}

bool SkuHistory::Fits() const {
  const auto fits = [](int64_t units) { return units >= -kMostUnits && units <= kMostUnits; };
  for (const auto& [account, units] : accounts) {
    if (!fits(units)) return false;
  }
  for (const std::string& place : places) {
    for (const auto& [pool, units] : At(place)) {
      if (!fits(units)) return false;
    }
  }
  return true;
}

}  // namespace tallywire::sim
