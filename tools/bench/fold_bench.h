// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_BENCH_FOLD_BENCH_H_
#define TALLYWIRE_TOOLS_BENCH_FOLD_BENCH_H_

// `bench fold`: what decoding and folding an event costs, on one thread, in memory, without a
// store.

#include <cstdint>

#include "tools/commands/command.h"

namespace tallywire {

struct BenchFoldOptions {
  int64_t events = 3'000'000;
  int32_t skus = 1'000'000;
  int32_t locations = 20;
  uint64_t seed = 1;
  // Every SKU has 1,000 units at a location before its first event there is measured. Without it
  // most first sales at a place oversell and raise an alert.
  bool stocked = false;
};

Result RunBenchFold(Context& context, const BenchFoldOptions& options);

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_BENCH_FOLD_BENCH_H_
