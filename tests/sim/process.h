// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_SIM_PROCESS_H_
#define TALLYWIRE_TESTS_SIM_PROCESS_H_

// Simulated processes: the real projector and publisher, each on its own view of the log and its
// own part of the disk. A process that has died in a call is dropped as it is; its next step opens
// it again on what it left.
//
// Errors: what a service would wait for and try again (UNAVAILABLE, RESOURCE_EXHAUSTED) is no
// error here. Any other makes a service stop, and nothing in a simulated world may do that.
// Thread-compatible.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ledger/log.h"
#include "projector/projector.h"
#include "publishers/publisher.h"
#include "tests/sim/injector.h"
#include "tests/sim/memory_log.h"
#include "tests/sim/memory_rocks.h"
#include "tests/sim/setup.h"

namespace tallywire::sim {

// What all processes of a run share. All of it outlives them.
struct Site {
  const Setup* setup = nullptr;
  MemoryCluster* cluster = nullptr;
  MemoryDisk* disk = nullptr;
  Injector* injector = nullptr;
};

// A service would wait and try again.
bool IsPassing(const absl::Status& status);

class ProjectorProcess {
 public:
  // What it is to do about a partition that is not its own.
  enum class Duty {
    kOwn,      // take it, if it has not
    kKeep,     // go on as if it were its own, if it has it
    kRelease,  // let go in order
    kAbandon,  // another has it already
    kWait,     // its own as soon as the one before has let go
  };

  ProjectorProcess(std::string name, Site site, Span skew)
      : name_(std::move(name)), site_(site), skew_(skew) {}

  const std::string& name() const { return name_; }
  bool up() const { return projector_ != nullptr; }
  Projector& projector() { return *projector_; }
  bool Holds(Partition partition) const;
  // Of one that it holds: the first record that it has not folded.
  Offset NextOf(Partition partition) const;

  // One step by the clock `now`: begins, or does its duties and takes a turn. True: there may be
  // more to do. `duties` by partition.
  absl::StatusOr<bool> Step(Time now, const std::vector<Duty>& duties);
  // The process is gone; the disk stays.
  void Die();
  void SetSkew(Span skew) { skew_ = skew; }

 private:
  absl::Status Begin(const std::vector<Duty>& duties);
  absl::Status DoDuties(const std::vector<Duty>& duties);

  const std::string name_;
  const Site site_;
  Span skew_;
  std::unique_ptr<Log> log_;
  std::unique_ptr<Projector> projector_;
};

class PublisherProcess {
 public:
  PublisherProcess(std::string name, Site site, Span skew)
      : name_(std::move(name)), site_(site), skew_(skew) {}

  const std::string& name() const { return name_; }
  bool up() const { return publisher_ != nullptr; }
  Publisher& publisher() { return *publisher_; }

  absl::StatusOr<bool> Step(Time now);
  void Die();
  void SetSkew(Span skew) { skew_ = skew; }

 private:
  const std::string name_;
  const Site site_;
  Span skew_;
  std::unique_ptr<Log> log_;
  std::unique_ptr<Publisher> publisher_;
};

}  // namespace tallywire::sim

#endif  // TALLYWIRE_TESTS_SIM_PROCESS_H_
