// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/faults.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

namespace tallywire::sim {
namespace {

using ::testing::HasSubstr;

TEST(FaultsTest, WhatIsPrintedIsRead) {
  std::set<Fault::Kind> kinds;
  for (uint64_t seed = 0; seed < 2'000; ++seed) {
    for (const Fault& fault : DrawFaults(seed, {.steps = 300, .partitions = 6, .projectors = 3})) {
      kinds.insert(fault.kind);
      const auto read = ParseFault(Print(fault));
      ASSERT_TRUE(read.ok()) << Print(fault) << ": " << read.status();
      EXPECT_EQ(Print(*read), Print(fault));
      EXPECT_TRUE(*read == fault) << Print(fault);
    }
  }
  EXPECT_EQ(kinds.size(), 22u) << "some kinds of fault are never drawn";
}

TEST(FaultsTest, OneIsReadAsItIsTyped) {
  const auto fault = ParseFault("  refuse  projector-2 checkpoint 3 for 5 ");
  ASSERT_TRUE(fault.ok()) << fault.status();
  EXPECT_EQ(fault->kind, Fault::Kind::kRefuse);
  EXPECT_EQ(fault->who, "projector-2");
  EXPECT_EQ(fault->call, "checkpoint");
  EXPECT_EQ(fault->at, 3);
  EXPECT_EQ(fault->count, 5);
  const auto clock = ParseFault("clock back 1d at 9");
  ASSERT_TRUE(clock.ok()) << clock.status();
  EXPECT_EQ(clock->span, Seconds(86'400));
}

TEST(FaultsTest, WhatIsNoneListsThoseThereAre) {
  for (const char* text : {"", "crash", "crash projector-1 before append x", "clock back 1w at 2",
                           "crash projector-1 before append 3 please"}) {
    const auto fault = ParseFault(text);
    ASSERT_FALSE(fault.ok()) << text;
    EXPECT_THAT(std::string(fault.status().message()), HasSubstr("lose-ack {who} {call} {at}"));
  }
}

}  // namespace
}  // namespace tallywire::sim
