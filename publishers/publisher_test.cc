// SPDX-License-Identifier: Apache-2.0
#include "publishers/publisher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "publishers/publisher_test_util.h"
#include "tallywire/v1/api.pb.h"

namespace tallywire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

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
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("0@0/0"));
  EXPECT_EQ(Updates("L")[0].sku(), "A");
  Total("A", 3, 8);
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("0@0/0", "8@0/3"));
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

TEST_F(PublisherTest, AnAlertThatIsWrittenAgainIsTheSame) {
  Put(Listing("L", "A"));
  Total("A", 5, 0, Unlimited);
  log_->before_append = [](std::string_view topic) {
    return topic == kListingUpdates ? absl::UnavailableError("not now") : absl::OkStatus();
  };
  EXPECT_EQ(publisher_->RunToEnd(now_).code(), absl::StatusCode::kUnavailable);
  log_->before_append = {};
  // It forgets that it has told, and other stock is the reason now.
  Total("A", 6, 0, Unlimited);
  Reopen(false);
  Settle();
  const auto alerts = ReadAll(kStockAlerts);
  ASSERT_EQ(alerts.size(), 2);
  EXPECT_EQ(alerts[0].value, alerts[1].value);
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("NEEDS_CAP@0/6"));
}

TEST_F(PublisherTest, GoesOnWhereItStopped) {
  Put(Listing("L", "A"));
  Total("A", 5, 10);
  Site("B", "W", 4, 3);
  Total("B", 4, 3);
  Settle();
  for (const bool close : {true, false}) {
    Reopen(close);
    Settle();
    EXPECT_THAT(UpdateTexts("L"), ElementsAre("10@0/5"));
  }
  // The rows of B were read long before anybody asked for them.
  v1::Listing listing = Listing("M", "B");
  listing.add_locations("W");
  Put(listing);
  Total("A", 6, 9);
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("10@0/5", "9@0/6"));
  EXPECT_THAT(UpdateTexts("M"), ElementsAre("3@1/4"));
  Reopen(true);
  Settle();
  v1::Listing found;
  ASSERT_TRUE(publisher_->GetListing("amazon", "M", &found).ok());
  EXPECT_EQ(found.SerializeAsString(), listing.SerializeAsString());
}

TEST_F(PublisherTest, ReadsNothingTwiceAfterAGoodEnd) {
  Put(Listing("L", "A"));
  Total("A", 5, 10);
  Settle();
  Reopen(true);
  EXPECT_EQ(CountTurns(), 0);
}

TEST_F(PublisherTest, ARestartInTheMiddle) {
  Put(Listing("L", "A"));
  Total("A", 5, 10);
  Settle();
  // Written, but the store does not know.
  Total("A", 6, 9);
  CountTurns();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("10@0/5", "9@0/6"));
  Reopen(false);
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("10@0/5", "9@0/6"));
  // Stock, rule and listing change while it is away.
  Append(kListingRules, Partition(0), JoinKey("amazon", "L"), [] {
    v1::ListingRule rule;
    *rule.mutable_put() = Listing("L", "A");
    rule.mutable_put()->set_buffer(2);
    return rule.SerializeAsString();
  }());
  Reopen(false);
  Total("A", 7, 8);
  Reopen(false);
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("10@0/5", "9@0/6", "6@1/7"));
}

TEST_F(PublisherTest, WrittenBeforeItsOwnRecordsWereReadBack) {
  options_.checkpoint_every = Span(0);
  Reopen(false);
  Settle();
  Put(Listing("L", "A"));
  Put(Listing("M", "A"));
  Total("A", 5, 10);
  ASSERT_TRUE(publisher_->RunOnce(now_).ok());
  ASSERT_THAT(UpdateTexts("L"), ElementsAre("10@0/5"));
  Reopen(false);
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("10@0/5"));
  EXPECT_THAT(UpdateTexts("M"), ElementsAre("10@1/5"));
}

TEST_F(PublisherTest, SendsNothingBeforeItHasReadToTheEnds) {
  options_.batch = 1;
  Reopen(false);
  for (int64_t version = 1; version <= 20; ++version) Total("A", version, version);
  Put(Listing("L", "A"));
  Reopen(false);
  int turns = 0;
  while (Updates("L").empty()) {
    ASSERT_LT(++turns, 100);
    ASSERT_TRUE(publisher_->RunOnce(now_).ok());
  }
  EXPECT_GE(turns, 20);
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("20@0/20"));
}

TEST_F(PublisherTest, SmallBatchesSeeEachStep) {
  options_.batch = 1;
  Reopen(false);
  Settle();
  Put(Listing("L", "A"));
  Settle();
  Total("A", 1, 5);
  Total("A", 2, 4);
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("0@0/0", "5@0/1", "4@0/2"));
}

