// SPDX-License-Identifier: Apache-2.0
#include "tools/import/map.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tallywire {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr char kGood[] = R"(source: s
event:
  event_id: <Id>
  sku: <Code>
rows:
  - sold: {location: L, quantity: <N>}
)";

std::string ErrorOf(const std::string& text) {
  absl::StatusOr<RowMap> map = ParseMap(text, "m.yaml");
  if (map.ok()) return "";
  EXPECT_EQ(map.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(map.status().message());
}

// kGood with its rows replaced, which begin in line 6.
std::string ErrorOfRows(const std::string& rows) {
  std::string text = kGood;
  return ErrorOf(text.substr(0, text.find("  - sold")) + rows);
}

TEST(Map, TheSmallestMap) {
  absl::StatusOr<RowMap> map = ParseMap(kGood, "m.yaml");
  ASSERT_TRUE(map.ok()) << map.status();
  EXPECT_EQ(map->source, "s");
  EXPECT_EQ(map->delimiter, ',');
  ASSERT_EQ(map->rules.size(), 1U);
  EXPECT_EQ(map->rules[0].name, "sold");
  EXPECT_EQ(map->rules[0].fields.size(), 4U);
  EXPECT_EQ(map->names.size(), 3U);
}

TEST(Map, UnknownKeysAreErrorsWithTheirLine) {
  EXPECT_THAT(ErrorOf(std::string(kGood) + "colour: red\n"),
              StartsWith("m.yaml:7: map: unknown key colour; known are source, "));
  EXPECT_THAT(ErrorOfRows("  - sold: {location: L, quantity: <N>,\n           prize: <P>}\n"),
              StartsWith("m.yaml:7: sold: unknown key prize; known are location, quantity, pool"));
  EXPECT_THAT(ErrorOfRows("  - selled: {location: L}\n"),
              StartsWith("m.yaml:6: rows: unknown key selled"));
  EXPECT_THAT(ErrorOfRows("  - sold: {location: L}\n    when: {N: {over: 1}}\n"),
              StartsWith("m.yaml:7: condition on N: unknown key over; known are "));
  EXPECT_THAT(ErrorOfRows("  - sold: {quantity: {absolute: <N>, of: 3}}\n"),
              StartsWith("m.yaml:6: absolute: unknown key of"));
  EXPECT_THAT(ErrorOfRows("  - sold: {quantity: {abs: <N>}}\n"),
              StartsWith("m.yaml:6: a value needs text or one of absolute, "));
  EXPECT_THAT(ErrorOfRows("  - event: {source: x}\n    sold: {quantity: <N>}\n"),
              StartsWith("m.yaml:6: event: unknown key source"));
  EXPECT_THAT(ErrorOfRows("  - location_copied: {}\n"),
              StartsWith("m.yaml:6: rows: unknown key location_copied"));
}

TEST(Map, KeysTwiceAndBrokenYaml) {
  EXPECT_THAT(ErrorOf(std::string(kGood) + "source: t\n"),
              StartsWith("m.yaml:7: map: source twice"));
  EXPECT_THAT(ErrorOf("source: [a\nrows: }\n"), StartsWith("m.yaml:"));
  EXPECT_THAT(ErrorOf(""), HasSubstr("keys with values are wanted"));
  EXPECT_EQ(LoadMap("/nowhere/map.yaml").status().code(), absl::StatusCode::kNotFound);
}

TEST(Map, WhatIsMissing) {
  EXPECT_THAT(ErrorOf("rows: []\n"), HasSubstr("without source"));
  EXPECT_THAT(ErrorOf("source: s\n"), HasSubstr("without rows"));
  EXPECT_THAT(ErrorOf("source: s\nrows: []\n"), HasSubstr("no rule"));
  EXPECT_THAT(ErrorOfRows("  - when: {N: {above: 1}}\n"), HasSubstr("needs left_out or a body"));
  EXPECT_THAT(ErrorOf("source: s\nrows:\n  - sold: {quantity: <N>}\n"),
              StartsWith("m.yaml:3: sold: no event_id"));
}

TEST(Map, AnEventIdThatIsTheSameForEveryRowIsAnError) {
  EXPECT_THAT(ErrorOfRows("  - event: {event_id: Id}\n    sold: {quantity: <N>}\n"),
              HasSubstr("the same for every row"));
}

TEST(Map, RulesThatCannotBe) {
  EXPECT_THAT(ErrorOfRows("  - sold: {quantity: <N>}\n    returned: {quantity: <N>}\n"),
              StartsWith("m.yaml:7: one event has one body: sold or returned"));
  EXPECT_THAT(ErrorOfRows("  - left_out: x\n    sold: {quantity: <N>}\n"),
              HasSubstr("such rows make no event"));
  EXPECT_THAT(ErrorOfRows("  - sold: {quantity: <N>}\n  - left_out: x\n"),
              StartsWith("m.yaml:7: never reached: the rule in line 6 takes every row"));
  EXPECT_THAT(ErrorOfRows("  - sold: {quantity: <N>}\n    when: {N: {above: 0}}\n"
                          "  - sold: {quantity: <N>}\n"),
              StartsWith("m.yaml:8: two rules are called \"sold\""));
}

// An alias may stand for what it lies in, or for many that stand for many.
TEST(Map, ValuesHaveAnEnd) {
  const std::string rows = "rows: [{left_out: x}]\n";
  EXPECT_THAT(ErrorOf("source: s\nvalues:\n  v: &v {first_of: [*v]}\n" + rows),
              HasSubstr("values lie in one another at most 32 deep"));
  EXPECT_THAT(ErrorOf("source: s\nvalues:\n  v: &v {trimmed: *v}\n" + rows),
              HasSubstr("values lie in one another at most 32 deep"));
  std::string laughs = "source: s\nvalues:\n  v0: &v0 {trimmed: ha}\n";
  for (int i = 1; i < 12; ++i) {
    const std::string alias = "*v" + std::to_string(i - 1);
    laughs += "  v" + std::to_string(i) + ": &v" + std::to_string(i) + " {first_of: [" + alias +
              ", " + alias + ", " + alias + ", " + alias + "]}\n";
  }
  EXPECT_THAT(ErrorOf(laughs + rows), HasSubstr("a map has at most 10000 values"));
}

TEST(Map, ConstantsAreTriedAtOnce) {
  EXPECT_THAT(ErrorOfRows("  - sold: {location: L, quantity: six}\n"),
              StartsWith("m.yaml:6: sold.quantity: \"six\" is not a whole number"));
  EXPECT_THAT(ErrorOfRows("  - sold: {location: L, quantity: <N>,\n           pool: SHELF}\n"),
              StartsWith("m.yaml:7: sold.pool: \"SHELF\" is not one of AVAILABLE, "));
  EXPECT_THAT(ErrorOfRows("  - event: {occurred_at: yesterday}\n    sold: {quantity: <N>}\n"),
              StartsWith("m.yaml:6: occurred_at: \"yesterday\" is not a time"));
  EXPECT_THAT(ErrorOfRows("  - sku_defined: {sellable: maybe}\n"),
              HasSubstr("sku_defined.sellable: \"maybe\" is not true or false"));
}

TEST(Map, NamesInTexts) {
  EXPECT_THAT(ErrorOfRows("  - sold: {quantity: <N}\n"), HasSubstr("< without >"));
  EXPECT_THAT(ErrorOfRows("  - sold: {quantity: <>}\n"), HasSubstr("a name is empty"));
  EXPECT_EQ(ErrorOfRows("  - sold: {quantity: <N>, order: a << b}\n"), "");
}

TEST(Map, ValuesRestOnColumnsAndOnValuesBeforeThem) {
  const std::string rows = "rows:\n  - sold: {quantity: <n>}\nevent: {event_id: <Id>}\n";
  EXPECT_EQ(ErrorOf("source: s\nvalues: {m: <N>, n: <m>}\n" + rows), "");
  EXPECT_THAT(ErrorOf("source: s\nvalues:\n  n: <m>\n  m: <N>\n" + rows),
              StartsWith("m.yaml:3: m is used before it is set in line 4"));
  EXPECT_THAT(ErrorOf("source: s\nvalues:\n  n: <n>\n" + rows),
              StartsWith("m.yaml:3: n is used before it is set"));
  EXPECT_THAT(ErrorOf("source: s\nvalues: {'#n': <N>}\n" + rows), HasSubstr("is no name"));
}

TEST(Map, TimesNeedAFormatAndAZoneThatIs) {
  auto time = [](const std::string& rest) {
    return ErrorOfRows("  - event: {occurred_at: {time: <T>" + rest + "}}\n    sold: {}\n");
  };
  EXPECT_THAT(time(""), HasSubstr("without format"));
  EXPECT_THAT(time(", format: '%Y'"), HasSubstr("without zone"));
  EXPECT_THAT(time(", format: '%Y', zone: Europe/Londres"),
              HasSubstr("Europe/Londres is not in this machine's time zone data"));
  EXPECT_EQ(time(", format: ['%Y', '%y'], zone: Europe/London"), "");
}

TEST(Map, Definitions) {
  const std::string rest = "event: {event_id: <Id>}\nrows:\n  - sold: {quantity: <N>}\n";
  absl::StatusOr<RowMap> map = ParseMap(
      "source: s\ndefinitions:\n  - event_id: a\n    occurred_at: 2020-01-02T03:04:05.5Z\n"
      "    location_defined: {location: W, kind: STORE, sellable: false, priority: 3,\n"
      "                       lead_time: 90s, coordinates: {latitude_e7: -5, longitude_e7: 7}}\n" +
          rest,
      "m.yaml");
  ASSERT_TRUE(map.ok()) << map.status();
  ASSERT_EQ(map->definitions.size(), 1U);
  const v1::StockEvent& event = map->definitions[0];
  EXPECT_EQ(event.source(), "s");
  EXPECT_EQ(event.event_id(), "a");
  EXPECT_EQ(event.occurred_at().seconds(), 1'577'934'245);
  EXPECT_EQ(event.occurred_at().nanos(), 500'000'000);
  EXPECT_EQ(event.location_defined().kind(), v1::SITE_KIND_STORE);
  EXPECT_TRUE(event.location_defined().has_sellable());
  EXPECT_FALSE(event.location_defined().sellable());
  EXPECT_EQ(event.location_defined().priority(), 3);
  EXPECT_EQ(event.location_defined().lead_time().seconds(), 90);
  EXPECT_EQ(event.location_defined().coordinates().latitude_e7(), -5);

  auto definition = [&](const std::string& text) {
    return ErrorOf("source: s\ndefinitions:\n  - " + text + "\n" + rest);
  };
  EXPECT_THAT(definition("{location_defined: {location: W}}"), HasSubstr("needs an event_id"));
  EXPECT_THAT(definition("{event_id: a}"), HasSubstr("needs a body"));
  EXPECT_THAT(definition("{event_id: a, location_defined: {location: <W>}}"),
              HasSubstr("not made from columns"));
  EXPECT_THAT(definition("{event_id: a, source: t, location_defined: {location: W}}"),
              HasSubstr("unknown key source"));
}

TEST(Map, Delimiters) {
  absl::StatusOr<RowMap> map = ParseMap(std::string(kGood) + "delimiter: \"\\t\"\n", "m.yaml");
  ASSERT_TRUE(map.ok());
  EXPECT_EQ(map->delimiter, '\t');
  EXPECT_THAT(ErrorOf(std::string(kGood) + "delimiter: ;;\n"),
              StartsWith("m.yaml:7: delimiter: one character"));
}

}  // namespace
}  // namespace tallywire
