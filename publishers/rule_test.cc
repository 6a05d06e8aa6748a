// SPDX-License-Identifier: Apache-2.0
#include "publishers/rule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "ledger/limits.h"

namespace tallywire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int64_t kMany = std::numeric_limits<int64_t>::max();

v1::Listing Plain() {
  v1::Listing listing;
  listing.set_channel("amazon");
  listing.set_listing_id("L");
  listing.set_sku("A");
  return listing;
}

v1::Listing At(std::vector<std::string> locations) {
  v1::Listing listing = Plain();
  for (std::string& location : locations) listing.add_locations(std::move(location));
  return listing;
}

StockRow Total(int64_t ats) {
  StockRow row;
  row.level = v1::LEVEL_TOTAL;
  row.sellable = true;
  row.version = 7;
  row.ats = ats;
  return row;
}

// A site with what it and its places have in AVAILABLE; it is sellable, and so is its own location.
StockRow Site(v1::SiteKind kind, int64_t ats, int64_t available) {
  StockRow row;
  row.level = v1::LEVEL_SITE;
  row.kind = kind;
  row.sellable = true;
  row.own_location_sellable = true;
  row.version = 7;
  row.ats = ats;
  row.pools[Index(Pool::kAvailable)] = available;
  return row;
}

StockRow Place(int64_t available, bool sellable = true) {
  StockRow row;
  row.level = v1::LEVEL_PLACE;
  row.sellable = sellable;
  row.version = 7;
  row.pools[Index(Pool::kAvailable)] = available;
  return row;
}

StockRow With(StockRow row, Pool pool, int64_t units) {
  row.pools[Index(pool)] = units;
  return row;
}

StockPicture Picture(int64_t ats, std::vector<std::pair<std::string, StockRow>> rows = {}) {
  StockPicture picture;
  for (const auto& [location, row] : rows) EXPECT_TRUE(picture.Apply(location, row));
  EXPECT_TRUE(picture.Apply("", Total(ats)));
  return picture;
}

v1::ListingUpdate Update(const v1::Listing& listing, const StockPicture& picture) {
  return MakeUpdate({.listing = listing, .removed = false, .version = 3, .stamp = Time(0)},
                    picture);
}

int64_t Quantity(const v1::Listing& listing, const StockPicture& picture) {
  const v1::ListingUpdate update = Update(listing, picture);
  EXPECT_EQ(update.state(), v1::LISTING_STATE_ACTIVE);
  EXPECT_TRUE(update.has_quantity());
  return update.quantity();
}

std::vector<std::string> Steps(const v1::ListingUpdate& update) {
  std::vector<std::string> steps;
  for (const auto& step : update.trace()) {
    EXPECT_FALSE(step.text().empty());
    steps.push_back(step.step() + ":" + std::to_string(step.result()));
  }
  return steps;
}

int64_t Percent(int64_t base, int32_t percent) {
  v1::Listing listing = Plain();
  listing.set_percent(percent);
  return Quantity(listing, Picture(base));
}

TEST(RuleTest, TheTotalsAts) {
  EXPECT_EQ(Quantity(Plain(), Picture(10)), 10);
  EXPECT_EQ(Quantity(Plain(), Picture(0)), 0);
}

TEST(RuleTest, PercentIsRoundedDown) {
  EXPECT_EQ(Percent(10, 70), 7);
  EXPECT_EQ(Percent(3, 50), 1);
  EXPECT_EQ(Percent(1, 90), 0);
  EXPECT_EQ(Percent(10, 100), 10);
  EXPECT_EQ(Percent(10, 0), 0);
  EXPECT_EQ(Percent(199, 1), 1);
  EXPECT_EQ(Percent(kMany, 100), kMany);
  EXPECT_EQ(Percent(kMany, 99), 9'131'138'316'486'228'048);
}

