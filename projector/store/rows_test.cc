// SPDX-License-Identifier: Apache-2.0
#include "projector/store/rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>

#include "projector/store/bytes.h"
#include "projector/store/describe.h"
#include "projector/store/keys.h"
#include "projector/store/testing.h"

namespace tallywire::store {
namespace {

constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
constexpr int64_t kMost = std::numeric_limits<int64_t>::max();

TEST(Bytes, NumbersAtTheirEnds) {
  const int64_t numbers[] = {0, 1, -1, 63, 64, -64, -65, kMost, kLeast, kMaxQuantity};
  for (const int64_t a : numbers) {
    for (const int64_t b : numbers) {
      std::string bytes;
      ByteWriter out(&bytes);
      out.Zigzag(a);
      out.Varint(static_cast<uint64_t>(b));
      out.Difference(a, b);
      out.Ordered64(a);
      ByteReader in(bytes);
      EXPECT_EQ(in.Zigzag(), a);
      EXPECT_EQ(in.Varint(), static_cast<uint64_t>(b));
      EXPECT_EQ(in.Difference(b), a);
      EXPECT_EQ(in.Ordered64(), a);
      EXPECT_TRUE(in.done());
    }
  }
}

TEST(Bytes, WhatIsCutShortOrTooLongIsNotDone) {
  ByteReader cut("\x80");
  cut.Varint();
  EXPECT_FALSE(cut.done());
  ByteReader beyond(std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10));
  beyond.Varint();
  EXPECT_FALSE(beyond.done());
  ByteReader longer(std::string_view("\x88\x80\x00", 3));
  longer.Varint();
  EXPECT_FALSE(longer.done()) << "8 is one byte";
  ByteReader text(
      std::string_view("\x05"
                       "abc",
                       4));
  EXPECT_EQ(text.String(), "");
  EXPECT_FALSE(text.done());
  ByteReader more("ab");
  more.Byte();
  EXPECT_FALSE(more.done());
}

TEST(Keys, SortAsWhatTheySay) {
  std::string a;
  std::string b;
  // A name that another begins with comes first, whatever follows it.
  PlaceKey("A", PlaceRow::kRule, "Z", &a);
  PlaceKey("A1", PlaceRow::kBalances, "B", &b);
  EXPECT_LT(a, b);
  JournalPlaceKey("A", "WH1", &a);
  AppendJournalEntry(Offset(kMost), 255, &a);
  JournalPlaceKey("A", "WH1/B", &b);
  AppendJournalEntry(Offset(0), 0, &b);
  EXPECT_LT(a, b);
  JournalPlaceKey("A", "WH1", &b);
  AppendJournalEntry(Offset(3), 7, &b);
  EXPECT_GT(a, b);

  std::vector<TimerKey> timers;
  for (const int64_t due : {int64_t{-5}, int64_t{0}, kMost, kLeast}) {
    for (const char* sku : {"A", "A ", "B"}) {
      for (const int64_t armed : {0, 255, 256}) timers.push_back({Time(due), sku, Offset(armed)});
    }
  }
  std::sort(timers.begin(), timers.end());
  for (size_t i = 1; i < timers.size(); ++i) {
    TimerRowKey(timers[i - 1], &a);
    TimerRowKey(timers[i], &b);
    EXPECT_LT(a, b) << DescribeKey(a) << " and " << DescribeKey(b);
  }
}

TEST(Keys, SayWhatWasPutIn) {
  std::string key;
  ParsedKey parsed;
  TimerRowKey({Time(-3), "A", Offset(12)}, &key);
  ASSERT_TRUE(ParseKey(key, &parsed));
  EXPECT_EQ(parsed.table, Table::kTimers);
  EXPECT_EQ(parsed.due, Time(-3));
  EXPECT_EQ(parsed.sku, "A");
  EXPECT_EQ(parsed.offset, Offset(12));

  JournalPlaceKey("A", "WH1/B", &key);
  AppendJournalEntry(Offset(0), 9, &key);
  ASSERT_TRUE(ParseKey(key, &parsed));
  EXPECT_EQ(parsed.location, "WH1/B");
  EXPECT_EQ(parsed.offset, Offset(0));
  EXPECT_EQ(parsed.ordinal, 9);

  SlotKey("pos-1", 1024, &key);
  ASSERT_TRUE(ParseKey(key, &parsed));
  EXPECT_TRUE(parsed.is_slot);
  EXPECT_EQ(parsed.slot, 1024u);
  SourceKey("pos-1", &key);
  ASSERT_TRUE(ParseKey(key, &parsed));
  EXPECT_FALSE(parsed.is_slot);

  IdentityKey({7, 8}, &key);
  ASSERT_TRUE(ParseKey(key, &parsed));
  EXPECT_EQ(parsed.identity, (Identity{7, 8}));
}

TEST(Keys, WhatIsNoKeyIsSeen) {
  ParsedKey parsed;
  std::string key;
  PlaceKey("A", PlaceRow::kBalances, "WH1", &key);
  for (size_t size = 0; size + 3 <= key.size(); ++size) {
    EXPECT_FALSE(ParseKey(key.substr(0, size), &parsed)) << size;
  }
  EXPECT_FALSE(ParseKey("\x02x", &parsed));
  EXPECT_FALSE(ParseKey(std::string_view("\x01\x04", 2), &parsed));
  EXPECT_FALSE(ParseKey(std::string_view("\x10", 1), &parsed));
  IdentityKey({1, 2}, &key);
  EXPECT_FALSE(ParseKey(key + "x", &parsed));
}

TEST(Keys, RootsAreFirstLevels) {
  EXPECT_EQ(RootOf("WH1"), "WH1");
  EXPECT_EQ(RootOf("WH1/B/2"), "WH1");
}

// Puts, gets, puts again: the second bytes tell whether anything was lost.
template <class T, class Put, class Get>
std::string Again(const T& value, Put put, Get get) {
  std::string row;
  put(value, &row);
  T got;
  EXPECT_TRUE(get(row, &got));
  std::string again;
  put(got, &again);
  EXPECT_EQ(row, again);
  // No part of a row is one.
  for (size_t size = 0; size < row.size(); ++size) {
    T part;
    if (!get(std::string_view(row).substr(0, size), &part)) continue;
    put(part, &again);
    EXPECT_EQ(again, row.substr(0, size)) << "a shorter row that says something is one of its own";
  }
  return row;
}

TEST(Rows, PlaceKeepsAllItsFields) {
  Place place;
  for (size_t i = 0; i < kPools; ++i) place.pools[i] = kMaxQuantity - static_cast<Quantity>(i);
  place.pools[2] = -kMaxQuantity;
  place.touch = {Offset(1 << 20), Time(5'000), CauseKind::kEvent, Time(-4'000),
                 Cause(CauseOf("pos", "1") + CauseOf("web", ""))};
  place.first = Offset(3);
  place.counted_at = {Time(1), std::nullopt, Time(kMost), Time(kLeast)};
  place.unit_cost = UnitCost{{-5, "EUR"}, Offset(9)};
  place.journal_time = Time(6'000);
  const std::string row = Again(place, PutPlace, GetPlace);
  Place got;
  got.counted_at[1] = Time(1);  // what was there before is not left
  ASSERT_TRUE(GetPlace(row, &got));
  EXPECT_EQ(got.pools, place.pools);
  EXPECT_EQ(got.touch.offset, place.touch.offset);
  EXPECT_EQ(got.touch.log_time, place.touch.log_time);
  EXPECT_EQ(got.touch.kind, place.touch.kind);
  EXPECT_EQ(got.touch.occurred_at, place.touch.occurred_at);
  EXPECT_EQ(got.touch.cause.text(), place.touch.cause.text());
  EXPECT_EQ(got.first, place.first);
  EXPECT_EQ(got.counted_at, place.counted_at);
  EXPECT_EQ(got.unit_cost->money, place.unit_cost->money);
  EXPECT_EQ(got.unit_cost->offset, place.unit_cost->offset);
  EXPECT_EQ(got.journal_time, place.journal_time);
  Again(Place(), PutPlace, GetPlace);
}

TEST(Rows, SkuKeepsItsDefinition) {
  SkuState sku;
  Again(sku, PutSku, GetSku);
  sku.touch = {Offset(4), Time(4), CauseKind::kTimer, Time(), {}};
  sku.counters = {-1, 2, 0, 3};
  sku.definition = std::make_unique<SkuDefinition>();
  *sku.definition = {.title = "Mug, 3 dl",
                     .tracking = Tracking::kNonInventory,
                     .sellable = false,
                     .discontinued = true,
                     .safety_stock = 7,
                     .unit_cost = std::nullopt,
                     .msrp = Money{1295, "GBP"},
                     .map = Money{0, "GBP"}};
  sku.definition_touch = {Offset(3), Time(3), CauseKind::kEvent, Time(2), Cause(CauseOf("a", "b"))};
  SkuState got;
  ASSERT_TRUE(GetSku(Again(sku, PutSku, GetSku), &got));
  EXPECT_EQ(*got.definition, *sku.definition);
  EXPECT_EQ(got.counters, sku.counters);
  EXPECT_EQ(got.touch.kind, CauseKind::kTimer);
  EXPECT_EQ(got.definition_touch.cause.text(), sku.definition_touch.cause.text());
}

TEST(Rows, SmallOnes) {
  for (const std::optional<bool> sellable : {std::optional<bool>(), {true}, {false}}) {
    PlaceRule rule;
    rule.rule.sellable = sellable;
    Again(rule, PutRule, GetRule);
    rule.rule.safety_stock = 0;
    PlaceRule got;
    ASSERT_TRUE(GetRule(Again(rule, PutRule, GetRule), &got));
    EXPECT_EQ(got.rule, rule.rule);
  }
  Timer timer{"WH1", Pool::kQualityControl, 12};
  Timer got_timer;
  ASSERT_TRUE(GetTimer(Again(timer, PutTimer, GetTimer), &got_timer));
  EXPECT_EQ(got_timer.location, "WH1");
  EXPECT_EQ(got_timer.from_pool, Pool::kQualityControl);
  EXPECT_EQ(got_timer.quantity, 12);
  Again(SequenceState::Slot{77, {1, 2}}, PutSlot, GetSlot);
  Again(uint64_t{1} << 63, PutHighest, GetHighest);
  Again(uint64_t{1} << 63, PutFingerprint, GetFingerprint);

  TransferState transfer;
  transfer.outstanding = {{"WH1", 2}, {"WH1/B", 3}};
  transfer.unexpected = {{"S", 1}};
  transfer.closed = true;
  TransferState got_transfer;
  ASSERT_TRUE(GetTransfer(Again(transfer, PutTransfer, GetTransfer), &got_transfer));
  EXPECT_EQ(got_transfer.outstanding, transfer.outstanding);
  EXPECT_EQ(got_transfer.unexpected, transfer.unexpected);
  EXPECT_TRUE(got_transfer.closed);
}

TEST(Rows, LocationsKeepTheirDefinition) {
  LocationEntry entry;
  Again(entry, PutLocation, GetLocation);
  entry.definition = LocationDefinition{.kind = SiteKind::kThirdParty,
                                        .sellable = false,
                                        .priority = -3,
                                        .lead_time = Seconds(5),
                                        .coordinates = Coordinates{-1, 1'800'000'000}};
  entry.cause_partition = Partition(2);
  entry.cause_offset = Offset(9);
  entry.touch = {Offset(5), Time(8), CauseKind::kLocation, Time(), {}};
  entry.site_changes = {{Offset(2), true}, {Offset(4), false}, {Offset(5), true}};
  LocationEntry got;
  ASSERT_TRUE(GetLocation(Again(entry, PutLocation, GetLocation), &got));
  EXPECT_EQ(got.definition, entry.definition);
  EXPECT_EQ(got.site_changes, entry.site_changes);
  EXPECT_EQ(got.cause_partition, entry.cause_partition);
  EXPECT_EQ(got.cause_offset, entry.cause_offset);

  const HomeLocation home{*entry.definition, Offset(11)};
  HomeLocation got_home;
  ASSERT_TRUE(GetHome(Again(home, PutHome, GetHome), &got_home));
  EXPECT_EQ(got_home.definition, home.definition);
  EXPECT_EQ(got_home.offset, home.offset);
}

TEST(Rows, JournalKeepsAllItsChanges) {
  JournalEntry entry;
  entry.what = static_cast<uint8_t>(Body::kMoved);
  entry.changes = kMaxPoolDeltas;
  for (uint8_t i = 0; i < kMaxPoolDeltas; ++i) entry.pools[i] = {static_cast<Pool>(i), -i, i};
  entry.log_time = Time(1'700'000'000'000'000);
  entry.max_log_time = entry.log_time;
  entry.occurred_at = entry.log_time;
  entry.cause = CauseOf("pos", "17");
  const size_t plain = Again(entry, PutJournalEntry, GetJournalEntry).size();
  entry.max_log_time = Time(1'700'000'000'000'001);
  entry.occurred_at = Time(1'600'000'000'000'000);
  const std::string row = Again(entry, PutJournalEntry, GetJournalEntry);
  EXPECT_GT(row.size(), plain);
  JournalEntry got;
  ASSERT_TRUE(GetJournalEntry(row, &got));
  EXPECT_EQ(got.what, entry.what);
  EXPECT_EQ(got.changes, entry.changes);
  EXPECT_EQ(got.max_log_time, entry.max_log_time);
  EXPECT_EQ(got.occurred_at, entry.occurred_at);
  EXPECT_EQ(got.pools[3].pool, Pool::kDamaged);
  EXPECT_EQ(got.pools[3].delta, -3);
  EXPECT_EQ(got.pools[3].after, 3);
  EXPECT_EQ(got.cause.text(), entry.cause.text());
}

// A byte that has changed is seen, or nothing has: what is read is what was written.
TEST(Rows, AnotherSpellingOfTheSameIsRefused) {
  const auto bytes = [](std::initializer_list<int> values) {
    std::string row;
    for (const int value : values) row.push_back(static_cast<char>(value));
    return row;
  };
  SkuState sku;
  EXPECT_TRUE(GetSku(bytes({0, 0, 1, 2}), &sku));
  EXPECT_FALSE(GetSku(bytes({0, 0, 1, 0}), &sku)) << "a quantity that is not zero is";
  JournalEntry entry;
  EXPECT_TRUE(GetJournalEntry(bytes({0x08, 5, 2, 2, 0}), &entry));
  EXPECT_FALSE(GetJournalEntry(bytes({0x08, 5, 2, 0, 0}), &entry)) << "no difference is one";
  StoreMarks marks;
  std::string row = bytes({1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1});
  row.append(8, '\0');
  EXPECT_FALSE(GetMarks(row, &marks)) << "an offset beyond 2^63";
  IdentityRow identity;
  EXPECT_FALSE(GetIdentity(bytes({0x82, 0x80, 0x80, 0x80, 0x10, 1, 0, 0, 0, 0}), &identity));
}

TEST(Rows, WhatIsOutOfRangeIsRefused) {
  std::string row;
  PutTimer({"WH1", Pool::kIncoming, 1}, &row);
  row[0] = kPools;
  Timer timer;
  EXPECT_FALSE(GetTimer(row, &timer));

  JournalEntry entry;
  entry.cause = "x";
  PutJournalEntry(entry, &row);
  row[0] = kMaxPoolDeltas + 1;
  EXPECT_FALSE(GetJournalEntry(row, &entry));
  PutJournalEntry(entry, &row);
  row[1] = kBodies;
  EXPECT_FALSE(GetJournalEntry(row, &entry));

  TransferState transfer;
  transfer.outstanding = {{"A", 1}, {"B", 1}};
  PutTransfer(transfer, &row);
  std::swap(row[3], row[6]);
  EXPECT_FALSE(GetTransfer(row, &transfer)) << "units not in the order of their names";
}

// Whatever bytes there are, reading them ends, and words are found for them.
TEST(Rows, AnyBytesAreSurvived) {
  std::mt19937_64 random(7);
  const uint8_t tables[] = {0x01, 0x10, 0x11, 0x12, 0x20, 0x28, 0x30, 0x38, 0x39, 0x40, 0x41, 0x50};
  for (int i = 0; i < 200'000; ++i) {
    std::string key(1, static_cast<char>(tables[random() % std::size(tables)]));
    for (size_t n = random() % 24; n > 0; --n) key.push_back(static_cast<char>(random() % 5));
    std::string row;
    for (size_t n = random() % 40; n > 0; --n) row.push_back(static_cast<char>(random()));
    EXPECT_FALSE(DescribeKey(key).empty());
    EXPECT_FALSE(DescribeRow(key, row).empty());
  }
}

}  // namespace
}  // namespace tallywire::store
