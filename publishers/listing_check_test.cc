// SPDX-License-Identifier: Apache-2.0
#include "publishers/listing_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace tallywire {
namespace {

using ::testing::HasSubstr;

v1::Listing Good() {
  v1::Listing listing;
  listing.set_channel("amazon");
  listing.set_listing_id("L-1");
  listing.set_sku("TEE");
  return listing;
}

// The text of the refusal of a good listing after `change`; empty: it is still good.
std::string Refusal(const std::function<void(v1::Listing&)>& change) {
  v1::Listing listing = Good();
  change(listing);
  const absl::Status status = CheckListing(listing);
  if (status.ok()) return "";
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  return std::string(status.message());
}

TEST(ListingCheckTest, GoodOnes) {
  EXPECT_EQ(Refusal([](v1::Listing&) {}), "");
  EXPECT_EQ(Refusal([](v1::Listing& l) {
              l.set_channel(std::string(kMaxNameBytes, 'c'));
              l.set_sku("Größe-XL \xE2\x82\xAC");
              l.add_locations("WH3/BIN10");
              l.add_locations("WH3");
              l.add_kinds(v1::SITE_KIND_STORE);
              l.add_pools(v1::POOL_AVAILABLE);
              l.add_pools(v1::POOL_USED);
              l.set_buffer(kMaxQuantity);
              l.set_percent(0);
              l.set_max(0);
              l.set_fixed(kMaxQuantity);
              l.set_paused(true);
            }),
            "");
  EXPECT_EQ(Refusal([](v1::Listing& l) { l.set_percent(100); }), "");
}

TEST(ListingCheckTest, NamesThatAreMissing) {
  EXPECT_EQ(Refusal([](v1::Listing& l) { l.clear_channel(); }), "channel: is missing");
  EXPECT_EQ(Refusal([](v1::Listing& l) { l.clear_listing_id(); }), "listing_id: is missing");
  EXPECT_EQ(Refusal([](v1::Listing& l) { l.clear_sku(); }), "sku: is missing");
}

TEST(ListingCheckTest, NamesThatAreTooLong) {
  EXPECT_THAT(Refusal([](v1::Listing& l) { l.set_sku(std::string(kMaxNameBytes + 1, 's')); }),
              HasSubstr("sku: \"sssss"));
  EXPECT_THAT(Refusal([](v1::Listing& l) { l.set_sku(std::string(kMaxNameBytes + 1, 's')); }),
              HasSubstr("has 65 bytes, more than 64"));
}

TEST(ListingCheckTest, ControlCharacters) {
  EXPECT_EQ(Refusal([](v1::Listing& l) { l.set_channel("a\tb"); }),
            "channel: \"a\\x09b\" has a control character");
  EXPECT_EQ(Refusal([](v1::Listing& l) { l.set_listing_id(std::string("a\0b", 3)); }),
            "listing_id: \"a\\x00b\" has a control character");
  EXPECT_EQ(Refusal([](v1::Listing& l) { l.set_sku("\x7F"); }),
            "sku: \"\\x7f\" has a control character");
  EXPECT_THAT(Refusal([](v1::Listing& l) { l.set_sku("\xC2\x85"); }),
              HasSubstr("has a control character"));
}

TEST(ListingCheckTest, WhatIsNotUtf8) {
  for (const char* bad : {"\x80", "\xC1\x81", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80",
                          "\xF5\x80\x80\x80", "\xE2\x82", "a\xC3"}) {
    EXPECT_THAT(Refusal([&](v1::Listing& l) { l.set_sku(bad); }), HasSubstr("is not UTF-8"));
  }
}

TEST(ListingCheckTest, Locations) {
  for (const char* bad : {"/WH1", "WH1/", "WH1//B", "/"}) {
    EXPECT_EQ(Refusal([&](v1::Listing& l) {
                l.add_locations("WH1");
                l.add_locations(bad);
              }),
              "locations[1]: \"" + std::string(bad) + "\" has an empty level");
  }
  EXPECT_EQ(Refusal([](v1::Listing& l) { l.add_locations(""); }), "locations[0]: is missing");
  const auto fill = [](size_t count) {
    return Refusal([count](v1::Listing& l) {
      for (size_t i = 0; i < count; ++i) l.add_locations("L" + std::to_string(i));
    });
  };
  EXPECT_EQ(fill(kMaxListingLocations), "");
  EXPECT_EQ(fill(kMaxListingLocations + 1), "locations: 1001 are more than 1000");
}

TEST(ListingCheckTest, Enums) {
  EXPECT_EQ(Refusal([](v1::Listing& l) { l.add_kinds(v1::SITE_KIND_UNSPECIFIED); }),
            "kinds[0]: 0 is no kind of site");
  EXPECT_EQ(Refusal([](v1::Listing& l) { l.add_kinds(static_cast<v1::SiteKind>(9)); }),
            "kinds[0]: 9 is no kind of site");
  EXPECT_EQ(Refusal([](v1::Listing& l) { l.add_pools(static_cast<v1::Pool>(8)); }),
            "pools[0]: 8 is no pool");
  EXPECT_EQ(Refusal([](v1::Listing& l) {
              l.add_pools(v1::POOL_USED);
              l.add_pools(v1::POOL_INCOMING);
            }),
            "pools[1]: POOL_INCOMING is not allowed: nobody has these units yet");
}

TEST(ListingCheckTest, Numbers) {
  EXPECT_EQ(Refusal([](v1::Listing& l) { l.set_buffer(-1); }), "buffer: -1 is below 0");
  EXPECT_EQ(Refusal([](v1::Listing& l) { l.set_max(-2); }), "max: -2 is below 0");
  EXPECT_EQ(Refusal([](v1::Listing& l) { l.set_fixed(-3); }), "fixed: -3 is below 0");
  EXPECT_EQ(Refusal([](v1::Listing& l) { l.set_max(kMaxQuantity + 1); }),
            "max: 9007199254740993 is more than 2^53");
  EXPECT_EQ(Refusal([](v1::Listing& l) { l.set_percent(-1); }),
            "percent: -1 is not between 0 and 100");
  EXPECT_EQ(Refusal([](v1::Listing& l) { l.set_percent(101); }),
            "percent: 101 is not between 0 and 100");
}

TEST(ListingCheckTest, KeysOfRemovals) {
  EXPECT_TRUE(CheckListingKey("amazon", "L-1").ok());
  EXPECT_EQ(CheckListingKey("", "L-1").message(), "channel: is missing");
  EXPECT_EQ(CheckListingKey("amazon", "a\nb").message(),
            "listing_id: \"a\\x0ab\" has a control character");
}

}  // namespace
}  // namespace tallywire
