// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_LOG_KAFKA_TESTING_H_
#define TALLYWIRE_TESTS_LOG_KAFKA_TESTING_H_

// Where tests find a broker, and what a foreign hand does to it: other people's producers, topics
// deleted, records dropped. Needs nothing of ledger/kafka.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tallywire {

// The broker of the file that TALLYWIRE_TEST_KAFKA_FILE names: `host:port`, or `none` and a reason.
// Empty, with the reason in `why_not`, if there is none: then a test is skipped.
std::string TestBrokers(std::string& why_not);

// A name for topics and groups that nobody else has.
std::string UniqueKafkaName();

// A producer that is not ours. Each call ends the test's process if it fails.
class ForeignProducer {
 public:
  using Properties = std::vector<std::pair<std::string, std::string>>;
  explicit ForeignProducer(const std::string& brokers, const Properties& properties = {});
  ~ForeignProducer();

  // `null_parts`: key, value and a header `null` without bytes.
  void Send(const std::string& topic, int32_t partition, const std::string& key,
            const std::string& value, bool null_parts = false);
  // To where the partitioner says.
  void SendByKey(const std::string& topic, const std::string& key, const std::string& value);
  void Flush();

  // With the property transactional.id.
  void Begin();
  void End(bool commit);

 private:
  void* const handle_;
};

void DeleteKafkaTopic(const std::string& brokers, const std::string& topic);
// Drops the records below `offset`.
void DeleteKafkaRecords(const std::string& brokers, const std::string& topic, int32_t partition,
                        int64_t offset);

}  // namespace tallywire

#endif  // TALLYWIRE_TESTS_LOG_KAFKA_TESTING_H_
