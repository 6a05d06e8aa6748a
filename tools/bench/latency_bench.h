// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_BENCH_LATENCY_BENCH_H_
#define TALLYWIRE_TOOLS_BENCH_LATENCY_BENCH_H_

// `bench latency`: how long until a sale that is appended can be read as availability, beside how
// long a record takes through the log alone (its echo). At each rate the two take turns.
//
// Open loop: a record's time begins when it is due, whether or not the one before is through; what
// is due goes into one append. It ends when a reader of another client has the record, or the row
// of the SKU over all its places (which comes last) with at least the record's version. One thread
// appends, one reads, and one folds, as in `serve`.
//
// Events go into the ledger's own topics, so there must be nothing in them: FAILED_PRECONDITION.
// Without a cluster it measures an embedded log that goes with its folder.

#include <cstdint>
#include <string>
#include <vector>

#include "tools/commands/command.h"

namespace tallywire {

struct BenchLatencyOptions {
  std::vector<double> rates = {1, 1'000, 20'000};  // events a second
  int seconds = 10;                                // for each rate, of each of the two
  int32_t skus = 20'000;
  uint64_t seed = 1;
  // For the projector's state; empty: where temporary files go. Removed afterwards.
  std::string folder = {};
};

Result RunBenchLatency(Context& context, const BenchLatencyOptions& options);

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_BENCH_LATENCY_BENCH_H_
