// SPDX-License-Identifier: Apache-2.0

// Every crash point of a short run, on the embedded log.

#include "gtest/gtest.h"
#include "tests/crash/dying_ledger.h"
#include "tests/sim/memory_rocks.h"

namespace tallywire::crash {
namespace {

TEST(CrashPoints, OfAShortRunEachEndsLikeNone) {
  const Story story = ShortStory();
  DyingLedger ledger(&story, {.partitions = 3, .batch = 100});
  ledger.PlayUndisturbed();
  ASSERT_FALSE(HasFatalFailure());
  ledger.PlayEveryDeath(false);
}

TEST(CrashPoints, OfAShortRunOnASharedLogEachEndsLikeNone) {
  const Story story = ShortStory();
  DyingLedger ledger = DyingLedger::InMemory(&story, 3, 100);
  ledger.PlayUndisturbed();
  ASSERT_FALSE(HasFatalFailure());
  ledger.PlayEveryDeath(true);
}

TEST(CrashPoints, AStoryOnADiskInMemoryEndsAsOnARealOne) {
  const Story story = ShortStory();
  DyingLedger real(&story, {.partitions = 3, .batch = 100});
  real.PlayUndisturbed();
  sim::MemoryDisk disk;
  auto world = scenarios::World::Create(
      {.partitions = 3, .batch = 100, .open_rocks = disk.Opener()}, kStoryBegins);
  ASSERT_TRUE(world.ok()) << world.status();
  Client client(&story);
  ASSERT_TRUE(client.Play(**world).ok());
  const auto ending = Look(**world, client, false, true);
  ASSERT_TRUE(ending.ok()) << ending.status();
  ExpectSame(*ending, real.ending());
  EXPECT_EQ(disk.Folders().size(), 5u) << "three states, a publisher and a log; no scratch is left";
}

}  // namespace
}  // namespace tallywire::crash
