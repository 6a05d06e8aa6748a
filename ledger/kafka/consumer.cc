// SPDX-License-Identifier: Apache-2.0
#include <librdkafka/rdkafka.h>

#include "ledger/kafka/reader.h"
#include "ledger/status.h"

namespace tallywire {
namespace {

KafkaClient::Setup ConsumerSetup() {
  return {.kind = KafkaClient::Kind::kConsumer,
          .defaults =
              {// How long a partition that is added waits for the fetch that is under way.
               {"fetch.wait.max.ms", "20"},
               {"fetch.error.backoff.ms", "100"},
               {"fetch.queue.backoff.ms", "50"},
               // For each partition. The library looks at a full queue again once a
               // second, so it has to last for one; bytes are the limit that holds.
               {"queued.min.messages", "1000000"},
               {"queued.max.messages.kbytes", "16384"},
               {"check.crcs", "true"},
               {"socket.nagle.disable", "true"}},
          .fixed = {{"enable.auto.commit", "false"},
                    {"enable.auto.offset.store", "false"},
                    {"auto.offset.reset", "error"},
                    {"isolation.level", "read_committed"},
                    {"enable.partition.eof", "true"},
                    {"allow.auto.create.topics", "false"}}};
}

// Tells our memory from that of another implementation.
struct Deleter {
  void operator()(KafkaBatch* batch) const { delete batch; }
};

}  // namespace

absl::Status KafkaConsumer::Check(const KafkaConnection& connection) {
  return KafkaClient::Check(connection, ConsumerSetup());
}

absl::StatusOr<std::shared_ptr<KafkaConsumer>> KafkaConsumer::Make(
    const KafkaConnection& connection) {
  auto consumer = std::make_shared<KafkaConsumer>();
  TW_ASSIGN_OR_RETURN(consumer->client_, KafkaClient::Make(connection, ConsumerSetup()));
  return consumer;
}

bool KafkaConsumer::Take(const std::string& topic, Partition partition) {
  const std::lock_guard lock(mu_);
  return taken_.emplace(topic, partition).second;
}

void KafkaConsumer::Release(const std::string& topic, Partition partition) {
  const std::lock_guard lock(mu_);
  taken_.erase({topic, partition});
}

rd_kafka_topic_s* KafkaConsumer::Topic(const std::string& name) {
  const std::lock_guard lock(mu_);
  auto& topic = topics_[name];
  if (!topic) topic.reset(rd_kafka_topic_new(client_->get(), name.c_str(), nullptr));
  return topic.get();
}

absl::StatusOr<std::shared_ptr<KafkaConsumer>> KafkaConsumers::Take(const std::string& topic,
                                                                    Partition partition) {
  const std::lock_guard lock(mu_);
  for (const auto& consumer : consumers_) {
    if (consumer->Take(topic, partition)) return consumer;
  }
  TW_ASSIGN_OR_RETURN(std::shared_ptr<KafkaConsumer> consumer, KafkaConsumer::Make(connection_));
  consumer->Take(topic, partition);
  consumers_.push_back(consumer);
  return consumer;
}

void KafkaMissing::Add(const std::string& topic, Partition partition, Offset first, int64_t count) {
  const std::lock_guard lock(mu_);
  Hole& hole = holes_[{topic, partition}];
  if (hole.count == 0) hole = {topic, partition, first, 0};
  hole.count += count;
}

std::vector<KafkaMissing::Hole> KafkaMissing::Holes() const {
  const std::lock_guard lock(mu_);
  std::vector<Hole> holes;
  for (const auto& [place, hole] : holes_) holes.push_back(hole);
  return holes;
}

KafkaBatch& KafkaBatch::Of(RecordBatch& batch, const std::shared_ptr<KafkaConsumer>& owner) {
  const bool ours = std::get_deleter<Deleter>(batch.memory) != nullptr;
  if (!ours || batch.memory.use_count() > 1 ||
      static_cast<KafkaBatch*>(batch.memory.get())->owner_ != owner) {
    batch.records.clear();
    batch.memory = std::shared_ptr<KafkaBatch>(new KafkaBatch(owner), Deleter{});
  }
  return *static_cast<KafkaBatch*>(batch.memory.get());
}

KafkaBatch::~KafkaBatch() { Clear(); }

void KafkaBatch::Clear() {
  for (rd_kafka_message_s* message : messages_) rd_kafka_message_destroy(message);
  messages_.clear();
  headers_used_ = 0;
}

void KafkaBatch::Begin(RecordBatch& batch) {
  batch.records.clear();
  Clear();
}

void KafkaBatch::Add(RecordBatch& batch, KafkaMessage owned) {
  rd_kafka_message_t* const message = owned.release();
  messages_.push_back(message);
  Record record{.partition = Partition(message->partition),
                .offset = Offset(message->offset),
                .stamp = Time(0) + Milliseconds(rd_kafka_message_timestamp(message, nullptr)),
                .key = {static_cast<const char*>(message->key), message->key_len},
                .value = {static_cast<const char*>(message->payload), message->len},
                .headers = {}};
  rd_kafka_headers_t* list = nullptr;
  if (rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR) {
    const size_t count = rd_kafka_header_cnt(list);
    if (headers_.size() < headers_used_ + count) headers_.resize(headers_used_ + count);
    for (size_t i = 0; i < count; ++i) {
      const char* name = nullptr;
      const void* value = nullptr;
      size_t size = 0;
      rd_kafka_header_get_all(list, i, &name, &value, &size);
      Header& header = headers_[headers_used_ + i];
      header.name.assign(name);
      header.value.assign(static_cast<const char*>(value), value == nullptr ? 0 : size);
    }
    // Only the count holds until Finish: the vector may still move.
    record.headers = std::span(headers_).subspan(headers_used_, count);
    headers_used_ += count;
  }
  batch.records.push_back(record);
}

void KafkaBatch::Finish(RecordBatch& batch) {
  if (headers_used_ == 0) return;
  const Header* next = headers_.data();
  for (Record& record : batch.records) {
    const size_t count = record.headers.size();
    if (count == 0) continue;
    record.headers = {next, count};
    next += count;
  }
}

}  // namespace tallywire
