// SPDX-License-Identifier: Apache-2.0
// What happens to a publisher: restarts, a store that lags, another writer, appends that fail.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "publishers/publisher.h"
#include "publishers/testing.h"

namespace tallywire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class PublisherFaultsTest : public ::testing::Test, protected PublisherWorld {
 protected:
  ~PublisherFaultsTest() override {
    if (!versions_fall_) {
      EXPECT_THAT(Audit(), IsEmpty());
    }
  }

  // Somebody else made them.
  bool versions_fall_ = false;
};

void Unlimited(v1::Availability& row) {
  row.set_unlimited(true);
  row.set_ats(0);
}

TEST_F(PublisherFaultsTest, AnAlertThatIsWrittenAgainIsTheSame) {
  Put(Listing("L", "A"));
  Total("A", 5, 0, Unlimited);
  log().before_append = [](std::string_view topic) {
    return topic == kListingUpdates ? absl::UnavailableError("not now") : absl::OkStatus();
  };
  EXPECT_EQ(publisher()->RunToEnd(now()).code(), absl::StatusCode::kUnavailable);
  log().before_append = {};
  // It forgets that it has told, and other stock is the reason now.
  Total("A", 6, 0, Unlimited);
  Reopen(false);
  Settle();
  const auto alerts = ReadAll(kStockAlerts);
  ASSERT_EQ(alerts.size(), 2);
  EXPECT_EQ(alerts[0].value, alerts[1].value);
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("NEEDS_CAP@0/6"));
}

TEST_F(PublisherFaultsTest, GoesOnWhereItStopped) {
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
  ASSERT_TRUE(publisher()->GetListing("amazon", "M", &found).ok());
  EXPECT_EQ(found.SerializeAsString(), listing.SerializeAsString());
}

TEST_F(PublisherFaultsTest, ReadsNothingTwiceAfterAGoodEnd) {
  Put(Listing("L", "A"));
  Total("A", 5, 10);
  Settle();
  Reopen(true);
  EXPECT_EQ(CountTurns(), 0);
}

TEST_F(PublisherFaultsTest, ARestartInTheMiddle) {
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

TEST_F(PublisherFaultsTest, WrittenBeforeItsOwnRecordsWereReadBack) {
  options().checkpoint_every = Span(0);
  Reopen(false);
  Settle();
  Put(Listing("L", "A"));
  Put(Listing("M", "A"));
  Total("A", 5, 10);
  ASSERT_TRUE(publisher()->RunOnce(now()).ok());
  ASSERT_THAT(UpdateTexts("L"), ElementsAre("10@0/5"));
  Reopen(false);
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("10@0/5"));
  EXPECT_THAT(UpdateTexts("M"), ElementsAre("10@1/5"));
}

TEST_F(PublisherFaultsTest, SendsNothingBeforeItHasReadToTheEnds) {
  options().batch = 1;
  Reopen(false);
  for (int64_t version = 1; version <= 20; ++version) Total("A", version, version);
  Put(Listing("L", "A"));
  Reopen(false);
  int turns = 0;
  while (Updates("L").empty()) {
    ASSERT_LT(++turns, 100);
    ASSERT_TRUE(publisher()->RunOnce(now()).ok());
  }
  EXPECT_GE(turns, 20);
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("20@0/20"));
}

TEST_F(PublisherFaultsTest, AForeignRecordIsAnswered) {
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

TEST_F(PublisherFaultsTest, AForeignRecordOfNewerStockIsWaitedFor) {
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

TEST_F(PublisherFaultsTest, ForeignRecordsThatSayNothing) {
  Put(Listing("L", "A"));
  Total("A", 5, 10);
  Settle();
  const auto spec = log().Describe(kListingUpdates);
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

TEST_F(PublisherFaultsTest, AForeignRecordBetweenReadingAndSending) {
  Put(Listing("L", "A"));
  Total("A", 5, 10);
  Settle();
  v1::ListingUpdate foreign = Updates("L")[0];
  foreign.set_stock_version(9);
  foreign.set_quantity(1);
  // It comes into the log just before the publisher's own record.
  log().before_append = [&](std::string_view topic) {
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

TEST_F(PublisherFaultsTest, ANewerForeignRecordBetweenReadingAndSending) {
  versions_fall_ = true;
  Put(Listing("L", "A"));
  Total("A", 5, 10);
  Settle();
  v1::ListingUpdate foreign = Updates("L")[0];
  foreign.set_stock_version(12);
  foreign.set_quantity(1);
  log().before_append = [&](std::string_view topic) {
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

TEST_F(PublisherFaultsTest, AnAppendThatFailsIsMadeAgain) {
  Put(Listing("L", "A"));
  Total("A", 5, 10);
  log().before_append = [](std::string_view) { return absl::UnavailableError("not now"); };
  EXPECT_EQ(publisher()->RunToEnd(now()).code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(UpdateTexts("L"), IsEmpty());
  log().before_append = {};
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("10@0/5"));
}

TEST_F(PublisherFaultsTest, AnAppendWhoseAnswerIsLost) {
  Put(Listing("L", "A"));
  Total("A", 5, 10);
  log().lose_answer = true;
  EXPECT_EQ(publisher()->RunToEnd(now()).code(), absl::StatusCode::kUnavailable);
  Settle();
  for (const std::string& text : UpdateTexts("L")) EXPECT_EQ(text, "10@0/5");
  Total("A", 6, 9);
  Settle();
  EXPECT_EQ(UpdateTexts("L").back(), "9@0/6");
}

TEST_F(PublisherFaultsTest, AFolderOfAnotherLogIsRefused) {
  Settle();
  publisher().reset();
  auto other = EmbeddedLog::Open({.folder = folder() + "/other-log", .clock = {}});
  ASSERT_TRUE(other.ok());
  ASSERT_TRUE((*other)->CreateTopics(PlanTopics(kPartitions)).ok());
  const auto opened = Publisher::Open(other->get(), options());
  EXPECT_EQ(opened.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(opened.status().message()), HasSubstr("belongs to log"));
  EXPECT_THAT(std::string(opened.status().message()), HasSubstr("another folder"));
}

TEST_F(PublisherFaultsTest, ALogThatHasLostRecordsIsToldOf) {
  Put(Listing("L", "A"));
  Settle();
  ASSERT_TRUE(publisher()->Close().ok());
  publisher().reset();
  log().emptied = kListingRules;
  const auto opened = Publisher::Open(&log(), options());
  EXPECT_EQ(opened.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(opened.status().message()), HasSubstr("the log has lost records"));
}

TEST_F(PublisherFaultsTest, AFolderThatIsLostIsBuiltAgain) {
  Put(Listing("L", "A"));
  Total("A", 5, 10);
  Settle();
  options().folder = folder() + "/anew";
  Reopen(true);
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("10@0/5"));
  Total("A", 6, 9);
  Settle();
  EXPECT_THAT(UpdateTexts("L"), ElementsAre("10@0/5", "9@0/6"));
}

}  // namespace
}  // namespace tallywire
