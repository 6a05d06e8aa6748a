// SPDX-License-Identifier: Apache-2.0
// What is on disk is read for ever: rows of each table, as bytes and in words, are kept in
// testdata/format_2.txt. A line: key in hexadecimal digits, row likewise, then what they say.
// TALLYWIRE_REWRITE=1 writes the file anew: only for a table that is new, never for one that is
// there.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "projector/store/checkpoint.h"
#include "projector/store/describe.h"
#include "projector/store/keys.h"
#include "projector/store/rows.h"
#include "projector/store/testing.h"

namespace tallywire::store {
namespace {

constexpr char kFile[] = TALLYWIRE_STORE_TESTDATA "/format_2.txt";
constexpr int64_t kNow = 1'764'000'000'000'000;

absl::string_view Text(std::string_view s) { return {s.data(), s.size()}; }

Touch EventTouch(int64_t offset) {
  return {Offset(offset), Time(kNow), CauseKind::kEvent, Time(kNow - 60'000'000),
          Cause(CauseOf("pos-17", "e1") + CauseOf("web", "l-9"))};
}

void AddDefinitions(FoldState& state) {
  SkuState& sku = SkuOf(state, "MUG-01");
  sku.touch = EventTouch(40);
  sku.counters = {-10, 7, 3, 0};
  sku.definition = std::make_unique<SkuDefinition>();
  sku.definition->title = "Mug, 3 dl";
  sku.definition->safety_stock = 2;
  sku.definition->unit_cost = Money{199, "EUR"};
  sku.definition->map = Money{899, "EUR"};
  sku.definition_touch = EventTouch(1);
  SkuOf(state, "undefined").touch = {Offset(44), Time(kNow), CauseKind::kTimer, Time(), {}};
  PlaceRule& rule = RuleOf(state, "MUG-01", "WH3");
  rule.rule = {.sellable = false, .safety_stock = 5};
  rule.touch = EventTouch(2);

  LocationDefinition definition;
  definition.kind = SiteKind::kStore;
  definition.sellable = true;
  definition.priority = 3;
  definition.lead_time = Seconds(86'400);
  definition.coordinates = Coordinates{525'200'000, -134'050'000};
  state.dirty_homes["WH3"] = {definition, Offset(12)};
  state.locations.ApplyCopy("WH3", definition, Partition(2), Offset(12), Offset(13), Time(kNow));
  definition.kind = SiteKind::kNone;
  state.locations.ApplyCopy("WH3", definition, Partition(2), Offset(14), Offset(15), Time(kNow));
}

void AddStock(FoldState& state) {
  Place& place = PlaceOf(state, "MUG-01", "WH3/BIN10");
  place.pools = {4, 0, 1, 0, 0, -2, 6};
  place.touch = EventTouch(40);
  place.first = Offset(3);
  place.counted_at = {Time(kNow - 5), std::nullopt, std::nullopt, Time(kNow - 3'600'000'000)};
  place.unit_cost = UnitCost{{199, "EUR"}, Offset(3)};
  place.journal_time = Time(kNow + 1);
  JournalEntry& entry = AddEntry(state, "MUG-01", "WH3/BIN10", Offset(40));
  entry.what = static_cast<uint8_t>(Body::kMoved);
  entry.changes = 2;
  entry.pools[0] = {Pool::kAvailable, -1, 4};
  entry.pools[1] = {Pool::kHeld, 1, 1};
  entry.log_time = Time(kNow);
  entry.max_log_time = Time(kNow + 1);
  entry.occurred_at = Time(kNow - 60'000'000);
  entry.cause = CauseOf("pos-17", "e1");
  JournalEntry& timer = AddEntry(state, "MUG-01", "WH3/BIN10", Offset(40));
  timer.ordinal = 1;
  timer.what = kJournalTimer;
  timer.changes = 1;
  timer.pools[0] = {Pool::kHeld, -1, 0};
  timer.log_time = timer.max_log_time = timer.occurred_at = Time(kNow);
  TransferState& transfer = TransferOf(state, "MUG-01", "T-1");
  transfer.outstanding = {{"WH3", 6}, {"WH3/BIN10", 2}};
  transfer.unexpected = {{"S1", 1}};
  TransferOf(state, "MUG-01", "T-2").closed = true;
  ArmTimer(state, {Time(kNow + 1), "MUG-01", Offset(40)}, {"WH3/BIN10", Pool::kAvailable, 1});
}

// Some of everything.
FoldState Sample() {
  FoldState state;
  state.next_offset = Offset(45);
  state.log_time = Time(kNow);
  state.max_log_time = Time(kNow + 1);
  state.counts = {40, 3, 2};
  AddDefinitions(state);
  AddStock(state);
  state.identities[{0x0123456789abcdef, 0xfedcba9876543210}] = 0x1122334455667788;
  NumberSource(state, "pos-17", 5'000, {1, 2});
  state.dirty_misplacing.push_back("web");
  return state;
}

// Lines of the file as this program writes them.
std::vector<std::string> Written() {
  std::vector<std::string> lines;
  const auto add = [&](std::string_view key, std::string_view row) {
    lines.push_back(absl::StrCat(absl::BytesToHexString(Text(key)), " ",
                                 row.empty() ? "-" : absl::BytesToHexString(Text(row)), " ",
                                 DescribeKey(key), " = ", DescribeRow(key, row)));
  };
  std::string key;
  std::string row;
  MetaKey(Meta::kIdentity, &key);
  PutIdentity({.fold_version = 1, .identity = TestIdentity()}, &row);
  add(key, row);
  const FoldState state = Sample();
  CheckpointRows rows;
  rows.Gather(state, {.last = {Offset(44), 0x0123456789abcdef},
                      .sweeps = {{"WH3", Offset(15), "MUG"}},
                      .settle = true});
  for (const Rocks::Row& r : rows.rows()) add(r.key, *r.value);
  return lines;
}

std::vector<std::string> Kept() {
  std::ifstream file(kFile);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

TEST(Format, WhatIsWrittenHasNotChanged) {
  if (std::getenv("TALLYWIRE_REWRITE") != nullptr) {
    std::ofstream file(kFile);
    for (const std::string& line : Written()) file << line << "\n";
  }
  EXPECT_THAT(Written(), testing::ElementsAreArray(Kept()));
}

TEST(Format, WhatWasWrittenIsRead) {
  std::set<Table> tables;
  for (const std::string& line : Kept()) {
    const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits(' ', 2));
    ASSERT_EQ(parts.size(), 3u) << line;
    const std::string key = absl::HexStringToBytes(parts[0]);
    const std::string row = parts[1] == "-" ? std::string() : absl::HexStringToBytes(parts[1]);
    ParsedKey parsed;
    ASSERT_TRUE(ParseKey(key, &parsed)) << line;
    tables.insert(parsed.table);
    EXPECT_EQ(DescribeKey(key) + " = " + DescribeRow(key, row), parts[2]);
    EXPECT_THAT(parts[2], testing::Not(testing::HasSubstr("= bytes"))) << "does not decode";
  }
  EXPECT_EQ(tables.size(), 12u) << "a table is missing";
}

}  // namespace
}  // namespace tallywire::store
