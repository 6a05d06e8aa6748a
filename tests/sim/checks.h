// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_SIM_CHECKS_H_
#define TALLYWIRE_TESTS_SIM_CHECKS_H_

// What has to hold in a world at rest. Each function gives sentences that say what does not.

#include <cstdint>
#include <string>
#include <vector>

#include "tests/sim/setup.h"
#include "tests/sim/workload.h"
#include "tests/sim/world.h"

namespace tallywire::sim {

// The auditor agrees with every record that went out; the projectors find nothing wrong with
// themselves; the channel shows the newest. `faults` are those of the run.
std::vector<std::string> CheckEnds(const std::vector<Fault>& faults, World& world);

// The same records give the same state, whatever the batches, restarts and store; the same facts
// the same content, on any number of partitions.
std::vector<std::string> CheckEquivalence(uint64_t seed, const Setup& setup, const Workload& work,
                                          World& world);

// For people: the last records of the SKU that the findings name, its rows and its journal.
std::string Describe(const std::vector<std::string>& findings, const Workload& work, World& world);

}  // namespace tallywire::sim

#endif  // TALLYWIRE_TESTS_SIM_CHECKS_H_
