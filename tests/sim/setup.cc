// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/setup.h"

#include <array>

#include "absl/strings/str_cat.h"
#include "tests/sim/random.h"

namespace tallywire::sim {

Setup DrawSetup(uint64_t seed) {
  static constexpr std::array<size_t, 6> kBatches = {1, 2, 3, 7, 1'000, 1'000};
  static constexpr std::array kSpans = {Milliseconds(1), Milliseconds(300), Seconds(1),
                                        Seconds(20)};
  static constexpr std::array<int64_t, 4> kRecords = {1, 5, 500'000, 500'000};
  static constexpr std::array<size_t, 3> kSteps = {1, 2, 500};
  static constexpr std::array<size_t, 4> kCaches = {0, 1, 1'000'000, 1'000'000};
  Random random(seed, "setup");
  Setup setup;
  setup.partitions = static_cast<int32_t>(random.Between(1, 6));
  setup.shared = random.Chance(75);
  setup.projectors = setup.shared ? static_cast<int>(random.Between(1, 3)) : 1;
  setup.batch = random.Pick(kBatches);
  setup.checkpoint_every = random.Pick(kSpans);
  setup.checkpoint_records = random.Pick(kRecords);
  setup.sweep_step = random.Pick(kSteps);
  setup.cache_skus = random.Pick(kCaches);
  setup.publisher_batch = random.Pick(kBatches);
  return setup;
}

std::string Print(const Setup& setup) {
  return absl::StrCat(setup.partitions, " partitions, ", setup.projectors, " projectors, ",
                      setup.shared ? "shared" : "its own", " log, batch ", setup.batch,
                      ", checkpoint every ", setup.checkpoint_every.value() / 1'000, " ms or ",
                      setup.checkpoint_records, " records, sweep step ", setup.sweep_step,
                      ", cache ", setup.cache_skus, " SKUs, publisher's batch ",
                      setup.publisher_batch);
}

}  // namespace tallywire::sim
