// SPDX-License-Identifier: Apache-2.0
#include "tools/import/mapper.h"

#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "google/protobuf/util/time_util.h"
#include "gtest/gtest.h"
#include "ledger/check.h"

namespace tallywire {
namespace {

using google::protobuf::util::TimeUtil;
using testing::ElementsAre;
using testing::HasSubstr;

// A map and what it makes of rows that are given one by one.
class Table {
 public:
  Table(const std::string& map, std::vector<std::string> header) : header_(std::move(header)) {
    absl::StatusOr<RowMap> parsed = ParseMap(map, "m.yaml");
    TW_CHECK(parsed.ok(), std::string(parsed.status().message()).c_str());
    map_ = std::make_unique<RowMap>(*std::move(parsed));
    absl::StatusOr<std::unique_ptr<RowMapper>> mapper = RowMapper::Create(map_.get(), header_);
    TW_CHECK(mapper.ok(), std::string(mapper.status().message()).c_str());
    mapper_ = *std::move(mapper);
  }

  RowOutcome Map(std::vector<std::string> fields) {
    CsvRow row;
    row.number = ++number_;
    row.fields = std::move(fields);
    return mapper_->Map(row, &event);
  }

  // What became of a row, in a word or two.
  std::string Word(std::vector<std::string> fields) {
    RowOutcome outcome = Map(std::move(fields));
    switch (outcome.kind) {
      case RowOutcome::Kind::kEvent:
      case RowOutcome::Kind::kLeftOut:
        return map_->rules[outcome.rule].name;
      case RowOutcome::Kind::kRefused:
        return outcome.refusal.reason + " " + outcome.refusal.column;
    }
    return "";
  }

  RowMapper& mapper() { return *mapper_; }

  v1::StockEvent event;

