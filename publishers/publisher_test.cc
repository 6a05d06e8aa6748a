// SPDX-License-Identifier: Apache-2.0
#include "publishers/publisher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "ledger/status.h"
#include "publishers/testing.h"
#include "tallywire/v1/api.pb.h"

namespace tallywire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class PublisherTest : public ::testing::Test, protected PublisherWorld {
 protected:
  ~PublisherTest() override { EXPECT_THAT(Audit(), IsEmpty()); }
};

void Unlimited(v1::Availability& row) {
  row.set_unlimited(true);
  row.set_ats(0);
}

TEST_F(PublisherTest, SendsWhatIsToBeShown) {
  Put(Listing("L", "A"));
  Site("A", "W", 5, 7);
  Total("A", 5, 7);
  Settle();
  ASSERT_THAT(UpdateTexts("L"), ElementsAre("7@0/5"));
  const v1::ListingUpdate update = Updates("L")[0];
  EXPECT_EQ(update.sku(), "A");
  EXPECT_EQ(update.log_time().seconds(), 1'005);
  ASSERT_EQ(update.trace_size(), 1);
  EXPECT_EQ(update.trace(0).text(), "available to sell in all: 7");
}

TEST_F(PublisherTest, ANewStockVersionAloneIsNotSent) {
  Put(Listing("L", "A"));
  Total("A", 5, 7);
  Settle();
  Total("A", 6, 7);
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("7@0/5"));
  Total("A", 7, 6);
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("7@0/5", "6@0/7"));
}

TEST_F(PublisherTest, ThereAndBackAgainAreTwoUpdates) {
  Put(Listing("L", "A"));
  Total("A", 1, 5);
  Settle();
  Total("A", 2, 4);
  Settle();
  Total("A", 3, 5);
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("5@0/1", "4@0/2", "5@0/3"));
}

TEST_F(PublisherTest, ManyRecordsOfOneSkuAreOneUpdate) {
  Put(Listing("L", "A"));
  for (int64_t version = 1; version <= 50; ++version) {
    Site("A", "W", version, version);
    Total("A", version, version);
  }
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("50@0/50"));
  for (int64_t version = 51; version <= 90; ++version) {
    Site("A", "W", version, version);
    Total("A", version, version);
  }
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("50@0/50", "90@0/90"));
}

TEST_F(PublisherTest, WaitsForAWholePicture) {
  v1::Listing listing = Listing("L", "A");
  listing.add_locations("W");
  Put(listing);
  Site("A", "W", 5, 7);
  Settle();
  EXPECT_THAT(UpdateTexts("L"), IsEmpty());
  Total("A", 4, 3);
  Settle();
  EXPECT_THAT(UpdateTexts("L"), IsEmpty());
  Total("A", 5, 7);
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("7@0/5"));
  // A transfer never shows a dip.
  Site("A", "W", 6, 0);
  Settle();
  Site("A", "V", 6, 7);
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("7@0/5"));
  Total("A", 6, 7);
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("7@0/5", "0@0/6"));
}

TEST_F(PublisherTest, DropsRowsThatAreNotNewer) {
  v1::Listing listing = Listing("L", "A");
  listing.add_locations("W");
  Put(listing);
  Site("A", "W", 5, 7);
  Total("A", 6, 7);
  Settle();
  Site("A", "W", 4, 1);
  Site("A", "W", 5, 2);
  Total("A", 6, 9);
  Settle();
  Total("A", 7, 7);
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("7@0/6"));
}

TEST_F(PublisherTest, AListingOfASkuThatNobodyKnows) {
  Put(Listing("L", "A"));
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("0@0/-1"));
  EXPECT_EQ(Updates("L")[0].sku(), "A");
  Total("A", 3, 8);
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("0@0/-1", "8@0/3"));
}

TEST_F(PublisherTest, AChangedRuleOnAQuietSku) {
  v1::Listing listing = Listing("L", "A");
  Put(listing);
  Total("A", 5, 10);
  Settle();
  listing.set_percent(70);
  Put(listing);
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("10@0/5", "7@1/5"));
  // A rule that changes nothing but itself is newer all the same.
  listing.set_max(7);
  Put(listing);
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("10@0/5", "7@1/5", "7@2/5"));
}

TEST_F(PublisherTest, TheSamePutAgainChangesNothing) {
  v1::Listing listing = Listing("L", "A");
  Put(listing);
  Total("A", 5, 10);
  Settle();
  Put(listing);
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("10@0/5"));
  Total("A", 6, 9);
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("10@0/5", "9@0/6"));
}

