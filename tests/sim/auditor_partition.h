// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_SIM_AUDITOR_PARTITION_H_
#define TALLYWIRE_TESTS_SIM_AUDITOR_PARTITION_H_

// One partition's records, one after the other, for the auditor. Inner part of it.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "tests/sim/auditor.h"

namespace tallywire::sim {

class PartitionAuditor {
 public:
  // `expected` gets what follows.
  PartitionAuditor(int32_t partition, int32_t partitions, Expected* expected)
      : partition_(partition), partitions_(partitions), expected_(*expected) {}

  void Take(const LogRecord& record);
  void Finish();

 private:
  // Source, whether it is a location's, SKU or location, event id.
  using Identity = std::tuple<std::string, bool, std::string, std::string>;

  // Held units that go back; in the order in which they fire.
  struct Timer {
    Micros due = 0;
    std::string sku;
    int64_t armed = 0;
    std::string location;
    v1::Pool from = v1::POOL_AVAILABLE;
    int64_t units = 0;
    friend bool operator<(const Timer& a, const Timer& b) {
      return std::tie(a.due, a.sku, a.armed) < std::tie(b.due, b.sku, b.armed);
    }
  };

  // Time, identity, locations, what is told and touched (auditor.cc).
  void Advance(Micros stamp);
  void FireTimers();
  Verdict Decide(const Told& told);
  static Identity IdentityOf(const Told& told);
  bool IsDuplicate(const Told& told);
  void Remember(const Told& told);
  Verdict Copy(const v1::LocationCopied& copied);
  void TellMisplaced(const Told& told);
  v1::Alert& Tell(v1::AlertKind kind, const Told* told, const std::string& sku,
                  const std::string& location);
  v1::Cause CauseOf(const Told* told) const;
  void Touch(const std::string& sku, const std::string& row, const v1::Cause& cause);
  void TouchPlace(const std::string& sku, const std::string& location, const v1::Cause& cause);
  void TouchAround(const std::string& name, const SkuHistory& sku, const std::string& location,
                   const v1::Cause& cause);
  void TakeRows(const std::string& name);
  void Doubt(const std::string& sku, const std::string& what);

  // What events do (auditor_bodies.cc). `told` null: a timer. False: some account would overflow.
  bool Apply(const Told& told);
  void Fire(const Timer& timer);
  void ApplyBody(const Told& told, SkuHistory& sku);
  void ApplyDefinition(const Told& told, SkuHistory& sku);
  void ApplyLocationSet(const Told& told, SkuHistory& sku);
  void Count(const Told& told, SkuHistory& sku);
  void Ship(const Told& told, SkuHistory& sku);
  void Arrive(const Told& told, SkuHistory& sku);
  void Close(const Told& told, SkuHistory& sku);
  void Move(SkuHistory& sku, const Told* told, const std::string& location, v1::Pool pool,
            int64_t units);
  void NameAPlace(SkuHistory& sku, const Told* told, const std::string& location);
  void TakeBackWhatWasSeen(SkuHistory& sku, const Told* told);
  void TellOversold(const SkuHistory& before, const SkuHistory& after, const Told& told);
  void TellNearOthers(const SkuHistory& sku, const Told& told);
  int64_t SiteNet(const SkuHistory& sku, const std::string& site, v1::Pool pool) const;

  const int32_t partition_;
  const int32_t partitions_;
  Expected& expected_;

  std::optional<Micros> log_time_;
  int64_t order_ = 0;
  Locations locations_;
  std::map<Identity, std::string> identities_;                    // → content
  std::map<std::string, std::map<uint64_t, Identity>> numbered_;  // by source
  std::set<std::string> misplaced_;                               // sources
  std::set<Timer> timers_;
  std::map<std::string, SkuHistory> skus_;

  // Of the record at hand.
  int64_t offset_ = 0;
  Micros at_ = 0;  // effective, of the event or timer
  std::string sku_;
  std::map<std::string, std::map<std::string, v1::Cause>> touched_;  // rows by SKU
  std::vector<v1::Alert> alerts_;
};

}  // namespace tallywire::sim

#endif  // TALLYWIRE_TESTS_SIM_AUDITOR_PARTITION_H_