 private:
  std::vector<std::string> header_;
  std::unique_ptr<RowMap> map_;
  std::unique_ptr<RowMapper> mapper_;
  int64_t number_ = 1;
};

// A map of columns Id, Code, N, T and X whose one rule sells, with these lines in its `sold`.
Table Sales(const std::string& sold, const std::string& top = "") {
  return Table("source: s\n" + top + "event: {event_id: <Id>, sku: <Code>}\nrows:\n  - sold: {" +
                   sold + "}\n",
               {"Id", "Code", "N", "T", "X"});
}

// The order of one sale with that expression for it, from that X; or the refusal's reason.
std::string Order(const std::string& expression, const std::string& x) {
  Table table = Sales("location: L, quantity: 1, order: " + expression);
  RowOutcome outcome = table.Map({"1", "A", "6", "", x});
  if (outcome.kind == RowOutcome::Kind::kRefused) return outcome.refusal.reason;
  return table.event.sold().order();
}

TEST(Mapper, ColumnsConstantsAndTheSource) {
  Table table = Sales("location: L, quantity: <N>, order: <X>-<Id>/<#row>, pool: HELD");
  RowOutcome outcome = table.Map({"i1", "RED", "6", "", "x"});
  ASSERT_EQ(outcome.kind, RowOutcome::Kind::kEvent) << outcome.refusal.text;
  EXPECT_EQ(table.event.source(), "s");
  EXPECT_EQ(table.event.event_id(), "i1");
  EXPECT_EQ(table.event.sku(), "RED");
  EXPECT_EQ(table.event.sold().location(), "L");
  EXPECT_EQ(table.event.sold().quantity(), 6);
  EXPECT_EQ(table.event.sold().order(), "x-i1/2");
  EXPECT_EQ(table.event.sold().pool(), v1::POOL_HELD);
  EXPECT_FALSE(table.event.has_occurred_at());
}

TEST(Mapper, AnEmptyCellLeavesItsFieldUnset) {
  Table table = Sales("location: L, quantity: <N>, pool: <X>");
  ASSERT_EQ(table.Map({"i1", "RED", "", "", ""}).kind, RowOutcome::Kind::kEvent);
  EXPECT_FALSE(table.event.sold().has_quantity());
  EXPECT_EQ(table.event.sold().pool(), v1::POOL_UNSPECIFIED);
}

TEST(Mapper, CellsThatCannotBeRead) {
  Table table = Sales("location: L, quantity: {absolute: <N>}, pool: <X>");
  RowOutcome outcome = table.Map({"i1", "RED", "six", "", ""});
  ASSERT_EQ(outcome.kind, RowOutcome::Kind::kRefused);
  EXPECT_EQ(outcome.refusal.reason, "BAD_NUMBER");
  EXPECT_EQ(outcome.refusal.column, "N");
  EXPECT_EQ(outcome.refusal.text, "\"six\" is not a whole number");
  EXPECT_EQ(table.Word({"i1", "RED", "1.5", "", ""}), "BAD_NUMBER N");
  EXPECT_EQ(table.Word({"i1", "RED", "99999999999999999999", "", ""}), "BAD_NUMBER N");
  EXPECT_EQ(table.Word({"i1", "RED", "1", "", "SHELF"}), "BAD_VALUE X");
  EXPECT_EQ(table.Word({"i1", "\xff\xfe", "1", "", ""}), "BAD_TEXT Code");
  EXPECT_EQ(table.Word({"i1", "RED", "1", "", ""}), "sold");
}

TEST(Mapper, ARowWithAProblemIsRefusedAsItIs) {
  Table table = Sales("location: L, quantity: <N>");
  CsvRow row;
  row.problem = "has 1 fields, the header 5";
  RowOutcome outcome = table.mapper().Map(row, &table.event);
  EXPECT_EQ(outcome.kind, RowOutcome::Kind::kRefused);
  EXPECT_EQ(outcome.refusal.reason, "BAD_ROW");
  EXPECT_EQ(outcome.refusal.text, row.problem);
}

TEST(Mapper, Functions) {
  EXPECT_EQ(Order("{absolute: <X>}", "-6"), "6");
  EXPECT_EQ(Order("{absolute: <X>}", "6.0"), "6");
  EXPECT_EQ(Order("{negated: <X>}", "-6"), "6");
  EXPECT_EQ(Order("{negated: <X>}", "6"), "-6");
  EXPECT_EQ(Order("{negated: <X>}", ""), "");
  EXPECT_EQ(Order("{trimmed: <X>}", " a b\t"), "a b");
  EXPECT_EQ(Order("{upper: <X>}", "85123a"), "85123A");
  EXPECT_EQ(Order("{lower: <X>}", "85123A"), "85123a");
  EXPECT_EQ(Order("{minor_units: <X>}", "2.5"), "250");
  EXPECT_EQ(Order("{minor_units: <X>, digits: 0}", "2"), "2");
  EXPECT_EQ(Order("{minor_units: <X>, digits: 3}", "-0.001"), "-1");
  EXPECT_EQ(Order("{minor_units: <X>}", "2.555"), "BAD_NUMBER");
  EXPECT_EQ(Order("{first_of: [{trimmed: <X>}, <N>, never]}", "  "), "6");
  EXPECT_EQ(Order("{first_of: [<X>, none]}", "a"), "a");
  EXPECT_EQ(Order("{lookup: <X>, in: {a: b, c: d}}", "c"), "d");
  EXPECT_EQ(Order("{lookup: <X>, in: {a: b, c: d}}", "e"), "BAD_VALUE");
  EXPECT_EQ(Order("{lookup: <X>, in: {a: b, c: d}, else: f}", "e"), "f");
  EXPECT_EQ(Order("'<<<X>>'", "e"), "<e>");
}

TEST(Mapper, ValuesAreMadeFromValues) {
  Table table = Sales("location: L, quantity: <units>, order: <both>",
                      "values: {units: {absolute: <N>}, both: '<units> of <Code>'}\n");
  ASSERT_EQ(table.Map({"i1", "RED", "-3", "", ""}).kind, RowOutcome::Kind::kEvent);
  EXPECT_EQ(table.event.sold().quantity(), 3);
  EXPECT_EQ(table.event.sold().order(), "3 of RED");
  ASSERT_EQ(table.Map({"i2", "BLUE", "-4", "", ""}).kind, RowOutcome::Kind::kEvent);
  EXPECT_EQ(table.event.sold().order(), "4 of BLUE");
  RowOutcome outcome = table.Map({"i1", "RED", "x", "", ""});
  EXPECT_EQ(outcome.refusal.column, "N");
}

// --- Times.

std::string TimeOf(const std::string& format, const std::string& zone, const std::string& cell) {
  Table table("source: s\nevent:\n  event_id: <T>\n  occurred_at: {time: <T>, format: " + format +
                  ", zone: " + zone + "}\nrows:\n  - sold: {location: L, quantity: 1}\n",
              {"T"});
  RowOutcome outcome = table.Map({cell});
  if (outcome.kind == RowOutcome::Kind::kRefused) {
    return outcome.refusal.reason + ": " + outcome.refusal.text;
  }
  return TimeUtil::ToString(table.event.occurred_at());
}

TEST(Mapper, TimesInTheirZone) {
  const std::string format = "'%Y-%m-%d %H:%M:%S'";
  EXPECT_EQ(TimeOf(format, "UTC", "2010-12-01 08:26:00"), "2010-12-01T08:26:00Z");
  EXPECT_EQ(TimeOf(format, "Europe/London", "2010-12-01 08:26:00"), "2010-12-01T08:26:00Z");
  EXPECT_EQ(TimeOf(format, "Europe/London", "2011-07-01 08:26:00"), "2011-07-01T07:26:00Z");
  EXPECT_EQ(TimeOf(format, "America/New_York", "2011-07-01 08:26:00"), "2011-07-01T12:26:00Z");
  EXPECT_THAT(TimeOf(format, "UTC", "01/12/2010"),
              HasSubstr("BAD_TIME: \"01/12/2010\" is not a time as %Y"));
  EXPECT_THAT(TimeOf(format, "UTC", "2010-02-30 08:26:00"), HasSubstr("BAD_TIME"));
  // What strftime's formats read beside times of our years.
  for (const char* far : {"infinite-future", "infinite-past", "292277026596-12-04 15:30:07",
                          "-292277022657-01-27 08:29:52", "10000-01-01 00:00:00"}) {
    EXPECT_THAT(TimeOf(format, "UTC", far), HasSubstr("BAD_TIME")) << far;
  }
}

TEST(Mapper, PartsOfASecondAreKeptToTheMicrosecond) {
  EXPECT_EQ(TimeOf("'%Y-%m-%d %H:%M:%E*S'", "Europe/London", "2011-07-01 08:26:00.1234567"),
            "2011-07-01T07:26:00.123456Z");
}

TEST(Mapper, ATimeThatTheClockSkippedIsRefused) {
  const std::string format = "'%Y-%m-%d %H:%M'";
  EXPECT_EQ(TimeOf(format, "Europe/London", "2011-03-27 00:59"), "2011-03-27T00:59:00Z");
  EXPECT_THAT(TimeOf(format, "Europe/London", "2011-03-27 01:30"),
              HasSubstr("does not exist in Europe/London: the clocks went forward"));
  EXPECT_EQ(TimeOf(format, "Europe/London", "2011-03-27 02:00"), "2011-03-27T01:00:00Z");
}

TEST(Mapper, ATimeThatCameTwiceIsTheFirstOfThem) {
  const std::string format = "'%Y-%m-%d %H:%M'";
  EXPECT_EQ(TimeOf(format, "Europe/London", "2011-10-30 01:30"), "2011-10-30T00:30:00Z");
  EXPECT_EQ(TimeOf(format, "Europe/London", "2011-10-30 02:00"), "2011-10-30T02:00:00Z");
}

TEST(Mapper, ATimeThatSaysItsOffsetAsksNoZone) {
  EXPECT_EQ(TimeOf("'%Y-%m-%d %H:%M %Ez'", "Europe/London", "2011-07-01 08:26 +02:00"),
            "2011-07-01T06:26:00Z");
  EXPECT_EQ(TimeOf("'%s'", "Europe/London", "1300000000"), "2011-03-13T07:06:40Z");
}

TEST(Mapper, SeveralFormatsAreTriedInOrder) {
  const std::string formats = "['%m/%d/%y', '%d-%b-%y']";
  EXPECT_EQ(TimeOf(formats, "UTC", "3/4/06"), "2006-03-04T00:00:00Z");
  EXPECT_EQ(TimeOf(formats, "UTC", "4-Mar-06"), "2006-03-04T00:00:00Z");
  EXPECT_THAT(TimeOf(formats, "UTC", "Date Not Captured"), HasSubstr("or the other formats"));
}

// --- Positions.

TEST(Mapper, PositionsCountOverTheWholeTable) {
  Table table(
      "source: s\nvalues: {p: {position_among: [Id, X]}}\nevent: {event_id: <Id>/<p>}\nrows:\n"
      "  - left_out: skipped\n    when: {N: {is: skip}}\n"
      "  - sold: {location: L, quantity: <N>}\n",
      {"Id", "X", "N"});
  auto id = [&](const std::string& invoice, const std::string& x, const std::string& n) {
    table.Map({invoice, x, n});
    return table.event.event_id();
  };
  EXPECT_EQ(id("a", "", "1"), "a/1");
  EXPECT_EQ(id("a", "", "1"), "a/2");
  EXPECT_EQ(id("b", "", "1"), "b/1");
  // Rows that are left out or refused count too: to mend one of them moves no other's id.
  EXPECT_EQ(table.Word({"a", "", "skip"}), "skipped");
  EXPECT_EQ(table.Word({"a", "", "six"}), "BAD_NUMBER N");
  // And a row that comes after another invoice's goes on where its own stopped.
  EXPECT_EQ(id("a", "", "1"), "a/5");
  EXPECT_EQ(id("a", "x", "1"), "a/1");
  EXPECT_EQ(id("ax", "", "1"), "ax/1");
}

// --- Conditions.

std::string Rule(const std::string& conditions, const std::string& cell) {
  Table table("source: s\nevent: {event_id: <X>}\nrows:\n  - left_out: yes\n    " + conditions +
                  "\n  - left_out: no\n",
              {"X"});
  return table.Word({cell});
}

TEST(Mapper, TextConditions) {
  EXPECT_EQ(Rule("when: {X: {is: a}}", "a"), "yes");
  EXPECT_EQ(Rule("when: {X: {is: a}}", "A"), "no");
  EXPECT_EQ(Rule("when: {X: {is: [a, b]}}", "b"), "yes");
  EXPECT_EQ(Rule("when: {X: {is_not: [a, b]}}", "b"), "no");
  EXPECT_EQ(Rule("when: {X: {is_not: [a, b]}}", "c"), "yes");
  EXPECT_EQ(Rule("when: {X: {empty: true}}", ""), "yes");
  EXPECT_EQ(Rule("when: {X: {empty: false}}", ""), "no");
  EXPECT_EQ(Rule("when: {X: {starts_with: C}}", "C5"), "yes");
  EXPECT_EQ(Rule("when: {X: {starts_with: [A, C]}}", "5C"), "no");
  EXPECT_EQ(Rule("when: {X: {ends_with: C}}", "5C"), "yes");
  EXPECT_EQ(Rule("when: {X: {contains: et}}", "wet goods"), "yes");
  EXPECT_EQ(Rule("when: {X: {like: '[0-9][0-9]*'}}", "85123a"), "yes");
  EXPECT_EQ(Rule("when: {X: {like: '[0-9][0-9]*'}}", "8A"), "no");
  EXPECT_EQ(Rule("when: {X: {like: ['?', 'a*z']}}", "abcz"), "yes");
}

TEST(Mapper, NumberConditions) {
  EXPECT_EQ(Rule("when: {X: {above: 0}}", "0.01"), "yes");
  EXPECT_EQ(Rule("when: {X: {above: 0}}", "0.0"), "no");
  EXPECT_EQ(Rule("when: {X: {below: 0}}", "-1"), "yes");
  EXPECT_EQ(Rule("when: {X: {below: 0}}", "0"), "no");
  EXPECT_EQ(Rule("when: {X: {at_least: 2, at_most: 3}}", "2"), "yes");
  EXPECT_EQ(Rule("when: {X: {at_least: 2, at_most: 3}}", "3.5"), "no");
  EXPECT_EQ(Rule("when: {X: {equals: 2.50}}", "2.5"), "yes");
  EXPECT_EQ(Rule("when: {X: {above: 0}}", "many"), "BAD_NUMBER X");
  EXPECT_EQ(Rule("when: {X: {above: 0}}", ""), "BAD_NUMBER X");
  // A condition that fails earlier keeps the number from being asked.
  EXPECT_EQ(Rule("when: {X: {empty: false, above: 0}}", ""), "no");
}

TEST(Mapper, AnyOfAListAndUnless) {
  EXPECT_EQ(Rule("when: [{X: {is: a}}, {X: {is: b}}]", "b"), "yes");
  EXPECT_EQ(Rule("when: [{X: {is: a}}, {X: {is: b}}]", "c"), "no");
  EXPECT_EQ(Rule("unless: {X: {is: a}}", "b"), "yes");
  EXPECT_EQ(Rule("unless: {X: {is: a}}", "a"), "no");
}

TEST(Mapper, WhenAndUnlessTogether) {
  const std::string both = "when: {X: {starts_with: a}}\n    unless: {X: {ends_with: z}}";
  EXPECT_EQ(Rule(both, "ab"), "yes");
  EXPECT_EQ(Rule(both, "az"), "no");
  EXPECT_EQ(Rule(both, "b"), "no");
}

TEST(Mapper, ARowThatNoRuleIsAboutIsRefused) {
  Table table("source: s\nevent: {event_id: <X>}\nrows:\n  - left_out: a\n    when: {X: {is: a}}\n",
              {"X"});
  EXPECT_EQ(table.Word({"a"}), "a");
  EXPECT_EQ(table.Word({"b"}), "NO_RULE ");
}

// --- The header.

TEST(Mapper, AColumnThatIsNotThereIsAnErrorWithItsLine) {
  absl::StatusOr<RowMap> map = ParseMap(
      "source: s\nevent:\n  event_id: <Id>\nrows:\n  - sold: {quantity: <Qty>}\n", "m.yaml");
  ASSERT_TRUE(map.ok());
  absl::Status status = RowMapper::Create(&*map, {"Id", "Quantity"}).status();
  EXPECT_EQ(status.message(), "m.yaml:5: no column Qty in the file; it has Id, Quantity");
  EXPECT_TRUE(RowMapper::Create(&*map, {"Qty", "Id", "More"}).ok());
}

TEST(Mapper, AValueMustNotBeCalledLikeAColumn) {
  absl::StatusOr<RowMap> map = ParseMap(
      "source: s\nvalues: {n: <N>}\nevent: {event_id: <n>}\nrows:\n  - left_out: a\n", "m.yaml");
  ASSERT_TRUE(map.ok());
  EXPECT_THAT(std::string(RowMapper::Create(&*map, {"N", "n"}).status().message()),
              HasSubstr("m.yaml:2: n is a column of the file"));
}

TEST(Mapper, TheColumnBehindARefusedField) {
  Table table = Sales("location: L, quantity: <units>", "values: {units: {absolute: <N>}}\n");
  EXPECT_EQ(table.mapper().ColumnOf(0, "sold.quantity: 0 is not above 0"), "N");
  EXPECT_EQ(table.mapper().ColumnOf(0, "sku: is empty"), "Code");
  EXPECT_EQ(table.mapper().ColumnOf(0, "sold.location: is empty"), "");
  EXPECT_EQ(table.mapper().ColumnOf(0, "whatever"), "");
}

TEST(Mapper, RulesMayHaveTheirOwnEnvelope) {
  Table table(
      "source: s\nevent: {event_id: <Id>, note: shared, actor: all}\nrows:\n"
      "  - event: {note: own}\n    sold: {location: L, quantity: 1}\n",
      {"Id"});
  table.Map({"1"});
  EXPECT_EQ(table.event.note(), "own");
  EXPECT_EQ(table.event.actor(), "all");
}

}  // namespace
}  // namespace tallywire
