// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_PUBLISHERS_LISTING_CHECK_H_
#define TALLYWIRE_PUBLISHERS_LISTING_CHECK_H_

// The form that a listing has to keep before it goes into stock.listing-rules, and that a reader
// asks of one that it finds there.
//
// Errors: INVALID_ARGUMENT; the text names the first field that is wrong and its value:
// `percent: 120 is not between 0 and 100`.

#include <cstddef>
#include <string_view>

#include "absl/status/status.h"
#include "ledger/limits.h"
#include "tallywire/v1/listing.pb.h"

namespace tallywire {

// Locations that one listing may name.
inline constexpr size_t kMaxListingLocations = 1'000;
// What a listing may take on the wire; a record of the rules is never larger than an event.
static_assert(kMaxListingLocations * (kMaxNameBytes + 2) < kMaxEventBytes / 2);

[[nodiscard]] absl::Status CheckListing(const v1::Listing& listing);

// Channel and listing id alone, as a removal has them.
[[nodiscard]] absl::Status CheckListingKey(std::string_view channel, std::string_view listing_id);

}  // namespace tallywire

#endif  // TALLYWIRE_PUBLISHERS_LISTING_CHECK_H_
