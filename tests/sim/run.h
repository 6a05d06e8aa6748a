// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_SIM_RUN_H_
#define TALLYWIRE_TESTS_SIM_RUN_H_

// Everything about one seed: what it draws, its run, what has to hold afterwards, and what a person
// reads when it does not.
//
//   const SeedResult result = RunSeed({.seed = 17});
//   if (!result.findings.empty()) std::cout << result.report;
//
// Thread-compatible; no threads of its own.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/faults.h"

namespace tallywire::sim {

struct SeedOptions {
  uint64_t seed = 0;
  // Instead of those that the seed draws.
  std::optional<std::vector<Fault>> faults;
  // Only the first so many steps of the workload.
  std::optional<size_t> ops;
};

struct SeedResult {
  std::vector<std::string> findings;
  // Faults that were in it.
  std::vector<Fault> faults;
  size_t ops = 0;
  int64_t steps = 0;
  int64_t records = 0;
  uint64_t trace = 0;
  // The last records of the SKU concerned, and its explanation; empty without findings.
  std::string report;
};

SeedResult RunSeed(const SeedOptions& options);

// The command that runs it again.
std::string CommandOf(const SeedOptions& options);

// Leaves out faults and steps of the workload as long as the run still fails.
SeedOptions Shrink(const SeedOptions& options);

}  // namespace tallywire::sim

#endif  // TALLYWIRE_TESTS_SIM_RUN_H_
