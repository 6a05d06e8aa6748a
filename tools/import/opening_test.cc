// SPDX-License-Identifier: Apache-2.0
#include "tools/import/opening.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "ledger/check.h"

namespace tallywire {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

v1::StockEvent Event(const std::string& sku, int64_t seconds, const std::string& body) {
  v1::StockEvent event;
  TW_CHECK(google::protobuf::TextFormat::ParseFromString(body, &event), body.c_str());
  event.set_sku(sku);
  if (seconds != 0) event.mutable_occurred_at()->set_seconds(seconds);
  return event;
}

v1::StockEvent Sold(const std::string& sku, int64_t seconds, int64_t quantity,
                    const std::string& location = "W") {
  return Event(sku, seconds,
               "sold { location: '" + location + "' quantity: " + std::to_string(quantity) + " }");
}

v1::StockEvent Received(const std::string& sku, int64_t seconds, int64_t quantity) {
  return Event(sku, seconds,
               "received { location: 'W' quantity: " + std::to_string(quantity) + " }");
}

constexpr int64_t kDay = 1'300'000'000;

// `SKU@location=quantity` of each count.
std::vector<std::string> Counts(const std::vector<v1::StockEvent>& events) {
  OpeningCounts opening;
  for (const v1::StockEvent& event : events) opening.Add(event);
  std::vector<std::string> counts;
  for (const v1::StockEvent& event : opening.Derive("s")) {
    counts.push_back(event.sku() + "@" + event.counted().location() + "=" +
                     std::to_string(event.counted().quantity()));
  }
  return counts;
}

TEST(OpeningCounts, AreMinusTheLowestRunningBalance) {
  EXPECT_THAT(Counts({Sold("A", kDay, 3), Received("A", kDay + 1, 10), Sold("A", kDay + 2, 9)}),
              ElementsAre("A@W=3"));
  EXPECT_THAT(Counts({Received("A", kDay, 5), Sold("A", kDay + 1, 9), Sold("A", kDay + 2, 1)}),
              ElementsAre("A@W=5"));
  EXPECT_THAT(Counts({Received("A", kDay, 5), Sold("A", kDay + 1, 5)}), IsEmpty());
  EXPECT_THAT(Counts({}), IsEmpty());
}

TEST(OpeningCounts, OneForEachSkuAndLocationByName) {
  EXPECT_THAT(Counts({Sold("b", kDay, 1), Sold("B", kDay, 2), Sold("A", kDay, 3, "X"),
                      Sold("A", kDay, 4, "W")}),
              ElementsAre("A@W=4", "A@X=3", "B@W=2", "b@W=1"));
}

TEST(OpeningCounts, EveryBodyThatMovesAvailableUnits) {
  EXPECT_THAT(Counts({Event("A", kDay, "adjusted { location: 'W' delta: -4 reason: 'wet' }"),
                      Event("A", kDay, "returned { location: 'W' quantity: 4 }"),
                      Event("A", kDay, "transferred { from: 'W' to: 'X' quantity: 6 }"),
                      Event("A", kDay,
                            "moved { location: 'X' from_pool: POOL_AVAILABLE "
                            "to_pool: POOL_HELD quantity: 7 }"),
                      Event("A", kDay, "transfer_shipped { from: 'Y' to: 'Z' quantity: 8 }"),
                      Event("A", kDay, "transfer_received { to: 'Z' quantity: 8 }")}),
              ElementsAre("A@W=6", "A@X=1", "A@Y=8"));
  EXPECT_THAT(Counts({Event("A", kDay, "sold { location: 'W' quantity: 4 pool: POOL_USED }")}),
              IsEmpty());
}

TEST(OpeningCounts, ACountInTheTableEndsTheLooking) {
  EXPECT_THAT(Counts({Sold("A", kDay, 2), Event("A", kDay, "counted { location: 'W' quantity: 1 }"),
                      Sold("A", kDay, 50)}),
              ElementsAre("A@W=2"));
}

TEST(OpeningCounts, WhatTheyLookLike) {
  OpeningCounts opening;
  opening.Add(Sold("A", kDay + 60, 2));
  opening.Add(Sold("A", kDay, 1));
  std::vector<v1::StockEvent> events = opening.Derive("shop");
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].source(), "shop");
  EXPECT_EQ(events[0].event_id(), "derived-opening/W");
  EXPECT_THAT(events[0].note(), StartsWith("Derived, not counted"));
  // Before the earliest of its rows, whatever their order.
  EXPECT_EQ(events[0].occurred_at().seconds(), kDay - 1);
  EXPECT_EQ(events[0].counted().quantity(), 3);
  EXPECT_EQ(events[0].counted().set(), v1::COUNT_SET_SHELF);
}

TEST(OpeningCounts, IdsFitWhateverTheLocation) {
  OpeningCounts opening;
  opening.Add(Sold("A", kDay, 2, std::string(64, 'x')));
  opening.Add(Sold("A", kDay, 2, std::string(63, 'x') + "y"));
  std::vector<v1::StockEvent> events = opening.Derive("shop");
  ASSERT_EQ(events.size(), 2U);
  EXPECT_LE(events[0].event_id().size(), 64U);
  EXPECT_NE(events[0].event_id(), events[1].event_id());
  EXPECT_THAT(events[0].event_id(), HasSubstr("derived-opening/#"));
}

TEST(OpeningCounts, AbsurdQuantitiesDoNoHarm) {
  EXPECT_THAT(
      Counts({Sold("A", kDay, INT64_MAX), Sold("A", kDay, INT64_MIN + 1), Sold("A", kDay, 5)}),
      ElementsAre("A@W=5"));
}

}  // namespace
}  // namespace tallywire
