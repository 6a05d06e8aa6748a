// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_LEDGER_KAFKA_CONTROL_H_
#define TALLYWIRE_LEDGER_KAFKA_CONTROL_H_

// Questions to a cluster, and changes of its topics, over a client of their own: a question does
// not wait behind a reader's fetch. For the sources of this folder only. May be used by many
// threads at once. UNAVAILABLE: the brokers did not answer in time.

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "ledger/kafka/client.h"
#include "ledger/kafka/topic_settings.h"
#include "ledger/log.h"

namespace tallywire {

class KafkaControl {
 public:
  static absl::StatusOr<std::shared_ptr<KafkaControl>> Make(const KafkaConnection& connection,
                                                            Span patience);

  // Waits up to `patience` for a broker.
  absl::StatusOr<std::string> ClusterId() const;

  struct Layout {
    int32_t partitions = 0;
    int32_t replication = 0;
    bool led = false;  // each partition has a leader
  };
  // NOT_FOUND if there is no such topic.
  absl::StatusOr<Layout> TopicLayout(std::string_view topic) const;
  absl::StatusOr<LogBounds> Bounds(std::string_view topic, Partition partition) const;

  // The topic's settings in force; those that are its own alone if `own`.
  absl::StatusOr<std::map<std::string, std::string>> Settings(std::string_view topic,
                                                              bool own = false) const;
  absl::StatusOr<KafkaTopicState> State(std::string_view topic) const;

  // Creates the topic and waits until it can be used. ALREADY_EXISTS if it is there. A replication
  // factor of -1 is the broker's default.
  absl::Status Create(const TopicSpec& spec, int replication_factor) const;
  // Changes these settings of the topic, and no other.
  absl::Status Alter(std::string_view topic,
                     const std::map<std::string, std::string>& settings) const;

  const KafkaClient& client() const { return *client_; }

 private:
  KafkaControl(std::shared_ptr<KafkaClient> client, Span patience)
      : client_(std::move(client)), patience_(patience) {}
  // As far as the cluster can be asked.
  bool IsThere(std::string_view topic, Partition partition) const;
  // `which`: the library's number for the beginning or the end.
  absl::StatusOr<Offset> Bound(std::string_view topic, Partition partition, int64_t which) const;
  absl::Status WaitUntilLed(std::string_view topic) const;
  absl::StatusOr<int32_t> DefaultReplication() const;

  const std::shared_ptr<KafkaClient> client_;
  const Span patience_;
};

}  // namespace tallywire

#endif  // TALLYWIRE_LEDGER_KAFKA_CONTROL_H_
