// SPDX-License-Identifier: Apache-2.0
#include "tools/import/decimal.h"

#include <string>

#include "gtest/gtest.h"

namespace tallywire {
namespace {

int64_t Scaled(const std::string& text, int digits) {
  std::optional<Decimal> number = Decimal::Parse(text);
  if (!number) return -999'001;
  return number->Scaled(digits).value_or(-999'002);
}

TEST(Decimal, ReadsWholeNumbers) {
  EXPECT_EQ(Scaled("0", 0), 0);
  EXPECT_EQ(Scaled("-17", 0), -17);
  EXPECT_EQ(Scaled(" +6 ", 0), 6);
  EXPECT_EQ(Scaled("007", 0), 7);
  EXPECT_EQ(Scaled("12.000", 0), 12);
  EXPECT_EQ(Scaled("999999999999999999", 0), 999'999'999'999'999'999);
}

TEST(Decimal, ScalesExactlyOrNotAtAll) {
  EXPECT_EQ(Scaled("2.55", 2), 255);
  EXPECT_EQ(Scaled("-0.5", 2), -50);
  EXPECT_EQ(Scaled("2.550", 2), 255);
  EXPECT_EQ(Scaled("2.555", 2), -999'002);
  EXPECT_EQ(Scaled("2.5", 0), -999'002);
  EXPECT_EQ(Scaled("999999999999999999", 6), -999'002);
}

TEST(Decimal, RefusesWhatIsNoNumber) {
  for (const char* text : {"", " ", "-", "abc", "1e3", "1,000", "1.", ".5", "--1", "1 2", "0x1",
                           "1.2.3", "9999999999999999999", "N/A", "1.1234567890123456789"}) {
    EXPECT_FALSE(Decimal::Parse(text).has_value()) << text;
  }
}

TEST(Decimal, Compares) {
  auto number = [](const char* text) { return *Decimal::Parse(text); };
  EXPECT_LT(number("-1.5"), number("-1.4"));
  EXPECT_LT(number("-0.1"), number("0"));
  EXPECT_LT(number("0"), number("0.000001"));
  EXPECT_EQ(number("-0.0"), number("0"));
  EXPECT_GT(number("10"), number("9.99"));
}

}  // namespace
}  // namespace tallywire
