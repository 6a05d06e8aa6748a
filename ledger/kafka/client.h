// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_LEDGER_KAFKA_CLIENT_H_
#define TALLYWIRE_LEDGER_KAFKA_CLIENT_H_

// One client of librdkafka (a connection to each broker, and the library's threads), with its
// settings, its lines for the log, and statuses made of its errors. For the sources of this folder
// only. May be used by many threads at once; destroyed after everything that came from it.

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ledger/kafka/connection.h"
#include "ledger/kafka/handles.h"
#include "ledger/types.h"

namespace tallywire {

using KafkaProperties = std::vector<std::pair<std::string, std::string>>;

// Milliseconds as the library wants them, rounded up.
int KafkaMilliseconds(Span span);

// "stock.events/3".
std::string KafkaPlace(std::string_view topic, Partition partition);

class KafkaClient {
 public:
  enum class Kind { kProducer, kConsumer };

  // How a client is set up. `defaults` yield to the connection's properties, `fixed` do not;
  // `prepare` sets callbacks.
  struct Setup {
    Kind kind = Kind::kConsumer;
    KafkaProperties defaults = {};
    KafkaProperties fixed = {};
    std::function<void(rd_kafka_conf_s*)> prepare = nullptr;
  };
  // Connects to nothing yet. INVALID_ARGUMENT: a property that is unknown, wrong or fixed.
  static absl::StatusOr<std::shared_ptr<KafkaClient>> Make(const KafkaConnection& connection,
                                                           const Setup& setup);
  // Whether Make would find the properties good.
  static absl::Status Check(const KafkaConnection& connection, const Setup& setup);
  ~KafkaClient();

  rd_kafka_s* get() const { return handle_.get(); }
  const KafkaConnection& connection() const { return connection_; }
  // The value that is in force.
  std::string Property(const std::string& name) const;

  // `error` (an rd_kafka_resp_err_t) as a status: what was tried, what the library says, and for
  // UNAVAILABLE the last trouble with a broker. OK if there is no error.
  absl::Status Failure(int error, std::string_view what, std::string_view detail = {}) const;
  // The last complaint of the library; empty if there was none.
  std::string LastTrouble() const;
  // Takes what the library has queued about brokers; does not wait. Lines for the log came already,
  // but what is not taken stays in memory.
  void Drain() const;

 private:
  explicit KafkaClient(KafkaConnection connection) : connection_(std::move(connection)) {}
  static void OnError(rd_kafka_s* handle, int error, const char* text, void* client);
  static void OnLog(const rd_kafka_s* handle, int level, const char* facility, const char* text);
  void Log(int level, std::string_view facility, std::string_view text);

  const KafkaConnection connection_;
  std::map<std::string, std::string> in_force_;

  mutable std::mutex mu_;
  // Guarded by mu_.
  std::string last_trouble_;
  std::map<std::string, std::pair<std::string, std::chrono::steady_clock::time_point>> said_;

  KafkaHandle handle_;
};

// Catches errors that the library hands out by its callback while this thread takes from a queue,
// which is how a reader learns that its topic has gone. One at a time on a thread.
class KafkaErrorCatcher {
 public:
  KafkaErrorCatcher();
  ~KafkaErrorCatcher();
  KafkaErrorCatcher(const KafkaErrorCatcher&) = delete;
  KafkaErrorCatcher& operator=(const KafkaErrorCatcher&) = delete;

  int error = 0;
  std::string text;
};

// What an rd_kafka_resp_err_t is for a caller.
absl::StatusCode KafkaStatusCode(int error);

}  // namespace tallywire

#endif  // TALLYWIRE_LEDGER_KAFKA_CLIENT_H_
