// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_SIM_WORLD_H_
#define TALLYWIRE_TESTS_SIM_WORLD_H_

// One run: the real appender, projectors and publisher on a log and disks in memory, with a
// scheduler that draws who takes the next step, and faults. One thread, no machine's clock, no
// order of a hash table: everything follows from the seed.
//
//   World world(seed, setup, work, faults);
//   world.Run();                 // to rest, without faults at the end
//   world.findings();            // what stopped or did not come to rest
//
// Thread-compatible.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/log.h"
#include "ledger/types.h"
#include "tests/sim/faults.h"
#include "tests/sim/injector.h"
#include "tests/sim/memory_log.h"
#include "tests/sim/memory_rocks.h"
#include "tests/sim/outside_world.h"
#include "tests/sim/process.h"
#include "tests/sim/setup.h"
#include "tests/sim/workload.h"

namespace tallywire::sim {

// Names everything of a run that a cluster of its own needs.
inline constexpr char kSimLogId[] = "sim";

class World {
 public:
  World(uint64_t seed, const Setup& setup, const Workload& work, std::vector<Fault> faults);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // Steps that a run with this workload takes, about.
  static int64_t StepsOf(const Workload& work) {
    return static_cast<int64_t>(work.ops.size()) * 6 + 20;
  }

  void Run();

  // Sentences that say what went wrong on the way.
  const std::vector<std::string>& findings() const { return findings_; }
  // Differs if anything that happened does.
  uint64_t trace() const { return trace_; }
  int64_t steps() const { return step_; }
  Time now() const { return now_; }
  MemoryCluster& cluster() { return cluster_; }
  const Source& source() const { return source_; }
  const Channel& channel() const { return channel_; }
  // At rest: who holds the partition.
  Projector& ProjectorOf(Partition partition);
  std::vector<std::unique_ptr<ProjectorProcess>>& projectors() { return projectors_; }
  PublisherProcess& publisher() { return publisher_; }

 private:
  // Who has a partition, and who does not know yet that it has it no more.
  struct Ownership {
    int owner = 0;
    int late = -1;       // the one that does not know
    int64_t until = -1;  // the step at which it learns
  };

  Time LogClock() const { return now_ + log_ahead_; }
  void TakeStep();
  void ApplyFaults();
  void ApplyFault(const Fault& fault);
  void Usurp(int32_t partition, int by, int64_t until);
  void StepSource(Random& random);
  void StepProjector(int index);
  void StepPublisher(bool second);
  // Whether the second publisher has its time.
  bool HasSecondPublisher() const;
  // One step of everybody. True: somebody had something to do.
  bool Round();
  bool AnyoneAsleep(int index) const;
  ProjectorProcess::Duty DutyOf(int index, Partition partition) const;
  // Whether the owner of each partition has it and has come to its end.
  bool AllIsFolded() const;
  // Until nobody has anything to do, time that passes aside.
  void ComeToRest();
  int64_t RecordsInAll() const;
  void Say(std::string finding);
  void Trace(std::string_view what, int64_t number);

  const uint64_t seed_;
  const Setup setup_;
  const Workload& work_;
  const std::vector<Fault> faults_;

  Time now_;
  Span log_ahead_ = Span(0);
  int64_t step_ = 0;
  uint64_t trace_ = 0;
  std::vector<std::string> findings_;
  std::vector<Ownership> owners_;      // by partition
  std::vector<int64_t> asleep_until_;  // by projector

  MemoryCluster cluster_;
  MemoryDisk disk_;
  Injector injector_;
  Source source_;
  Channel channel_;
  std::vector<std::unique_ptr<ProjectorProcess>> projectors_;
  PublisherProcess publisher_;
  PublisherProcess second_publisher_;
};

}  // namespace tallywire::sim

#endif  // TALLYWIRE_TESTS_SIM_WORLD_H_
