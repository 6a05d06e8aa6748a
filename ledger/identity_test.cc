// SPDX-License-Identifier: Apache-2.0
#include "ledger/identity.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "ledger/limits.h"

namespace tallywire {
namespace {

Event Sold() {
  Event event;
  event.body = Body::kSold;
  event.event_id = "e1";
  event.source = "pos-17";
  event.sku = "RED-TEE";
  event.location = "WH1";
  event.quantity = 3;
  return event;
}

Event Identified(Body body, std::string_view source, std::string_view subject,
                 std::string_view event_id) {
  Event event;
  event.body = body;
  event.source = source;
  event.event_id = event_id;
  (body == Body::kLocationDefined ? event.location : event.sku) = subject;
  return event;
}

TEST(IdentityTest, IsOfSourceSkuAndId) {
  const Identity identity = IdentityOf(Sold());
  Event other = Sold();
  other.body = Body::kReceived;
  other.quantity = 4;
  other.location = "WH2";
  other.sequence = 7;
  EXPECT_EQ(IdentityOf(other), identity);
  other = Sold();
  other.event_id = "e2";
  EXPECT_NE(IdentityOf(other), identity);
  other = Sold();
  other.sku = "BLUE-TEE";
  EXPECT_NE(IdentityOf(other), identity);
  other = Sold();
  other.source = "pos-18";
  EXPECT_NE(IdentityOf(other), identity);
}

TEST(IdentityTest, NoTwoRunTogether) {
  const std::vector<Event> events = {
      Identified(Body::kSold, "a", "bc", "d"),
      Identified(Body::kSold, "ab", "c", "d"),
      Identified(Body::kSold, "a", "b", "cd"),
      Identified(Body::kSold, "abc", "", "d"),
      Identified(Body::kSold, "a", "bcd", ""),
      Identified(Body::kSold, "d", "bc", "a"),
      Identified(Body::kLocationDefined, "a", "bc", "d"),
  };
  std::set<Identity> seen;
  for (const Event& event : events) seen.insert(IdentityOf(event));
  EXPECT_EQ(seen.size(), events.size());
}

TEST(IdentityTest, OfALocationIsOfItsName) {
  Event place = Identified(Body::kLocationDefined, "wms", "WH1", "d1");
  const Identity identity = IdentityOf(place);
  place.location_definition.priority = 3;
  EXPECT_EQ(IdentityOf(place), identity);
  place.location = "WH2";
  EXPECT_NE(IdentityOf(place), identity);
}

// Stored for ever: when one of these fails, the code is wrong, not the number.
TEST(IdentityTest, NeverChanges) {
  const Identity identity = IdentityOf(Sold());
  EXPECT_EQ(identity.high, 15155647589394257609U);
  EXPECT_EQ(identity.low, 9330734734449064973U);
  const Identity place = IdentityOf(Identified(Body::kLocationDefined, "wms", "WH1", "d1"));
  EXPECT_EQ(place.high, 15964664409219232793U);
  EXPECT_EQ(place.low, 12930444122473772760U);
  EXPECT_EQ(Fingerprint(Sold()), 8111851788531163760U);
}

using Change = std::function<void(Event&)>;

// Each change of what an event of `body` says gives another fingerprint, all of them different.
void ExpectAllDiffer(Body body, const std::vector<Change>& changes) {
  Event base = Sold();
  base.body = body;
  std::set<uint64_t> seen = {Fingerprint(base)};
  for (const Change& change : changes) {
    Event event = base;
    change(event);
    EXPECT_TRUE(seen.insert(Fingerprint(event)).second) << Name(body) << ", change " << seen.size();
  }
}

TEST(FingerprintTest, IsOfEachFieldOfTheEnvelope) {
  ExpectAllDiffer(Body::kSold, {
                                   [](Event& e) { e.event_id = "e2"; },
                                   [](Event& e) { e.source = "x"; },
                                   [](Event& e) { e.sku = "x"; },
                                   [](Event& e) { e.occurred_at = Time(0); },
                                   [](Event& e) { e.occurred_at = Time(1); },
                                   [](Event& e) { e.actor = "x"; },
                                   [](Event& e) { e.document = "x"; },
                                   [](Event& e) { e.note = "x"; },
                                   [](Event& e) { e.body = Body::kReturned; },
                                   [](Event& e) { e.body = Body::kReceived; },
                               });
  Event event = Sold();
  event.sequence = 9;
  EXPECT_EQ(Fingerprint(event), Fingerprint(Sold()));
}

TEST(FingerprintTest, IsOfEachFieldOfABody) {
  ExpectAllDiffer(Body::kSold, {
                                   [](Event& e) { e.location = "x"; },
                                   [](Event& e) { e.quantity = 4; },
                                   [](Event& e) { e.pool = Pool::kHeld; },
                                   [](Event& e) { e.channel = "x"; },
                                   [](Event& e) { e.listing = "x"; },
                                   [](Event& e) { e.order = "x"; },
                               });
  ExpectAllDiffer(Body::kReceived, {
                                       [](Event& e) { e.purchase_order = "x"; },
                                       [](Event& e) {
                                         e.unit_cost = Money{0, "GBP"};
                                       },
                                       [](Event& e) {
                                         e.unit_cost = Money{1, "GBP"};
                                       },
                                       [](Event& e) {
                                         e.unit_cost = Money{1, "EUR"};
                                       },
                                   });
  ExpectAllDiffer(Body::kAdjusted, {
                                       [](Event& e) { e.quantity = -3; },
                                       [](Event& e) { e.reason = "x"; },
                                       [](Event& e) { e.pool = Pool::kUsed; },
                                   });
  ExpectAllDiffer(Body::kCounted, {
                                      [](Event& e) { e.quantity = 0; },
                                      [](Event& e) { e.set = CountSet::kUsed; },
                                  });
  ExpectAllDiffer(Body::kMoved, {
                                    [](Event& e) { e.pool = Pool::kHeld; },
                                    [](Event& e) { e.to_pool = Pool::kHeld; },
                                    [](Event& e) { e.until = Time(0); },
                                    [](Event& e) { e.until = Time(1); },
                                    [](Event& e) { e.quantity = 2; },
                                });
  for (const Body body : {Body::kTransferred, Body::kTransferShipped, Body::kTransferReceived}) {
    ExpectAllDiffer(body, {
                              [](Event& e) { e.to = "x"; },
                              [](Event& e) { e.transfer_id = "x"; },
                              [](Event& e) { e.quantity = 2; },
                              [](Event& e) { e.pool = Pool::kHeld; },
                          });
  }
  ExpectAllDiffer(Body::kTransferClosed, {[](Event& e) { e.transfer_id = "x"; }});
}

TEST(FingerprintTest, IsOfEachFieldOfADefinition) {
  ExpectAllDiffer(Body::kSkuDefined,
                  {
                      [](Event& e) { e.sku_definition.title = "x"; },
                      [](Event& e) { e.sku_definition.tracking = Tracking::kNonInventory; },
                      [](Event& e) { e.sku_definition.sellable = false; },
                      [](Event& e) { e.sku_definition.discontinued = true; },
                      [](Event& e) { e.sku_definition.safety_stock = 1; },
                      [](Event& e) {
                        e.sku_definition.unit_cost = Money{1, "GBP"};
                      },
                      [](Event& e) {
                        e.sku_definition.msrp = Money{1, "GBP"};
                      },
                      [](Event& e) {
                        e.sku_definition.map = Money{1, "GBP"};
                      },
                  });
  ExpectAllDiffer(Body::kSkuLocationSet, {
                                             [](Event& e) { e.sku_location.sellable = false; },
                                             [](Event& e) { e.sku_location.sellable = true; },
                                             [](Event& e) { e.sku_location.safety_stock = 0; },
                                             [](Event& e) { e.sku_location.safety_stock = 1; },
                                         });
  ExpectAllDiffer(Body::kLocationDefined,
                  {
                      [](Event& e) { e.location_definition.kind = SiteKind::kStore; },
                      [](Event& e) { e.location_definition.sellable = false; },
                      [](Event& e) { e.location_definition.sellable = true; },
                      [](Event& e) { e.location_definition.priority = 0; },
                      [](Event& e) { e.location_definition.priority = -1; },
                      [](Event& e) { e.location_definition.lead_time = Span(0); },
                      [](Event& e) { e.location_definition.lead_time = Span(1); },
                      [](Event& e) {
                        e.location_definition.coordinates = Coordinates{0, 0};
                      },
                      [](Event& e) {
                        e.location_definition.coordinates = Coordinates{0, 1};
                      },
                      [](Event& e) {
                        e.location_definition.coordinates = Coordinates{1, 0};
                      },
                  });
}

TEST(FingerprintTest, TakesTheLongestEvent) {
  const std::string name(kMaxNameBytes, 'n');
  const std::string reference(kMaxReferenceBytes, 'r');
  Event event;
  event.body = Body::kSkuDefined;
  event.event_id = event.source = event.sku = event.location = event.to = event.transfer_id = name;
  event.channel = event.listing = name;
  event.actor = event.document = event.note = event.order = event.purchase_order = event.reason =
      reference;
  event.occurred_at = event.until = Time(1);
  event.unit_cost = Money{1, "GBP"};
  event.sku_definition = {.title = std::string(kMaxTitleBytes, 't'),
                          .unit_cost = Money{1, "GBP"},
                          .msrp = Money{1, "GBP"},
                          .map = Money{1, "GBP"}};
  const uint64_t before = Fingerprint(event);
  event.sku_definition.title.back() = 'x';
  EXPECT_NE(Fingerprint(event), before);
}

}  // namespace
}  // namespace tallywire
