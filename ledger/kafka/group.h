// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_LEDGER_KAFKA_GROUP_H_
#define TALLYWIRE_LEDGER_KAFKA_GROUP_H_

// Membership of a consumer group: who owns which partitions, and how far each has come. Nothing is
// read through it (KafkaLog's readers do that), so no partition is fetched here.
//
//   auto group = KafkaGroup::Open({.connection = c, .group = "projector", .topics =
//   {"stock.events"}}); for (;;) {
//     auto change = (*group)->Poll(Seconds(1));
//     for (const auto& one : change->assigned) Begin(one);
//     for (const auto& one : change->revoked) End(one);  // close its folder, commit
//     if (!change->revoked.empty()) (*group)->ConfirmRevoked();
//   }
//
// Partitions that are revoked stay ours until ConfirmRevoked: the others wait, up to
// max.poll.interval.ms. Lost ones may be another member's already: stop writing at once, do not
// commit, then confirm too. Poll has to be called more often than max.poll.interval.ms says, or
// the membership is lost; that it is called does not show that work goes on: whoever owns
// partitions watches that for himself. Each rebalance revokes all partitions of a member and
// assigns anew (assignor `range`, eager).
//
// Without topics there is no membership: a fixed owner commits its offsets so that Kafka's tools
// show its lag. A group is used in one of the two ways, not both: while it has members the commits
// of others are refused.
//
// Threads: one at a time, except Commit, which may be called from any while no Close is under way.
// Errors: UNAVAILABLE: try again. FAILED_PRECONDITION from Commit: the membership has moved on,
// Poll says how. NOT_FOUND: a topic is not there. INVALID_ARGUMENT: a property is wrong.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ledger/kafka/connection.h"
#include "ledger/types.h"

namespace tallywire {

class KafkaGroup {
 public:
  struct Options {
    // session.timeout.ms, heartbeat.interval.ms, group.instance.id and the like are properties.
    KafkaConnection connection;
    std::string group;
    // Whose partitions are shared out; none: no membership, commits only.
    std::vector<std::string> topics = {};
    // A commit or question that is not answered by then fails.
    Span patience = Seconds(10);
  };

  struct Place {
    std::string topic;
    Partition partition;
    friend bool operator==(const Place&, const Place&) = default;
    friend bool operator<(const Place& a, const Place& b) {
      return std::tie(a.topic, a.partition) < std::tie(b.topic, b.partition);
    }
  };
  struct Change {
    std::vector<Place> assigned;
    std::vector<Place> revoked;
    bool lost = false;  // `revoked` have been taken away without being asked for
  };
  struct Position {
    Place place;
    Offset next;
  };

  // Does not wait for the cluster.
  static absl::StatusOr<std::unique_ptr<KafkaGroup>> Open(Options options);
  // Closes.
  virtual ~KafkaGroup() = default;

  // What has changed, at most one of the two kinds; waits up to `wait` for it. Both empty: nothing.
  [[nodiscard]] virtual absl::StatusOr<Change> Poll(Span wait) = 0;
  // The caller has let go of all that was revoked.
  [[nodiscard]] virtual absl::Status ConfirmRevoked() = 0;

  // Writes how far partitions have come. `wait`: until the cluster has it; otherwise a failure is
  // not told, and the next commit mends it.
  [[nodiscard]] virtual absl::Status Commit(std::span<const Position> positions, bool wait) = 0;
  // What the cluster has; nothing for a partition that was never committed.
  [[nodiscard]] virtual absl::StatusOr<std::vector<std::optional<Offset>>> Committed(
      std::span<const Place> places) = 0;

  // Gives back what is owned and leaves the group, so that others need not wait until the session
  // has timed out. Nothing else may be called then.
  virtual absl::Status Close() = 0;
};

}  // namespace tallywire

#endif  // TALLYWIRE_LEDGER_KAFKA_GROUP_H_
