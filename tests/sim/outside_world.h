// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_SIM_OUTSIDE_WORLD_H_
#define TALLYWIRE_TESTS_SIM_OUTSIDE_WORLD_H_

// Both ends of a ledger: who sends events, and a channel that listings are shown on.
// Thread-compatible.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "ledger/appender.h"
#include "ledger/log.h"
#include "publishers/publisher.h"
#include "tallywire/v1/listing.pb.h"
#include "tests/sim/memory_log.h"
#include "tests/sim/outside.h"
#include "tests/sim/random.h"
#include "tests/sim/workload.h"

namespace tallywire::sim {

// Sends a workload's steps in their order, each again until it is acknowledged.
class Source {
 public:
  // `work` outlives it.
  Source(MemoryCluster* cluster, const Workload* work);

  bool done() const { return next_ == work_->ops.size(); }
  const Op* next() const { return done() ? nullptr : &work_->ops[next_]; }
  // Sends what comes next, events at most `most` at once. `publisher` may be null: listings wait.
  absl::Status Step(size_t most, Publisher* publisher);

  // What was acknowledged, as it has to lie in the log.
  const std::vector<Acknowledged>& acknowledged() const { return acknowledged_; }

 private:
  absl::Status SendEvents(size_t most);
  absl::Status SendRaw(const Op& op);
  absl::Status SendListing(const Op& op, Publisher& publisher);

  MemoryCluster* const cluster_;
  const Workload* const work_;
  std::unique_ptr<Log> log_;
  std::unique_ptr<Appender> appender_;
  size_t next_ = 0;
  size_t together_ = 0;  // events that are sent together, again after an error
  std::vector<Acknowledged> acknowledged_;
};

// A channel, and the connector that brings it what stock.listing-updates says. The channel may be
// slow, forget what it was told, or say that it has taken what it has not; the connector reads back
// what it shows, now and then.
class Channel {
 public:
  struct Manner {
    bool slow = false;
    bool lying = false;
    bool forgetful = false;
    bool twice = false;
  };
  Channel(MemoryCluster* cluster, Manner manner, uint64_t seed)
      : cluster_(cluster), manner_(manner), random_(seed, "channel") {}

  void Step();
  // From now on it does what it is told, and Step brings it up to date.
  void Behave() { manner_ = {}; }
  // Sentences that say where it does not show the newest.
  std::vector<std::string> Findings() const;

 private:
  void Read(const Record& record);
  void Tell(const std::string& key, const v1::ListingUpdate& update);

  MemoryCluster* const cluster_;
  Manner manner_;
  Random random_;
  std::map<int32_t, Offset> read_;
  std::map<std::string, v1::ListingUpdate> newest_;  // as the connector knows
  std::map<std::string, v1::ListingUpdate> shown_;
};

}  // namespace tallywire::sim

#endif  // TALLYWIRE_TESTS_SIM_OUTSIDE_WORLD_H_
