// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_SIM_AUDITOR_LISTING_H_
#define TALLYWIRE_TESTS_SIM_AUDITOR_LISTING_H_

// What listings are to show, as the auditor works it out from the rules and from its own rows.
// Shares nothing with publishers/. Pure functions.

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tallywire/v1/listing.pb.h"
#include "tests/sim/auditor.h"
#include "tests/sim/log_record.h"

namespace tallywire::sim {

// A listing from one record of stock.listing-rules on.
struct Rule {
  v1::Listing listing;  // as it was put last, also when it was removed since
  bool removed = false;
  Micros stamp = 0;
};

// Channel and listing id.
using ListingName = std::pair<std::string, std::string>;
// Each listing's rules, by version.
using Rules = std::map<ListingName, std::map<int64_t, Rule>>;

// `records`: all of stock.listing-rules. What is not well formed, removes what is not there, or
// says what was said changes nothing.
Rules ReadRules(const std::vector<LogRecord>& records);

// A SKU's rows as its TOTAL of that version ends them. Empty: it has none of that version.
std::map<std::string, RowAt> PictureAt(const Expected& expected, const std::string& sku,
                                       int64_t total_version);
// The last version of a SKU's TOTAL; -1: it has none.
int64_t LastTotal(const Expected& expected, const std::string& sku);

// What a listing shows on a picture (empty: nothing is known of the SKU), without the texts of its
// trace.
v1::ListingUpdate Shown(int64_t version, const Rule& rule,
                        const std::map<std::string, RowAt>& picture);

}  // namespace tallywire::sim

#endif  // TALLYWIRE_TESTS_SIM_AUDITOR_LISTING_H_
