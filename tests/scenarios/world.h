// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_SCENARIOS_WORLD_H_
#define TALLYWIRE_TESTS_SCENARIOS_WORLD_H_

// The real parts of a ledger in a temporary folder, under a clock that the test sets: log,
// appender, projector, publisher. One thread.
//
// Every error is the world's: a test that gets one fails.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ledger/appender.h"
#include "ledger/log.h"
#include "ledger/rocks.h"
#include "projector/projector.h"
#include "publishers/publisher.h"
#include "tests/scenarios/set_log.h"

namespace tallywire::scenarios {

// One of the ways to run a scenario.
struct RunConfig {
  int partitions = 1;
  size_t batch = 1;
  bool restart = false;
  // Of the projector, where it is behind.
  size_t threads = 1;
  // HOST:PORT of a cluster, and what the names of its topics begin with; empty: the log is
  // embedded.
  std::string brokers = {};
  std::string prefix = {};
  // A folder that stays when the world goes; empty: one of its own, which does not.
  std::string folder = {};
  // Another log than those, stamped by the clock of the world; empty: none.
  std::function<std::unique_ptr<Log>(std::function<Time()> clock)> open_log = nullptr;
  // What stands between the parts and their log and stores; empty: nothing.
  std::function<std::unique_ptr<Log>(std::unique_ptr<Log>)> wrap_log = nullptr;
  OpenRocks open_rocks = nullptr;
};

// `3/1000/restart`.
std::string Name(const RunConfig& config);

// A record with its own memory.
struct OwnedRecord {
  Partition partition;
  Offset offset;
  Time stamp;
  std::string key;
  std::string value;
  std::vector<Header> headers;
};

class World {
 public:
  // Makes a folder of its own and opens everything in it. The clock stands at `start`.
  static absl::StatusOr<std::unique_ptr<World>> Create(const RunConfig& config, Time start);
  // The same, but nothing is open yet.
  static absl::StatusOr<std::unique_ptr<World>> Make(const RunConfig& config, Time start);
  // Removes the folder.
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  Time now() const { return now_; }
  void SetClock(Time now) { now_ = now; }

  // Opens every part; after an error some are open.
  absl::Status Open();
  // Drops every part as it is.
  void Stop();
  // Ends every part and opens it again on the same folder; `close`: in good order, otherwise they
  // are dropped as they are.
  absl::Status Restart(bool close);
  bool restarted() const { return restarted_; }

  // One turn of projector and publisher. True: there may be more to do.
  absl::StatusOr<bool> Turn();
  // Until nothing is left to do at this time of the clock.
  absl::Status Settle();

  // Every record of a topic, by partition and offset.
  absl::StatusOr<std::vector<OwnedRecord>> ReadAll(std::string_view topic);
  // One record of stock.events.
  absl::StatusOr<OwnedRecord> ReadEvent(Partition partition, Offset offset);

  const std::string& folder() const { return folder_; }
  Log& log() { return *log_; }
  Appender& appender() { return *appender_; }
  Projector& projector() { return *projector_; }
  Publisher& publisher() { return *publisher_; }

 private:
  World(const RunConfig& config, Time start, std::string folder);
  absl::Status OpenLog();
  absl::StatusOr<int64_t> RecordsInAll();

  const RunConfig config_;
  const std::string folder_;

  Time now_;
  bool restarted_ = false;
  Stamps stamps_;
  std::unique_ptr<Log> cluster_;  // null: the log is embedded
  std::unique_ptr<Log> log_;
  std::unique_ptr<Appender> appender_;
  std::unique_ptr<Projector> projector_;
  std::unique_ptr<Publisher> publisher_;
};

}  // namespace tallywire::scenarios

#endif  // TALLYWIRE_TESTS_SCENARIOS_WORLD_H_
