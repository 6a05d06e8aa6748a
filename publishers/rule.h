// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_PUBLISHERS_RULE_H_
#define TALLYWIRE_PUBLISHERS_RULE_H_

// From a listing and the whole stock picture of its SKU to what the listing shows: a pure function,
// without a past of its own and without a clock. Equal arguments give equal bytes.
//
// What stands before what:
//   1. a listing that was taken away is REMOVED and shows 0;
//   2. a paused one is PAUSED and shows 0, whatever else it says: who pauses wants nothing sold;
//   3. while the SKU has no TOTAL, or is itself not for sale (nothing overrides that): 0;
//   4. `fixed` is shown whatever the stock is, also where the stock has no end;
//   5. stock without an end: the listing's `max`, or no quantity at all and NEEDS_CAP;
//   6. base, less `buffer`, times `percent` rounded down, at most `max`, at least 0.
//
// The base is the TOTAL's ATS, or of what the listing names: see BaseOf in rule.cc.
//
// Quantities are whole units; sums are made in 128 bits and end at the limits of int64.
// Thread-safe: functions of values.

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "ledger/types.h"
#include "tallywire/v1/availability.pb.h"
#include "tallywire/v1/listing.pb.h"

namespace tallywire {

// What an update rests on while its SKU has no TOTAL: below that of a log's very first record.
inline constexpr int64_t kNoStockVersion = -1;

// What a rule sees of one row of stock.availability.
struct StockRow {
  v1::Level level = v1::LEVEL_UNSPECIFIED;
  v1::SiteKind kind = v1::SITE_KIND_UNSPECIFIED;
  bool unlimited = false;
  bool sellable = false;
  bool own_location_sellable = false;
  Partition partition;
  int64_t version = 0;
  Time log_time;
  int64_t ats = 0;
  std::array<int64_t, kPools> pools = {};  // by Index(Pool)
};

StockRow ToStockRow(const v1::Availability& row);

// All rows of one SKU that are held.
struct StockPicture {
  std::optional<StockRow> total;
  // Sites and places by location.
  std::map<std::string, StockRow, std::less<>> rows;
  // The highest version of `rows`.
  int64_t newest_row = 0;

  // False if the row is not newer than the one held, which then stays.
  bool Apply(std::string_view location, const StockRow& row);
  // Only of a whole picture may anything be computed. One without any row is whole.
  bool Whole() const;
  int64_t version() const { return total ? total->version : kNoStockVersion; }
};

// A listing as the last record of stock.listing-rules that changed it left it.
struct RuleInForce {
  // As it was last put, also when it was removed since.
  v1::Listing listing;
  bool removed = false;
  // rules epoch * 2^44 + that record's offset; epochs are not opened yet.
  int64_t version = 0;
  // That record's log time.
  Time stamp;
};

// `picture` is whole.
v1::ListingUpdate MakeUpdate(const RuleInForce& rule, const StockPicture& picture);

}  // namespace tallywire

#endif  // TALLYWIRE_PUBLISHERS_RULE_H_
