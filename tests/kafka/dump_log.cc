// SPDX-License-Identifier: Apache-2.0
// Prints every record that a topic holds, a line each, for tests that look at what went out from
// outside; of an embedded log or one in Kafka, so that the two can be compared. Columns, by tabs:
// partition, offset, key in hexadecimal, mark, hash of the value, hash of what it says once offsets
// and the log's stamps are left out.
//
//   dump_log FOLDER|kafka:HOST:PORT,… stock.events           mark: event id
//   dump_log …                        stock.availability     version
//   dump_log …                        stock.listing-updates  rules_version:stock_version
//   dump_log …                        stock.alerts           partition:offset:kind:ordinal
//   dump_log …                        stock.events-dlt       partition/offset of what was refused
//   dump_log …                        stock.progress         emitted_through:linked_through
//
// With a third argument, a key in hexadecimal: only its records, and the message as text instead of
// the last hash.

#include <functional>
#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "ledger/dead_letters.h"
#include "ledger/embedded_log.h"
#include "ledger/kafka/kafka_log.h"
#include "ledger/status.h"
#include "ledger/topics.h"
#include "tallywire/v1/alert.pb.h"
#include "tallywire/v1/availability.pb.h"
#include "tallywire/v1/event.pb.h"
#include "tallywire/v1/listing.pb.h"
#include "tallywire/v1/progress.pb.h"

namespace tallywire {
namespace {

constexpr std::string_view kKafka = "kafka:";

// What a line says of a record.
struct Told {
  std::string mark;
  std::shared_ptr<google::protobuf::Message> message;  // without what depends on offsets
};

template <class Message>
std::shared_ptr<Message> Parse(std::string_view value) {
  auto message = std::make_shared<Message>();
  if (!message->ParseFromArray(value.data(), static_cast<int>(value.size()))) message->Clear();
  return message;
}

std::string HeaderOf(const Record& record, std::string_view name) {
  for (const Header& header : record.headers) {
    if (header.name == name) return header.value;
  }
  return "";
}

Told TellAvailability(std::string_view value) {
  const auto row = Parse<v1::Availability>(value);
  Told told{absl::StrCat(row->version()), row};
  row->clear_version();
  row->clear_partition();
  row->clear_log_time();
  return told;
}

Told TellUpdate(std::string_view value) {
  const auto update = Parse<v1::ListingUpdate>(value);
  Told told{absl::StrCat(update->rules_version(), ":", update->stock_version()), update};
  update->clear_rules_version();
  update->clear_stock_version();
  update->clear_log_time();
  // Goes out with a number that changes, not by itself.
  update->clear_trace();
  return told;
}

Told TellAlert(std::string_view value) {
  const auto alert = Parse<v1::Alert>(value);
  Told told{absl::StrCat(alert->id().partition(), ":", alert->id().offset(), ":",
                         alert->id().kind(), ":", alert->id().ordinal()),
            alert};
  const v1::AlertKind kind = alert->id().kind();
  alert->mutable_id()->Clear();
  alert->mutable_id()->set_kind(kind);
  alert->clear_log_time();
  // Until the log's stamp.
  if (alert->has_lateness()) alert->clear_text();
  alert->clear_lateness();
  return told;
}

Told Tell(std::string_view topic, const Record& record) {
  if (topic == kStockAvailability) return TellAvailability(record.value);
  if (topic == kListingUpdates) return TellUpdate(record.value);
  if (topic == kStockAlerts) return TellAlert(record.value);
  if (topic == kStockProgress) {
    const auto progress = Parse<v1::Progress>(record.value);
    return {absl::StrCat(progress->emitted_through(), ":", progress->linked_through()), progress};
  }
  const auto event = Parse<v1::StockEvent>(record.value);
  if (topic == kStockDeadLetters) {
    return {absl::StrCat(HeaderOf(record, kDltOriginalPartition), "/",
                         HeaderOf(record, kDltOriginalOffset)),
            event};
  }
  return {event->event_id(), event};
}

absl::StatusOr<std::unique_ptr<Log>> Open(const std::string& place) {
  if (place.rfind(kKafka, 0) == 0) {
    KafkaLog::Options options;
    options.connection.brokers = place.substr(kKafka.size());
    return KafkaLog::Open(std::move(options));
  }
  return EmbeddedLog::Open({.folder = place, .clock = {}, .compact_after = 0});
}

void Print(std::string_view topic, const Record& record, const std::string& wanted) {
  const std::string key = absl::BytesToHexString(std::string(record.key));
  if (!wanted.empty() && key != wanted) return;
  const Told told = Tell(topic, record);
  const std::hash<std::string_view> hash;
  std::cout << record.partition.value() << '\t' << record.offset.value() << '\t' << key << '\t'
            << told.mark << '\t' << hash(record.value) << '\t';
  if (wanted.empty()) {
    std::cout << hash(told.message->SerializeAsString()) << '\n';
  } else {
    std::cout << told.message->ShortDebugString() << '\n';
  }
}

absl::Status Dump(const std::string& place, const std::string& topic, const std::string& wanted) {
  TW_ASSIGN_OR_RETURN(const auto log, Open(place));
  TW_ASSIGN_OR_RETURN(const TopicSpec spec, log->Describe(topic));
  for (int32_t p = 0; p < spec.partitions; ++p) {
    TW_ASSIGN_OR_RETURN(const LogBounds bounds, log->Bounds(topic, Partition(p)));
    TW_ASSIGN_OR_RETURN(const auto reader, log->OpenReader(topic, Partition(p), bounds.begin));
    RecordBatch batch;
    while (reader->Position() < bounds.end) {
      TW_RETURN_IF_ERROR(reader->Poll(10'000, Seconds(1), batch));
      for (const Record& record : batch.records) Print(topic, record, wanted);
    }
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace tallywire

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4) {
    std::cerr << "usage: dump_log FOLDER|kafka:HOST:PORT,… TOPIC [KEY]\n";
    return 2;
  }
  const absl::Status status = tallywire::Dump(argv[1], argv[2], argc == 4 ? argv[3] : "");
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}
