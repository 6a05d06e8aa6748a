// SPDX-License-Identifier: Apache-2.0
#include "tools/import/import_command.h"

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/commands/fake_api.h"
#include "tools/import/testing.h"

namespace tallywire {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr char kMap[] = R"(source: till
definitions:
  - event_id: place
    location_defined: {location: W, kind: STORE}
event:
  event_id: <Id>
  sku: <Code>
rows:
  - left_out: no goods
    when: {Code: {is: POST}}
  - sold: {location: W, quantity: <N>}
)";

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// A ledger that takes everything but a sale of fewer than 1.
class ImportTest : public ::testing::Test {
 protected:
  ImportTest() {
    world.api.answers["POST events"] = [this](const ApiRequest& request,
                                              google::protobuf::Message* out) {
      if (failures > 0) {
        --failures;
        return absl::UnavailableError("nobody answers");
      }
      if (--calls_to_stop == 0) world.stop = true;
      const auto& asked = static_cast<const v1::AppendEventsRequest&>(*request.body);
      auto& answer = static_cast<v1::AppendEventsResponse&>(*out);
      for (const v1::StockEvent& event : asked.events()) {
        v1::AppendedEvent* result = answer.add_results();
        if (event.has_sold() && event.sold().quantity() < 1) {
          result->set_refused(v1::REFUSED_REASON_BAD_QUANTITY);
          result->set_detail("sold.quantity: 0 is not above 0");
          continue;
        }
        ids.push_back(event.event_id());
      }
      return absl::OkStatus();
    };
  }

