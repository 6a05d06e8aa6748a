// SPDX-License-Identifier: Apache-2.0
#include "ledger/types.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "ledger/event.h"
#include "ledger/refused.h"
#include "tallywire/v1/event.pb.h"
#include "tallywire/v1/types.pb.h"

namespace tallywire {
namespace {

constexpr int64_t kDay = 86'400'000'000;

TEST(TimeTest, FormatsAsManyDigitsAsAreNeeded) {
  EXPECT_EQ(FormatTime(Time(0)), "1970-01-01T00:00:00Z");
  EXPECT_EQ(FormatTime(Time(946'684'800'000'000)), "2000-01-01T00:00:00Z");
  EXPECT_EQ(FormatTime(Time(1'795'536'000'250'000)), "2026-11-24T16:00:00.25Z");
  EXPECT_EQ(FormatTime(Time(1)), "1970-01-01T00:00:00.000001Z");
  EXPECT_EQ(FormatTime(Time(100'000)), "1970-01-01T00:00:00.1Z");
  EXPECT_EQ(FormatTime(Time(59 * kDay - 1)), "1970-02-28T23:59:59.999999Z");
}

TEST(TimeTest, FormatsTimesBefore1970) {
  EXPECT_EQ(FormatTime(Time(-1)), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(FormatTime(Time(-62'135'596'800'000'000)), "0001-01-01T00:00:00Z");
  EXPECT_EQ(FormatTime(Time(253'402'300'799'999'999)), "9999-12-31T23:59:59.999999Z");
  // Whatever comes, it comes back as text.
  EXPECT_FALSE(FormatTime(Time(INT64_MIN)).empty());
  EXPECT_FALSE(FormatTime(Time(INT64_MAX)).empty());
}

TEST(TimeTest, ParsesWhatItFormats) {
  for (int64_t micros = -3 * kDay; micros < 800 * kDay; micros += 7'919'012'345) {
    EXPECT_EQ(ParseTime(FormatTime(Time(micros))), Time(micros));
  }
  const Time leap_day = *ParseTime("2024-02-29T12:00:00Z");
  EXPECT_EQ(FormatTime(leap_day), "2024-02-29T12:00:00Z");
}

TEST(TimeTest, ParsesAnyRfc3339) {
  const Time expected = *ParseTime("2026-11-24T16:00:00Z");
  EXPECT_EQ(expected, Time(1'795'536'000'000'000));
  for (const char* text :
       {"2026-11-24t16:00:00z", "2026-11-24 16:00:00Z", "2026-11-24T17:30:00+01:30",
        "2026-11-24T09:00:00-07:00", "2026-11-24T16:00:00.000Z", "2026-11-24T16:00:00.0000009Z",
        "2026-11-25T00:00:00+08:00", "2026-11-24T15:59:60Z", "2026-11-24T16:00:00-00:00"}) {
    EXPECT_EQ(ParseTime(text), expected) << text;
  }
  EXPECT_EQ(*ParseTime("2026-11-24T16:00:00.123456789Z") - expected, Span(123'456));
}

TEST(TimeTest, RefusesWhatIsNoTime) {
  for (const char* text : {"",
                           "2026-11-24",
                           "2026-11-24T16:00:00",
                           "2026-11-24T16:00Z",
                           "2026-11-24T16:00:00.Z",
                           "2026-02-29T00:00:00Z",
                           "2026-13-01T00:00:00Z",
                           "2026-00-01T00:00:00Z",
                           "2026-11-31T00:00:00Z",
                           "2026-11-24T24:00:00Z",
                           "2026-11-24T16:60:00Z",
                           "2026-11-24T16:00:61Z",
                           "2026-11-24T16:00:00+1:00",
                           "2026-11-24T16:00:00+24:00",
                           "2026-11-24T16:00:00+00:60",
                           " 2026-11-24T16:00:00Z",
                           "2026-11-24T16:00:00Z ",
                           "26-11-24T16:00:00Z",
                           "2026-1-24T16:00:00Z",
                           "2026-11-24T16:00:00ZZ",
                           "9999-12-31T23:59:59-00:01",
                           "9999-12-31T23:59:60Z",
                           "0001-01-01T00:00:00+00:01",
                           "0000-06-01T00:00:00Z",
                           "infinite-future"}) {
    EXPECT_EQ(ParseTime(text), std::nullopt) << text;
  }
}

// What the wire calls a value without its prefix is what we call it.
template <class Enum>
void ExpectNames(const google::protobuf::EnumDescriptor* wire, const std::string& prefix,
                 int shift) {
  for (int i = 1; i < wire->value_count(); ++i) {
    const auto* value = wire->value(i);
    EXPECT_EQ(prefix + std::string(Name(static_cast<Enum>(value->number() - shift))),
              value->name());
  }
}

TEST(NamesTest, AreThoseOfTheWire) {
  ExpectNames<Pool>(v1::Pool_descriptor(), "POOL_", 1);
  ExpectNames<CountSet>(v1::CountSet_descriptor(), "COUNT_SET_", 1);
  ExpectNames<SiteKind>(v1::SiteKind_descriptor(), "SITE_KIND_", 0);
  ExpectNames<Tracking>(v1::Tracking_descriptor(), "TRACKING_", 1);
  ExpectNames<RefusedReason>(v1::RefusedReason_descriptor(), "REFUSED_REASON_", 0);
  EXPECT_EQ(v1::Pool_descriptor()->value_count(), kPools + 1);
  EXPECT_EQ(v1::CountSet_descriptor()->value_count(), kCountSets + 1);
  EXPECT_EQ(Name(Counter::kSupplier), "SUPPLIER");
  EXPECT_EQ(Name(Counter::kCustomer), "CUSTOMER");
  EXPECT_EQ(Name(Counter::kVariance), "VARIANCE");
  EXPECT_EQ(Name(Counter::kConversion), "CONVERSION");
}

TEST(NamesTest, OfBodiesAreTheirFields) {
  const auto* oneof = v1::StockEvent::descriptor()->FindOneofByName("body");
  ASSERT_EQ(oneof->field_count(), kBodies);
  for (int i = 0; i < kBodies; ++i) {
    EXPECT_EQ(std::string(Name(static_cast<Body>(i))), oneof->field(i)->name());
  }
}

TEST(NamesTest, OfReasonsReadBack) {
  for (int i = 1; i <= static_cast<int>(RefusedReason::kOverflow); ++i) {
    const auto reason = static_cast<RefusedReason>(i);
    EXPECT_EQ(RefusedReasonFromName(Name(reason)), reason);
  }
  EXPECT_EQ(RefusedReasonFromName("UNSPECIFIED"), std::nullopt);
  EXPECT_EQ(RefusedReasonFromName(""), std::nullopt);
}

}  // namespace
}  // namespace tallywire
