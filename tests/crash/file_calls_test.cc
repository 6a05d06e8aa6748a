// SPDX-License-Identifier: Apache-2.0

// Deaths in the midst of calls to the operating system, on the embedded log.
//
//   file_calls_test          some of a short run
//   file_calls_test --long   every second of it, and a hundred of a long one

#include <cstdio>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/crash/file_calls_child.h"

namespace tallywire::crash {
namespace {

bool go_long = false;

constexpr EndOfPower kEnds[] = {EndOfPower::kStays, EndOfPower::kLosesUnsynced,
                                EndOfPower::kTearsUnsynced, EndOfPower::kZeroesUnsynced};

void PlayEach(ProcessThatDies& process, int64_t calls, int64_t every) {
  int64_t plays = 0;
  int64_t deaths = 0;
  for (int64_t at = 0; at < calls; at += every) {
    const EndOfPower end = kEnds[static_cast<size_t>(plays++) % std::size(kEnds)];
    SCOPED_TRACE(absl::StrCat("call ", at, " of ", calls, ", end ", static_cast<int>(end)));
    deaths += process.Play(at, end, plays % 10 == 0) ? 1 : 0;
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_GT(deaths, plays * 9 / 10);
  std::printf("%lld calls, %lld deaths\n", static_cast<long long>(calls),
              static_cast<long long>(deaths));
}

TEST(FileCalls, OfAShortRunDeathsEndLikeNone) {
  ProcessThatDies process(0);
  const int64_t calls = process.PlayUndisturbed();
  ASSERT_GT(calls, 100) << "the calls of RocksDB are not counted";
  // An odd share, so that all ends fall on all kinds of calls.
  PlayEach(process, calls, go_long ? 1 : calls / 37);
}

TEST(FileCalls, OfALongRunAHundred) {
  int deaths = 0;
  ProcessThatDies process(7);
  const int64_t calls = process.PlayUndisturbed();
  ASSERT_GT(calls, 1'000);
  std::mt19937_64 random(11);
  for (int i = 0; i < 100; ++i) {
    const auto at = static_cast<int64_t>(random() % static_cast<uint64_t>(calls));
    const EndOfPower end = kEnds[random() % std::size(kEnds)];
    SCOPED_TRACE(absl::StrCat("call ", at, " of ", calls, ", end ", static_cast<int>(end)));
    deaths += process.Play(at, end, i % 10 == 0) ? 1 : 0;
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_GT(deaths, 90);
}

}  // namespace
}  // namespace tallywire::crash

int main(int argc, char** argv) {
  tallywire::crash::BeTheChildIfTold(argc, argv);
  ::testing::InitGoogleTest(&argc, argv);
  tallywire::crash::go_long = argc > 1 && std::string(argv[1]) == "--long";
  return RUN_ALL_TESTS();
}
