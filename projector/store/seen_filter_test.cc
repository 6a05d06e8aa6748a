// SPDX-License-Identifier: Apache-2.0
#include "projector/store/seen_filter.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <vector>

namespace tallywire::store {
namespace {

TEST(SeenFilter, HasWhatWasAddedAndHardlyAnythingElse) {
  std::mt19937_64 random(7);
  SeenFilter filter;
  EXPECT_FALSE(filter.MayHave(random()));
  std::vector<uint64_t> added;
  // Enough for some parts.
  for (int i = 0; i < 500'000; ++i) {
    added.push_back(random());
    filter.Add(added.back());
    ASSERT_TRUE(filter.MayHave(added.back()));
  }
  for (const uint64_t hash : added) ASSERT_TRUE(filter.MayHave(hash));
  int taken = 0;
  for (int i = 0; i < 100'000; ++i) taken += filter.MayHave(random()) ? 1 : 0;
  EXPECT_LT(taken, 2'000);
}

}  // namespace
}  // namespace tallywire::store