  CliRun Import(const std::string& table, std::vector<const char*> more = {}) {
    TemporaryFile file(table, ".csv");
    std::vector<const char*> arguments = {"import", "--map", map.path().c_str(),
                                          file.path().c_str()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return world.Run(arguments);
  }

  TemporaryFile map{kMap, ".yaml"};
  FakeWorld world;
  int failures = 0;
  int calls_to_stop = -1;
  std::vector<std::string> ids;
};

TEST_F(ImportTest, RowsBecomeEventsAfterTheDefinitions) {
  CliRun run = Import("Id,Code,N\n1,A,5\n2,POST,1\n3,B,7\n");
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(ids, ElementsAre("place", "1", "3"));
  EXPECT_THAT(run.out, AllOf(HasSubstr("3 events appended, among them 1 of the map's definitions"),
                             HasSubstr("left out  no goods"), HasSubstr("12  sold")));
  EXPECT_EQ(run.err, "");
  ASSERT_EQ(world.connects.size(), 1U);
  EXPECT_TRUE(world.connects[0].create);
  EXPECT_FALSE(world.connects[0].settle);
}

TEST_F(ImportTest, RefusedRowsAreToldAndKeptAndTheOthersAreIn) {
  TemporaryFile rejected("");
  CliRun run = Import("Id,Code,N\n1,A,5\n2,A,six\n3,\"A,B\",0\n4,A\n5,A,1\n",
                      {"--rejected", rejected.path().c_str()});
  EXPECT_EQ(run.code, 3);
  EXPECT_THAT(ids, ElementsAre("place", "1", "5"));
  EXPECT_EQ(run.err,
            "row 3, column N: BAD_NUMBER: sold.quantity: \"six\" is not a whole number\n  2,A,six\n"
            "row 4, column N: BAD_QUANTITY: sold.quantity: 0 is not above 0\n  3,\"A,B\",0\n"
            "row 5: BAD_ROW: has 2 fields, the header 3\n  4,A\n");
  EXPECT_EQ(ReadFile(rejected.path()),
            "rejected_row,rejected_column,rejected_reason,rejected_text,Id,Code,N\n"
            "3,N,BAD_NUMBER,\"sold.quantity: \"\"six\"\" is not a whole number\",2,A,six\n"
            "4,N,BAD_QUANTITY,sold.quantity: 0 is not above 0,3,\"A,B\",0\n"
            "5,,BAD_ROW,\"has 2 fields, the header 3\",4,A\n");
  EXPECT_THAT(run.out, HasSubstr("refused   BAD_QUANTITY"));
}

TEST_F(ImportTest, WhatDoesNotFitIsAnErrorBeforeAnythingIsAppended) {
  CliRun column = Import("Id,Code,Units\n1,A,5\n");
  EXPECT_EQ(column.code, 2);
  EXPECT_THAT(column.err, HasSubstr(":11: no column N in the file; it has Id, Code, Units"));

  TemporaryFile wrong("source: s\ncolour: red\n");
  TemporaryFile table("Id\n");
  CliRun key = world.Run({"import", "--map", wrong.path().c_str(), table.path().c_str()});
  EXPECT_EQ(key.code, 2);
  EXPECT_THAT(key.err, HasSubstr(":2: map: unknown key colour"));

  EXPECT_EQ(world.Run({"import", "--map", map.path().c_str(), "/nowhere.csv"}).code, 4);
  EXPECT_EQ(world.Run({"import", table.path().c_str()}).code, 2);
  EXPECT_THAT(world.connects, IsEmpty());
}

TEST_F(ImportTest, RejectedMustNotBeTheInput) {
  TemporaryFile table("Id,Code,N\n1,A,5\n");
  CliRun run = world.Run({"import", "--map", map.path().c_str(), table.path().c_str(), "--rejected",
                          table.path().c_str()});
  EXPECT_EQ(run.code, 2);
  EXPECT_THAT(run.err, HasSubstr("is the input itself"));
  EXPECT_EQ(ReadFile(table.path()), "Id,Code,N\n1,A,5\n");
}

TEST_F(ImportTest, OpeningCountsGoBeforeTheRows) {
  // A sale of 0 is refused, so it moves nothing.
  CliRun run = Import("Id,Code,N\n1,A,5\n2,A,0\n3,C,2\n4,A,1\n", {"--opening-counts"});
  EXPECT_EQ(run.code, 3);
  EXPECT_THAT(ids, ElementsAre("place", "derived-opening/W", "derived-opening/W", "1", "3", "4"));
  EXPECT_THAT(run.out, HasSubstr("and 2 opening counts that are derived, not counted"));
}

TEST_F(ImportTest, ADryRunAppendsNothingAndTellsTheSame) {
  CliRun run = Import("Id,Code,N\n1,A,5\n2,A,0\n3,B,six\n", {"--dry-run"});
  EXPECT_EQ(run.code, 3);
  EXPECT_THAT(ids, IsEmpty());
  EXPECT_THAT(world.connects, IsEmpty());
  EXPECT_THAT(run.out, HasSubstr("Nothing was appended (--dry-run); it would be 2 events"));
  EXPECT_THAT(run.err, AllOf(HasSubstr("row 3, column N: BAD_QUANTITY"),
                             HasSubstr("row 4, column N: BAD_NUMBER")));
}

TEST_F(ImportTest, InterruptedItSaysWhereAndCanGoOn) {
  std::string table = "Id,Code,N\n";
  for (int i = 2; i <= 3'000; ++i) table += std::to_string(i) + ",A,1\n";
  calls_to_stop = 3;  // the definitions' call, then two of the rows'
  CliRun run = Import(table, {"--batch", "100"});
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.err, HasSubstr("with --from-row "));
  const std::string from = run.err.substr(run.err.rfind("--from-row ") + 11);
  int row = 0;
  ASSERT_TRUE(absl::SimpleAtoi(from.substr(0, from.find_first_not_of("0123456789")), &row)) << from;
  EXPECT_LT(row, 3'000);
  EXPECT_EQ(ids.back(), std::to_string(row - 1));

  world.stop = false;
  ids.clear();
  const std::string row_text = std::to_string(row);
  CliRun rest = Import(table, {"--from-row", row_text.c_str()});
  EXPECT_EQ(rest.code, 0) << rest.err;
  ASSERT_GT(ids.size(), 1U);
  EXPECT_EQ(ids[1], std::to_string(row));
  EXPECT_EQ(ids.size() + static_cast<size_t>(row - 2), 3'000U);
}

TEST_F(ImportTest, AnUnavailableLedgerIsAskedAgain) {
  failures = 2;
  CliRun run = Import("Id,Code,N\n1,A,5\n");
  EXPECT_EQ(run.code, 0);
  EXPECT_THAT(ids, ElementsAre("place", "1"));
  EXPECT_THAT(run.err, HasSubstr("nobody answers; trying again"));
  EXPECT_GT(world.slept, 0);

  failures = 100;
  EXPECT_EQ(Import("Id,Code,N\n1,A,5\n").code, 5);
}

TEST_F(ImportTest, ADamagedFileIsSaidSo) {
  TemporaryFile gz(std::string("\x1f\x8b", 2) + "not gzip at all");
  CliRun run = world.Run({"import", "--map", map.path().c_str(), gz.path().c_str()});
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.err, HasSubstr(gz.path()));
  EXPECT_THAT(ids, IsEmpty());
}

TEST_F(ImportTest, ForProgramsTheAnswerIsThatOfAppend) {
  CliRun run = Import("Id,Code,N\n1,A,5\n2,A,0\n", {"-o", "jsonl"});
  EXPECT_THAT(run.out, AllOf(HasSubstr("\"appended\":\"2\""), HasSubstr("\"refused\":\"1\""),
                             Not(HasSubstr("ROWS"))));
}

}  // namespace
}  // namespace tallywire
