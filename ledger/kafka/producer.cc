// SPDX-License-Identifier: Apache-2.0
#include "ledger/kafka/producer.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "ledger/status.h"

namespace tallywire {
namespace {

// Records handed over in one go.
constexpr size_t kChunk = 512;
constexpr std::chrono::milliseconds kLongestWaitForRoom(100);
// What the library counts beside key, value and headers.
constexpr size_t kRecordOverhead = 512;

KafkaClient::Setup ProducerSetup(Span append_timeout) {
  return {.kind = KafkaClient::Kind::kProducer,
          .defaults = {{"linger.ms", "0"},
                       {"compression.type", "lz4"},
                       {"socket.nagle.disable", "true"},
                       {"message.max.bytes", "8388608"},
                       {"queue.buffering.max.messages", "500000"},
                       {"queue.buffering.max.kbytes", "262144"},
                       {"message.timeout.ms", absl::StrCat(KafkaMilliseconds(append_timeout))}},
          .fixed = {{"enable.idempotence", "true"}, {"acks", "all"}}};
}

size_t Bytes(const NewRecord& record) {
  size_t bytes = record.key.size() + record.value.size();
  for (const Header& header : record.headers) bytes += header.name.size() + header.value.size();
  return bytes;
}

// Null would be another thing than nothing.
void* NotNull(std::string_view bytes) {
  static char nothing = 0;
  return bytes.data() == nullptr ? &nothing : const_cast<char*>(bytes.data());
}

}  // namespace

// Lives in the frame of Append until nothing is left of it.
struct KafkaProducer::Call {
  std::mutex mu;
  std::condition_variable done;
  size_t left = 0;

  void Done(size_t count) {
    const std::lock_guard lock(mu);
    left -= count;
    if (left == 0) done.notify_all();
  }
};

struct KafkaProducer::Delivery {
  Call* call = nullptr;
  int64_t offset = -1;
  int64_t stamp_ms = -1;
  int error = 0;
};

// The records of an append for one partition, by their number.
struct KafkaProducer::Group {
  rd_kafka_topic_s* topic = nullptr;
  Partition partition;
  std::vector<uint32_t> records;
};

absl::Status KafkaProducer::Check(const KafkaConnection& connection, Span append_timeout) {
  return KafkaClient::Check(connection, ProducerSetup(append_timeout));
}

absl::StatusOr<std::shared_ptr<KafkaProducer>> KafkaProducer::Make(
    const KafkaConnection& connection, Span append_timeout) {
  KafkaClient::Setup setup = ProducerSetup(append_timeout);
  setup.prepare = [](rd_kafka_conf_s* conf) {
    rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR);
  };
  std::shared_ptr<KafkaProducer> producer(new KafkaProducer);
  TW_ASSIGN_OR_RETURN(producer->client_, KafkaClient::Make(connection, setup));
  producer->queue_.reset(rd_kafka_queue_get_main(producer->client_->get()));
  if (!absl::SimpleAtoi(producer->client_->Property("message.max.bytes"),
                        &producer->max_record_bytes_)) {
    return absl::InternalError("message.max.bytes is no number");
  }
  producer->server_ = std::thread([p = producer.get()] { p->Serve(); });
  return producer;
}

KafkaProducer::~KafkaProducer() {
  stop_ = true;
  if (server_.joinable()) {
    rd_kafka_queue_yield(queue_.get());
    server_.join();
  }
}

rd_kafka_topic_s* KafkaProducer::Topic(std::string_view name) {
  auto it = topics_.find(name);
  if (it == topics_.end()) {
    std::string copy(name);
    KafkaTopic topic(rd_kafka_topic_new(client_->get(), copy.c_str(), nullptr));
    it = topics_.emplace(std::move(copy), std::move(topic)).first;
  }
  return it->second.get();
}

