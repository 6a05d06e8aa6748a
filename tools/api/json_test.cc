// SPDX-License-Identifier: Apache-2.0
#include "tools/api/json.h"

#include <gmock/gmock.h>

#include "ledger/names.h"
#include "tallywire/v1/api.pb.h"
#include "tools/api/http_body.h"
#include "tools/api/problem.h"
#include "tools/api/url.h"

namespace tallywire {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Json, EnumValuesAreReadWithAndWithoutTheirPrefix) {
  for (const char* pool : {"POOL_DAMAGED", "DAMAGED"}) {
    v1::StockEvent event;
    ASSERT_TRUE(FromJson(std::string(R"({"sold": {"location": "WH1", "quantity": "3", "pool": ")") +
                             pool + "\"}}",
                         &event)
                    .ok());
    EXPECT_EQ(event.sold().pool(), v1::POOL_DAMAGED);
    EXPECT_THAT(ToJson(event), HasSubstr(R"("pool":"POOL_DAMAGED")"));
  }
}

TEST(Json, RepeatedAndNestedEnumValuesToo) {
  v1::Listing listing;
  ASSERT_TRUE(
      FromJson(R"({"pools": ["USED", "POOL_HELD", 1], "kinds": ["DROP_SHIPPER"]})", &listing).ok());
  EXPECT_EQ(listing.pools(0), v1::POOL_USED);
  EXPECT_EQ(listing.pools(1), v1::POOL_HELD);
  EXPECT_EQ(listing.pools(2), v1::POOL_AVAILABLE);
  EXPECT_EQ(listing.kinds(0), v1::SITE_KIND_DROP_SHIPPER);
}

TEST(Json, WhatIsNotKnownIsAnErrorInOneLine) {
  v1::StockEvent event;
  for (const char* bad :
       {"", "[]", "{", "nonsense", R"({"colour": "red"})", R"({"sold": {"pool": "ATTIC"}})",
        R"({"sold": {}, "received": {}})", R"({"sold": {"quantity": "3.5"}})",
        R"({"sold": {"quantity": 9223372036854775808}})", R"({"sku": 3} trailing)"}) {
    const absl::Status status = FromJson(bad, &event);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << bad;
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("\n"))) << bad;
    EXPECT_EQ(event.ByteSizeLong(), 0U) << bad;
  }
}

TEST(Json, QuantitiesBeyondADoubleSurvive) {
  v1::StockEvent event;
  ASSERT_TRUE(FromJson(R"({"sold": {"quantity": 9007199254740993}})", &event).ok());
  EXPECT_EQ(event.sold().quantity(), 9007199254740993);
}

TEST(Json, UnknownEnumNumbersAreKept) {
  v1::StockEvent event;
  ASSERT_TRUE(FromJson(R"({"sold": {"pool": 77}})", &event).ok());
  EXPECT_EQ(static_cast<int>(event.sold().pool()), 77);
}

TEST(Json, ATimeThatCannotBePrintedIsLeftOut) {
  v1::StockEvent event;
  event.set_sku("RED-TEE");
  event.mutable_occurred_at()->set_seconds(INT64_MAX);
  event.mutable_moved()->mutable_until()->set_nanos(-5);
  EXPECT_THAT(ToJson(event), HasSubstr("RED-TEE"));
  EXPECT_THAT(ToJson(event), Not(HasSubstr("occurred_at")));
}

// A problem says what somebody sent; a client must be able to read it all the same.
TEST(Json, WhatIsNotUtf8IsPrintedSo) {
  for (const char* sent : {"a\xff", "\xc0\xb8", "\xed\xa0\x80", "\xe2\x82"}) {
    v1::Problem problem;
    problem.set_detail(sent);
    const std::string json = ToJson(problem);
    EXPECT_TRUE(IsUtf8(json)) << json;
    v1::Problem again;
    EXPECT_TRUE(FromJson(json, &again).ok()) << json;
  }
}

TEST(HttpBody, MembersAreThoseOfTheOutermostObject) {
  EXPECT_TRUE(HasMember(R"( {"a": [{"x": 1}], "events" : []} )", "events"));
  EXPECT_FALSE(HasMember(R"({"note": "events", "sold": {"events": 1}})", "events"));
  EXPECT_FALSE(HasMember(R"([{"events": 1}])", "events"));
  EXPECT_FALSE(HasMember(R"({"a\"events": 1, "b": "\\"})", "events"));
  EXPECT_FALSE(HasMember(R"({"events)", "events"));
}

TEST(HttpBody, OneEventAloneTakesTheKeyIfItHasNoId) {
  v1::AppendEventsRequest request;
  bool alone = false;
  ASSERT_TRUE(ReadEvents(kJsonType, R"({"sku": "A"})", "\"order-1\"", &request, &alone).ok());
  EXPECT_TRUE(alone);
  EXPECT_EQ(request.events(0).event_id(), "order-1");

  request.Clear();
  ASSERT_TRUE(
      ReadEvents(kJsonType, R"({"event_id": "e", "sku": "A"})", "k", &request, &alone).ok());
  EXPECT_EQ(request.events(0).event_id(), "e");

  request.Clear();
  ASSERT_TRUE(ReadEvents(kJsonType, R"({"events": [{"sku": "A"}]})", "k", &request, &alone).ok());
  EXPECT_FALSE(alone);
  EXPECT_EQ(request.events(0).event_id(), "");
}

TEST(HttpBody, WhatDoesNotReadHasAReason) {
  v1::AppendEventsRequest request;
  EXPECT_EQ(ReasonOf(ReadBody(kProtobufType, "\x0a\xff", &request)),
            v1::REFUSED_REASON_UNDECODABLE);
  EXPECT_EQ(ReasonOf(ReadBody(kJsonType, "{", &request)), v1::REFUSED_REASON_UNDECODABLE);
}

TEST(Problem, AStatusComesBackAsItWas) {
  for (int code = 1; code <= 16; ++code) {
    const absl::Status sent(static_cast<absl::StatusCode>(code), "words");
    const absl::Status got = FromProblem(ToProblem(sent));
    EXPECT_EQ(got.code(), sent.code());
    EXPECT_EQ(got.message(), sent.message());
    EXPECT_GE(ToProblem(sent).status(), 400);
  }
}

TEST(Problem, FieldAndReasonTravel) {
  const absl::Status sent =
      WithField(absl::InvalidArgumentError("x"), "sold.quantity", v1::REFUSED_REASON_BAD_QUANTITY);
  const absl::Status got = FromProblem(ToProblem(sent));
  EXPECT_EQ(FieldOf(got), "sold.quantity");
  EXPECT_EQ(ReasonOf(got), v1::REFUSED_REASON_BAD_QUANTITY);
}

TEST(Problem, TheFieldIsFoundInTheText) {
  EXPECT_EQ(FieldOf(absl::InvalidArgumentError("sold.quantity: -3 is not above 0")),
            "sold.quantity");
  EXPECT_EQ(FieldOf(absl::InvalidArgumentError("pools[1]: no")), "pools[1]");
  EXPECT_EQ(FieldOf(absl::InvalidArgumentError("two words: no")), "");
  EXPECT_EQ(FieldOf(absl::InvalidArgumentError("no field")), "");
  EXPECT_EQ(FieldOf(absl::NotFoundError("sku: no")), "");
}

}  // namespace
}  // namespace tallywire
