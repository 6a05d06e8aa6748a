// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_LEDGER_KAFKA_KAFKA_LOG_H_
#define TALLYWIRE_LEDGER_KAFKA_KAFKA_LOG_H_

// The log in a Kafka cluster. Same contract as ledger/log.h, and this beside it:
//
//   auto log = KafkaLog::Open({.connection = {.brokers = "127.0.0.1:9092"}});
//
// Append: one idempotent producer for all threads, to the partition that the caller names. An
// append is back when each of its records has been acknowledged by all replicas in sync, or
// `append_timeout` has passed; stamps are the broker's. After a failure the next append gets a new
// producer; what other threads have under way goes on by itself.
//
// Poll: while no broker is to be reached it gives nothing, as at the log's end, and goes on by
// itself when one is; Bounds tells the two apart (UNAVAILABLE). A Poll that finds the end of the
// partition behind offsets without records (aborted transactions, their marks, compaction) moves
// the position there and comes back at once: `Position() >= end` says that all has been read.
// OUT_OF_RANGE: the log has lost what was to be read next, by retention or by a leader that lacked
// it. NOT_FOUND: the topic has been deleted. Both stay, as DATA_LOSS does. Only records of
// transactions that ended well are seen, and Bounds' end lies before the first that has not ended.
//
// CreateTopics: FAILED_PRECONDITION also for settings that break the ledger's promises
// (topic_settings.h).
//
// Id: the cluster's. It does not tell a topic from one that was deleted and made again.
//
// Readers must be gone before their log; batches that they filled may stay.

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "ledger/kafka/connection.h"
#include "ledger/kafka/topic_settings.h"
#include "ledger/log.h"

namespace tallywire {

class KafkaLog : public Log {
 public:
  struct Options {
    KafkaConnection connection;
    // Copies of each topic that CreateTopics makes; -1: the broker's default.
    int replication_factor = -1;
    // An append that is not acknowledged by then fails. 0: it waits for ever.
    Span append_timeout = Seconds(60);
    // A question to the cluster that is not answered by then fails, Open as well.
    Span patience = Seconds(5);
  };

  // UNAVAILABLE: no broker answers. INVALID_ARGUMENT: a property is wrong.
  static absl::StatusOr<std::unique_ptr<KafkaLog>> Open(Options options);

  // What is missing, and how what is there differs. Changes nothing.
  [[nodiscard]] virtual absl::StatusOr<KafkaTopicPlan> Plan(std::span<const TopicSpec> wanted) = 0;
  // Creates and alters what the plan says; what is not alterable (partitions) stays.
  [[nodiscard]] virtual absl::Status Apply(const KafkaTopicPlan& plan) = 0;

  // Offsets at which readers of topics that keep everything found no record: lost ones, or marks
  // and records of a transaction of somebody else's. Since the log was opened, by partition.
  struct Missing {
    std::string topic;
    Partition partition;
    Offset first;
    int64_t count = 0;
  };
  virtual std::vector<Missing> MissingOffsets() const = 0;
};

}  // namespace tallywire

#endif  // TALLYWIRE_LEDGER_KAFKA_KAFKA_LOG_H_
