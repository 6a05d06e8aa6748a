// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_SIM_INJECTOR_H_
#define TALLYWIRE_TESTS_SIM_INJECTOR_H_

// Makes faults happen in the calls that processes make to the log and to their disks.
//
// A process that dies in a call gets an error from it and from every later one, and nothing that it
// does has an effect any more; who drives it then drops its objects and calls Revive.
//
//   Injector injector(faults, seed);
//   injector.Attach(cluster, disk);
//   injector.set_step(n);
//   if (injector.IsDead("projector-0")) …
//
// A process is known by the name of its view of the log, and by the first level of its folders.
// Thread-compatible.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "ledger/rocks.h"
#include "tests/sim/faults.h"
#include "tests/sim/memory_log.h"
#include "tests/sim/memory_rocks.h"

namespace tallywire::sim {

class Injector {
 public:
  Injector(std::vector<Fault> faults, uint64_t seed) : faults_(std::move(faults)), seed_(seed) {}

  // Both must outlive this.
  void Attach(MemoryCluster& cluster, MemoryDisk& disk);
  // The disk as processes have it: reads of it may fail too.
  OpenRocks Opener(MemoryDisk& disk);

  void set_step(int64_t step) { step_ = step; }
  // From now on every call is as it should be.
  void Stop() { stopped_ = true; }

  bool IsDead(const std::string& who) const { return dead_.contains(who); }
  void Kill(const std::string& who) { dead_.insert(who); }
  void Revive(const std::string& who) { dead_.erase(who); }

 private:
  absl::Status BeforeAppend(MemoryCluster::AppendCall& call);
  absl::Status AfterAppend(const MemoryCluster::AppendCall& call);
  absl::Status Other(MemoryCluster::OtherCall& call);
  absl::Status BeforeDisk(const MemoryDisk::Call& call);
  absl::Status AfterDisk(const MemoryDisk::Call& call);

  // Counts a call, and what becomes of it if it is not the log that decides.
  absl::Status Count(const std::string& who, const std::string& call);
  // The same once it has taken effect.
  absl::Status Uncertain(const std::string& who, const std::string& call);
  // Whether a fault of this kind is meant for the call that `who` is in.
  bool Hits(const Fault& fault, Fault::Kind kind, const std::string& who,
            const std::string& call) const;
  // For each partition a prefix of what goes there.
  std::vector<size_t> PartOf(const MemoryCluster::AppendCall& call) const;

  const std::vector<Fault> faults_;
  const uint64_t seed_;
  int64_t step_ = 0;
  bool stopped_ = false;
  std::set<std::string> dead_;
  // By process and kind of call, the number of the last one.
  std::map<std::pair<std::string, std::string>, int64_t> calls_;
};

}  // namespace tallywire::sim

#endif  // TALLYWIRE_TESTS_SIM_INJECTOR_H_
