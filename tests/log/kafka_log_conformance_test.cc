// SPDX-License-Identifier: Apache-2.0

// The conformance suite on the log in Kafka, against a real broker.

#include "absl/strings/str_cat.h"
#include "ledger/check.h"
#include "ledger/kafka/kafka_log.h"
#include "tests/log/kafka_testing.h"
#include "tests/log_conformance.h"

namespace tallywire {
namespace {

class KafkaWorld : public LogWorld {
 public:
  explicit KafkaWorld(std::string brokers) : brokers_(std::move(brokers)) { Open(); }

  Log& log() override { return *log_; }
  void Close() override { log_.reset(); }
  void Open() override {
    auto log = KafkaLog::Open({.connection = {.brokers = brokers_}});
    TW_CHECK(log.ok(), log.status().ToString().c_str());
    log_ = *std::move(log);
  }
  std::string Topic(std::string_view name) override {
    return absl::StrCat(prefix_, ".", std::string(name));
  }
  // A broker compacts when it likes.
  bool ForceCleanup(const std::string& /*topic*/) override { return false; }
  std::vector<std::string> WriterCommand(const std::string& topic, Partition partition,
                                         int64_t first_number) override {
    return {KAFKA_LOG_WRITER, brokers_, topic, std::to_string(partition.value()),
            std::to_string(first_number)};
  }

 private:
  const std::string brokers_;
  const std::string prefix_ = UniqueKafkaName();
  std::unique_ptr<KafkaLog> log_;
};

std::unique_ptr<LogWorld> MakeKafkaWorld(std::string& why_not) {
  const std::string brokers = TestBrokers(why_not);
  if (brokers.empty()) return nullptr;
  return std::make_unique<KafkaWorld>(brokers);
}

INSTANTIATE_TEST_SUITE_P(Kafka, LogConformance, ::testing::Values(&MakeKafkaWorld));
INSTANTIATE_TEST_SUITE_P(Kafka, LogWriterConformance, ::testing::Values(&MakeKafkaWorld));

}  // namespace
}  // namespace tallywire
