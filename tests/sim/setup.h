// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_SIM_SETUP_H_
#define TALLYWIRE_TESTS_SIM_SETUP_H_

// How the parts of one run are set up, drawn from its seed.

#include <cstddef>
#include <cstdint>
#include <string>

#include "ledger/types.h"

namespace tallywire::sim {

struct Setup {
  int32_t partitions = 1;
  int projectors = 1;  // processes
  // Others may write to the log; false: as the embedded log says, and then one process folds.
  bool shared = true;

  // Of the projectors.
  size_t batch = 1'000;
  Span checkpoint_every = Seconds(1);
  int64_t checkpoint_records = 500'000;
  size_t sweep_step = 500;
  size_t cache_skus = 1'000'000;

  // Of the publisher.
  size_t publisher_batch = 1'000;
};

Setup DrawSetup(uint64_t seed);

// `3 partitions, 2 projectors, shared, batch 7, …`.
std::string Print(const Setup& setup);

}  // namespace tallywire::sim

#endif  // TALLYWIRE_TESTS_SIM_SETUP_H_
