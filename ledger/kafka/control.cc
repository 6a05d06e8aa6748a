// SPDX-License-Identifier: Apache-2.0
#include "ledger/kafka/control.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "ledger/status.h"

namespace tallywire {
namespace {

using Clock = std::chrono::steady_clock;

absl::string_view Absl(std::string_view s) { return {s.data(), s.size()}; }

// One request of the admin kind: `send` puts it on its way, the answer's event comes back.
class AdminCall {
 public:
  AdminCall(const KafkaClient& client, rd_kafka_admin_op_t kind, Span patience)
      : client_(client),
        queue_(rd_kafka_queue_new(client.get())),
        options_(rd_kafka_AdminOptions_new(client.get(), kind)) {
    std::array<char, 256> error{};
    rd_kafka_AdminOptions_set_request_timeout(options_.get(), KafkaMilliseconds(patience),
                                              error.data(), error.size());
    if (kind == RD_KAFKA_ADMIN_OP_CREATETOPICS) {
      rd_kafka_AdminOptions_set_operation_timeout(options_.get(), KafkaMilliseconds(patience),
                                                  error.data(), error.size());
    }
  }

  absl::StatusOr<KafkaEvent> Run(
      std::string_view what,
      const std::function<void(const rd_kafka_AdminOptions_t*, rd_kafka_queue_t*)>& send) {
    send(options_.get(), queue_.get());
    client_.Drain();
    // The library answers always, with a time-out at the latest.
    KafkaEvent event(rd_kafka_queue_poll(queue_.get(), -1));
    if (const auto error = rd_kafka_event_error(event.get()); error != 0) {
      return client_.Failure(error, what, rd_kafka_event_error_string(event.get()));
    }
    return event;
  }

