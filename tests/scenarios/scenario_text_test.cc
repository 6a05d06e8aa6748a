// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/scenarios/event_line.h"
#include "tests/scenarios/print.h"
#include "tests/scenarios/scenario_file.h"

namespace tallywire::scenarios {
namespace {

constexpr std::string_view kTwo =
    "# One.\n"
    "scenario first partitions=1,3 unsettled\n"
    "received A WH1 1\n"
    "----\n"
    "\n"
    "# Between.\n"
    "stock A\n"
    "----\n"
    "old one\n"
    "# part of the output\n"
    "\n"
    "scenario second\n"
    "alerts\n"
    "----\n"
    "old two\n";

// 2026-03-01T10:00.
constexpr Time kNow{1'772'359'200'000'000};

TEST(ScenarioFile, ReadsBlocksAndOptions) {
  const auto scenarios = ParseScenarios("f.txt", kTwo);
  ASSERT_TRUE(scenarios.ok()) << scenarios.status();
  ASSERT_EQ(scenarios->size(), 2);
  const Scenario& first = (*scenarios)[0];
  EXPECT_EQ(first.name, "first");
  EXPECT_EQ(first.line, 2);
  EXPECT_EQ(first.partitions, (std::vector<int>{1, 3}));
  EXPECT_FALSE(first.settle_definitions);
  ASSERT_EQ(first.blocks.size(), 2);
  EXPECT_EQ(first.blocks[0].expected, "");
  EXPECT_EQ(first.blocks[1].input[0].number, 7);
  EXPECT_EQ(first.blocks[1].expected, "old one\n# part of the output\n");
  EXPECT_EQ((*scenarios)[1].partitions, (std::vector<int>{1, 3, 6}));
}

TEST(ScenarioFile, RewritesOneScenarioAndNothingElse) {
  const auto scenarios = ParseScenarios("f.txt", kTwo);
  ASSERT_TRUE(scenarios.ok());
  const std::string once = Rewrite(kTwo, (*scenarios)[0], {"", "new\n"});
  EXPECT_NE(once.find("stock A\n----\nnew\n\nscenario second"), once.npos) << once;
  EXPECT_NE(once.find("old two"), once.npos);
  EXPECT_EQ(Rewrite(kTwo, (*scenarios)[0], {"", (*scenarios)[0].blocks[1].expected}), kTwo);
}

TEST(ScenarioFile, SaysWhereItIsWrong) {
  EXPECT_EQ(ParseScenarios("f.txt", "stock A\n").status().message(),
            "f.txt:1: input before the first scenario");
  EXPECT_FALSE(ParseScenarios("f.txt", "scenario a\nstock A\n").ok());
  EXPECT_FALSE(ParseScenarios("f.txt", "scenario a\nstock A\nscenario b\n").ok());
  EXPECT_FALSE(ParseScenarios("f.txt", "scenario a wonderful\n").ok());
  EXPECT_FALSE(ParseScenarios("f.txt", "scenario a\nscenario a\n").ok());
}

v1::StockEvent Event(const std::string& line) {
  const auto event = ParseEvent(Words(line), "e1", kNow);
  EXPECT_TRUE(event.ok()) << event.status();
  return event.ok() ? *event : v1::StockEvent();
}

TEST(EventLine, SetsFieldsOfEnvelopeAndBody) {
  const v1::StockEvent sold =
      Event("sold RED WH1/B2 3 pool=DAMAGED channel=amazon occurred=09:30 seq=7 source=pos note=n");
  EXPECT_EQ(sold.ShortDebugString(),
            "event_id: \"e1\" source: \"pos\" sku: \"RED\" occurred_at { seconds: 1772357400 } "
            "sequence: 7 note: \"n\" sold { location: \"WH1/B2\" quantity: 3 pool: POOL_DAMAGED "
            "channel: \"amazon\" }");
  const v1::StockEvent moved = Event("moved A WH1 ->HELD 2 until=2026-03-02T08:00 id=x");
  EXPECT_EQ(moved.ShortDebugString(),
            "event_id: \"x\" source: \"test\" sku: \"A\" moved { location: \"WH1\" to_pool: "
            "POOL_HELD quantity: 2 until { seconds: 1772438400 } }");
  const v1::StockEvent defined =
      Event("location_defined WH1 STORE sellable=no lead_time=2d coordinates=-5,7 priority=0");
  EXPECT_EQ(defined.ShortDebugString(),
            "event_id: \"e1\" source: \"test\" location_defined { location: \"WH1\" kind: "
            "SITE_KIND_STORE sellable: false priority: 0 lead_time { seconds: 172800 } coordinates "
            "{ latitude_e7: -5 longitude_e7: 7 } }");
}

TEST(EventLine, LeavesOutAndBreaksRules) {
  EXPECT_FALSE(Event("sold A WH1 -").sold().has_quantity());
  EXPECT_EQ(Event("sold A - 1").sold().location(), "");
  EXPECT_EQ(Event("sold A WH1 1 id=-").event_id(), "");
  EXPECT_EQ(Event("adjusted A WH1 1").adjusted().reason(), "test");
  EXPECT_EQ(Event("adjusted A WH1 1 reason=-").adjusted().reason(), "");
  EXPECT_EQ(Event("sold A WH1 1 pool=99").sold().pool(), 99);
  EXPECT_EQ(Event("sold {A*65} WH1 1").sku(), std::string(65, 'A'));
  EXPECT_EQ(Event("sold A\\001B WH1 1").sku(),
            "A\x01"
            "B");
  EXPECT_EQ(Event("sku_defined A unit_cost=1250GBP").sku_defined().unit_cost().ShortDebugString(),
            "amount: 1250 currency: \"GBP\"");
}

TEST(EventLine, RefusesWhatItDoesNotKnow) {
  EXPECT_FALSE(ParseEvent(Words("sold A WH1 1 colour=red"), "e1", kNow).ok());
  EXPECT_FALSE(ParseEvent(Words("sold A WH1 1 2"), "e1", kNow).ok());
  EXPECT_FALSE(ParseEvent(Words("sold A WH1 one"), "e1", kNow).ok());
  EXPECT_FALSE(ParseEvent(Words("sold A WH1 1 pool=SHINY"), "e1", kNow).ok());
  EXPECT_FALSE(ParseEvent(Words("lost A WH1 1"), "e1", kNow).ok());
}

TEST(EventLine, ReadsListings) {
  const auto listing = ParseListing(
      Words("ebay L1 RED locations=WH1,S/2 kinds=STORE pools=USED,AVAILABLE percent=70 paused"),
      kNow);
  ASSERT_TRUE(listing.ok()) << listing.status();
  EXPECT_EQ(listing->ShortDebugString(),
            "channel: \"ebay\" listing_id: \"L1\" sku: \"RED\" locations: \"WH1\" locations: "
            "\"S/2\" kinds: SITE_KIND_STORE pools: POOL_USED pools: POOL_AVAILABLE percent: 70 "
            "paused: true");
}

TEST(Print, RowsLeaveZerosOut) {
  v1::Availability row;
  row.set_sku("A");
  row.set_location("WH3");
  row.set_level(v1::LEVEL_SITE);
  row.set_available(-2);
  row.set_held(1);
  row.set_on_hand(-1);
  row.set_ats(0);
  row.set_shortfall(2);
  row.set_not_sellable_because(v1::NOT_SELLABLE_BECAUSE_LOCATION);
  EXPECT_EQ(Print(row, {}),
            "WH3 SITE available=-2 held=1 on_hand=-1 ats=0 shortfall=2 unsellable:LOCATION");
}

TEST(Print, AlertsHaveWhatTheirKindSays) {
  v1::Alert alert;
  alert.mutable_id()->set_kind(v1::ALERT_KIND_OVERSOLD);
  alert.set_sku("A");
  alert.set_location("WH3");
  alert.set_pool(v1::POOL_USED);
  alert.set_before(1);
  alert.set_after(-2);
  alert.set_source("pos");
  alert.set_event_id("e3");
  EXPECT_EQ(Print(alert), "OVERSOLD A WH3 pool=USED before=1 after=-2 by=pos/e3");
}

}  // namespace
}  // namespace tallywire::scenarios
