// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_API_LEDGER_H_
#define TALLYWIRE_TOOLS_API_LEDGER_H_

// What a process has of a ledger: its log, an appender, and by its roles a projector and a
// publisher.
//
//   DIR/lock        held by the process that has the folder open
//   DIR/serve.json  where a running server answers (tools/api/discover.h)
//   DIR/log/        an embedded log: the only thing that cannot be made again
//   DIR/state/      the projector's, a folder a partition
//   DIR/publisher/  the publisher's
//
// With an embedded log one process has all roles. With a log in Kafka they may be in many
// processes, each with a folder of its own, and a projector owns a part of the partitions: those
// that were named, or those that a consumer group gives it.
//
// Either Start(), and threads fold and publish until Stop(); or SettleNow() whenever what was
// appended is to be seen, for commands that come and go.
//
// Threads: Open, Start and Stop from one; everything else from any, between Open and Stop.
// Errors of Open: UNAVAILABLE: another process has the folder open; FAILED_PRECONDITION: what is
// there was made with other settings or by another version, the text says what to do.

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ledger/appender.h"
#include "ledger/log.h"
#include "projector/projector.h"
#include "publishers/publisher.h"
#include "tools/api/folder_lock.h"
#include "tools/api/loop.h"
#include "tools/api/open_log.h"
#include "tools/api/ownership.h"

namespace tallywire {

class Ledger {
 public:
  struct Options {
    // DIR. Created if missing; not needed without roles.
    std::string folder = {};
    LogChoice log = {};
    // Of a new log; 0: the default. An existing log keeps what it has: another number asked for is
    // FAILED_PRECONDITION.
    int32_t partitions = 0;
    // What it does beside appending.
    bool project = true;
    bool publish = true;
    // The partitions to fold; nullopt: all, or with a group those that it gives.
    std::optional<std::vector<Partition>> own = std::nullopt;
    // A consumer group's name: Kafka's tools show the lag under it. `join`: it also shares the
    // partitions out among its members.
    std::string group = {};
    bool join = false;
    // What stamps an embedded log's records and tells the loops the time. Default: the machine's
    // clock.
    std::function<Time()> clock = {};
  };

  static absl::StatusOr<std::unique_ptr<Ledger>> Open(Options options);
  // Stops; what Stop returns is lost.
  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  // Begins to fold and publish in threads.
  void Start();

  // Folds and publishes everything that is in the log now. Not after Start: OK at once, the threads
  // do it.
  [[nodiscard]] absl::Status SettleNow();

  // Ends the threads, then closes publisher, projector and log, in this order. The first error is
  // returned, and nothing is lost by it: what was not checkpointed is folded again. Idempotent.
  [[nodiscard]] absl::Status Stop();

  // Something was appended: the threads look at once.
  void Wake();

  // What keeps a thread from going on, or OK. `for_good`: it has given up (questions are still
  // answered); otherwise it tries again.
  absl::Status Trouble(bool* for_good = nullptr) const;

  // Until a record is folded, or a rule has taken effect; without Start by SettleNow.
  // DEADLINE_EXCEEDED; a thread that has given up: its error, at once.
  [[nodiscard]] absl::Status WaitFolded(Partition partition, Offset offset, Span timeout);
  [[nodiscard]] absl::Status WaitRule(Offset offset, Span timeout);

  Log& log() { return *log_; }
  Appender& appender() { return *appender_; }
  // Only with their roles.
  Projector& projector() { return *projector_; }
  Publisher& publisher() { return *publisher_; }
  bool has_projector() const { return projector_ != nullptr; }
  bool has_publisher() const { return publisher_ != nullptr; }
  int32_t partitions() const { return partitions_; }
  const std::string& folder() const { return options_.folder; }

 private:
  explicit Ledger(Options options);
  absl::Status OpenParts();
  absl::Status OpenProjector();
  absl::StatusOr<bool> Fold();
  absl::Status WaitFor(const std::function<absl::Status(Span)>& wait, Span timeout);

  // Constant after Open.
  Options options_;
  int32_t partitions_ = 0;
  std::unique_ptr<FolderLock> lock_;
  std::unique_ptr<Log> log_;
  std::unique_ptr<Appender> appender_;
  std::unique_ptr<Projector> projector_;
  std::unique_ptr<Ownership> ownership_;  // null: it owns what it owned at first
  std::unique_ptr<Publisher> publisher_;

  // Constant between Start and Stop.
  std::unique_ptr<Loop> fold_loop_;
  std::unique_ptr<Loop> publish_loop_;

  // One SettleNow at a time.
  std::mutex settle_mu_;
};

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_API_LEDGER_H_