 private:
  const KafkaClient& client_;
  const KafkaQueue queue_;
  const KafkaAdminOptions options_;
};

// The settings of a topic or a broker.
absl::StatusOr<std::map<std::string, std::string>> DescribeResource(const KafkaClient& client,
                                                                    Span patience,
                                                                    rd_kafka_ResourceType_t type,
                                                                    const std::string& name,
                                                                    bool own) {
  KafkaConfigResource resource(rd_kafka_ConfigResource_new(type, name.c_str()));
  const std::string what = absl::StrCat("reading the settings of ", name);
  AdminCall call(client, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, patience);
  TW_ASSIGN_OR_RETURN(const KafkaEvent event, call.Run(what, [&](const auto* options, auto* queue) {
    rd_kafka_ConfigResource_t* one = resource.get();
    rd_kafka_DescribeConfigs(client.get(), &one, 1, options, queue);
  }));
  size_t count = 0;
  const auto* const results = rd_kafka_DescribeConfigs_result_resources(
      rd_kafka_event_DescribeConfigs_result(event.get()), &count);
  if (count != 1) return absl::UnavailableError(what + ": no answer");
  if (const auto error = rd_kafka_ConfigResource_error(results[0]); error != 0) {
    return client.Failure(error, what);
  }
  size_t entries = 0;
  const auto* const list = rd_kafka_ConfigResource_configs(results[0], &entries);
  std::map<std::string, std::string> settings;
  for (size_t i = 0; i < entries; ++i) {
    if (own &&
        rd_kafka_ConfigEntry_source(list[i]) != RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG) {
      continue;
    }
    const char* const value = rd_kafka_ConfigEntry_value(list[i]);
    settings[rd_kafka_ConfigEntry_name(list[i])] = value == nullptr ? "" : value;
  }
  return settings;
}

}  // namespace

absl::StatusOr<std::shared_ptr<KafkaControl>> KafkaControl::Make(const KafkaConnection& connection,
                                                                 Span patience) {
  TW_ASSIGN_OR_RETURN(
      std::shared_ptr<KafkaClient> client,
      KafkaClient::Make(connection, {.kind = KafkaClient::Kind::kConsumer,
                                     // A question to a broker that hangs fails soon.
                                     .defaults = {{"socket.timeout.ms", "10000"},
                                                  {"socket.nagle.disable", "true"}},
                                     .fixed = {{"isolation.level", "read_committed"},
                                               {"allow.auto.create.topics", "false"}}}));
  return std::shared_ptr<KafkaControl>(new KafkaControl(std::move(client), patience));
}

absl::StatusOr<std::string> KafkaControl::ClusterId() const {
  const rd_kafka_metadata_t* raw = nullptr;
  const auto error =
      rd_kafka_metadata(client_->get(), 0, nullptr, &raw, KafkaMilliseconds(patience_));
  if (error != 0) {
    return client_->Failure(
        error, absl::StrCat("Kafka does not answer at ", client_->connection().brokers));
  }
  const KafkaMetadata metadata(raw);
  char* const id = rd_kafka_clusterid(client_->get(), KafkaMilliseconds(patience_));
  if (id == nullptr) {
    return absl::UnavailableError(
        absl::StrCat("the brokers at ", client_->connection().brokers, " tell no cluster id"));
  }
  std::string copy = id;
  rd_kafka_mem_free(client_->get(), id);
  return copy;
}

absl::StatusOr<KafkaControl::Layout> KafkaControl::TopicLayout(std::string_view topic) const {
  client_->Drain();
  const std::string name(topic);
  const std::string what = absl::StrCat("asking for topic ", name);
  const KafkaTopic handle(rd_kafka_topic_new(client_->get(), name.c_str(), nullptr));
  if (!handle) return client_->Failure(rd_kafka_last_error(), what);
  const rd_kafka_metadata_t* raw = nullptr;
  const auto error =
      rd_kafka_metadata(client_->get(), 0, handle.get(), &raw, KafkaMilliseconds(patience_));
  if (error != 0) return client_->Failure(error, what);
  const KafkaMetadata metadata(raw);
  for (int i = 0; i < metadata->topic_cnt; ++i) {
    const rd_kafka_metadata_topic_t& one = metadata->topics[i];
    if (name != one.topic) continue;
    // A name that cannot be is a topic that is not there.
    if (one.err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
        one.err == RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION) {
      break;
    }
    if (one.err != 0 && one.err != RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE) {
      return client_->Failure(one.err, what);
    }
    Layout layout{.partitions = one.partition_cnt, .replication = 0, .led = one.err == 0};
    for (int p = 0; p < one.partition_cnt; ++p) {
      layout.replication = std::max(layout.replication, one.partitions[p].replica_cnt);
      layout.led = layout.led && one.partitions[p].err == 0 && one.partitions[p].leader >= 0;
    }
    return layout;
  }
  return absl::NotFoundError(absl::StrCat("no topic \"", name, "\""));
}

bool KafkaControl::IsThere(std::string_view topic, Partition partition) const {
  const absl::StatusOr<Layout> layout = TopicLayout(topic);
  return layout.ok() && partition.value() < layout->partitions;
}

// rd_kafka_query_watermark_offsets would do it in one call, but heeds no time-out while a broker
// that is away is tried again and again. Asking for the offsets of times does, and the beginning
// and the end are such times.
absl::StatusOr<Offset> KafkaControl::Bound(std::string_view topic, Partition partition,
                                           int64_t which) const {
  const std::string name(topic);
  const auto until = Clock::now() + std::chrono::microseconds(patience_.value());
  for (;;) {
    client_->Drain();
    const KafkaPartitionList list(rd_kafka_topic_partition_list_new(1));
    rd_kafka_topic_partition_t* const place =
        rd_kafka_topic_partition_list_add(list.get(), name.c_str(), partition.value());
    place->offset = which;
    const auto left =
        std::chrono::duration_cast<std::chrono::microseconds>(until - Clock::now()).count();
    int error =
        rd_kafka_offsets_for_times(client_->get(), list.get(), KafkaMilliseconds(Span(left)));
    if (error == 0) error = place->err;
    if (error == 0 && place->offset >= 0) return Offset(place->offset);
    if (error == 0) error = RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE;
    const std::string what = "asking for the bounds of " + KafkaPlace(topic, partition);
    const absl::Status failure = client_->Failure(error, what);
    // A leader that has moved is found in a moment; and what the library has not heard of is there
    // all the same if the cluster says so.
    const bool comes =
        absl::IsUnavailable(failure) || (absl::IsNotFound(failure) && IsThere(topic, partition));
    if (!comes) return failure;
    if (Clock::now() >= until) return absl::UnavailableError(failure.message());
    rd_kafka_poll(client_->get(), 50);
  }
}

absl::StatusOr<LogBounds> KafkaControl::Bounds(std::string_view topic, Partition partition) const {
  TW_ASSIGN_OR_RETURN(const Offset begin, Bound(topic, partition, RD_KAFKA_OFFSET_BEGINNING));
  TW_ASSIGN_OR_RETURN(const Offset end, Bound(topic, partition, RD_KAFKA_OFFSET_END));
  return LogBounds{.begin = begin, .end = end};
}

absl::StatusOr<std::map<std::string, std::string>> KafkaControl::Settings(std::string_view topic,
                                                                          bool own) const {
  return DescribeResource(*client_, patience_, RD_KAFKA_RESOURCE_TOPIC, std::string(topic), own);
}

absl::StatusOr<KafkaTopicState> KafkaControl::State(std::string_view topic) const {
  TW_ASSIGN_OR_RETURN(const Layout layout, TopicLayout(topic));
  TW_ASSIGN_OR_RETURN(auto settings, Settings(topic));
  return KafkaTopicState{.name = std::string(topic),
                         .partitions = layout.partitions,
                         .replication = layout.replication,
                         .settings = std::move(settings)};
}

absl::StatusOr<int32_t> KafkaControl::DefaultReplication() const {
  const rd_kafka_metadata_t* raw = nullptr;
  const auto error =
      rd_kafka_metadata(client_->get(), 0, nullptr, &raw, KafkaMilliseconds(patience_));
  if (error != 0) return client_->Failure(error, "asking for the brokers");
  const KafkaMetadata metadata(raw);
  if (metadata->broker_cnt == 0) return absl::UnavailableError("no broker is known");
  TW_ASSIGN_OR_RETURN(auto settings,
                      DescribeResource(*client_, patience_, RD_KAFKA_RESOURCE_BROKER,
                                       absl::StrCat(metadata->brokers[0].id), false));
  int32_t replication = 1;
  return absl::SimpleAtoi(settings["default.replication.factor"], &replication) ? replication : 1;
}

absl::Status KafkaControl::Create(const TopicSpec& spec, int replication_factor) const {
  int32_t copies = replication_factor;
  if (copies < 0) {
    TW_ASSIGN_OR_RETURN(copies, DefaultReplication());
  }
  const std::string what = absl::StrCat("creating topic ", spec.name);
  std::array<char, 512> error{};
  const KafkaNewTopic topic(rd_kafka_NewTopic_new(spec.name.c_str(), spec.partitions, copies,
                                                  error.data(), error.size()));
  if (!topic) return absl::InvalidArgumentError(absl::StrCat(what, ": ", error.data()));
  for (const auto& [name, value] : KafkaTopicSettings(spec, copies)) {
    rd_kafka_NewTopic_set_config(topic.get(), name.c_str(), value.c_str());
  }
  AdminCall call(*client_, RD_KAFKA_ADMIN_OP_CREATETOPICS, patience_);
  TW_ASSIGN_OR_RETURN(const KafkaEvent event, call.Run(what, [&](const auto* options, auto* queue) {
    rd_kafka_NewTopic_t* one = topic.get();
    rd_kafka_CreateTopics(client_->get(), &one, 1, options, queue);
  }));
  size_t count = 0;
  const auto* const results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count);
  for (size_t i = 0; i < count; ++i) {
    if (const auto code = rd_kafka_topic_result_error(results[i]); code != 0) {
      const char* const text = rd_kafka_topic_result_error_string(results[i]);
      return client_->Failure(code, what, text == nullptr ? "" : text);
    }
  }
  return WaitUntilLed(spec.name);
}

