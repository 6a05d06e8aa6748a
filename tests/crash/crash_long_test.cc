// SPDX-License-Identifier: Apache-2.0

// A hundred crash points of a long run, some of them two or three in a row, on the embedded log and
// on Kafka.

#include <cstdio>
#include <random>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/crash/dying_ledger.h"
#include "tests/log/kafka_testing.h"

namespace tallywire::crash {
namespace {

void DieAHundredTimes(DyingLedger& ledger, uint64_t seed) {
  ledger.PlayUndisturbed();
  if (::testing::Test::HasFailure()) return;
  const auto every = ledger.EveryDeath();
  std::mt19937_64 random(seed);
  for (int i = 0; i < 100; ++i) {
    std::vector<DyingLedger::When> whens = {every[random() % every.size()]};
    // Soon after the start again: while it opens, reads through, or folds what it had folded.
    for (uint64_t more = random() % 4; more > 1; --more) {
      whens.push_back({static_cast<int64_t>(random() % 30), Death::How::kNothing});
    }
    std::string trace;
    for (const DyingLedger::When& when : whens) {
      absl::StrAppend(&trace, std::string(Name(when.how)), " call ", when.at, ", ");
    }
    SCOPED_TRACE(absl::StrCat("death ", i, ": ", trace, "the first is ",
                              ledger.points()[static_cast<size_t>(whens[0].at)].what));
    ledger.Play(whens, i % 10 == 0);
    if (::testing::Test::HasFailure()) return;
  }
  std::printf("%zu calls\n", ledger.points().size());
}

TEST(CrashLong, AHundredDeathsOnTheEmbeddedLog) {
  const Story story = LongStory(1);
  DyingLedger ledger(&story, {.partitions = 3, .batch = 40});
  DieAHundredTimes(ledger, 1);
}

TEST(CrashLong, AHundredDeathsRecordByRecord) {
  const Story story = LongStory(2);
  DyingLedger ledger(&story, {.partitions = 5, .batch = 1});
  DieAHundredTimes(ledger, 2);
}

// Where the take-over of a partition has the most to do.
TEST(CrashLong, EveryDeathOfALongRunOnASharedLog) {
  const Story story = LongStory(3);
  DyingLedger ledger = DyingLedger::InMemory(&story, 3, 40);
  ledger.PlayUndisturbed();
  ASSERT_FALSE(HasFailure());
  ledger.PlayEveryDeath(false);
}

TEST(CrashLong, AHundredDeathsEachOfMoreRunsOnASharedLog) {
  for (int seed = 4; seed < 12; ++seed) {
    SCOPED_TRACE(absl::StrCat("story ", seed));
    const Story story = LongStory(static_cast<uint64_t>(seed));
    DyingLedger ledger = DyingLedger::InMemory(&story, seed % 4 + 1, seed % 3 == 0 ? 1 : 40);
    DieAHundredTimes(ledger, static_cast<uint64_t>(seed));
    if (HasFailure()) return;
  }
}

scenarios::RunConfig OnKafka(std::string* why_not) {
  return {.partitions = 3,
          .batch = 40,
          .brokers = TestBrokers(*why_not),
          .prefix = UniqueKafkaName() + "."};
}

TEST(CrashLong, EveryDeathOfAShortRunOnKafka) {
  std::string why_not;
  const scenarios::RunConfig config = OnKafka(&why_not);
  if (config.brokers.empty()) GTEST_SKIP() << "skipped: " << why_not;
  const Story story = ShortStory();
  DyingLedger ledger(&story, config);
  ledger.PlayUndisturbed();
  ASSERT_FALSE(HasFailure());
  ledger.PlayEveryDeath(false);
}

TEST(CrashLong, AHundredDeathsOnKafka) {
  std::string why_not;
  const scenarios::RunConfig config = OnKafka(&why_not);
  if (config.brokers.empty()) GTEST_SKIP() << "skipped: " << why_not;
  const Story story = LongStory(3);
  DyingLedger ledger(&story, config);
  DieAHundredTimes(ledger, 3);
}

}  // namespace
}  // namespace tallywire::crash