std::vector<KafkaProducer::Group> KafkaProducer::Groups(std::span<const NewRecord> records) {
  struct Known {
    std::string_view name;
    std::vector<int> group_of;  // by partition; -1: none
  };
  std::vector<Group> groups;
  std::vector<Known> known;
  size_t current = 0;
  for (size_t i = 0; i < records.size(); ++i) {
    const NewRecord& record = records[i];
    if (current >= known.size() || known[current].name != record.topic) {
      current = static_cast<size_t>(
          std::find_if(known.begin(), known.end(),
                       [&](const Known& one) { return one.name == record.topic; }) -
          known.begin());
      if (current == known.size()) known.push_back({record.topic, {}});
    }
    auto& group_of = known[current].group_of;
    const auto p = static_cast<size_t>(record.partition.value());
    if (p >= group_of.size()) group_of.resize(p + 1, -1);
    if (group_of[p] < 0) {
      group_of[p] = static_cast<int>(groups.size());
      groups.push_back({Topic(record.topic), record.partition, {}});
    }
    groups[static_cast<size_t>(group_of[p])].records.push_back(static_cast<uint32_t>(i));
  }
  return groups;
}

void KafkaProducer::WaitForRoom() {
  std::unique_lock lock(room_mu_);
  const uint64_t before = deliveries_;
  room_.wait_for(lock, kLongestWaitForRoom, [&] { return deliveries_ != before; });
}

int KafkaProducer::EnqueueOne(const Group& group, const NewRecord& record, Delivery& delivery) {
  for (;;) {
    KafkaHeaders headers(rd_kafka_headers_new(record.headers.size()));
    for (const Header& header : record.headers) {
      rd_kafka_header_add(headers.get(), header.name.data(), std::ssize(header.name),
                          header.value.data(), std::ssize(header.value));
    }
    std::array<rd_kafka_vu_t, 7> parts{};
    parts[0].vtype = RD_KAFKA_VTYPE_RKT;
    parts[0].u.rkt = group.topic;
    parts[1].vtype = RD_KAFKA_VTYPE_PARTITION;
    parts[1].u.i32 = group.partition.value();
    parts[2].vtype = RD_KAFKA_VTYPE_KEY;
    parts[2].u.mem = {NotNull(record.key), record.key.size()};
    parts[3].vtype = RD_KAFKA_VTYPE_VALUE;
    parts[3].u.mem = {NotNull(record.value), record.value.size()};
    parts[4].vtype = RD_KAFKA_VTYPE_OPAQUE;
    parts[4].u.ptr = &delivery;
    parts[5].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
    parts[5].u.i = RD_KAFKA_MSG_F_COPY;
    parts[6].vtype = RD_KAFKA_VTYPE_HEADERS;
    parts[6].u.headers = headers.get();
    const KafkaError error(rd_kafka_produceva(client_->get(), parts.data(), parts.size()));
    if (!error) {
      // They are the record's now.
      static_cast<void>(headers.release());
      return 0;
    }
    const int code = rd_kafka_error_code(error.get());
    if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL) return code;
    WaitForRoom();
  }
}

int KafkaProducer::EnqueuePlain(const Group& group, size_t begin, size_t end,
                                std::span<const NewRecord> records, std::span<Delivery> deliveries,
                                size_t& taken) {
  std::array<rd_kafka_message_t, kChunk> chunk;
  while (begin < end) {
    const size_t count = std::min(end - begin, chunk.size());
    for (size_t i = 0; i < count; ++i) {
      const size_t n = group.records[begin + i];
      rd_kafka_message_t& message = chunk[i];
      message = {};
      message.payload = NotNull(records[n].value);
      message.len = records[n].value.size();
      message.key = NotNull(records[n].key);
      message.key_len = records[n].key.size();
      message._private = &deliveries[n];
    }
    const int good =
        rd_kafka_produce_batch(group.topic, group.partition.value(), RD_KAFKA_MSG_F_COPY,
                               chunk.data(), static_cast<int>(count));
    // Once the queue is full the rest of the chunk is refused too: what was taken is its beginning.
    begin += static_cast<size_t>(good);
    taken += static_cast<size_t>(good);
    if (static_cast<size_t>(good) == count) continue;
    const int code = chunk[static_cast<size_t>(good)].err;
    if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL) return code;
    WaitForRoom();
  }
  return 0;
}

