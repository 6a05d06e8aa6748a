// SPDX-License-Identifier: Apache-2.0
#include "tools/import/csv_reader.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ledger/check.h"
#include "tools/import/testing.h"

namespace tallywire {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<CsvRow> Rows(const std::string& content, char delimiter = ',') {
  TemporaryFile file(content);
  auto reader = CsvReader::Open(file.path(), delimiter);
  EXPECT_TRUE(reader.ok()) << reader.status();
  std::vector<CsvRow> rows;
  CsvRow row;
  while (true) {
    absl::StatusOr<bool> any = (*reader)->Next(&row);
    EXPECT_TRUE(any.ok()) << any.status();
    if (!any.ok() || !*any) return rows;
    rows.push_back(row);
  }
}

TEST(CsvReader, HeaderAndRows) {
  TemporaryFile file("a,b\n1,2\n3,4\n");
  auto reader = CsvReader::Open(file.path(), ',');
  ASSERT_TRUE(reader.ok());
  EXPECT_THAT((*reader)->header(), ElementsAre("a", "b"));
  std::vector<CsvRow> rows = Rows("a,b\n1,2\n3,4\n");
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].number, 2);
  EXPECT_THAT(rows[0].fields, ElementsAre("1", "2"));
  EXPECT_EQ(rows[1].number, 3);
  EXPECT_THAT(rows[1].fields, ElementsAre("3", "4"));
}

TEST(CsvReader, QuotesDelimitersLineEndsAndSpaces) {
  std::vector<CsvRow> rows =
      Rows("a,b\r\n\"x, y\",\"say \"\"hi\"\"\"\r\n\"two\r\nlines\",\"\"\r\n  s , t  \r\n");
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_THAT(rows[0].fields, ElementsAre("x, y", "say \"hi\""));
  EXPECT_THAT(rows[1].fields, ElementsAre("two\r\nlines", ""));
  EXPECT_THAT(rows[2].fields, ElementsAre("  s ", " t  "));
  for (const CsvRow& row : rows) EXPECT_EQ(row.problem, "");
}

TEST(CsvReader, EmptyFieldsEmptyLinesAndNoLastLineEnd) {
  std::vector<CsvRow> rows = Rows("a,b,c\n,,\n\n1,,3");
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_THAT(rows[0].fields, ElementsAre("", "", ""));
  EXPECT_THAT(rows[1].fields, ElementsAre("1", "", "3"));
  EXPECT_EQ(rows[1].number, 3);
}

TEST(CsvReader, ByteOrderMarkAndOtherDelimiter) {
  TemporaryFile file(
      "\xef\xbb\xbf"
      "a;b\n1,5;2\n");
  auto reader = CsvReader::Open(file.path(), ';');
  ASSERT_TRUE(reader.ok());
  EXPECT_THAT((*reader)->header(), ElementsAre("a", "b"));
  CsvRow row;
  ASSERT_TRUE(*(*reader)->Next(&row));
  EXPECT_THAT(row.fields, ElementsAre("1,5", "2"));
}

TEST(CsvReader, ARowOfAnotherLengthHasAProblemAndTheNextHasNot) {
  std::vector<CsvRow> rows = Rows("a,b\n1\n1,2,3\n4,5\n");
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].problem, "has 1 fields, the header 2");
  EXPECT_EQ(rows[1].problem, "has 3 fields, the header 2");
  EXPECT_EQ(rows[2].problem, "");
}

TEST(CsvReader, AStrayQuoteCostsItsRowOnly) {
  std::vector<CsvRow> rows = Rows("a,b\n5\" pipe,1\n\"ok\",2\n\"x\"y,3\n7,8\n");
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_THAT(rows[0].problem, HasSubstr("a quote stands where none may"));
  EXPECT_THAT(rows[1].fields, ElementsAre("ok", "2"));
  EXPECT_THAT(rows[2].problem, HasSubstr("a quote stands where none may"));
  EXPECT_THAT(rows[3].fields, ElementsAre("7", "8"));
  EXPECT_EQ(rows[3].number, 5);
}

TEST(CsvReader, AnOpenQuoteAtTheEndIsAProblem) {
  std::vector<CsvRow> rows = Rows("a,b\n1,2\n3,\"4\n5,6\n");
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].problem, "");
  EXPECT_EQ(rows[1].problem, "a quoted field is not closed");
}

TEST(CsvReader, AnOpenQuoteDoesNotTakeTheWholeFile) {
  std::string content = "a,b\n1,\"2\n";
  int64_t lines = 0;
  while (content.size() < 3 * kMaxCsvField) {
    content += "3,4\n";
    ++lines;
  }
  std::vector<CsvRow> rows = Rows(content);
  ASSERT_GT(rows.size(), 1U);
  EXPECT_EQ(rows[0].problem, "a quoted field is not closed");
  EXPECT_GT(static_cast<int64_t>(rows.size()), lines / 2);
  EXPECT_EQ(rows.back().problem, "");
}

TEST(CsvReader, RowsAcrossChunks) {
  std::string content = "a,b\n";
  constexpr int kRows = 50'000;
  for (int i = 0; i < kRows; ++i)
    content += std::to_string(i) + ",\"q\n" + std::to_string(i) + "\"\n";
  std::vector<CsvRow> rows = Rows(content);
  ASSERT_EQ(rows.size(), static_cast<size_t>(kRows));
  for (int i = 0; i < kRows; ++i) {
    const CsvRow& row = rows[static_cast<size_t>(i)];
    ASSERT_THAT(row.fields, ElementsAre(std::to_string(i), "q\n" + std::to_string(i)));
    ASSERT_EQ(row.number, i + 2);
  }
}

TEST(CsvReader, HeadersThatAreNone) {
  auto open = [](const std::string& content) {
    TemporaryFile file(content);
    return CsvReader::Open(file.path(), ',').status();
  };
  EXPECT_THAT(std::string(open("").message()), HasSubstr("not even a header"));
  EXPECT_THAT(std::string(open("\n\n").message()), HasSubstr("not even a header"));
  EXPECT_THAT(std::string(open("a,b,a\n").message()), HasSubstr("names a twice"));
  EXPECT_THAT(std::string(open("a,\"b\"c\n").message()), HasSubstr("the header: a quote"));
}

TEST(CsvLine, QuotesWhatNeedsIt) {
  EXPECT_EQ(CsvLine({"a", "", "b c"}, ','), "a,,b c\n");
  EXPECT_EQ(CsvLine({"a,b", "say \"hi\"", "two\nlines"}, ','),
            "\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\"\n");
  EXPECT_EQ(CsvLine({"a,b", "c;d"}, ';'), "a,b;\"c;d\"\n");
}

}  // namespace
}  // namespace tallywire
