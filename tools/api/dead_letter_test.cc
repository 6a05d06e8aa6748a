// SPDX-License-Identifier: Apache-2.0
#include "tools/api/dead_letter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "ledger/dead_letters.h"

namespace tallywire {
namespace {

using ::testing::ElementsAre;

// Who copies a letter back with all its headers has it refused with two sets of them.
TEST(DeadLetterTest, OfHeadersThatAreThereTwiceTheLastCounts) {
  const std::vector<Header> headers = {
      {std::string(kDltOriginalPartition), "1"}, {std::string(kDltOriginalOffset), "7"},
      {std::string(kDltCode), "OVERFLOW"},       {"own", "x"},
      {std::string(kRedrivenFrom), "old"},       {std::string(kDltOriginalPartition), "2"},
      {std::string(kDltOriginalOffset), "8"},    {std::string(kDltCode), "BAD_NAME"}};
  Record record{};
  record.headers = headers;
  const v1::DeadLetter letter = ToDeadLetter(record);
  EXPECT_EQ(ToText(PlaceOf(letter)), "2/8");
  EXPECT_EQ(letter.reason(), v1::REFUSED_REASON_BAD_NAME);
  std::vector<std::string> left;
  for (const Header& header : OriginalHeaders(headers)) left.push_back(header.value);
  EXPECT_THAT(left, ElementsAre("1", "7", "OVERFLOW", "x"));
}

TEST(DeadLetterTest, AMarkIsReadBackAndALetterIsNone) {
  const auto headers = MarkHeaders({{Partition(3), Offset(12)}, {Partition(1), Offset(45)}});
  Record record{};
  record.headers = headers;
  const auto mark = ReadMark(record);
  ASSERT_TRUE(mark.has_value());
  EXPECT_EQ(ToText(mark->letter), "3/12");
  EXPECT_EQ(ToText(mark->to), "1/45");
  // A producer's header of that name does not make a letter a mark.
  const std::vector<Header> forged = {headers[0], headers[1], {std::string(kDltCode), "BAD_NAME"}};
  record.headers = forged;
  EXPECT_FALSE(IsMark(record));
  for (const char* bad : {"", "3", "3/", "/4", "3/4x", "-1/4", "3/-4", "3 /4"}) {
    EXPECT_FALSE(ParseLetterPlace(bad)) << bad;
  }
}

}  // namespace
}  // namespace tallywire