TEST(RuleTest, BufferThenPercentThenMaxThenFloor) {
  v1::Listing listing = Plain();
  listing.set_buffer(4);
  EXPECT_EQ(Quantity(listing, Picture(10)), 6);
  listing.set_percent(50);
  EXPECT_EQ(Quantity(listing, Picture(10)), 3);  // not 10 * 50 % - 4 = 1
  listing.set_max(2);
  const v1::ListingUpdate update = Update(listing, Picture(10));
  EXPECT_EQ(update.quantity(), 2);
  EXPECT_THAT(Steps(update), ElementsAre("base:10", "buffer:6", "percent:3", "max:2"));
  EXPECT_EQ(update.trace(0).text(), "available to sell in all: 10");
  EXPECT_EQ(update.trace(1).text(), "10 less a buffer of 4");
  EXPECT_EQ(update.trace(2).text(), "50 % of 6, rounded down");
  EXPECT_EQ(update.trace(3).text(), "3, at most 2");
}

TEST(RuleTest, NeverBelowZero) {
  v1::Listing listing = Plain();
  listing.set_buffer(5);
  listing.set_percent(50);
  listing.set_max(10);
  const v1::ListingUpdate update = Update(listing, Picture(2));
  EXPECT_EQ(update.quantity(), 0);
  EXPECT_THAT(Steps(update), ElementsAre("base:2", "buffer:-3", "percent:-2", "max:-2", "floor:0"));
}

TEST(RuleTest, MaxDoesNotRaise) {
  v1::Listing listing = Plain();
  listing.set_max(100);
  EXPECT_EQ(Quantity(listing, Picture(10)), 10);
  listing.set_max(0);
  EXPECT_EQ(Quantity(listing, Picture(10)), 0);
}

TEST(RuleTest, FixedStandsBeforeTheRest) {
  v1::Listing listing = Plain();
  listing.set_fixed(25);
  listing.set_buffer(4);
  listing.set_percent(50);
  listing.set_max(2);
  const v1::ListingUpdate update = Update(listing, Picture(0));
  EXPECT_EQ(update.quantity(), 25);
  EXPECT_THAT(Steps(update), ElementsAre("fixed:25"));
  listing.set_fixed(0);
  EXPECT_EQ(Quantity(listing, Picture(10)), 0);
}

TEST(RuleTest, PausedWinsOverFixedAndOverStockWithoutAnEnd) {
  v1::Listing listing = Plain();
  listing.set_fixed(25);
  listing.set_paused(true);
  StockPicture endless = Picture(0);
  endless.total->unlimited = true;
  for (const StockPicture& picture : {Picture(10), endless, StockPicture()}) {
    const v1::ListingUpdate update = Update(listing, picture);
    EXPECT_EQ(update.state(), v1::LISTING_STATE_PAUSED);
    EXPECT_TRUE(update.has_quantity());
    EXPECT_EQ(update.quantity(), 0);
    EXPECT_THAT(Steps(update), ElementsAre("paused:0"));
  }
}

TEST(RuleTest, Removed) {
  const v1::ListingUpdate update = MakeUpdate(
      {.listing = Plain(), .removed = true, .version = 9, .stamp = Time(0)}, Picture(10));
  EXPECT_EQ(update.state(), v1::LISTING_STATE_REMOVED);
  EXPECT_EQ(update.quantity(), 0);
  EXPECT_EQ(update.sku(), "A");
  EXPECT_EQ(update.rules_version(), 9);
  EXPECT_EQ(update.stock_version(), 7);
  EXPECT_THAT(Steps(update), ElementsAre("removed:0"));
}

TEST(RuleTest, WithoutTotal) {
  v1::Listing listing = Plain();
  listing.set_fixed(3);
  for (const v1::Listing& each : {Plain(), listing}) {
    const v1::ListingUpdate update = Update(each, StockPicture());
    EXPECT_EQ(update.state(), v1::LISTING_STATE_ACTIVE);
    EXPECT_EQ(update.quantity(), 0);
    EXPECT_EQ(update.stock_version(), kNoStockVersion);
    EXPECT_FALSE(update.has_log_time());
    EXPECT_EQ(update.trace(0).text(), "nothing is known of A yet");
  }
}