int KafkaProducer::Enqueue(const Group& group, std::span<const NewRecord> records,
                           std::span<Delivery> deliveries, size_t& taken) {
  size_t begin = 0;
  while (begin < group.records.size()) {
    size_t end = begin;
    while (end < group.records.size() && records[group.records[end]].headers.empty()) ++end;
    if (end > begin) {
      if (const int error = EnqueuePlain(group, begin, end, records, deliveries, taken)) {
        return error;
      }
      begin = end;
      continue;
    }
    const size_t n = group.records[begin++];
    if (const int error = EnqueueOne(group, records[n], deliveries[n])) return error;
    ++taken;
  }
  return 0;
}

absl::StatusOr<std::vector<Appended>> KafkaProducer::Append(std::span<const NewRecord> records) {
  for (const NewRecord& record : records) {
    const size_t bytes = Bytes(record) + kRecordOverhead;
    if (bytes <= max_record_bytes_) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "a record of ", bytes - kRecordOverhead, " bytes for ",
        KafkaPlace(record.topic, record.partition), ": the limit (message.max.bytes less ",
        kRecordOverhead, ") is ", max_record_bytes_ - kRecordOverhead));
  }
  Call call;
  call.left = records.size();
  std::vector<Delivery> deliveries(records.size(), Delivery{.call = &call});
  size_t taken = 0;
  int refused = 0;
  {
    const std::lock_guard lock(append_mu_);
    for (const Group& group : Groups(records)) {
      refused = Enqueue(group, records, deliveries, taken);
      if (refused != 0) break;
    }
  }
  call.Done(records.size() - taken);
  {
    std::unique_lock lock(call.mu);
    call.done.wait(lock, [&] { return call.left == 0; });
  }
  if (refused != 0) {
    broken_ = true;
    return client_->Failure(refused, "appending");
  }
  std::vector<Appended> appended;
  appended.reserve(records.size());
  for (size_t i = 0; i < records.size(); ++i) {
    const Delivery& delivery = deliveries[i];
    if (delivery.error == 0 && delivery.offset >= 0) {
      appended.push_back({Offset(delivery.offset), Time(0) + Milliseconds(delivery.stamp_ms)});
      continue;
    }
    const std::string place = KafkaPlace(records[i].topic, records[i].partition);
    broken_ = true;
    if (delivery.error == 0) {
      return absl::UnavailableError(
          absl::StrCat("a record was acknowledged by ", place, ", but not where it lies"));
    }
    absl::Status status = client_->Failure(
        delivery.error,
        absl::StrCat("appending a record of ", Bytes(records[i]), " bytes to ", place));
    if (delivery.error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) {
      status.SetPayload(kKafkaTooLarge, absl::Cord(std::string(records[i].topic)));
    }
    return status;
  }
  return appended;
}

void KafkaProducer::Serve() {
  while (!stop_) {
    const KafkaEvent event(rd_kafka_queue_poll(queue_.get(), 1000));
    if (!event) continue;
    if (rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_DR) {
      Deliver(event.get());
    } else if (rd_kafka_event_error(event.get()) == RD_KAFKA_RESP_ERR__FATAL) {
      broken_ = true;
    }
  }
}

void KafkaProducer::Deliver(rd_kafka_op_s* event) {
  Call* call = nullptr;
  size_t done = 0;
  uint64_t count = 0;
  while (const rd_kafka_message_t* message = rd_kafka_event_message_next(event)) {
    auto* const delivery = static_cast<Delivery*>(message->_private);
    // Before it is counted: the append may end at once then.
    delivery->error = message->err;
    delivery->offset = message->offset;
    delivery->stamp_ms = rd_kafka_message_timestamp(message, nullptr);
    if (message->err != 0) broken_ = true;
    if (delivery->call != call) {
      if (call != nullptr) call->Done(done);
      call = delivery->call;
      done = 0;
    }
    ++done;
    ++count;
  }
  if (call != nullptr) call->Done(done);
  const std::lock_guard lock(room_mu_);
  deliveries_ += count;
  room_.notify_all();
}

}  // namespace tallywire