TEST_F(PublisherTest, MovedToAnotherSku) {
  Put(Listing("L", "A"));
  Total("A", 500, 10);
  Total("B", 3, 4);
  Settle();
  Put(Listing("L", "B"));
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("10@0/500", "4@1/3"));
  EXPECT_EQ(Updates("L")[1].sku(), "B");
  Total("A", 501, 9);
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("10@0/500", "4@1/3"));
}

TEST_F(PublisherTest, RemovedIsKeptAndMayComeBack) {
  Put(Listing("L", "A"));
  Total("A", 5, 10);
  Settle();
  Remove("L");
  Settle();
  Total("A", 6, 8);
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("10@0/5", "REMOVED@1/5"));
  EXPECT_EQ(Updates("L")[1].quantity(), 0);
  EXPECT_EQ(Updates("L")[1].sku(), "A");
  Put(Listing("L", "A"));
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("10@0/5", "REMOVED@1/5", "8@2/6"));
}

TEST_F(PublisherTest, RemovedAgainBeforeAnybodyLooked) {
  Put(Listing("L", "A"));
  Total("A", 5, 10);
  Settle();
  Remove("L");
  Settle();
  Put(Listing("L", "A"));
  Remove("L");
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("10@0/5", "REMOVED@1/5", "REMOVED@3/5"));
}

TEST_F(PublisherTest, Paused) {
  v1::Listing listing = Listing("L", "A");
  listing.set_fixed(3);
  listing.set_paused(true);
  Put(listing);
  Total("A", 5, 10);
  Settle();
  listing.set_paused(false);
  Put(listing);
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("PAUSED@0/5", "3@1/5"));
}

TEST_F(PublisherTest, NeedsCapIsToldOncePerRule) {
  v1::Listing listing = Listing("L", "A");
  Put(listing);
  Total("A", 5, 0, Unlimited);
  Settle();
  Total("A", 6, 4);
  Settle();
  Total("A", 7, 0, Unlimited);
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("NEEDS_CAP@0/5", "4@0/6", "NEEDS_CAP@0/7"));
  EXPECT_FALSE(Updates("L")[0].has_quantity());
  ASSERT_EQ(Alerts().size(), 1);
  const v1::Alert alert = Alerts()[0];
  EXPECT_EQ(alert.id().kind(), v1::ALERT_KIND_NEEDS_CAP);
  EXPECT_EQ(alert.id().offset(), 0);
  EXPECT_EQ(alert.id().partition(), Home("A").value());
  EXPECT_EQ(alert.sku(), "A");
  EXPECT_EQ(alert.channel(), "amazon");
  EXPECT_EQ(alert.listing(), "L");
  EXPECT_FALSE(alert.text().empty());

  listing.set_buffer(1);
  Put(listing);
  Settle();
  ASSERT_EQ(Alerts().size(), 2);
  EXPECT_EQ(Alerts()[1].id().offset(), 1);
  listing.set_max(50);
  Put(listing);
  Settle();
  EXPECT_EQ(UpdateTexts("L").back(), "50@2/7");
  EXPECT_EQ(Alerts().size(), 2);
}

TEST_F(PublisherTest, SmallBatchesSeeEachStep) {
  options().batch = 1;
  Reopen(false);
  Settle();
  Put(Listing("L", "A"));
  Settle();
  Total("A", 1, 5);
  Total("A", 2, 4);
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("0@0/-1", "5@0/1", "4@0/2"));
}

TEST_F(PublisherTest, WhatIsNotWellFormedIsPassedOver) {
  const Partition home = Home("A");
  Append(kListingRules, Partition(0), "k", "\xff\xff");
  v1::ListingRule bad;
  *bad.mutable_put() = Listing("L", "A");
  bad.mutable_put()->set_percent(500);
  Append(kListingRules, Partition(0), "k", bad.SerializeAsString());
  bad.mutable_remove()->set_channel("amazon");
  bad.mutable_remove()->set_listing_id("L");
  Append(kListingRules, Partition(0), "k", bad.SerializeAsString());
  Append(kListingRules, Partition(0), "k", v1::ListingRule().SerializeAsString());
  Put(Listing("L", "A"));
  Total("A", 5, 10);
  Append(kStockAvailability, home, JoinKey("A", ""), "\xff\xff");
  Total("A", 6, 1, [](v1::Availability& row) { row.set_partition(row.partition() + 1); });
  Total("A", 7, 1, [](v1::Availability& row) { row.set_level(v1::LEVEL_SITE); });
  Total("A", 8, 1, [](v1::Availability& row) { row.set_location("W"); });
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("10@4/5"));
}