absl::Status KafkaControl::WaitUntilLed(std::string_view topic) const {
  const auto until = Clock::now() + std::chrono::microseconds(patience_.value());
  for (;;) {
    const auto layout = TopicLayout(topic);
    if (layout.ok() && layout->led) return absl::OkStatus();
    if (Clock::now() >= until) {
      return absl::UnavailableError(
          absl::StrCat("topic ", Absl(topic), " is created, but has no leader yet"));
    }
    // Waits; there is nothing else to be had from it.
    rd_kafka_poll(client_->get(), 20);
  }
}

absl::Status KafkaControl::Alter(std::string_view topic,
                                 const std::map<std::string, std::string>& settings) const {
  // The request says all settings that a topic has of its own; what it leaves out goes back to the
  // default.
  TW_ASSIGN_OR_RETURN(auto all, Settings(topic, /*own=*/true));
  for (const auto& [name, value] : settings) all[name] = value;
  const std::string what = absl::StrCat("altering topic ", Absl(topic));
  const KafkaConfigResource resource(
      rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, std::string(topic).c_str()));
  for (const auto& [name, value] : all) {
    rd_kafka_ConfigResource_set_config(resource.get(), name.c_str(), value.c_str());
  }
  AdminCall call(*client_, RD_KAFKA_ADMIN_OP_ALTERCONFIGS, patience_);
  TW_ASSIGN_OR_RETURN(const KafkaEvent event, call.Run(what, [&](const auto* options, auto* queue) {
    rd_kafka_ConfigResource_t* one = resource.get();
    rd_kafka_AlterConfigs(client_->get(), &one, 1, options, queue);
  }));
  size_t count = 0;
  const auto* const results = rd_kafka_AlterConfigs_result_resources(
      rd_kafka_event_AlterConfigs_result(event.get()), &count);
  for (size_t i = 0; i < count; ++i) {
    if (const auto code = rd_kafka_ConfigResource_error(results[i]); code != 0) {
      const char* const text = rd_kafka_ConfigResource_error_string(results[i]);
      return client_->Failure(code, what, text == nullptr ? "" : text);
    }
  }
  return absl::OkStatus();
}

}  // namespace tallywire
