// SPDX-License-Identifier: Apache-2.0
#include "publishers/listing_check.h"

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "ledger/names.h"
#include "ledger/status.h"

namespace tallywire {
namespace {

absl::Status Wrong(const std::string& field, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", what));
}

absl::Status CheckName(const std::string& field, std::string_view name) {
  if (name.empty()) return Wrong(field, "is missing");
  if (name.size() > kMaxNameBytes) {
    return Wrong(field, absl::StrCat(Quoted(name), " has ", name.size(), " bytes, more than ",
                                     kMaxNameBytes));
  }
  if (!IsUtf8(name)) return Wrong(field, Quoted(name) + " is not UTF-8");
  if (HasControlCharacter(name)) {
    return Wrong(field, Quoted(name) + " has a control character");
  }
  return absl::OkStatus();
}

absl::Status CheckLocation(const std::string& field, std::string_view location) {
  TW_RETURN_IF_ERROR(CheckName(field, location));
  if (HasEmptyLevel(location)) return Wrong(field, Quoted(location) + " has an empty level");
  return absl::OkStatus();
}

absl::Status CheckUnits(const std::string& field, int64_t value) {
  if (value < 0) return Wrong(field, absl::StrCat(value, " is below 0"));
  if (value > kMaxQuantity) return Wrong(field, absl::StrCat(value, " is more than 2^53"));
  return absl::OkStatus();
}

absl::Status CheckPlaces(const v1::Listing& listing) {
  if (listing.locations_size() > static_cast<int>(kMaxListingLocations)) {
    return Wrong("locations",
                 absl::StrCat(listing.locations_size(), " are more than ", kMaxListingLocations));
  }
  for (int i = 0; i < listing.locations_size(); ++i) {
    TW_RETURN_IF_ERROR(CheckLocation(absl::StrCat("locations[", i, "]"), listing.locations(i)));
  }
  for (int i = 0; i < listing.kinds_size(); ++i) {
    const int kind = listing.kinds(i);
    if (kind == v1::SITE_KIND_UNSPECIFIED || !v1::SiteKind_IsValid(kind)) {
      return Wrong(absl::StrCat("kinds[", i, "]"), absl::StrCat(kind, " is no kind of site"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckPools(const v1::Listing& listing) {
  for (int i = 0; i < listing.pools_size(); ++i) {
    const int pool = listing.pools(i);
    const std::string field = absl::StrCat("pools[", i, "]");
    if (!v1::Pool_IsValid(pool)) return Wrong(field, absl::StrCat(pool, " is no pool"));
    if (pool == v1::POOL_INCOMING) {
      return Wrong(field, "POOL_INCOMING is not allowed: nobody has these units yet");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckListingKey(std::string_view channel, std::string_view listing_id) {
  TW_RETURN_IF_ERROR(CheckName("channel", channel));
  return CheckName("listing_id", listing_id);
}

absl::Status CheckListing(const v1::Listing& listing) {
  TW_RETURN_IF_ERROR(CheckListingKey(listing.channel(), listing.listing_id()));
  TW_RETURN_IF_ERROR(CheckName("sku", listing.sku()));
  TW_RETURN_IF_ERROR(CheckPlaces(listing));
  TW_RETURN_IF_ERROR(CheckPools(listing));
  TW_RETURN_IF_ERROR(CheckUnits("buffer", listing.buffer()));
  if (listing.has_percent() && (listing.percent() < 0 || listing.percent() > 100)) {
    return Wrong("percent", absl::StrCat(listing.percent(), " is not between 0 and 100"));
  }
  if (listing.has_max()) TW_RETURN_IF_ERROR(CheckUnits("max", listing.max()));
  if (listing.has_fixed()) TW_RETURN_IF_ERROR(CheckUnits("fixed", listing.fixed()));
  return absl::OkStatus();
}

}  // namespace tallywire
