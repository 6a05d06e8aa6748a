// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_SIM_REFOLD_H_
#define TALLYWIRE_TESTS_SIM_REFOLD_H_

// The same log once more: a copy of it is folded in other batches, with restarts, on another store,
// or its facts are put into a log with another number of partitions. What comes out is the same.
//
// Thread-compatible.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ledger/log.h"
#include "ledger/rocks.h"
#include "tests/sim/memory_log.h"

namespace tallywire::sim {

// A log of its own, with every record at the same offset and with the same stamp.
class LogCopy {
 public:
  LogCopy(const MemoryCluster& from, bool shared, Time now);
  MemoryCluster& cluster() { return *cluster_; }

 private:
  Time clock_;
  std::unique_ptr<MemoryCluster> cluster_;
};

struct Refold {
  size_t batch = 1;
  // The process is dropped as it is after so many turns, and opened again; 0: never.
  int restart_every = 0;
  size_t cache_skus = 1'000'000;
  OpenRocks open_rocks = nullptr;  // empty: on the real disk
  std::string folder = {};
};

struct Digests {
  std::vector<std::string> state;  // by partition
  std::string content;
  // Records that the fold wrote to the log, stock.progress aside, though that says that all of them
  // are in it.
  int64_t written = 0;
};

// Folds the log to its end at the clock `now`.
absl::StatusOr<Digests> FoldAgain(MemoryCluster& cluster, const Refold& how, Time now);

// The content of the same facts, each with its stamp, on so many partitions. The log's facts keep
// the conditions (tests/sim/workload.h).
absl::StatusOr<std::string> ContentOn(const MemoryCluster& from, int32_t partitions, Time now);

}  // namespace tallywire::sim

#endif  // TALLYWIRE_TESTS_SIM_REFOLD_H_
