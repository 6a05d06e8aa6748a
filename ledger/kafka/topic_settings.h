// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_LEDGER_KAFKA_TOPIC_SETTINGS_H_
#define TALLYWIRE_LEDGER_KAFKA_TOPIC_SETTINGS_H_

// What a topic's settings in Kafka are to be, and how those that are differ: data and comparison,
// no broker. KafkaLog::Plan asks a cluster and compares; KafkaLog::Apply alters what may be
// altered.

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "ledger/log.h"

namespace tallywire {

// A topic as a cluster has it; `settings` are those in force, the broker's defaults included.
struct KafkaTopicState {
  std::string name;
  int32_t partitions = 0;
  int32_t replication = 0;
  std::map<std::string, std::string> settings;
};

struct KafkaTopicDifference {
  std::string topic;
  std::string setting;  // a setting's name, "partitions" or "replication factor"
  std::string is;
  std::string should;
  bool dangerous = false;  // the ledger's promises do not hold with it: nothing starts
  bool alterable = true;   // by Apply, without copying records
  std::string sentence;    // what is wrong, and what comes of it
};

struct KafkaTopicPlan {
  std::vector<TopicSpec> missing;
  std::vector<KafkaTopicDifference> differences;
  // The sentences of the dangerous ones, in a line; empty if there are none.
  std::string Dangers() const;
};

// The settings that a topic is created with. `replication` is its number of copies.
std::vector<std::pair<std::string, std::string>> KafkaTopicSettings(const TopicSpec& spec,
                                                                    int32_t replication);

// How the topic that is there differs from the one that is wanted.
std::vector<KafkaTopicDifference> CompareKafkaTopic(const TopicSpec& wanted,
                                                    const KafkaTopicState& is);

// The nearest TopicSpec. A topic that is both compacted and deleted from is kRetention; one that is
// bounded by bytes alone is kRetention of no time.
TopicSpec KafkaTopicSpec(const KafkaTopicState& is);

// INVALID_ARGUMENT for a topic that cannot be.
[[nodiscard]] absl::Status CheckKafkaTopicSpec(const TopicSpec& spec);

}  // namespace tallywire

#endif  // TALLYWIRE_LEDGER_KAFKA_TOPIC_SETTINGS_H_
