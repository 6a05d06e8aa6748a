// SPDX-License-Identifier: Apache-2.0
#include "ledger/names.h"

#include <gtest/gtest.h>

#include <string>

namespace tallywire {
namespace {

TEST(IsUtf8Test, TakesEveryLength) {
  for (const char* text : {"", "A", "\x7f", "ä", "€", "𝄞", "AäB€C𝄞", "\xed\x9f\xbf", "\xee\x80\x80",
                           "\xf4\x8f\xbf\xbf", "\xe0\xa0\x80", "\xf0\x90\x80\x80"}) {
    EXPECT_TRUE(IsUtf8(text)) << text;
  }
  EXPECT_TRUE(IsUtf8(std::string("A\0B", 3)));
}

TEST(IsUtf8Test, RefusesWhatIsNone) {
  for (const char* text :
       {"\x80", "A\xff", "\xc0\x80", "\xc1\xbf", "\xc3", "\xe2\x82", "\xe0\x9f\xbf", "\xed\xa0\x80",
        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xc3(", "\xf0\x9d\x84"}) {
    EXPECT_FALSE(IsUtf8(text)) << text;
  }
}

TEST(ToUtf8Test, LeavesCharactersAndReplacesTheRest) {
  EXPECT_EQ(ToUtf8(""), "");
  EXPECT_EQ(ToUtf8("a\u00e9\u20ac\U0001F600"), "a\u00e9\u20ac\U0001F600");
  EXPECT_EQ(ToUtf8("a\xff!"), "a\ufffd!");
  EXPECT_EQ(ToUtf8("\xc0\xb8"), "\ufffd\ufffd") << "longer than need be";
  EXPECT_EQ(ToUtf8("\xe2\x82"), "\ufffd\ufffd") << "cut";
  EXPECT_EQ(ToUtf8("\xed\xa0\x80x"), "\ufffd\ufffd\ufffdx") << "half of a pair";
}

// At every place of a text of every length up to three words of eight.
TEST(HasControlCharacterTest, SeesOneAnywhere) {
  for (size_t length = 1; length <= 24; ++length) {
    const std::string plain(length, 'x');
    EXPECT_FALSE(HasControlCharacter(plain));
    for (size_t at = 0; at < length; ++at) {
      for (const char c : {'\0', '\x01', '\n', '\x1f', '\x7f'}) {
        std::string text = plain;
        text[at] = c;
        EXPECT_TRUE(HasControlCharacter(text)) << length << " " << at << " " << int{c};
      }
      if (at + 1 == length) continue;
      std::string text = plain;
      EXPECT_TRUE(HasControlCharacter(text.replace(at, 2, "\xc2\x85")));
      EXPECT_TRUE(HasControlCharacter(text.replace(at, 2, "\xc2\x9f")));
      EXPECT_FALSE(HasControlCharacter(text.replace(at, 2, "\xc2\xa0")));
      EXPECT_FALSE(HasControlCharacter(text.replace(at, 2, "\xc3\x85")));
    }
  }
  EXPECT_FALSE(HasControlCharacter(""));
  EXPECT_FALSE(HasControlCharacter(" ~ \xc3\x84rmel / gro\xc3\x9f \xe2\x82\xac"));
}

TEST(HasEmptyLevelTest, SeesOneAnywhere) {
  for (const char* text : {"", "/", "/A", "A/", "A//B", "A/B//C"}) {
    EXPECT_TRUE(HasEmptyLevel(text)) << text;
  }
  for (const char* text : {"A", "A/B", "A/B/C", " "}) EXPECT_FALSE(HasEmptyLevel(text)) << text;
}

TEST(QuotedTest, IsPrintableUtf8AndNotLong) {
  EXPECT_EQ(Quoted("A"), "\"A\"");
  EXPECT_EQ(Quoted("Größe"), "\"Größe\"");
  EXPECT_EQ(Quoted("a\"b\\c"), "\"a\\\"b\\\\c\"");
  EXPECT_EQ(Quoted("A\x01\xff"), "\"A\\x01\\xff\"");
  EXPECT_EQ(Quoted("\xc2\x85"), "\"\\xc2\\x85\"");
  EXPECT_EQ(Quoted(std::string(80, 'x')), "\"" + std::string(80, 'x') + "\"");
  EXPECT_EQ(Quoted(std::string(81, 'x')), "\"" + std::string(80, 'x') + "…\"");
  std::string euros;
  for (int i = 0; i < 100; ++i) euros += "€";
  EXPECT_TRUE(IsUtf8(Quoted(euros)));
}

}  // namespace
}  // namespace tallywire
