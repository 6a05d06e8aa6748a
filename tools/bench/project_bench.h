// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_BENCH_PROJECT_BENCH_H_
#define TALLYWIRE_TOOLS_BENCH_PROJECT_BENCH_H_

// `bench project`: what projecting costs beside what the log itself costs. One after the other in
// each round, on the same events:
//
//   raw consume  reads stock.events, through the readers that the projector uses
//   pipe         reads the same, and appends as many records as the projector does, of the same
//                sizes, as it does: without a fold and without state
//   projector    from nothing to all folded, put out and checkpointed
//
// Topics are the measurement's own (their names begin with `tallywire-bench-`), new ones in each
// run, and stay behind: nobody but the log's owner deletes topics. Without a cluster it measures an
// embedded log that goes with its folder.

#include <cstdint>
#include <string>

#include "tools/commands/command.h"

namespace tallywire {

struct BenchProjectOptions {
  int64_t events = 1'000'000;
  int32_t skus = 1'000'000;
  int32_t locations = 20;
  int rounds = 3;
  uint64_t seed = 1;
  // Every place has 1,000 units before its first event: receipts come before, and count as events.
  bool stocked = false;
  // For the projector's state; empty: where temporary files go. Removed afterwards.
  std::string folder = {};
};

Result RunBenchProject(Context& context, const BenchProjectOptions& options);

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_BENCH_PROJECT_BENCH_H_