TEST(RuleTest, VersionsAndTime) {
  StockPicture picture = Picture(1);
  picture.total->log_time = Time(1'700'000'000'123'456);
  const v1::ListingUpdate update = Update(Plain(), picture);
  EXPECT_EQ(update.rules_version(), 3);
  EXPECT_EQ(update.stock_version(), 7);
  EXPECT_EQ(update.log_time().seconds(), 1'700'000'000);
  EXPECT_EQ(update.log_time().nanos(), 123'456'000);
}

TEST(RuleTest, UnlimitedShowsTheMax) {
  StockPicture picture = Picture(0);
  picture.total->unlimited = true;
  v1::Listing listing = Plain();
  listing.set_max(50);
  listing.set_buffer(10);
  listing.set_percent(50);
  const v1::ListingUpdate update = Update(listing, picture);
  EXPECT_EQ(update.state(), v1::LISTING_STATE_ACTIVE);
  EXPECT_EQ(update.quantity(), 50);
  EXPECT_THAT(Steps(update), ElementsAre("unlimited:50"));
  listing.set_max(0);
  EXPECT_EQ(Quantity(listing, picture), 0);
}

TEST(RuleTest, UnlimitedWithoutMaxNeedsACap) {
  StockPicture picture = Picture(0);
  picture.total->unlimited = true;
  const v1::ListingUpdate update = Update(Plain(), picture);
  EXPECT_EQ(update.state(), v1::LISTING_STATE_NEEDS_CAP);
  EXPECT_FALSE(update.has_quantity());
  EXPECT_THAT(Steps(update), ElementsAre("unlimited:0"));
}

TEST(RuleTest, FixedOnUnlimited) {
  StockPicture picture = Picture(0);
  picture.total->unlimited = true;
  v1::Listing listing = Plain();
  listing.set_fixed(5);
  EXPECT_EQ(Quantity(listing, picture), 5);
}

TEST(RuleTest, TheSkusOwnFlagIsNeverOverridden) {
  StockPicture picture = Picture(0, {{"S", Site(v1::SITE_KIND_STORE, 0, 5)}});
  picture.total->sellable = false;
  v1::Listing fixed = Plain();
  fixed.set_fixed(5);
  for (const v1::Listing& listing : {Plain(), At({"S"}), fixed}) {
    EXPECT_EQ(Quantity(listing, picture), 0);
    EXPECT_EQ(Update(listing, picture).trace(0).text(), "A itself is not for sale");
  }
}

TEST(RuleTest, KindsSumTheAtsOfTheirSites) {
  const StockPicture picture = Picture(14, {{"W1", Site(v1::SITE_KIND_WAREHOUSE, 4, 9)},
                                            {"W2", Site(v1::SITE_KIND_WAREHOUSE, -3, -3)},
                                            {"S1", Site(v1::SITE_KIND_STORE, 10, 10)},
                                            {"NOWHERE", Site(v1::SITE_KIND_UNSPECIFIED, 0, 8)}});
  v1::Listing listing = Plain();
  listing.add_kinds(v1::SITE_KIND_WAREHOUSE);
  EXPECT_EQ(Quantity(listing, picture), 4);
  EXPECT_EQ(Update(listing, picture).trace(0).text(),
            "available to sell at sites of kind WAREHOUSE: W1 4");
  listing.add_kinds(v1::SITE_KIND_STORE);
  listing.add_kinds(v1::SITE_KIND_STORE);
  EXPECT_EQ(Quantity(listing, picture), 14);
  listing.clear_kinds();
  listing.add_kinds(v1::SITE_KIND_DROP_SHIPPER);
  EXPECT_EQ(Quantity(listing, picture), 0);
}

TEST(RuleTest, ANamedStoreIsSeenAlthoughItIsNotSellable) {
  StockRow store = Site(v1::SITE_KIND_STORE, 0, 5);
  store.sellable = store.own_location_sellable = false;
  const StockPicture picture = Picture(9, {{"STORE", store}});
  EXPECT_EQ(Quantity(At({"STORE"}), picture), 5);
  EXPECT_EQ(Quantity(At({"STOR"}), picture), 0);
  EXPECT_EQ(Quantity(At({"STORE1"}), picture), 0);
}

TEST(RuleTest, ANamedLocationHasNoSafetyStock) {
  const StockPicture picture = Picture(6, {{"W", Site(v1::SITE_KIND_WAREHOUSE, 6, 10)}});
  EXPECT_EQ(Quantity(Plain(), picture), 6);
  EXPECT_EQ(Quantity(At({"W"}), picture), 10);
}

TEST(RuleTest, BinsOfOneSiteNetAndSitesDoNot) {
  // At W itself lie 2 of its 6.
  const StockPicture picture = Picture(6, {{"W", Site(v1::SITE_KIND_WAREHOUSE, 6, 6)},
                                           {"W/B1", Place(7)},
                                           {"W/B2", Place(-3, false)},
                                           {"V", Site(v1::SITE_KIND_WAREHOUSE, -4, -4)}});
  EXPECT_EQ(Quantity(At({"W"}), picture), 6);
  EXPECT_EQ(Quantity(At({"W/B1"}), picture), 7);
  EXPECT_EQ(Quantity(At({"W/B2"}), picture), 0);
  EXPECT_EQ(Quantity(At({"W/B1", "W/B2"}), picture), 4);
  EXPECT_EQ(Quantity(At({"W/B1", "W"}), picture), 6);  // each location once
  EXPECT_EQ(Quantity(At({"W", "V"}), picture), 6);
  EXPECT_EQ(Quantity(At({"V"}), picture), 0);
}

TEST(RuleTest, WhatLiesInsideANamedLocationAtAnyDepth) {
  // R is no site; S lies inside the warehouse but is a site of its own.
  const StockPicture picture = Picture(0, {{"R/W", Site(v1::SITE_KIND_WAREHOUSE, 0, 9)},
                                           {"R/W/A", Place(5)},
                                           {"R/W/A/1", Place(1)},
                                           {"R/W/A1", Place(2)},
                                           {"R/W/S", Site(v1::SITE_KIND_STORE, 0, -6)},
                                           {"R/W/S/1", Place(3)}});
  EXPECT_EQ(Quantity(At({"R/W/A"}), picture), 6);
  EXPECT_EQ(Quantity(At({"R/W"}), picture), 9);
  EXPECT_EQ(Quantity(At({"R"}), picture), 9);
  EXPECT_EQ(Quantity(At({"R/W/S/1"}), picture), 3);
  EXPECT_EQ(Quantity(At({"R/W/S"}), picture), 0);
  EXPECT_EQ(Update(At({"R", "R/W/A"}), picture).trace(0).text(),
            "AVAILABLE at R, R/W/A and inside: R/W 9");
}

TEST(RuleTest, LocationsOfAKind) {
  const StockPicture picture = Picture(0, {{"R/W", Site(v1::SITE_KIND_WAREHOUSE, 0, 9)},
                                           {"R/S", Site(v1::SITE_KIND_STORE, 0, 4)},
                                           {"Q/S", Site(v1::SITE_KIND_STORE, 0, 1)}});
  v1::Listing listing = At({"R"});
  listing.add_kinds(v1::SITE_KIND_STORE);
  EXPECT_EQ(Quantity(listing, picture), 4);
  EXPECT_EQ(Update(listing, picture).trace(0).text(),
            "AVAILABLE at R and inside, of kind STORE: R/S 4");
}

TEST(RuleTest, AnotherPoolIsWhatItsSellableLocationsNetTo) {
  StockRow site = With(Site(v1::SITE_KIND_WAREHOUSE, 1, 1), Pool::kUsed, 10);
  // 10 = 7 - 2 + 4 + 1 at W itself.
  const std::vector<std::pair<std::string, StockRow>> places = {
      {"W/B1", With(Place(0), Pool::kUsed, 7)},
      {"W/B2", With(Place(0), Pool::kUsed, -2)},
      {"W/B3", With(Place(0, false), Pool::kUsed, 4)},
      {"V", With(Site(v1::SITE_KIND_STORE, 0, 0), Pool::kUsed, -5)}};
  v1::Listing used = Plain();
  used.add_pools(v1::POOL_USED);
  StockPicture picture = Picture(1, places);
  ASSERT_TRUE(picture.Apply("W", site));
  EXPECT_EQ(Quantity(used, picture), 6);
  EXPECT_EQ(Update(used, picture).trace(0).text(), "USED where it is sellable: W 6");
  picture.rows.find("W")->second.own_location_sellable = false;
  EXPECT_EQ(Quantity(used, picture), 5);
  used.add_locations("W");
  EXPECT_EQ(Quantity(used, picture), 10);
}

TEST(RuleTest, SeveralPoolsAddUpEachOnItsOwn) {
  const StockPicture picture = Picture(
      3,
      {{"W", With(With(Site(v1::SITE_KIND_WAREHOUSE, 3, 5), Pool::kUsed, 2), Pool::kDamaged, -9)}});
  v1::Listing listing = Plain();
  listing.add_pools(v1::POOL_USED);
  listing.add_pools(v1::POOL_AVAILABLE);
  listing.add_pools(v1::POOL_DAMAGED);
  listing.add_pools(v1::POOL_USED);
  EXPECT_EQ(Quantity(listing, picture), 5);
  EXPECT_EQ(Update(listing, picture).trace(0).text(),
            "available to sell in all: 3 + DAMAGED where it is sellable: none + "
            "USED where it is sellable: W 2");
  listing.add_locations("W");
  EXPECT_EQ(Quantity(listing, picture), 7);
}

TEST(RuleTest, SumsEndAtTheLimitsOfInt64) {
  const StockPicture picture = Picture(0, {{"W1", Site(v1::SITE_KIND_STORE, kMany, kMany)},
                                           {"W2", Site(v1::SITE_KIND_STORE, kMany, kMany)}});
  v1::Listing listing = Plain();
  listing.add_kinds(v1::SITE_KIND_STORE);
  EXPECT_EQ(Quantity(listing, picture), kMany);
  listing.set_percent(25);
  EXPECT_EQ(Quantity(listing, picture), kMany / 2);
}

TEST(RuleTest, TheTraceNamesFiveAndCountsTheRest) {
  std::vector<std::pair<std::string, StockRow>> rows;
  for (const char* name : {"S1", "S2", "S3", "S4", "S5", "S6", "S7"}) {
    rows.emplace_back(name, Site(v1::SITE_KIND_STORE, 1, 1));
  }
  v1::Listing listing = Plain();
  listing.add_kinds(v1::SITE_KIND_STORE);
  EXPECT_THAT(Update(listing, Picture(7, rows)).trace(0).text(),
              HasSubstr("S1 1, S2 1, S3 1, S4 1, S5 1 and 2 more"));
}

TEST(StockPictureTest, DropsWhatIsNotNewer) {
  StockPicture picture = Picture(5, {{"W", Site(v1::SITE_KIND_STORE, 5, 5)}});
  EXPECT_FALSE(picture.Apply("W", Site(v1::SITE_KIND_STORE, 1, 1)));
  EXPECT_FALSE(picture.Apply("", Total(1)));
  EXPECT_EQ(picture.total->ats, 5);
  EXPECT_EQ(picture.rows.at("W").ats, 5);
}

TEST(StockPictureTest, WholeWhenTheTotalIsAtLeastAsNewAsEveryRow) {
  StockPicture picture;
  EXPECT_TRUE(picture.Whole());
  EXPECT_TRUE(picture.Apply("W", Place(1)));
  EXPECT_FALSE(picture.Whole());
  EXPECT_TRUE(picture.Apply("", Total(1)));
  EXPECT_TRUE(picture.Whole());
  StockRow newer = Place(2);
  newer.version = 8;
  EXPECT_TRUE(picture.Apply("W", newer));
  EXPECT_FALSE(picture.Whole());
}

TEST(ToStockRowTest, TakesEveryField) {
  v1::Availability row;
  row.set_level(v1::LEVEL_SITE);
  row.set_available(1);
  row.set_committed(2);
  row.set_held(3);
  row.set_damaged(4);
  row.set_used(5);
  row.set_quality_control(6);
  row.set_incoming(7);
  row.set_ats(-8);
  row.set_sellable(true);
  row.set_unlimited(true);
  row.set_own_location_sellable(true);
  row.set_kind(v1::SITE_KIND_STORE);
  row.set_version(9);
  row.set_partition(2);
  row.mutable_log_time()->set_seconds(10);
  row.mutable_log_time()->set_nanos(11'000);
  const StockRow out = ToStockRow(row);
  EXPECT_EQ(out.level, v1::LEVEL_SITE);
  EXPECT_THAT(out.pools, ElementsAre(1, 2, 3, 4, 5, 6, 7));
  EXPECT_EQ(out.ats, -8);
  EXPECT_TRUE(out.sellable && out.unlimited && out.own_location_sellable);
  EXPECT_EQ(out.kind, v1::SITE_KIND_STORE);
  EXPECT_EQ(out.version, 9);
  EXPECT_EQ(out.partition, Partition(2));
  EXPECT_EQ(out.log_time, Time(10'000'011));
}

}  // namespace
}  // namespace tallywire
