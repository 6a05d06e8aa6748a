// SPDX-License-Identifier: Apache-2.0
// What a value may be: times, places, money, and how long a text.
#include <gtest/gtest.h>

#include <string>

#include "tests/form_rules_testing.h"

namespace tallywire {
namespace {

using namespace form;  // NOLINT: what the cases are written in

TEST(FormValuesTest, BadTimesAndPlaces) {
  const auto at = [](const std::string& time) {
    return Checked(Told("occurred_at { " + time + " } " + kSold));
  };
  EXPECT_EQ(at("seconds: 946684799 nanos: 999999999"),
            "BAD_VALUE occurred_at: 1999-12-31T23:59:59.999999Z is before the year 2000");
  EXPECT_EQ(at("seconds: 946684800"), "applied");
  EXPECT_EQ(at("seconds: 253402300799 nanos: 999999999"), "applied");
  const std::string no_time = "is not a time of the years 1 to 9999";
  EXPECT_EQ(at("seconds: 253402300800"),
            "BAD_VALUE occurred_at: {seconds: 253402300800 nanos: 0} " + no_time);
  EXPECT_EQ(at("seconds: 946684800 nanos: -1"),
            "BAD_VALUE occurred_at: {seconds: 946684800 nanos: -1} " + no_time);
  EXPECT_EQ(at("seconds: 946684800 nanos: 1000000000"),
            "BAD_VALUE occurred_at: {seconds: 946684800 nanos: 1000000000} " + no_time);
  EXPECT_EQ(at("seconds: -9223372036854775808"),
            "BAD_VALUE occurred_at: {seconds: -9223372036854775808 nanos: 0} " + no_time);
  EXPECT_EQ(at(""), "BAD_VALUE occurred_at: 1970-01-01T00:00:00Z is before the year 2000");

  const auto place = [](const std::string& rest) {
    return Checked("event_id: 'e' source: 's' location_defined { location: 'W' " + rest + " }");
  };
  EXPECT_EQ(place("coordinates { latitude_e7: 900000001 }"),
            "BAD_VALUE location_defined.coordinates.latitude_e7: 900000001 is beyond 90 degrees");
  EXPECT_EQ(place("coordinates { latitude_e7: -900000001 }"),
            "BAD_VALUE location_defined.coordinates.latitude_e7: -900000001 is beyond 90 degrees");
  EXPECT_EQ(
      place("coordinates { longitude_e7: 1800000001 }"),
      "BAD_VALUE location_defined.coordinates.longitude_e7: 1800000001 is beyond 180 degrees");
  EXPECT_EQ(place("coordinates { latitude_e7: -900000000 longitude_e7: -1800000000 }"), "applied");
  const std::string no_span = "is not a span of 0 to 10,000 years";
  EXPECT_EQ(place("lead_time { nanos: -1 }"),
            "BAD_VALUE location_defined.lead_time: {seconds: 0 nanos: -1} " + no_span);
  EXPECT_EQ(place("lead_time { seconds: 315576000001 }"),
            "BAD_VALUE location_defined.lead_time: {seconds: 315576000001 nanos: 0} " + no_span);
  EXPECT_EQ(place("lead_time { }"), "applied");
  EXPECT_EQ(Checked("sku: 'A' event_id: 'e' source: 's' location_defined { location: 'W' }"),
            "BAD_VALUE sku: \"A\" on a location's definition");
}

TEST(FormValuesTest, BadMovements) {
  ExpectAll({
      {Told("transferred { from: 'WH1' to: 'WH1' quantity: 1 }"),
       "BAD_VALUE transferred.to: \"WH1\" is `from` too"},
      {Told("transfer_shipped { transfer_id: 't' from: 'WH1' to: 'WH1' quantity: 1 }"),
       "BAD_VALUE transfer_shipped.to: \"WH1\" is `from` too"},
      {Told("moved { location: 'WH1' from_pool: POOL_HELD to_pool: POOL_HELD quantity: 1 }"),
       "BAD_VALUE moved.to_pool: HELD is `from_pool` too"},
      // Both are AVAILABLE by default.
      {Told("moved { location: 'WH1' quantity: 1 }"),
       "BAD_VALUE moved.to_pool: AVAILABLE is `from_pool` too"},
      {Told("moved { location: 'WH1' to_pool: POOL_USED quantity: 1 until { seconds: 1 } }"),
       "BAD_VALUE moved.until: given, but `to_pool` is USED, not HELD"},
      {Told("moved { location: 'WH1' to_pool: POOL_HELD quantity: 1 until { seconds: -1 } }"),
       "BAD_VALUE moved.until: 1969-12-31T23:59:59Z is before 1970"},
      {Told("moved { location: 'WH1' to_pool: POOL_HELD quantity: 1 until { nanos: -1 } }"),
       "BAD_VALUE moved.until: {seconds: 0 nanos: -1} is not a time of the years 1 to 9999"},
      {Told("moved { location: 'WH1' to_pool: POOL_HELD quantity: 1 until { seconds: 1 } }"),
       "applied"},
  });
}

TEST(FormValuesTest, BadMoney) {
  const auto cost = [](const std::string& money) {
    return Checked(Told("received { location: 'W' quantity: 1 unit_cost { " + money + " } }"));
  };
  EXPECT_EQ(cost("amount: -1 currency: 'GBP'"),
            "BAD_VALUE received.unit_cost.amount: -1 is below 0");
  for (const std::string currency : {"", "GB", "GBPX", "gbp", "G1P", "G P"}) {
    EXPECT_EQ(
        cost("amount: 1 currency: '" + currency + "'"),
        "BAD_VALUE received.unit_cost.currency: \"" + currency + "\" is not three capital letters");
  }
  EXPECT_EQ(cost("currency: 'GBP'"), "applied");
  for (const std::string field : {"unit_cost", "msrp", "map"}) {
    EXPECT_EQ(Checked(Told("sku_defined { " + field + " { amount: 1 currency: 'x' } }")),
              "BAD_VALUE sku_defined." + field + ".currency: \"x\" is not three capital letters");
  }
}

// `text` has a `%` where the limit is tried.
void ExpectLimit(const std::string& text, const std::string& field, size_t most) {
  const auto with = [&](size_t bytes) {
    std::string filled = text;
    return filled.replace(filled.find('%'), 1, Repeated(bytes));
  };
  EXPECT_EQ(Checked(with(most)), "applied") << text;
  EXPECT_EQ(Checked(with(most + 1)),
            "BAD_VALUE " + field + ": \"" + Repeated(80).substr(0, most + 1) +
                (most >= 80 ? "…" : "") + "\" has " + std::to_string(most + 1) +
                " bytes, more than " + std::to_string(most));
}

TEST(FormValuesTest, LongTexts) {
  const std::string sold = kSold;
  ExpectLimit("event_id: '%' source: 's' sku: 'A' " + sold, "event_id", 64);
  ExpectLimit("event_id: 'e' source: '%' sku: 'A' " + sold, "source", 64);
  ExpectLimit("event_id: 'e' source: 's' sku: '%' " + sold, "sku", 64);
  ExpectLimit(Told("actor: '%' " + sold), "actor", 256);
  ExpectLimit(Told("document: '%' " + sold), "document", 256);
  ExpectLimit(Told("note: '%' " + sold), "note", 256);
  for (const std::string body : {"received", "sold", "returned", "counted"}) {
    ExpectLimit(Told(body + " { location: '%' quantity: 1 }"), body + ".location", 64);
  }
  ExpectLimit(Told("received { location: 'W' quantity: 1 purchase_order: '%' }"),
              "received.purchase_order", 256);
  ExpectLimit(Told("sold { location: 'W' quantity: 1 channel: '%' }"), "sold.channel", 64);
  ExpectLimit(Told("sold { location: 'W' quantity: 1 listing: '%' }"), "sold.listing", 64);
  ExpectLimit(Told("sold { location: 'W' quantity: 1 order: '%' }"), "sold.order", 256);
  ExpectLimit(Told("returned { location: 'W' quantity: 1 order: '%' }"), "returned.order", 256);
  ExpectLimit(Told("adjusted { location: '%' delta: 1 reason: 'r' }"), "adjusted.location", 64);
  ExpectLimit(Told("adjusted { location: 'W' delta: 1 reason: '%' }"), "adjusted.reason", 256);
  ExpectLimit(Told("moved { location: '%' to_pool: POOL_HELD quantity: 1 }"), "moved.location", 64);
  ExpectLimit(Told("moved { location: 'W' to_pool: POOL_HELD quantity: 1 reason: '%' }"),
              "moved.reason", 256);
  ExpectLimit(Told("transferred { from: '%' to: 'W' quantity: 1 }"), "transferred.from", 64);
  ExpectLimit(Told("transferred { from: 'W' to: '%' quantity: 1 }"), "transferred.to", 64);
  ExpectLimit(Told("transfer_shipped { transfer_id: '%' from: 'V' to: 'W' quantity: 1 }"),
              "transfer_shipped.transfer_id", 64);
  ExpectLimit(Told("transfer_received { transfer_id: '%' to: 'W' quantity: 1 }"),
              "transfer_received.transfer_id", 64);
  ExpectLimit(Told("transfer_received { transfer_id: 't' to: '%' quantity: 1 }"),
              "transfer_received.to", 64);
  ExpectLimit(Told("transfer_closed { transfer_id: '%' }"), "transfer_closed.transfer_id", 64);
  ExpectLimit(Told("sku_defined { title: '%' }"), "sku_defined.title", 1024);
  ExpectLimit(Told("sku_location_set { location: '%' }"), "sku_location_set.location", 64);
  ExpectLimit("event_id: 'e' source: 's' location_defined { location: '%' }",
              "location_defined.location", 64);
}

}  // namespace
}  // namespace tallywire