TEST_F(PublisherTest, PutAndRemoveSayWhatIsWrong) {
  v1::Listing listing = Listing("L", "A");
  listing.set_percent(101);
  const auto put = publisher()->PutListing(listing);
  EXPECT_EQ(put.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(put.status().message()), HasSubstr("percent: 101"));
  EXPECT_EQ(publisher()->RemoveListing("amazon", "L").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(publisher()->RemoveListing("amazon", "").status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(ReadAll(kListingRules), IsEmpty());
}

TEST_F(PublisherTest, ARemovalSeesWhatWasJustPut) {
  Put(Listing("L", "A"));
  EXPECT_EQ(Remove("L"), Offset(1));
  EXPECT_EQ(publisher()->RemoveListing("amazon", "L").status().code(), absl::StatusCode::kNotFound);
  Put(Listing("L", "A"));
  Settle();
  EXPECT_EQ(Remove("L"), Offset(3));
}

TEST_F(PublisherTest, GetAndList) {
  Put(Listing("b", "A"));
  Put(Listing("a", "A"));
  v1::Listing listing = Listing("c", "A");
  listing.set_channel("ebay");
  Put(listing);
  Put(Listing("gone", "A"));
  v1::Listing found;
  EXPECT_EQ(publisher()->GetListing("amazon", "a", &found).code(), absl::StatusCode::kNotFound);
  Remove("gone");
  Settle();
  ASSERT_TRUE(publisher()->GetListing("ebay", "c", &found).ok());
  EXPECT_EQ(found.sku(), "A");
  EXPECT_EQ(publisher()->GetListing("amazon", "gone", &found).code(), absl::StatusCode::kNotFound);
  v1::ListListingsResponse all;
  ASSERT_TRUE(publisher()->ListListings(&all).ok());
  std::vector<std::string> ids;
  for (const auto& each : all.listings()) ids.push_back(each.channel() + "/" + each.listing_id());
  EXPECT_THAT(ids, ElementsAre("amazon/a", "amazon/b", "ebay/c"));
}

TEST_F(PublisherTest, WaitRule) {
  const Offset offset = Put(Listing("L", "A"));
  EXPECT_EQ(publisher()->WaitRule(offset, Milliseconds(1)).code(),
            absl::StatusCode::kDeadlineExceeded);
  std::atomic<bool> waited = false;
  std::thread waiter([&] { waited = publisher()->WaitRule(offset, Seconds(30)).ok(); });
  Settle();
  waiter.join();
  EXPECT_TRUE(waited);
  Reopen(true);
  EXPECT_TRUE(publisher()->WaitRule(offset, Span(0)).ok());
}

TEST_F(PublisherTest, AskedFromOtherThreadsWhileItRuns) {
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    for (int i = 0; i < 200; ++i) {
      const auto offset = publisher()->PutListing(Listing("L" + std::to_string(i % 20), "A"));
      EXPECT_TRUE(offset.ok());
      if (i % 20 == 19) {
        EXPECT_TRUE(publisher()->WaitRule(*offset, Seconds(30)).ok());
      }
    }
    stop = true;
  });
  std::thread reader([&] {
    v1::ListListingsResponse all;
    v1::Listing one;
    while (!stop) {
      EXPECT_TRUE(publisher()->ListListings(&all).ok());
      IgnoreError(publisher()->GetListing("amazon", "L0", &one), "it may not be there yet");
    }
  });
  int64_t version = 0;
  while (!stop) {
    ++version;
    Total("A", version, version % 7);
    const auto more = publisher()->RunOnce(now() + Seconds(version));
    ASSERT_TRUE(more.ok()) << more.status();
  }
  writer.join();
  reader.join();
  Settle();
  EXPECT_EQ(Updates("L0").back().quantity(), version % 7);
}

TEST_F(PublisherTest, ManyListingsOfOneSkuInSmallBatches) {
  options().batch = 7;
  Reopen(false);
  for (int i = 0; i < 50; ++i) Put(Listing("L" + std::to_string(i), "A"));
  Total("A", 5, 10);
  Settle();
  Total("A", 6, 9);
  Settle();
  EXPECT_EQ(UpdateTexts("L0").back(), "9@0/6");
  EXPECT_EQ(UpdateTexts("L49").back(), "9@49/6");
}

}  // namespace
}  // namespace tallywire
