// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_SCENARIOS_PRINT_H_
#define TALLYWIRE_TESTS_SCENARIOS_PRINT_H_

// Messages as the one line each that a scenario expects: what the law fixes, and nothing that
// depends on the number of partitions. Quantities that are zero are left out, ATS aside.

#include <functional>
#include <string>

#include "tallywire/v1/alert.pb.h"
#include "tallywire/v1/api.pb.h"
#include "tallywire/v1/availability.pb.h"
#include "tallywire/v1/listing.pb.h"

namespace tallywire::scenarios {

struct RowPrinting {
  // Kind, priority, lead time, unit cost of a site; a SKU's definition.
  bool full = false;
  // Turns a version into the name of the record that it stands for; empty: versions are left out.
  std::function<std::string(int32_t partition, int64_t offset)> record_name;
};

// `WH3 SITE available=4 on_hand=4 ats=4 sellable`; the TOTAL has no location.
std::string Print(const v1::Availability& row, const RowPrinting& printing);

// `OVERSOLD A WH1 pool=AVAILABLE before=1 after=-2 by=e3`.
std::string Print(const v1::Alert& alert);

// `sold e3 WH1 AVAILABLE -3 10->7`; without a change of a balance: `counted e4 WH1 nothing`;
// `timer` has no event of its own.
std::string Print(const v1::JournalEntry& entry);

// `amazon L1 A quantity=7 ACTIVE`; `trace`: and how it came about.
std::string Print(const v1::ListingUpdate& update, bool trace);

std::string Print(const v1::Listing& listing);

// `e3`, or `pos/e3` from another source than `test`; `-` without an id.
std::string EventName(const std::string& source, const std::string& id);

}  // namespace tallywire::scenarios

#endif  // TALLYWIRE_TESTS_SCENARIOS_PRINT_H_
