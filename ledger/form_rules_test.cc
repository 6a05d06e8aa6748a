// SPDX-License-Identifier: Apache-2.0
// Each form rule, each reason, and which goes first.
#include "ledger/form_rules.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <variant>
#include <vector>

#include "ledger/codec.h"
#include "ledger/limits.h"
#include "tallywire/v1/event.pb.h"
#include "tests/form_rules_testing.h"

namespace tallywire {

// For gtest's messages.
void PrintTo(RefusedReason reason, std::ostream* out) { *out << Name(reason); }

namespace {

using namespace form;  // NOLINT: what the cases are written in
using enum RefusedReason;

// Every body with as little as it needs.
const std::vector<std::string> kLeast = {
    "received { location: 'WH1' quantity: 1 }",
    kSold,
    "returned { location: 'WH1' quantity: 1 }",
    "counted { location: 'WH1' quantity: 0 }",
    "adjusted { location: 'WH1' delta: -1 reason: 'lost' }",
    "moved { location: 'WH1' to_pool: POOL_HELD quantity: 1 }",
    "transferred { from: 'WH1' to: 'WH2' quantity: 1 }",
    "transfer_shipped { transfer_id: 't' from: 'WH1' to: 'WH2' quantity: 1 }",
    "transfer_received { transfer_id: 't' to: 'WH2' quantity: 1 }",
    "transfer_closed { transfer_id: 't' }",
    "sku_defined { }",
    "sku_location_set { location: 'WH1' }",
};

TEST(FormRulesTest, TakeTheLeastOfEachBody) {
  for (const std::string& body : kLeast) {
    EXPECT_EQ(Checked(Told(body)), "applied") << body;
    EXPECT_EQ(Checked(Parsed(Told(body)), RightPlace("A")), "applied") << body;
  }
  const v1::StockEvent place =
      Parsed("event_id: 'e1' source: 'test' location_defined { location: 'WH1' }");
  EXPECT_EQ(Checked(place), "applied");
  EXPECT_EQ(Checked(place, RightPlace("WH1")), "applied");
}

TEST(FormRulesTest, TooLarge) {
  v1::StockEvent message = Parsed(Told(kSold));
  message.set_note(Repeated(kMaxEventBytes));
  EXPECT_EQ(Checked(message), "TOO_LARGE value: " + std::to_string(message.ByteSizeLong()) +
                                  " bytes are more than 524288");
}

TEST(FormRulesTest, UndecodableTexts) {
  v1::StockEvent message = Parsed(Told(kSold));
  message.set_source("a\xff");
  EXPECT_EQ(Checked(message), "UNDECODABLE source: \"a\\xff\" is not UTF-8");
  message = Parsed(Told(kSold));
  message.set_note("\xc3(");
  EXPECT_EQ(Checked(message), "UNDECODABLE note: \"\\xc3(\" is not UTF-8");
  message = Parsed(Told("received { location: 'WH1' quantity: 1 unit_cost { amount: 1 } }"));
  message.mutable_received()->mutable_unit_cost()->set_currency("\xff\xff\xff");
  EXPECT_EQ(Checked(message),
            "UNDECODABLE received.unit_cost.currency: \"\\xff\\xff\\xff\" is not UTF-8");
  // Before UNKNOWN_BODY.
  message = {};
  message.set_sku("\xff");
  EXPECT_EQ(Checked(message), "UNDECODABLE sku: \"\\xff\" is not UTF-8");
}

TEST(FormRulesTest, UnknownBody) {
  EXPECT_EQ(Checked(Told("")), "UNKNOWN_BODY body: missing");
  v1::StockEvent message = Parsed(Told(""));
  message.GetReflection()->MutableUnknownFields(&message)->AddLengthDelimited(50, "");
  EXPECT_EQ(Checked(message), "UNKNOWN_BODY body: field 50 is not known");
}

TEST(FormRulesTest, MissingFields) {
  ExpectAll({
      {"source: 'test' sku: 'A' sold { location: 'WH1' quantity: 1 }",
       "MISSING_FIELD event_id: missing"},
      {"event_id: 'e' sku: 'A' sold { location: 'WH1' quantity: 1 }",
       "MISSING_FIELD source: missing"},
      {"event_id: 'e' source: 'test' sold { location: 'WH1' quantity: 1 }",
       "MISSING_FIELD sku: missing"},
      {"source: 'test' location_defined { location: 'WH1' }", "MISSING_FIELD event_id: missing"},
      {"event_id: 'e' location_defined { location: 'WH1' }", "MISSING_FIELD source: missing"},
      {"event_id: 'e' source: 'test' location_defined { }",
       "MISSING_FIELD location_defined.location: missing"},
  });
  const auto missing = [](const std::string& body, const std::string& field) {
    EXPECT_EQ(Checked(Told(body)), "MISSING_FIELD " + field + ": missing") << body;
  };
  for (const std::string body : {"received", "sold", "returned", "counted"}) {
    missing(body + " { quantity: 1 }", body + ".location");
    missing(body + " { location: 'WH1' }", body + ".quantity");
  }
  missing("adjusted { delta: 1 reason: 'r' }", "adjusted.location");
  missing("adjusted { location: 'WH1' reason: 'r' }", "adjusted.delta");
  missing("adjusted { location: 'WH1' delta: 1 }", "adjusted.reason");
  missing("moved { to_pool: POOL_HELD quantity: 1 }", "moved.location");
  missing("moved { location: 'WH1' to_pool: POOL_HELD }", "moved.quantity");
  missing("transferred { to: 'WH2' quantity: 1 }", "transferred.from");
  missing("transferred { from: 'WH1' quantity: 1 }", "transferred.to");
  missing("transferred { from: 'WH1' to: 'WH2' }", "transferred.quantity");
  missing("transfer_shipped { from: 'WH1' to: 'WH2' quantity: 1 }", "transfer_shipped.transfer_id");
  missing("transfer_shipped { transfer_id: 't' to: 'WH2' quantity: 1 }", "transfer_shipped.from");
  missing("transfer_shipped { transfer_id: 't' from: 'WH1' quantity: 1 }", "transfer_shipped.to");
  missing("transfer_shipped { transfer_id: 't' from: 'WH1' to: 'WH2' }",
          "transfer_shipped.quantity");
  missing("transfer_received { to: 'WH2' quantity: 1 }", "transfer_received.transfer_id");
  missing("transfer_received { transfer_id: 't' quantity: 1 }", "transfer_received.to");
  missing("transfer_received { transfer_id: 't' to: 'WH2' }", "transfer_received.quantity");
  missing("transfer_closed { }", "transfer_closed.transfer_id");
  missing("sku_location_set { }", "sku_location_set.location");
}

TEST(FormRulesTest, BadNames) {
  ExpectAll({
      {"event_id: 'e\\n' source: 'test' sku: 'A' sold { location: 'WH1' quantity: 1 }",
       "BAD_NAME event_id: \"e\\x0a\" has a control character"},
      {"event_id: 'e' source: '\\177' sku: 'A' sold { location: 'WH1' quantity: 1 }",
       "BAD_NAME source: \"\\x7f\" has a control character"},
      {"event_id: 'e' source: 'test' sku: 'A\\000B' sold { location: 'WH1' quantity: 1 }",
       "BAD_NAME sku: \"A\\x00B\" has a control character"},
      {"event_id: 'e' source: 'test' sku: 'A\\302\\205' sold { location: 'WH1' quantity: 1 }",
       "BAD_NAME sku: \"A\\xc2\\x85\" has a control character"},
      {"event_id: 'e' source: 'test' location_defined { location: 'WH1//B' }",
       "BAD_NAME location_defined.location: \"WH1//B\" has an empty level"},
      {Told("sold { location: 'WH1' quantity: 1 channel: 'a\\001' }"),
       "BAD_NAME sold.channel: \"a\\x01\" has a control character"},
      {Told("sold { location: 'WH1' quantity: 1 listing: 'a\\001' }"),
       "BAD_NAME sold.listing: \"a\\x01\" has a control character"},
      {Told("transfer_closed { transfer_id: '\\t' }"),
       "BAD_NAME transfer_closed.transfer_id: \"\\x09\" has a control character"},
  });
  const auto empty_level = [](const std::string& body, const std::string& field) {
    const std::string expected = "BAD_NAME " + field + ": \"/B\" has an empty level";
    EXPECT_EQ(Checked(Told(body)), expected) << body;
  };
  for (const std::string body : {"received", "sold", "returned", "counted"}) {
    empty_level(body + " { location: '/B' quantity: 1 }", body + ".location");
  }
  empty_level("adjusted { location: '/B' delta: 1 reason: 'r' }", "adjusted.location");
  empty_level("moved { location: '/B' to_pool: POOL_HELD quantity: 1 }", "moved.location");
  empty_level("transferred { from: '/B' to: 'WH2' quantity: 1 }", "transferred.from");
  empty_level("transferred { from: 'WH1' to: '/B' quantity: 1 }", "transferred.to");
  empty_level("transfer_received { transfer_id: 't' to: '/B' quantity: 1 }",
              "transfer_received.to");
  empty_level("sku_location_set { location: '/B' }", "sku_location_set.location");
  // References may have what they like.
  EXPECT_EQ(Checked(Told("note: 'two\\nlines' sold { location: 'WH1' quantity: 1 order: '\\t' }")),
            "applied");
}

TEST(FormRulesTest, WrongKey) {
  EXPECT_EQ(Checked(Parsed(Told(kSold)), RightPlace("B")),
            "WRONG_KEY key: \"B\" is not the SKU \"A\"");
  EXPECT_EQ(Checked(Parsed(Told(kSold)), RightPlace("")),
            "WRONG_KEY key: \"\" is not the SKU \"A\"");
  EXPECT_EQ(Checked(Parsed("event_id: 'e' source: 'test' location_defined { location: 'WH1' }"),
                    RightPlace("A")),
            "WRONG_KEY key: \"A\" is not the location \"WH1\"");
}

TEST(FormRulesTest, WrongPartition) {
  Placement placement = RightPlace("A");
  const int32_t right = placement.partition.value();
  for (int32_t i = 0; i < kPartitions; ++i) {
    placement.partition = Partition(i);
    const std::string expected = "WRONG_PARTITION partition: " + std::to_string(i) +
                                 ", but key \"A\" belongs to " + std::to_string(right) + " of 6";
    EXPECT_EQ(Checked(Parsed(Told(kSold)), placement), i == right ? "applied" : expected);
  }
}

std::string Copied(const std::string& rest) { return "location_copied { " + rest + " }"; }
const char kCause[] = "cause { partition: 5 offset: 17 } ";
const char kPlace[] = "definition { location: 'WH1' kind: SITE_KIND_STORE } ";

TEST(FormRulesTest, LinkedRecordsComeFromTheLogOnly) {
  const std::string whole = std::string("target_partition: 2 ") + kCause + kPlace;
  EXPECT_EQ(Checked("ticked { }"), "NOT_ALLOWED ticked: is written by the ledger only");
  EXPECT_EQ(Checked(Copied(whole)), "NOT_ALLOWED location_copied: is written by the ledger only");
  // Neither key nor partition matter there, identity and SKU neither.
  const Placement placement{.key = "any", .partition = Partition(2), .partitions = kPartitions};
  EXPECT_EQ(Checked(Parsed("ticked { }"), placement), "applied");
  EXPECT_EQ(Checked(Parsed(Copied(whole)), placement), "applied");
}

TEST(FormRulesTest, CopiesFromElsewhereAreNotAllowed) {
  const Placement placement{.key = "WH1", .partition = Partition(2), .partitions = kPartitions};
  const auto copied = [&](const std::string& rest) {
    return Checked(Parsed(Copied(rest)), placement);
  };
  const std::string target = "target_partition: 2 ";
  const std::string cause = kCause;
  const std::string place = kPlace;
  EXPECT_EQ(copied("target_partition: 3 " + cause + place),
            "NOT_ALLOWED location_copied.target_partition: 3 is not the partition it lies on, 2");
  EXPECT_EQ(copied(target + "cause { partition: 6 } " + place),
            "NOT_ALLOWED location_copied.cause.partition: 6 is none of 6");
  EXPECT_EQ(copied(target + "cause { partition: -1 } " + place),
            "NOT_ALLOWED location_copied.cause.partition: -1 is none of 6");
  EXPECT_EQ(copied(target + "cause { offset: -1 } " + place),
            "BAD_VALUE location_copied.cause.offset: -1 is below 0");
  EXPECT_EQ(copied(target + place), "MISSING_FIELD location_copied.cause: missing");
  EXPECT_EQ(copied(target + cause), "MISSING_FIELD location_copied.definition: missing");
  EXPECT_EQ(copied(target + cause + "definition { }"),
            "MISSING_FIELD location_copied.definition.location: missing");
  EXPECT_EQ(copied(target + cause + "definition { location: 'A//B' }"),
            "BAD_NAME location_copied.definition.location: \"A//B\" has an empty level");
  EXPECT_EQ(copied(target + cause + "definition { location: 'A' kind: 9 }"),
            "UNKNOWN_ENUM location_copied.definition.kind: 9 has no meaning");
  EXPECT_EQ(copied(target + cause + "definition { location: 'A' lead_time { seconds: -1 } }"),
            "BAD_VALUE location_copied.definition.lead_time: {seconds: -1 nanos: 0} is not a span "
            "of 0 to 10,000 years");
}

TEST(FormRulesTest, UnknownEnums) {
  const auto unknown = [](const std::string& body, const std::string& field, int number) {
    EXPECT_EQ(Checked(Told(body)),
              "UNKNOWN_ENUM " + field + ": " + std::to_string(number) + " has no meaning")
        << body;
  };
  for (const int pool : {8, 99, -1}) {
    const std::string number = std::to_string(pool);
    for (const std::string body : {"received", "sold", "returned"}) {
      unknown(body + " { location: 'WH1' quantity: 1 pool: " + number + " }", body + ".pool", pool);
    }
    unknown("adjusted { location: 'WH1' delta: 1 reason: 'r' pool: " + number + " }",
            "adjusted.pool", pool);
    unknown("moved { location: 'WH1' quantity: 1 from_pool: " + number + " to_pool: POOL_HELD }",
            "moved.from_pool", pool);
    unknown("moved { location: 'WH1' quantity: 1 to_pool: " + number + " }", "moved.to_pool", pool);
    unknown("transferred { from: 'WH1' to: 'WH2' quantity: 1 pool: " + number + " }",
            "transferred.pool", pool);
    unknown("transfer_shipped { transfer_id: 't' from: 'WH1' to: 'WH2' quantity: 1 pool: " +
                number + " }",
            "transfer_shipped.pool", pool);
    unknown("transfer_received { transfer_id: 't' to: 'WH2' quantity: 1 pool: " + number + " }",
            "transfer_received.pool", pool);
  }
  unknown("counted { location: 'WH1' quantity: 1 set: 5 }", "counted.set", 5);
  unknown("counted { location: 'WH1' quantity: 1 set: -1 }", "counted.set", -1);
  unknown("sku_defined { tracking: 3 }", "sku_defined.tracking", 3);
  EXPECT_EQ(Checked("event_id: 'e' source: 's' location_defined { location: 'WH1' kind: 5 }"),
            "UNKNOWN_ENUM location_defined.kind: 5 has no meaning");
}

TEST(FormRulesTest, PoolsOfTheLedgerAreNotAllowed) {
  for (const std::string pool : {"COMMITTED", "INCOMING"}) {
    const auto refused = [&](const std::string& body, const std::string& field) {
      EXPECT_EQ(Checked(Told(body)),
                "POOL_NOT_ALLOWED " + field + ": " + pool + " is moved by the ledger only")
          << body;
    };
    const std::string value = "POOL_" + pool;
    for (const std::string body : {"received", "sold", "returned"}) {
      refused(body + " { location: 'WH1' quantity: 1 pool: " + value + " }", body + ".pool");
    }
    refused("adjusted { location: 'WH1' delta: 1 reason: 'r' pool: " + value + " }",
            "adjusted.pool");
    refused("moved { location: 'WH1' quantity: 1 from_pool: " + value + " }", "moved.from_pool");
    refused("moved { location: 'WH1' quantity: 1 to_pool: " + value + " }", "moved.to_pool");
    refused("transferred { from: 'WH1' to: 'WH2' quantity: 1 pool: " + value + " }",
            "transferred.pool");
    refused(
        "transfer_shipped { transfer_id: 't' from: 'A' to: 'B' quantity: 1 pool: " + value + "}",
        "transfer_shipped.pool");
    refused("transfer_received { transfer_id: 't' to: 'B' quantity: 1 pool: " + value + " }",
            "transfer_received.pool");
  }
}

TEST(FormRulesTest, BadQuantities) {
  const auto refused = [](const std::string& body, const std::string& detail) {
    EXPECT_EQ(Checked(Told(body)), "BAD_QUANTITY " + detail) << body;
  };
  const std::vector<std::pair<std::string, std::string>> bodies = {
      {"received", "location: 'WH1'"},
      {"sold", "location: 'WH1'"},
      {"returned", "location: 'WH1'"},
      {"moved", "location: 'WH1' to_pool: POOL_HELD"},
      {"transferred", "from: 'WH1' to: 'WH2'"},
      {"transfer_shipped", "transfer_id: 't' from: 'WH1' to: 'WH2'"},
      {"transfer_received", "transfer_id: 't' to: 'WH2'"},
  };
  for (const auto& [body, rest] : bodies) {
    const std::string head = body + " { " + rest + " quantity: ";
    const auto with = [&](const std::string& quantity) { return head + quantity + " }"; };
    refused(with("0"), body + ".quantity: 0 is not above 0");
    refused(with("-3"), body + ".quantity: -3 is not above 0");
    refused(with("9007199254740993"), body + ".quantity: 9007199254740993 is beyond 2^53");
    refused(with("-9223372036854775808"), body + ".quantity: -9223372036854775808 is not above 0");
    EXPECT_EQ(Checked(Told(with("9007199254740992"))), "applied");
  }
  refused("counted { location: 'WH1' quantity: -1 }", "counted.quantity: -1 is below 0");
  refused("counted { location: 'WH1' quantity: 9007199254740993 }",
          "counted.quantity: 9007199254740993 is beyond 2^53");
  refused("adjusted { location: 'WH1' delta: 0 reason: 'r' }", "adjusted.delta: 0 changes nothing");
  for (const std::string beyond : {"9007199254740993", "-9007199254740993"}) {
    refused("adjusted { location: 'WH1' delta: " + beyond + " reason: 'r' }",
            "adjusted.delta: " + beyond + " is beyond 2^53");
  }
  EXPECT_EQ(Checked(Told("adjusted { location: 'WH1' delta: -9007199254740992 reason: 'r' }")),
            "applied");
  refused("sku_defined { safety_stock: -1 }", "sku_defined.safety_stock: -1 is below 0");
  refused("sku_location_set { location: 'WH1' safety_stock: -1 }",
          "sku_location_set.safety_stock: -1 is below 0");
}

RefusedReason ReasonOf(const std::string& value, const Placement& placement) {
  Decoder decoder;
  const auto result = decoder.Decode(value, {}, placement);
  const auto* refusal = std::get_if<Refusal>(&result);
  EXPECT_NE(refusal, nullptr) << "applied";
  return refusal == nullptr ? kOverflow : refusal->reason;
}

// Each pair of neighbours among the reasons that one event can have both. WRONG_PARTITION and
// NOT_ALLOWED have none in common: what may not come from outside may lie anywhere.
TEST(FormRulesTest, TheFirstReasonHolds) {
  const Placement right = RightPlace("A");
  const Placement wrong_key = RightPlace("B");
  Placement wrong_partition = right;
  wrong_partition.partition = Partition((right.partition.value() + 1) % kPartitions);
  Placement wrong_both = wrong_key;
  wrong_both.partition = Partition((wrong_key.partition.value() + 1) % kPartitions);
  const auto bytes = [](const std::string& text) { return Parsed(text).SerializeAsString(); };

  EXPECT_EQ(ReasonOf(Repeated(kMaxEventBytes + 1, '\xff'), right), kTooLarge);
  EXPECT_EQ(ReasonOf("\x0a", right), kUndecodable);  // and no body
  EXPECT_EQ(ReasonOf("", right), kUnknownBody);      // and no event id
  EXPECT_EQ(ReasonOf(bytes(Told("sold { location: 'W//' }")), right), kMissingField);
  EXPECT_EQ(ReasonOf(bytes(Told("sold { location: 'W//' quantity: 1 }")), wrong_key), kBadName);
  EXPECT_EQ(ReasonOf(bytes(Told(kSold)), wrong_both), kWrongKey);
  EXPECT_EQ(ReasonOf(bytes(Told("sold { location: 'W' quantity: 1 pool: 99 }")), wrong_partition),
            kWrongPartition);
  EXPECT_EQ(ReasonOf(bytes(Copied("cause { } definition { location: 'W' kind: 99 }")), {}),
            kNotAllowed);
  EXPECT_EQ(ReasonOf(bytes(Copied("cause { } definition { location: 'W//' }")), {}), kBadName);
  EXPECT_EQ(ReasonOf(bytes(Told("moved { location: 'W' from_pool: POOL_COMMITTED to_pool: 99 "
                                "quantity: 1 }")),
                     right),
            kUnknownEnum);
  EXPECT_EQ(ReasonOf(bytes(Told("sold { location: 'W' pool: POOL_INCOMING quantity: 0 }")), right),
            kPoolNotAllowed);
  EXPECT_EQ(ReasonOf(bytes(Told("transferred { from: 'W' to: 'W' quantity: 0 }")), right),
            kBadQuantity);
}

// The order is over the whole event: what is missing last comes before what is bad first.
TEST(FormRulesTest, TheOrderIsOverTheWholeEvent) {
  v1::StockEvent message = Parsed(
      "event_id: 'e\\n' source: 's' sku: 'A' moved { location: '/W' from_pool: 99 "
      "to_pool: POOL_INCOMING until { nanos: -1 } }");
  message.mutable_occurred_at()->set_nanos(-1);
  EXPECT_EQ(Checked(message), "MISSING_FIELD moved.quantity: missing");
  message.mutable_moved()->set_quantity(0);
  EXPECT_EQ(Checked(message), "BAD_NAME moved.location: \"/W\" has an empty level");
  message.mutable_moved()->set_location("W");
  EXPECT_EQ(Checked(message), "BAD_NAME event_id: \"e\\x0a\" has a control character");
  message.set_event_id("e");
  EXPECT_EQ(Checked(message), "UNKNOWN_ENUM moved.from_pool: 99 has no meaning");
  message.mutable_moved()->set_from_pool(v1::POOL_USED);
  EXPECT_EQ(Checked(message),
            "POOL_NOT_ALLOWED moved.to_pool: INCOMING is moved by the ledger only");
  message.mutable_moved()->set_to_pool(v1::POOL_HELD);
  EXPECT_EQ(Checked(message), "BAD_QUANTITY moved.quantity: 0 is not above 0");
  message.mutable_moved()->set_quantity(1);
  EXPECT_EQ(Checked(message).substr(0, 22), "BAD_VALUE moved.until:");
  message.mutable_moved()->clear_until();
  EXPECT_EQ(Checked(message).substr(0, 22), "BAD_VALUE occurred_at:");
  message.clear_occurred_at();
  EXPECT_EQ(Checked(message), "applied");
}

}  // namespace
}  // namespace tallywire
