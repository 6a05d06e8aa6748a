// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_API_OWNERSHIP_H_
#define TALLYWIRE_TOOLS_API_OWNERSHIP_H_

// Which partitions a projector owns, as a consumer group shares them out among its members, and how
// far it has come, told to the group so that every lag tool shows it. What the group remembers is
// never read back: a projector goes on where its own checkpoint says.
//
// Threads: that of Projector::RunOnce.
// Errors: as KafkaGroup, and what the projector says when it takes a partition.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ledger/kafka/group.h"
#include "ledger/types.h"
#include "projector/projector.h"
#include "tools/api/open_log.h"

namespace tallywire {

class Ownership {
 public:
  struct Options {
    LogChoice log;
    std::string group;
    // Become a member; otherwise the projector keeps what it owns, and only tells how far it is.
    bool join = false;
    Projector* projector = nullptr;
  };

  static absl::StatusOr<std::unique_ptr<Ownership>> Open(Options options);

  // Takes and lets go of partitions as the group says; tells it how far they are, now and then.
  // True: something changed hands.
  [[nodiscard]] absl::StatusOr<bool> Step(Time now);

  // Leaves the group.
  [[nodiscard]] absl::Status Close();

 private:
  explicit Ownership(Options options) : options_(std::move(options)) {}
  absl::Status LetGo(const KafkaGroup::Change& change);
  absl::Status Commit(bool wait);

  const Options options_;
  std::unique_ptr<KafkaGroup> group_;
  // Assigned, and not taken yet: a folder may be in the way for a moment.
  std::vector<Partition> to_take_;
  Time committed_at_;
};

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_API_OWNERSHIP_H_
