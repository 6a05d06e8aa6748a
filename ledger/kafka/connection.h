// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_LEDGER_KAFKA_CONNECTION_H_
#define TALLYWIRE_LEDGER_KAFKA_CONNECTION_H_

// How to reach a Kafka cluster, and where the client library may complain.

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tallywire {

enum class KafkaLogLevel { kError, kWarning, kInfo, kDebug };

struct KafkaConnection {
  // host:port, several with commas between.
  std::string brokers;
  // Any property of librdkafka, as for a Kafka tool's -X name=value. The few that the log's
  // promises rest on (acks, idempotence, commits, isolation) are refused with INVALID_ARGUMENT,
  // unless the value is the one that is used anyway.
  std::vector<std::pair<std::string, std::string>> properties = {};
  // What brokers' own logs and quotas call this process.
  std::string client_id = "tallywire";
  // Lines of the client library. Called from its threads, a repeated line once in ten seconds.
  // None: they are dropped, and the last error is part of the status that a call returns.
  std::function<void(KafkaLogLevel level, std::string_view text)> on_log = nullptr;
};

}  // namespace tallywire

#endif  // TALLYWIRE_LEDGER_KAFKA_CONNECTION_H_