TEST_F(PublisherTest, AForeignRecordIsAnswered) {
  Put(Listing("L", "A"));
  Total("A", 5, 10);
  Settle();
  Total("A", 6, 10);
  Settle();
  // Equal in every way: written again, with the versions of today.
  ForeignUpdate(Updates("L")[0]);
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("10@0/5", "10@0/5", "10@0/6"));
  Settle();
  EXPECT_EQ(UpdateTexts("L").size(), 3);
}

TEST_F(PublisherTest, AForeignRecordOfNewerStockIsWaitedFor) {
  Put(Listing("L", "A"));
  Total("A", 5, 10);
  Settle();
  v1::ListingUpdate foreign = Updates("L")[0];
  foreign.set_stock_version(8);
  foreign.set_quantity(6);
  ForeignUpdate(foreign);
  Settle();
  Total("A", 7, 7);
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("10@0/5", "6@0/8"));
  Reopen(true);
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("10@0/5", "6@0/8"));
  Total("A", 9, 5);
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("10@0/5", "6@0/8", "5@0/9"));
}

TEST_F(PublisherTest, ForeignRecordsThatSayNothing) {
  Put(Listing("L", "A"));
  Total("A", 5, 10);
  Settle();
  const auto spec = log_->Describe(kListingUpdates);
  const std::string key = JoinKey("amazon", "L");
  Append(kListingUpdates, PartitionOf(key, spec->partitions), key, "\xff\xff");
  v1::ListingUpdate unknown;
  unknown.set_channel("foreign");
  unknown.set_listing_id("X");
  ForeignUpdate(unknown);
  Settle();
  // The first is answered, the second is of a listing that nobody has put.
  std::vector<std::string> values;
  for (const OwnedRecord& record : ReadAll(kListingUpdates)) {
    if (record.key == key) values.push_back(record.value);
  }
  ASSERT_EQ(values.size(), 3);
  EXPECT_EQ(values[1], "\xff\xff");
  EXPECT_EQ(values[2], values[0]);
  EXPECT_EQ(ReadAll(kListingUpdates).size(), 4);
}

TEST_F(PublisherTest, AForeignRecordBetweenReadingAndSending) {
  Put(Listing("L", "A"));
  Total("A", 5, 10);
  Settle();
  v1::ListingUpdate foreign = Updates("L")[0];
  foreign.set_stock_version(9);
  foreign.set_quantity(1);
  // It comes into the log just before the publisher's own record.
  log_->before_append = [&](std::string_view topic) {
    if (topic == kListingUpdates && foreign.has_quantity()) {
      ForeignUpdate(foreign);
      foreign.clear_quantity();
    }
    return absl::OkStatus();
  };
  Total("A", 10, 4);
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("10@0/5", "1@0/9", "4@0/10", "4@0/10"));
}

TEST_F(PublisherTest, ANewerForeignRecordBetweenReadingAndSending) {
  versions_fall_ = true;
  Put(Listing("L", "A"));
  Total("A", 5, 10);
  Settle();
  v1::ListingUpdate foreign = Updates("L")[0];
  foreign.set_stock_version(12);
  foreign.set_quantity(1);
  log_->before_append = [&](std::string_view topic) {
    if (topic == kListingUpdates && foreign.has_quantity()) {
      ForeignUpdate(foreign);
      foreign.clear_quantity();
    }
    return absl::OkStatus();
  };
  Total("A", 10, 4);
  Settle();
  Total("A", 11, 3);
  Settle();
  // Whoever has seen the foreign one would drop it: it has to wait, though it is not the last.
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("10@0/5", "1@0/12", "4@0/10"));
  Total("A", 12, 4);
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("10@0/5", "1@0/12", "4@0/10", "4@0/12"));
}

TEST_F(PublisherTest, AnAppendThatFailsIsMadeAgain) {
  Put(Listing("L", "A"));
  Total("A", 5, 10);
  log_->before_append = [](std::string_view) { return absl::UnavailableError("not now"); };
  EXPECT_EQ(publisher_->RunToEnd(now_).code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(UpdateTexts("L"), IsEmpty());
  log_->before_append = {};
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("10@0/5"));
}

