// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "tools/exit_code.h"
#include "tools/output.h"
#include "tools/progress.h"
#include "tools/table.h"

namespace tallywire {
namespace {

TEST(ExitCodeTest, EveryCodeHasItsExit) {
  EXPECT_EQ(ExitFor(absl::OkStatus()), Exit::kOk);
  EXPECT_EQ(ExitFor(absl::InternalError("")), Exit::kFailed);
  EXPECT_EQ(ExitFor(absl::FailedPreconditionError("")), Exit::kFailed);
  EXPECT_EQ(ExitFor(absl::DataLossError("")), Exit::kFailed);
  EXPECT_EQ(ExitFor(absl::InvalidArgumentError("")), Exit::kUsage);
  EXPECT_EQ(ExitFor(absl::NotFoundError("")), Exit::kNotFound);
  EXPECT_EQ(ExitFor(absl::UnavailableError("")), Exit::kUnavailable);
  EXPECT_EQ(ExitFor(absl::ResourceExhaustedError("")), Exit::kUnavailable);
  EXPECT_EQ(ExitFor(absl::DeadlineExceededError("")), Exit::kUnavailable);
  EXPECT_EQ(static_cast<int>(Exit::kUsage), 2);
  EXPECT_EQ(static_cast<int>(Exit::kFindings), 3);
  EXPECT_EQ(static_cast<int>(Exit::kNotFound), 4);
  EXPECT_EQ(static_cast<int>(Exit::kUnavailable), 5);
}

TEST(OutputTest, AFullDiskIsNoticed) {
  std::FILE* full = std::fopen("/dev/full", "w");
  if (full == nullptr) GTEST_SKIP() << "skipped: no /dev/full here";
  Output out(::fileno(full));
  out.Write("text");
  EXPECT_EQ(out.Flush().code(), absl::StatusCode::kUnknown);
  EXPECT_THAT(std::string(out.status().message()), ::testing::HasSubstr("No space left"));
  std::fclose(full);
}

TEST(OutputTest, AReaderThatHasGoneIsNoticed) {
  ::signal(SIGPIPE, SIG_IGN);
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ::close(ends[0]);
  Output out(ends[1]);
  out.Write("text");
  EXPECT_EQ(out.Flush().code(), absl::StatusCode::kCancelled);
  out.Write("more");
  EXPECT_EQ(out.Flush().code(), absl::StatusCode::kCancelled) << "the first error stays";
  ::close(ends[1]);
}

TEST(TableTest, ColumnsAreAlignedByWhatATerminalShows) {
  Output out;
  Table table(&out, {{"NAME"}, {"N", Align::kRight}, {"END"}});
  table.Row({"Käse", "7", "x"});
  table.Row({"日本", "-12", "y"});
  table.Row({"plain", "1", ""});
  table.End();
  EXPECT_EQ(out.text(),
            "NAME     N  END\n"
            "Käse     7  x\n"
            "日本   -12  y\n"
            "plain    1\n");
}

TEST(TableTest, AnOptionalColumnAppearsWithItsFirstValueAndTitlesComeAgain) {
  Output out;
  Table table(&out, {{"A"}, {"HELD", Align::kRight, true}, {"B"}});
  table.Row({"1", "", "2"});
  table.End();
  table.Row({"3", "", "4"});
  table.Row({"5", "6", "7"});
  table.End();
  EXPECT_EQ(out.text(),
            "A  B\n"
            "1  2\n"
            "A  HELD  B\n"
            "3        4\n"
            "5     6  7\n");
}

TEST(TableTest, NoTextCanCommandATerminal) {
  EXPECT_EQ(Printable("a\x1b[2Jb\n"), "a\\x1b[2Jb\\x0a");
  EXPECT_EQ(Printable("\xC2\x9B"), "\\x9b") << "the one-character form of ESC [";
  EXPECT_EQ(Printable("Grün"), "Grün");
}

TEST(TableTest, Widths) {
  EXPECT_EQ(DisplayWidth("abc"), 3u);
  EXPECT_EQ(DisplayWidth("e\u0301"), 1u);
  EXPECT_EQ(DisplayWidth("日本"), 4u);
  EXPECT_EQ(DisplayWidth("\xff\xfe"), 2u) << "bytes that are no UTF-8 do no harm";
}

TEST(ProgressTest, LinesSayPartRateAndTimeLeft) {
  EXPECT_EQ(ProgressLine("verify", "records", 500'000, 2'000'000, 2.0),
            "verify  [######------------------]  25 %  500,000 of 2,000,000 records  250 k/s  "
            "6 s left");
  EXPECT_EQ(ProgressLine("append", "bytes", 10, 0, 2.0), "append  10 bytes  5/s");
  EXPECT_EQ(ProgressLine("verify", "seconds", 10, -1, 2.0), "verify  10 seconds");
  EXPECT_THAT(ProgressLine("x", "y", 5, 4, 1), ::testing::HasSubstr("100 %"));
}

TEST(ProgressTest, NothingIsDrawnOffATerminal) {
  Output err;
  {
    Progress progress(&err, "verify", "records");
    for (int i = 0; i < 1'000; ++i) progress.Update(i, 1'000);
  }
  EXPECT_EQ(err.text(), "");
}

TEST(ProgressTest, Commas) {
  EXPECT_EQ(WithCommas(0), "0");
  EXPECT_EQ(WithCommas(999), "999");
  EXPECT_EQ(WithCommas(1'000), "1,000");
  EXPECT_EQ(WithCommas(-123'456), "-123,456");
  EXPECT_EQ(WithCommas(-1'234'567), "-1,234,567");
}

}  // namespace
}  // namespace tallywire
