// SPDX-License-Identifier: Apache-2.0

// Every crash point of a short run, on the embedded log.

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/crash/dying_ledger.h"

namespace tallywire::crash {
namespace {

TEST(CrashPoints, OfAShortRunEachEndsLikeNone) {
  const Story story = ShortStory();
  DyingLedger ledger(&story, {.partitions = 3, .batch = 100});
  ledger.PlayUndisturbed();
  ASSERT_FALSE(HasFatalFailure());
  const auto deaths = ledger.EveryDeath();
  for (const DyingLedger::When& when : deaths) {
    SCOPED_TRACE(absl::StrCat("dies ", std::string(Name(when.how)), " call ", when.at, ": ",
                              ledger.points()[static_cast<size_t>(when.at)].what));
    ledger.Play({when}, false);
    if (HasFailure()) return;
  }
  std::printf("%zu calls, %zu deaths\n", ledger.points().size(), deaths.size());
}

}  // namespace
}  // namespace tallywire::crash
