// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_API_OPEN_LOG_H_
#define TALLYWIRE_TOOLS_API_OPEN_LOG_H_

// The log that the settings name, whichever kind it is.

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ledger/log.h"
#include "ledger/types.h"

namespace tallywire {

inline constexpr int32_t kDefaultPartitions = 4;          // of an embedded log
inline constexpr int32_t kDefaultClusterPartitions = 24;  // of a log in Kafka

struct LogChoice {
  // HOST:PORT,… of a Kafka cluster; empty: the embedded log in the ledger's folder.
  std::string brokers = {};
  // Properties of librdkafka.
  std::vector<std::pair<std::string, std::string>> properties = {};
  bool is_kafka() const { return !brokers.empty(); }
};

// `folder` is the embedded log's, `clock` what stamps its records. Errors as EmbeddedLog::Open and
// KafkaLog::Open.
absl::StatusOr<std::unique_ptr<Log>> OpenLog(const LogChoice& choice, const std::string& folder,
                                             std::function<Time()> clock);

// Says how many partitions stock.events has. An embedded log's topics are made where they are
// missing; `partitions`: of a new one, 0: the default. FAILED_PRECONDITION: the log has another
// number, a cluster lacks a topic, or one has settings that the ledger's promises do not hold with;
// the text names it.
absl::StatusOr<int32_t> OpenTopics(Log& log, int32_t partitions);

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_API_OPEN_LOG_H_
