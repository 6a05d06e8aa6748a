// SPDX-License-Identifier: Apache-2.0
#include "tests/log/kafka_testing.h"

#include <librdkafka/rdkafka.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "ledger/check.h"

namespace tallywire {
namespace {

rd_kafka_t* MakeProducer(const std::string& brokers,
                         const ForeignProducer::Properties& properties) {
  char error[512];
  rd_kafka_conf_t* const conf = rd_kafka_conf_new();
  const auto set = [&](const std::string& name, const std::string& value) {
    TW_CHECK(rd_kafka_conf_set(conf, name.c_str(), value.c_str(), error, sizeof(error)) ==
                 RD_KAFKA_CONF_OK,
             error);
  };
  set("bootstrap.servers", brokers);
  for (const auto& [name, value] : properties) set(name, value);
  rd_kafka_t* const handle = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof(error));
  TW_CHECK(handle != nullptr, error);
  return handle;
}

rd_kafka_t* Producer(void* handle) { return static_cast<rd_kafka_t*>(handle); }

void CheckError(rd_kafka_error_t* error) {
  TW_CHECK(error == nullptr, rd_kafka_error_string(error));
}

// Waits for the answer to an admin request.
void CheckAnswer(rd_kafka_queue_t* queue) {
  rd_kafka_event_t* const event = rd_kafka_queue_poll(queue, 30'000);
  TW_CHECK(event != nullptr, "the broker does not answer");
  TW_CHECK(rd_kafka_event_error(event) == 0, rd_kafka_event_error_string(event));
  rd_kafka_event_destroy(event);
  rd_kafka_queue_destroy(queue);
}

}  // namespace

std::string TestBrokers(std::string& why_not) {
  const char* const path = std::getenv("TALLYWIRE_TEST_KAFKA_FILE");
  if (path == nullptr) {
    why_not = "TALLYWIRE_TEST_KAFKA_FILE names no file that says where a broker is";
    return "";
  }
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) {
    why_not = absl::StrCat("no broker was started: ", path, " is empty or not there");
    return "";
  }
  absl::string_view text = absl::StripAsciiWhitespace(line);
  if (absl::ConsumePrefix(&text, "none")) {
    why_not = std::string(absl::StripLeadingAsciiWhitespace(text));
    return "";
  }
  return std::string(text);
}

std::string UniqueKafkaName() {
  static int names = 0;
  return absl::StrCat("t", getpid(), "-",
                      std::chrono::system_clock::now().time_since_epoch().count() / 1'000'000, "-",
                      names++);
}

ForeignProducer::ForeignProducer(const std::string& brokers, const Properties& properties)
    : handle_(MakeProducer(brokers, properties)) {
  for (const auto& [name, value] : properties) {
    if (name == "transactional.id") {
      CheckError(rd_kafka_init_transactions(Producer(handle_), 30'000));
    }
  }
}

ForeignProducer::~ForeignProducer() { rd_kafka_destroy(Producer(handle_)); }

void ForeignProducer::Send(const std::string& topic, int32_t partition, const std::string& key,
                           const std::string& value, bool null_parts) {
  auto* const k = null_parts ? nullptr : const_cast<char*>(key.data());
  auto* const v = null_parts ? nullptr : const_cast<char*>(value.data());
  rd_kafka_headers_t* const headers = rd_kafka_headers_new(1);
  if (null_parts) rd_kafka_header_add(headers, "null", -1, nullptr, 0);
  const auto error = rd_kafka_producev(
      Producer(handle_), RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(partition),
      RD_KAFKA_V_KEY(k, key.size()), RD_KAFKA_V_VALUE(v, value.size()), RD_KAFKA_V_HEADERS(headers),
      RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
  TW_CHECK(error == 0, rd_kafka_err2str(error));
}

void ForeignProducer::SendByKey(const std::string& topic, const std::string& key,
                                const std::string& value) {
  Send(topic, RD_KAFKA_PARTITION_UA, key, value);
}

void ForeignProducer::Flush() {
  const auto error = rd_kafka_flush(Producer(handle_), 30'000);
  TW_CHECK(error == 0, rd_kafka_err2str(error));
}

void ForeignProducer::Begin() { CheckError(rd_kafka_begin_transaction(Producer(handle_))); }

void ForeignProducer::End(bool commit) {
  CheckError(commit ? rd_kafka_commit_transaction(Producer(handle_), 30'000)
                    : rd_kafka_abort_transaction(Producer(handle_), 30'000));
}

void DeleteKafkaTopic(const std::string& brokers, const std::string& topic) {
  rd_kafka_t* const handle = MakeProducer(brokers, {});
  rd_kafka_queue_t* const queue = rd_kafka_queue_new(handle);
  rd_kafka_DeleteTopic_t* request = rd_kafka_DeleteTopic_new(topic.c_str());
  rd_kafka_DeleteTopics(handle, &request, 1, nullptr, queue);
  CheckAnswer(queue);
  rd_kafka_DeleteTopic_destroy(request);
  rd_kafka_destroy(handle);
}

void DeleteKafkaRecords(const std::string& brokers, const std::string& topic, int32_t partition,
                        int64_t offset) {
  rd_kafka_t* const handle = MakeProducer(brokers, {});
  rd_kafka_queue_t* const queue = rd_kafka_queue_new(handle);
  rd_kafka_topic_partition_list_t* const list = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(list, topic.c_str(), partition)->offset = offset;
  rd_kafka_DeleteRecords_t* request = rd_kafka_DeleteRecords_new(list);
  rd_kafka_DeleteRecords(handle, &request, 1, nullptr, queue);
  CheckAnswer(queue);
  rd_kafka_DeleteRecords_destroy(request);
  rd_kafka_topic_partition_list_destroy(list);
  rd_kafka_destroy(handle);
}

}  // namespace tallywire
