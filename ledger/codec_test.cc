// SPDX-License-Identifier: Apache-2.0
#include "ledger/codec.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <variant>
#include <vector>

#include "ledger/identity.h"
#include "ledger/limits.h"
#include "ledger/topics.h"
#include "tallywire/v1/event.pb.h"

namespace tallywire {
namespace {

v1::StockEvent Parsed(const std::string& text) {
  v1::StockEvent message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

std::string Bytes(const std::string& text) { return Parsed(text).SerializeAsString(); }

// Decodes and keeps what the views point to.
class Decoded {
 public:
  explicit Decoded(std::string value, std::vector<Header> headers = {}, Placement placement = {})
      : value_(std::move(value)),
        headers_(std::move(headers)),
        result_(decoder_.Decode(value_, headers_, placement)) {}

  const Event& event() const {
    if (const auto* refusal = std::get_if<Refusal>(&result_)) {
      ADD_FAILURE() << Name(refusal->reason) << " " << refusal->detail;
      static const Event kNone;
      return kNone;
    }
    return *std::get<const Event*>(result_);
  }

  std::string refusal() const {
    const auto* refusal = std::get_if<Refusal>(&result_);
    if (refusal == nullptr) return "applied";
    return std::string(Name(refusal->reason)) + " " + refusal->detail;
  }

 private:
  std::string value_;
  std::vector<Header> headers_;
  Decoder decoder_;
  std::variant<const Event*, Refusal> result_;
};

const char kSold[] =
    "event_id: 'e1' source: 'pos-17' sku: 'RED-TEE' sold { location: 'WH1' quantity: 3 }";

TEST(DecoderTest, FillsTheEvent) {
  const Decoded decoded(Bytes(
      "event_id: 'e1' source: 'pos-17' sku: 'RED-TEE' occurred_at { seconds: 1772359200 nanos: "
      "250001999 } sequence: 0 actor: 'till' document: 'INV-1' note: 'n' sold { location: "
      "'WH3/BIN10' quantity: 3 pool: POOL_DAMAGED channel: 'amazon' listing: 'L' order: 'o' }"));
  const Event& event = decoded.event();
  EXPECT_EQ(event.body, Body::kSold);
  EXPECT_EQ(event.event_id, "e1");
  EXPECT_EQ(event.source, "pos-17");
  EXPECT_EQ(event.sku, "RED-TEE");
  EXPECT_EQ(event.occurred_at, Time(1'772'359'200'250'001));
  EXPECT_EQ(event.sequence, 0U);
  EXPECT_EQ(event.actor, "till");
  EXPECT_EQ(event.document, "INV-1");
  EXPECT_EQ(event.note, "n");
  EXPECT_EQ(event.location, "WH3/BIN10");
  EXPECT_EQ(event.quantity, 3);
  EXPECT_EQ(event.pool, Pool::kDamaged);
  EXPECT_EQ(event.channel, "amazon");
  EXPECT_EQ(event.listing, "L");
  EXPECT_EQ(event.order, "o");
}

TEST(DecoderTest, FillsDefaultsIn) {
  const std::string told = "event_id: 'e' source: 's' sku: 'A' ";
  EXPECT_EQ(Decoded(Bytes(kSold)).event().pool, Pool::kAvailable);
  EXPECT_EQ(Decoded(Bytes(kSold)).event().occurred_at, std::nullopt);
  EXPECT_EQ(Decoded(Bytes(kSold)).event().sequence, std::nullopt);
  const Decoded counted(Bytes(told + "counted { location: 'W' quantity: 0 }"));
  EXPECT_EQ(counted.event().set, CountSet::kShelf);
  const Decoded sku(Bytes(told + "sku_defined { }"));
  EXPECT_EQ(sku.event().sku_definition, SkuDefinition());
  EXPECT_TRUE(sku.event().sku_definition.sellable);
  const Decoded not_sellable(Bytes(told + "sku_defined { sellable: false tracking: 2 }"));
  EXPECT_FALSE(not_sellable.event().sku_definition.sellable);
  EXPECT_EQ(not_sellable.event().sku_definition.tracking, Tracking::kNonInventory);
  const Decoded set(Bytes(told + "sku_location_set { location: 'W' }"));
  EXPECT_EQ(set.event().sku_location, SkuLocation());
  const Decoded zero(
      Bytes(told + "sku_location_set { location: 'W' sellable: 0 safety_stock: 0 }"));
  EXPECT_EQ(zero.event().sku_location.sellable, false);
  EXPECT_EQ(zero.event().sku_location.safety_stock, 0);
}

TEST(DecoderTest, RefusesBytesThatAreNoMessage) {
  EXPECT_EQ(Decoded("\x0a").refusal(), "UNDECODABLE value: 1 bytes are not a StockEvent");
  EXPECT_EQ(Decoded("\xff\xff\xff\xff").refusal(),
            "UNDECODABLE value: 4 bytes are not a StockEvent");
  EXPECT_EQ(Decoded(std::string(kMaxEventBytes + 1, '\0')).refusal(),
            "TOO_LARGE value: 524289 bytes are more than 524288");
  EXPECT_EQ(Decoded(std::string(kMaxEventBytes, '\0')).refusal(),
            "UNDECODABLE value: 524288 bytes are not a StockEvent");
  EXPECT_EQ(Decoded("").refusal(), "UNKNOWN_BODY body: missing");
  EXPECT_EQ(Decoded(std::string("\x92\x03\x00", 3)).refusal(),
            "UNKNOWN_BODY body: field 50 is not known");
  const std::string whole = Bytes(kSold);
  for (size_t size = 1; size < whole.size(); ++size) {
    EXPECT_NE(Decoded(whole.substr(0, size)).refusal(), "applied") << size;
  }
}

// The parser refuses them itself; nothing of ours would.
TEST(DecoderTest, RefusesTextsThatAreNotUtf8) {
  std::string value = Bytes(kSold);
  value.replace(value.find("WH1"), 3, "W\xff\x31");
  EXPECT_EQ(Decoded(value).refusal().substr(0, 11), "UNDECODABLE");
  value = Bytes(kSold);
  value.replace(value.find("pos-17"), 1, "\xff");
  EXPECT_EQ(Decoded(value).refusal().substr(0, 11), "UNDECODABLE");
}

TEST(DecoderTest, PassesOverFieldsItDoesNotKnow) {
  v1::StockEvent message = Parsed(kSold);
  message.GetReflection()->MutableUnknownFields(&message)->AddVarint(19, 7);
  message.mutable_sold()
      ->GetReflection()
      ->MutableUnknownFields(message.mutable_sold())
      ->AddFixed64(90, 7);
  EXPECT_EQ(Decoded(message.SerializeAsString()).event().quantity, 3);
}

TEST(FramesTest, AreSkipped) {
  using namespace std::string_literals;
  const std::string message = Bytes(kSold);
  const std::string head = "\0\x00\x00\x01\x02"s;
  for (const std::string& way :
       {"\0"s, "\x02\x00"s, "\x02\x08"s, "\x04\x00\x02"s, "\x02\x80\x01"s}) {
    EXPECT_EQ(Decoded(head + way + message).event().location, "WH1");
  }
  EXPECT_EQ(Decoded(head + "\0"s).refusal(), "UNKNOWN_BODY body: missing");
  for (const std::string& broken :
       {"\0"s, "\0\0\0\0"s, head, head + "\x02"s, head + "\x03\x00"s + message, head + "\x80"s,
        head + "\x02\x80"s}) {
    EXPECT_EQ(Decoded(broken).refusal(), "UNDECODABLE value: " + std::to_string(broken.size()) +
                                             " bytes are not a Schema Registry frame");
  }
  // A count of indexes that nobody has bytes for ends with the bytes.
  EXPECT_EQ(Decoded(head + "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"s + message).refusal(),
            "UNDECODABLE value: " + std::to_string(15 + message.size()) +
                " bytes are not a Schema Registry frame");
  // The frame counts as bytes of the value.
  std::string large = head + "\0"s + message;
  large.resize(kMaxEventBytes + 1, 'x');
  EXPECT_EQ(Decoded(large).refusal().substr(0, 9), "TOO_LARGE");
}

TEST(CloudEventsTest, HeadersFillWhatTheBodyLacks) {
  const std::string bare = Bytes("sku: 'A' sold { location: 'WH1' quantity: 3 }");
  const std::vector<Header> headers = {{"ce_type", "tallywire.v1.StockEvent"},
                                       {"ce_id", "c1"},
                                       {"ce_source", "shop:eu"},
                                       {"ce_time", "2026-03-01T11:00:00.5+01:00"}};
  const Decoded filled(bare, headers);
  EXPECT_EQ(filled.event().event_id, "c1");
  EXPECT_EQ(filled.event().source, "shop:eu");
  EXPECT_EQ(filled.event().occurred_at, ParseTime("2026-03-01T10:00:00.5Z"));
  EXPECT_EQ(Decoded(bare).refusal(), "MISSING_FIELD event_id: missing");

  // What fills in counts as given.
  const Decoded given(
      Bytes("event_id: 'c1' source: 'shop:eu' sku: 'A' occurred_at { seconds: 1772359200 nanos: "
            "500000000 } sold { location: 'WH1' quantity: 3 }"));
  EXPECT_EQ(Fingerprint(filled.event()), Fingerprint(given.event()));
  EXPECT_EQ(IdentityOf(filled.event()), IdentityOf(given.event()));
}

TEST(CloudEventsTest, TheBodyGoesFirst) {
  const Decoded decoded(
      Bytes("event_id: 'e1' source: 'pos' sku: 'A' occurred_at { seconds: 1772359200 } sold { "
            "location: 'WH1' quantity: 3 }"),
      {{"ce_id", "c1"}, {"ce_source", "shop:eu"}, {"ce_time", "no time at all"}});
  EXPECT_EQ(decoded.event().event_id, "e1");
  EXPECT_EQ(decoded.event().source, "pos");
  EXPECT_EQ(decoded.event().occurred_at, Time(1'772'359'200'000'000));
}

TEST(CloudEventsTest, WhatIsNotReadIsNotAsked) {
  const Decoded named(Bytes(kSold), {{"ce_id", "\xff"}, {"ce_source", "\xff"}});
  EXPECT_EQ(named.event().event_id, "e1");
  const Placement place{.key = "", .partition = Partition(0), .partitions = 1};
  const Decoded tick(Bytes("ticked {}"), {{"ce_id", "\xff"}}, place);
  EXPECT_EQ(tick.event().body, Body::kTicked);
}

// The appender's wrong partition is told with its source, whatever else is wrong with the record.
TEST(DecoderTest, SaysWhoMisplacedARecord) {
  const auto misplaced = [](const std::string& text) {
    Decoder decoder;
    const std::string value = Bytes(text);
    const Partition wrong((PartitionOf("A", 3).value() + 1) % 3);
    const auto result = decoder.Decode(value, {}, {"A", wrong, 3});
    EXPECT_EQ(std::get<Refusal>(result).reason, RefusedReason::kWrongPartition);
    const Misplaced who = decoder.LastMisplaced();
    return std::string(who.source) + "/" + std::string(who.sku);
  };
  EXPECT_EQ(misplaced("event_id: 'e' source: 'pos' sku: 'A' transfer_closed { transfer_id: 't' }"),
            "pos/A");
  EXPECT_EQ(misplaced("event_id: 'e' source: 'pos' sku: 'A' sold { location: 'W' quantity: 0 }"),
            "pos/A");
  EXPECT_EQ(misplaced("event_id: 'e' sku: 'A' source: '" + std::string(65, 's') +
                      "' transfer_closed { transfer_id: 't' }"),
            "/A");
}

TEST(CloudEventsTest, HeadersKeepTheRulesToo) {
  const auto refused = [](const char* name, const std::string& value) {
    return Decoded(Bytes("sku: 'A' sold { location: 'WH1' quantity: 3 }"),
                   {{"ce_id", "c1"}, {"ce_source", "s"}, {name, value}})
        .refusal();
  };
  EXPECT_EQ(refused("ce_id", "a\n"), "BAD_NAME event_id: \"a\\x0a\" has a control character");
  EXPECT_EQ(refused("ce_source", std::string(65, 's')).substr(0, 17), "BAD_VALUE source:");
  EXPECT_EQ(refused("ce_id", "\xff"), "UNDECODABLE ce_id: \"\\xff\" is not UTF-8");
  EXPECT_EQ(refused("ce_source", "\xff"), "UNDECODABLE ce_source: \"\\xff\" is not UTF-8");
  EXPECT_EQ(refused("ce_time", "yesterday"), "BAD_VALUE ce_time: \"yesterday\" is not RFC 3339");
  EXPECT_EQ(refused("ce_time", "1999-12-31T23:59:59Z"),
            "BAD_VALUE occurred_at: 1999-12-31T23:59:59Z is before the year 2000");
}

TEST(LinkedRecordsTest, DecodeToWhatWasEncoded) {
  const LocationDefinition whole{.kind = SiteKind::kStore,
                                 .sellable = false,
                                 .priority = 0,
                                 .lead_time = Span(1'500'000),
                                 .coordinates = Coordinates{515'000'000, -1'200'000}};
  for (const LocationDefinition& definition : {whole, LocationDefinition()}) {
    const std::string value =
        EncodeLocationCopied(Partition(2), Partition(1), Offset(17), "WH3", definition);
    const Decoded decoded(value, {}, {.key = "WH3", .partition = Partition(2), .partitions = 3});
    const Event& event = decoded.event();
    EXPECT_EQ(event.body, Body::kLocationCopied);
    EXPECT_EQ(event.location, "WH3");
    EXPECT_EQ(event.location_definition, definition);
    EXPECT_EQ(event.target_partition, Partition(2));
    EXPECT_EQ(event.cause_partition, Partition(1));
    EXPECT_EQ(event.cause_offset, Offset(17));
    EXPECT_EQ(event.event_id, "");
    v1::StockEvent message;
    ASSERT_TRUE(message.ParseFromString(value));
    EXPECT_EQ(KeyOf(message), "WH3");
  }
  const Decoded ticked(EncodeTicked(), {}, {.key = "", .partition = Partition(0), .partitions = 1});
  EXPECT_EQ(ticked.event().body, Body::kTicked);
}

TEST(KeyOfTest, IsTheSkuOrTheDefinedLocation) {
  EXPECT_EQ(KeyOf(Parsed(kSold)), "RED-TEE");
  EXPECT_EQ(KeyOf(Parsed("location_defined { location: 'WH1' }")), "WH1");
  EXPECT_EQ(KeyOf(Parsed("sku: 'A'")), "A");
  EXPECT_EQ(KeyOf(v1::StockEvent()), "");
}

// Everything that an event says, for comparison.
std::string Everything(const std::variant<const Event*, Refusal>& result) {
  if (const auto* refusal = std::get_if<Refusal>(&result)) {
    return std::string(Name(refusal->reason)) + " " + refusal->detail;
  }
  const Event& event = *std::get<const Event*>(result);
  std::string text(Name(event.body));
  for (const std::string_view part :
       {event.event_id, event.source, event.sku, event.actor, event.document, event.note,
        event.location, event.to, event.transfer_id, event.channel, event.listing, event.order,
        event.purchase_order, event.reason}) {
    text += "|";
    text += part;
  }
  const bool untouched = event.sku_definition == SkuDefinition();
  return text + "|" + std::to_string(event.sequence.value_or(99)) + "|" +
         std::to_string(event.target_partition.value() + event.cause_partition.value()) + "|" +
         std::to_string(event.unit_cost.has_value()) + std::to_string(untouched) + "|" +
         std::string(Name(event.pool)) + std::string(Name(event.to_pool)) + "|" +
         std::to_string(event.until.has_value()) + "|" +
         std::to_string(IsLinked(event.body) ? 0 : Fingerprint(event));
}

// Whatever came before, a decoder gives what a new one gives.
TEST(DecoderTest, RemembersNothing) {
  std::vector<std::string> values;
  for (const char* text :
       {"sold { location: 'WH1' quantity: 3 channel: 'a' listing: 'l' order: 'o' }",
        "sold { location: 'WH1/BIN-WITH-A-LONG-NAME' quantity: 3 }",
        "sold { }",
        "received { location: 'WH1' quantity: 3 unit_cost { amount: 1 currency: 'GBP' } }",
        "received { location: 'WH1' quantity: 3 purchase_order: 'p' }",
        "returned { location: 'WH1' quantity: 3 order: 'o' }",
        "counted { location: 'WH1' quantity: 3 set: COUNT_SET_USED }",
        "counted { location: 'WH1' quantity: 3 }",
        "adjusted { location: 'WH1' delta: 3 pool: POOL_USED reason: 'r' }",
        "moved { location: 'WH1' quantity: 3 to_pool: POOL_HELD until { seconds: 9 } }",
        "moved { location: 'WH1' quantity: 3 to_pool: POOL_HELD }",
        "transferred { from: 'WH1' to: 'WH2' quantity: 3 }",
        "transfer_shipped { transfer_id: 't' from: 'WH1' to: 'WH2' quantity: 3 }",
        "transfer_received { transfer_id: 't' to: 'WH2' quantity: 3 }",
        "transfer_closed { transfer_id: 't' }",
        "sku_defined { title: 'T' safety_stock: 2 }",
        "sku_defined { }",
        "sku_location_set { location: 'WH1' safety_stock: 0 }",
        "sku_location_set { location: 'WH1' }",
        "ticked { }",
        "location_copied { target_partition: 0 cause { offset: 3 } definition { location: 'W' "
        "priority: 1 } }",
        ""}) {
    values.push_back(Bytes(std::string("event_id: 'e1' source: 's' sku: 'A' ") + text));
    values.push_back(Bytes(std::string("event_id: 'a-longer-id-than-others' source: 's' sku: 'A' "
                                       "occurred_at { seconds: 1772359200 } sequence: 7 actor: 'x' "
                                       "document: 'd' note: 'n' ") +
                           text));
    // Half of it; with a field that nobody knows; with another body behind it.
    values.push_back(values.back().substr(0, values.back().size() - 1));
    values.push_back(values[values.size() - 2] + std::string("\x98\x01\x07", 3));
    values.push_back(values[values.size() - 3] + Bytes("sold { quantity: 9 }"));
  }
  values.push_back(
      Bytes("event_id: 'e' source: 's' location_defined { location: 'A' priority: 2 }"));
  values.push_back(Bytes("event_id: 'e' source: 's' location_defined { location: 'A' }"));

  const Placement placement{.key = "A", .partition = Partition(0), .partitions = 1};
  std::vector<std::string> expected;
  for (const std::string& value : values) {
    Decoder decoder;
    expected.push_back(Everything(decoder.Decode(value, {}, placement)));
  }
  Decoder decoder;
  std::minstd_rand random(17);
  std::uniform_int_distribution<size_t> pick(0, values.size() - 1);
  for (int i = 0; i < 50'000; ++i) {
    const size_t next = pick(random);
    ASSERT_EQ(Everything(decoder.Decode(values[next], {}, placement)), expected[next])
        << "number " << i << ", value " << next;
  }
}

// Noise, and events with a byte changed, are refused or read, and never harm.
TEST(DecoderTest, SurvivesNoise) {
  const std::string whole = Bytes(kSold);
  Decoder decoder;
  std::minstd_rand random(5);
  std::uniform_int_distribution<int> byte(0, 255);
  for (int i = 0; i < 50'000; ++i) {
    std::string value = whole;
    if (i % 2 == 0) {
      value.resize(static_cast<size_t>(byte(random) / 4));
      for (char& c : value) c = static_cast<char>(byte(random));
    } else {
      value[static_cast<size_t>(byte(random)) % value.size()] = static_cast<char>(byte(random));
    }
    const std::string result = Everything(decoder.Decode(value, {}, {}));
    Decoder fresh;
    ASSERT_EQ(result, Everything(fresh.Decode(value, {}, {})));
  }
}

TEST(CheckTest, SaysTheSameAsDecode) {
  Decoder decoder;
  const v1::StockEvent message = Parsed(kSold);
  const auto result = decoder.Check(message, {});
  ASSERT_TRUE(std::holds_alternative<const Event*>(result));
  // The views are the message's own.
  EXPECT_EQ(std::get<const Event*>(result)->source.data(), message.source().data());
  EXPECT_EQ(Fingerprint(*std::get<const Event*>(result)),
            Fingerprint(Decoded(message.SerializeAsString()).event()));
}

}  // namespace
}  // namespace tallywire
