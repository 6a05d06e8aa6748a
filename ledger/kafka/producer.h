// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_LEDGER_KAFKA_PRODUCER_H_
#define TALLYWIRE_LEDGER_KAFKA_PRODUCER_H_

// One idempotent producer, for all threads that append. For the sources of this folder only.
//
// A delivery that fails breaks it: records behind the failed one may have been delivered, so that
// nothing is in order any more, and the library's own recovery from such errors is not to be relied
// on. A broken producer finishes what it has; its owner makes a new one for the next append, and
// the old one goes with the last append that it serves.
//
// Threads: any. Destroyed when no append is in it.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "ledger/kafka/client.h"
#include "ledger/log.h"

namespace tallywire {

// A payload of the status of an append that the broker found too large.
inline constexpr char kKafkaTooLarge[] = "tallywire/too-large";

class KafkaProducer {
 public:
  // INVALID_ARGUMENT if a property is wrong.
  static absl::Status Check(const KafkaConnection& connection, Span append_timeout);
  static absl::StatusOr<std::shared_ptr<KafkaProducer>> Make(const KafkaConnection& connection,
                                                             Span append_timeout);
  ~KafkaProducer();

  // The records' topics and partitions are known to be there. Returns once each record is
  // acknowledged or given up.
  absl::StatusOr<std::vector<Appended>> Append(std::span<const NewRecord> records);

  bool broken() const { return broken_; }

 private:
  struct Delivery;
  struct Call;

  KafkaProducer() = default;
  rd_kafka_topic_s* Topic(std::string_view name);
  struct Group;
  std::vector<Group> Groups(std::span<const NewRecord> records);
  // Hands records to the library, in order, waiting for room; on an error how many it has, and why.
  int Enqueue(const Group& group, std::span<const NewRecord> records,
              std::span<Delivery> deliveries, size_t& taken);
  int EnqueuePlain(const Group& group, size_t begin, size_t end, std::span<const NewRecord> records,
                   std::span<Delivery> deliveries, size_t& taken);
  int EnqueueOne(const Group& group, const NewRecord& record, Delivery& delivery);
  // Waits until some deliveries are done, or a little while.
  void WaitForRoom();
  void Serve();
  void Deliver(rd_kafka_op_s* event);

  std::shared_ptr<KafkaClient> client_;
  KafkaQueue queue_;
  size_t max_record_bytes_ = 0;

  // Held while the records of one append are handed to the library, so that they stay together.
  std::mutex append_mu_;
  std::map<std::string, KafkaTopic, std::less<>> topics_;  // guarded by append_mu_

  std::mutex room_mu_;
  std::condition_variable room_;
  uint64_t deliveries_ = 0;  // guarded by room_mu_

  std::atomic<bool> broken_ = false;
  std::atomic<bool> stop_ = false;
  std::thread server_;
};

}  // namespace tallywire

#endif  // TALLYWIRE_LEDGER_KAFKA_PRODUCER_H_
