// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_LEDGER_KAFKA_READER_H_
#define TALLYWIRE_LEDGER_KAFKA_READER_H_

// Reading partitions. For the sources of this folder only.
//
// All readers of a log share one client: each has a queue of its own, into which the client fetches
// its partition ahead of it. A client fetches a partition once, so a second reader of the same
// partition gets another client; such clients stay for the next ones.

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "ledger/kafka/client.h"
#include "ledger/kafka/control.h"
#include "ledger/log.h"

namespace tallywire {

// A client that fetches for readers. Any thread.
class KafkaConsumer {
 public:
  static absl::Status Check(const KafkaConnection& connection);
  static absl::StatusOr<std::shared_ptr<KafkaConsumer>> Make(const KafkaConnection& connection);

  // Takes a partition that is free; false if a reader has it.
  bool Take(const std::string& topic, Partition partition);
  void Release(const std::string& topic, Partition partition);

  rd_kafka_topic_s* Topic(const std::string& name);
  const KafkaClient& client() const { return *client_; }

 private:
  std::shared_ptr<KafkaClient> client_;
  std::mutex mu_;
  // Guarded by mu_.
  std::map<std::string, KafkaTopic> topics_;
  std::set<std::pair<std::string, Partition>> taken_;
};

// The clients of a log. Any thread.
class KafkaConsumers {
 public:
  explicit KafkaConsumers(KafkaConnection connection) : connection_(std::move(connection)) {}
  // One that has taken the partition.
  absl::StatusOr<std::shared_ptr<KafkaConsumer>> Take(const std::string& topic,
                                                      Partition partition);

 private:
  const KafkaConnection connection_;
  std::mutex mu_;
  std::vector<std::shared_ptr<KafkaConsumer>> consumers_;  // guarded by mu_
};

// Offsets that readers of topics that keep everything found no record at. Any thread.
class KafkaMissing {
 public:
  struct Hole {
    std::string topic;
    Partition partition;
    Offset first;       // the first one that was seen missing
    int64_t count = 0;  // in all
  };
  void Add(const std::string& topic, Partition partition, Offset first, int64_t count);
  std::vector<Hole> Holes() const;

 private:
  mutable std::mutex mu_;
  std::map<std::pair<std::string, Partition>, Hole> holes_;  // guarded by mu_
};

// The memory of a RecordBatch: the library's own messages, as they were fetched.
class KafkaBatch {
 public:
  explicit KafkaBatch(std::shared_ptr<KafkaConsumer> owner) : owner_(std::move(owner)) {}
  ~KafkaBatch();
  // The memory of `batch`; new if it was filled by another client or log, or a copy shares it.
  static KafkaBatch& Of(RecordBatch& batch, const std::shared_ptr<KafkaConsumer>& owner);

  // Lets go of what is there.
  void Begin(RecordBatch& batch);
  // Takes the message over.
  void Add(RecordBatch& batch, KafkaMessage message);
  // To be called after the last Add.
  void Finish(RecordBatch& batch);

 private:
  void Clear();

  // Outlives its messages.
  const std::shared_ptr<KafkaConsumer> owner_;
  std::vector<rd_kafka_message_s*> messages_;
  // Grows only; a record's headers are those after the ones of the record before it.
  std::vector<Header> headers_;
  size_t headers_used_ = 0;
};

// Reads `partition` from `from` on, which lies within its bounds; the consumer has taken it.
// `missing` may be null: then holes are not counted.
absl::StatusOr<std::unique_ptr<LogReader>> MakeKafkaReader(std::shared_ptr<KafkaConsumer> consumer,
                                                           std::shared_ptr<KafkaControl> control,
                                                           std::shared_ptr<KafkaMissing> missing,
                                                           const std::string& topic,
                                                           Partition partition, Offset from);

}  // namespace tallywire

#endif  // TALLYWIRE_LEDGER_KAFKA_READER_H_
