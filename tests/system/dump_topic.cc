// SPDX-License-Identifier: Apache-2.0
// Prints every record that a topic of an embedded log holds, a line each, for tests that look at
// what went out from outside: partition, offset, key in hexadecimal, what makes two records
// comparable, and a hash of the value.
//
//   dump_topic LOG_FOLDER stock.events          … event id
//   dump_topic LOG_FOLDER stock.availability    … version
//   dump_topic LOG_FOLDER stock.listing-updates … rules_version:stock_version
//   dump_topic LOG_FOLDER stock.alerts          … partition:offset:kind:ordinal

#include <functional>
#include <iostream>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "ledger/embedded_log.h"
#include "ledger/status.h"
#include "ledger/topics.h"
#include "tallywire/v1/alert.pb.h"
#include "tallywire/v1/availability.pb.h"
#include "tallywire/v1/event.pb.h"
#include "tallywire/v1/listing.pb.h"

namespace tallywire {
namespace {

template <class Message>
Message Parse(std::string_view value) {
  Message message;
  if (!message.ParseFromArray(value.data(), static_cast<int>(value.size()))) message.Clear();
  return message;
}

std::string Mark(std::string_view topic, std::string_view value) {
  if (topic == kStockEvents) return Parse<v1::StockEvent>(value).event_id();
  if (topic == kStockAvailability) return absl::StrCat(Parse<v1::Availability>(value).version());
  if (topic == kListingUpdates) {
    const auto update = Parse<v1::ListingUpdate>(value);
    return absl::StrCat(update.rules_version(), ":", update.stock_version());
  }
  if (topic == kStockAlerts) {
    const auto alert = Parse<v1::Alert>(value);
    return absl::StrCat(alert.id().partition(), ":", alert.id().offset(), ":", alert.id().kind(),
                        ":", alert.id().ordinal());
  }
  return "";
}

absl::Status Dump(const std::string& folder, const std::string& topic) {
  TW_ASSIGN_OR_RETURN(const auto log,
                      EmbeddedLog::Open({.folder = folder, .clock = {}, .compact_after = 0}));
  TW_ASSIGN_OR_RETURN(const TopicSpec spec, log->Describe(topic));
  RecordBatch batch;
  for (int32_t p = 0; p < spec.partitions; ++p) {
    TW_ASSIGN_OR_RETURN(const LogBounds bounds, log->Bounds(topic, Partition(p)));
    TW_ASSIGN_OR_RETURN(const auto reader, log->OpenReader(topic, Partition(p), bounds.begin));
    while (reader->Position() < bounds.end) {
      TW_RETURN_IF_ERROR(reader->Poll(10'000, Span(0), batch));
      if (batch.records.empty()) break;
      for (const Record& record : batch.records) {
        const std::string key(record.key);
        std::cout << p << '\t' << record.offset.value() << '\t' << absl::BytesToHexString(key)
                  << '\t' << Mark(topic, record.value) << '\t'
                  << std::hash<std::string_view>()(record.value) << '\n';
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace tallywire

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: dump_topic LOG_FOLDER TOPIC\n";
    return 2;
  }
  const absl::Status status = tallywire::Dump(argv[1], argv[2]);
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}
