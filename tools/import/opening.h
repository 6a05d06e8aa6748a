// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_IMPORT_OPENING_H_
#define TALLYWIRE_TOOLS_IMPORT_OPENING_H_

// Opening counts for a table that has sales but no receipts: what must at least have been there, so
// that no balance goes below zero. They are derived from the table, not counted by anyone, and say
// so.
//
// For each SKU and location whose running balance of AVAILABLE goes below zero, in the table's
// order and from zero: one `counted` of minus the lowest balance, one second before the earliest
// event of that SKU there. A count of the shelf in the table itself ends the looking: from it on
// the table knows.
//
// Threads: none; one owner. Memory: one entry for each SKU and location.

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "ledger/types.h"
#include "tallywire/v1/event.pb.h"

namespace tallywire {

class OpeningCounts {
 public:
  // Every event that the table makes, in order, but for those that the ledger refuses.
  void Add(const v1::StockEvent& event);

  // The counts, by SKU and location. `source` is the map's.
  std::vector<v1::StockEvent> Derive(const std::string& source) const;

 private:
  struct Balance {
    int64_t now = 0;
    int64_t lowest = 0;
    Time earliest = Time(INT64_MAX);
    bool counted = false;
  };

  void Post(const v1::StockEvent& event, const std::string& location, v1::Pool pool, int64_t delta);

  std::map<std::pair<std::string, std::string>, Balance> balances_;
};

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_IMPORT_OPENING_H_