TEST_F(PublisherTest, AnAppendWhoseAnswerIsLost) {
  Put(Listing("L", "A"));
  Total("A", 5, 10);
  log_->lose_answer = true;
  EXPECT_EQ(publisher_->RunToEnd(now_).code(), absl::StatusCode::kUnavailable);
  Settle();
  for (const std::string& text : UpdateTexts("L")) EXPECT_EQ(text, "10@0/5");
  Total("A", 6, 9);
  Settle();
  EXPECT_EQ(UpdateTexts("L").back(), "9@0/6");
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
  const auto put = publisher_->PutListing(listing);
  EXPECT_EQ(put.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(put.status().message()), HasSubstr("percent: 101"));
  EXPECT_EQ(publisher_->RemoveListing("amazon", "L").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(publisher_->RemoveListing("amazon", "").status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(ReadAll(kListingRules), IsEmpty());
}

TEST_F(PublisherTest, ARemovalSeesWhatWasJustPut) {
  Put(Listing("L", "A"));
  EXPECT_EQ(Remove("L"), Offset(1));
  EXPECT_EQ(publisher_->RemoveListing("amazon", "L").status().code(), absl::StatusCode::kNotFound);
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
  EXPECT_EQ(publisher_->GetListing("amazon", "a", &found).code(), absl::StatusCode::kNotFound);
  Remove("gone");
  Settle();
  ASSERT_TRUE(publisher_->GetListing("ebay", "c", &found).ok());
  EXPECT_EQ(found.sku(), "A");
  EXPECT_EQ(publisher_->GetListing("amazon", "gone", &found).code(), absl::StatusCode::kNotFound);
  v1::ListListingsResponse all;
  ASSERT_TRUE(publisher_->ListListings(&all).ok());
  std::vector<std::string> ids;
  for (const auto& each : all.listings()) ids.push_back(each.channel() + "/" + each.listing_id());
  EXPECT_THAT(ids, ElementsAre("amazon/a", "amazon/b", "ebay/c"));
}

TEST_F(PublisherTest, WaitRule) {
  const Offset offset = Put(Listing("L", "A"));
  EXPECT_EQ(publisher_->WaitRule(offset, Milliseconds(1)).code(),
            absl::StatusCode::kDeadlineExceeded);
  std::atomic<bool> waited = false;
  std::thread waiter([&] { waited = publisher_->WaitRule(offset, Seconds(30)).ok(); });
  Settle();
  waiter.join();
  EXPECT_TRUE(waited);
  Reopen(true);
  EXPECT_TRUE(publisher_->WaitRule(offset, Span(0)).ok());
}

TEST_F(PublisherTest, AskedFromOtherThreadsWhileItRuns) {
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    for (int i = 0; i < 200; ++i) {
      const auto offset = publisher_->PutListing(Listing("L" + std::to_string(i % 20), "A"));
      EXPECT_TRUE(offset.ok());
      if (i % 20 == 19) {
        EXPECT_TRUE(publisher_->WaitRule(*offset, Seconds(30)).ok());
      }
    }
    stop = true;
  });
  std::thread reader([&] {
    v1::ListListingsResponse all;
    v1::Listing one;
    while (!stop) {
      EXPECT_TRUE(publisher_->ListListings(&all).ok());
      publisher_->GetListing("amazon", "L0", &one).IgnoreError();
    }
  });
  int64_t version = 0;
  while (!stop) {
    ++version;
    Total("A", version, version % 7);
    now_ = now_ + Seconds(1);
    const auto more = publisher_->RunOnce(now_);
    ASSERT_TRUE(more.ok()) << more.status();
  }
  writer.join();
  reader.join();
  Settle();
  EXPECT_EQ(Updates("L0").back().quantity(), version % 7);
}

TEST_F(PublisherTest, AFolderOfAnotherLogIsRefused) {
  Settle();
  publisher_.reset();
  EmbeddedLog::Options options;
  options.folder = folder_ + "/other-log";
  auto other = EmbeddedLog::Open(std::move(options));
  ASSERT_TRUE(other.ok());
  ASSERT_TRUE((*other)->CreateTopics(PlanTopics(kPartitions)).ok());
  const auto opened = Publisher::Open(other->get(), options_);
  EXPECT_EQ(opened.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(opened.status().message()), HasSubstr("belongs to log"));
  EXPECT_THAT(std::string(opened.status().message()), HasSubstr("another folder"));
}

TEST_F(PublisherTest, ALogThatHasLostRecordsIsToldOf) {
  Put(Listing("L", "A"));
  Settle();
  ASSERT_TRUE(publisher_->Close().ok());
  publisher_.reset();
  log_->emptied = kListingRules;
  const auto opened = Publisher::Open(log_.get(), options_);
  EXPECT_EQ(opened.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(opened.status().message()), HasSubstr("the log has lost records"));
}

TEST_F(PublisherTest, AFolderThatIsLostIsBuiltAgain) {
  Put(Listing("L", "A"));
  Total("A", 5, 10);
  Settle();
  options_.folder = folder_ + "/anew";
  Reopen(true);
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("10@0/5"));
  Total("A", 6, 9);
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("10@0/5", "9@0/6"));
}

TEST_F(PublisherTest, ManyListingsOfOneSkuInSmallBatches) {
  options_.batch = 7;
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
