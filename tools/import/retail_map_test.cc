// SPDX-License-Identifier: Apache-2.0

// The whole of a real retailer's year through the map that is made for it; nothing is appended.
// The numbers are those that two other programs agree on.

#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "tools/import/csv_reader.h"
#include "tools/import/map.h"
#include "tools/import/mapper.h"
#include "tools/import/opening.h"

namespace tallywire {
namespace {

constexpr char kTable[] = "data/uci-online-retail/online_retail.csv.zst";

std::string SharedFolder() {
  const char* given = std::getenv("TALLYWIRE_SHARED");
  return given != nullptr ? given : std::string(TALLYWIRE_SOURCE_DIR) + "/../shared";
}

struct Sums {
  int64_t rows = 0;
  int64_t units = 0;
  friend bool operator==(const Sums&, const Sums&) = default;
  friend void PrintTo(const Sums& sums, std::ostream* out) {
    *out << sums.rows << " rows, " << sums.units << " units";
  }
};

// What the column Quantity said. Its sums are what is known of the table from elsewhere; they are
// not stock, for a sale has a plus there as a find has, and a return a minus as a loss.
int64_t QuantityOf(const v1::StockEvent& event) {
  switch (event.body_case()) {
    case v1::StockEvent::kSold:
      return event.sold().quantity();
    case v1::StockEvent::kReturned:
      return -event.returned().quantity();
    default:
      return event.adjusted().delta();
  }
}

TEST(RetailMap, TheWholeYear) {
  const std::string path = SharedFolder() + "/" + kTable;
  if (!std::filesystem::exists(path))
    GTEST_SKIP() << "skipped: no " << kTable << " (TALLYWIRE_SHARED)";
  absl::StatusOr<RowMap> map =
      LoadMap(std::string(TALLYWIRE_SOURCE_DIR) + "/tools/maps/online-retail.yaml");
  ASSERT_TRUE(map.ok()) << map.status();
  auto reader = CsvReader::Open(path, map->delimiter);
  ASSERT_TRUE(reader.ok()) << reader.status();
  auto mapper = RowMapper::Create(&*map, (*reader)->header());
  ASSERT_TRUE(mapper.ok()) << mapper.status();

  std::map<std::string, Sums> by_rule;
  std::map<std::string, int64_t> net;
  std::set<std::pair<std::string, std::string>> identities;
  OpeningCounts opening;
  int64_t rows = 0;
  CsvRow row;
  v1::StockEvent event;
  while (true) {
    absl::StatusOr<bool> any = (*reader)->Next(&row);
    ASSERT_TRUE(any.ok()) << any.status();
    if (!*any) break;
    ++rows;
    RowOutcome outcome = (*mapper)->Map(row, &event);
    ASSERT_NE(outcome.kind, RowOutcome::Kind::kRefused) << row.number << outcome.refusal.text;
    Sums& sums = by_rule[map->rules[outcome.rule].name];
    ++sums.rows;
    if (outcome.kind == RowOutcome::Kind::kLeftOut) continue;
    sums.units += QuantityOf(event);
    net[event.sku()] += QuantityOf(event);
    ASSERT_TRUE(identities.emplace(event.sku(), event.event_id()).second)
        << "row " << row.number << ": " << event.sku() << " " << event.event_id();
    ASSERT_EQ(event.document() + "/", event.event_id().substr(0, event.document().size() + 1));
    ASSERT_TRUE(!event.has_adjusted() || !event.adjusted().reason().empty()) << row.number;
    opening.Add(event);
  }

  EXPECT_EQ(rows, 541'909);
  EXPECT_EQ(by_rule.size(), 5U);
  EXPECT_EQ(by_rule["no goods (the code does not begin with five digits)"], (Sums{2'995, 0}));
  EXPECT_EQ(by_rule["sold"], (Sums{527'725, 5'576'996}));
  EXPECT_EQ(by_rule["returned by a customer"], (Sums{8'704, -272'030}));
  EXPECT_EQ(by_rule["written off or corrected down"], (Sums{1'324, -206'898}));
  EXPECT_EQ(by_rule["found or counted up"], (Sums{1'161, 68'024}));

  int64_t total = 0;
  for (const auto& [sku, units] : net) total += units;
  EXPECT_EQ(total, 5'166'092);
  EXPECT_EQ(identities.size(), 538'914U);

  std::set<std::pair<int64_t, std::string>> ranked;
  for (const auto& [sku, units] : net) ranked.emplace(units, sku);
  auto top = ranked.rbegin();
  EXPECT_EQ(*top++, std::make_pair(int64_t{56'450}, std::string("22197")));
  EXPECT_EQ(*top++, std::make_pair(int64_t{53'847}, std::string("84077")));
  EXPECT_EQ(*top++, std::make_pair(int64_t{47'363}, std::string("85099B")));
  EXPECT_EQ(*ranked.begin(), std::make_pair(int64_t{-14'418}, std::string("23005")));

  // With the case of codes kept.
  EXPECT_EQ(net.size(), 4'037U);
  EXPECT_EQ(opening.Derive(map->source).size(), 3'979U);
}

}  // namespace
}  // namespace tallywire
