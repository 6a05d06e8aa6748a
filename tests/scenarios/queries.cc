// SPDX-License-Identifier: Apache-2.0
#include "tests/scenarios/queries.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "ledger/status.h"
#include "ledger/topics.h"
#include "tallywire/v1/alert.pb.h"
#include "tallywire/v1/api.pb.h"
#include "tallywire/v1/event.pb.h"
#include "tallywire/v1/listing.pb.h"
#include "tests/scenarios/print.h"

namespace tallywire::scenarios {
namespace {

bool TakeFlag(std::vector<std::string>& words, const std::string& flag) {
  const auto found = std::find(words.begin(), words.end(), flag);
  if (found == words.end()) return false;
  words.erase(found);
  return true;
}

std::string SortedLines(std::vector<std::string> lines) {
  std::sort(lines.begin(), lines.end());
  std::string out;
  for (const std::string& line : lines) absl::StrAppend(&out, line, "\n");
  return out;
}

// Nothing found is said, so that an empty expectation is never an accident.
std::string OrNone(std::string lines, const char* what) {
  return lines.empty() ? absl::StrCat("no ", what, "\n") : lines;
}

}  // namespace

absl::StatusOr<std::string> Stock(World& world, const std::vector<std::string>& args) {
  std::vector<std::string> words = args;
  RowPrinting printing;
  printing.full = TakeFlag(words, "--full");
  if (TakeFlag(words, "--versions")) {
    printing.record_name = [&world](int32_t partition, int64_t offset) {
      return RecordName(world, partition, offset);
    };
  }
  if (words.empty()) return absl::InvalidArgumentError("stock: which SKU?");
  v1::GetStockResponse response;
  const absl::Status status =
      world.projector().GetStock(words[0], words.size() > 1 ? words[1] : "", &response);
  if (absl::IsNotFound(status)) return words[0] + ": NOT_FOUND\n";
  TW_RETURN_IF_ERROR(status);
  std::string out;
  for (const v1::Availability& row : response.rows()) {
    absl::StrAppend(&out, Print(row, printing), "\n");
  }
  return OrNone(out, "rows");
}

absl::StatusOr<std::string> Journal(World& world, const std::vector<std::string>& words) {
  if (words.empty()) return absl::InvalidArgumentError("journal: which SKU?");
  v1::ExplainResponse response;
  const absl::Status status =
      world.projector().Explain(words[0], words.size() > 1 ? words[1] : "", false, &response);
  if (absl::IsNotFound(status)) return words[0] + ": NOT_FOUND\n";
  TW_RETURN_IF_ERROR(status);
  std::string out;
  for (const v1::JournalEntry& entry : response.entries()) {
    absl::StrAppend(&out, Print(entry), "\n");
  }
  return OrNone(out, "entries");
}

absl::StatusOr<std::string> Alerts(World& world, const std::vector<std::string>& words) {
  TW_ASSIGN_OR_RETURN(const auto records, world.ReadAll(kStockAlerts));
  std::map<std::tuple<int, int64_t, int, int>, std::string> found;
  for (const OwnedRecord& record : records) {
    v1::Alert alert;
    if (!alert.ParseFromString(record.value)) return absl::DataLossError("an alert: no message");
    const std::string text = Print(alert);
    if (!words.empty() && !text.starts_with(words[0])) continue;
    const v1::AlertId& id = alert.id();
    found[{id.partition(), id.offset(), id.kind(), id.ordinal()}] = text;
  }
  std::vector<std::string> lines;
  for (const auto& [id, text] : found) lines.push_back(text);
  return OrNone(SortedLines(std::move(lines)), "alerts");
}

absl::StatusOr<std::string> DeadLetters(World& world) {
  TW_ASSIGN_OR_RETURN(const auto records, world.ReadAll(kStockDeadLetters));
  std::map<std::pair<int64_t, int64_t>, std::string> found;
  for (const OwnedRecord& record : records) {
    v1::StockEvent event;
    const bool readable = !record.value.empty() && event.ParseFromString(record.value);
    found[{HeaderNumber(record, "kafka_dlt-original-partition"),
           HeaderNumber(record, "kafka_dlt-original-offset")}] =
        absl::StrCat(std::string(HeaderValue(record, "stock-error-code")), " ",
                     absl::CEscape(record.key), " ",
                     readable ? EventName(event.source(), event.event_id()) : "-");
  }
  std::vector<std::string> lines;
  for (const auto& [origin, text] : found) lines.push_back(text);
  return OrNone(SortedLines(std::move(lines)), "dead letters");
}

absl::StatusOr<std::string> Updates(World& world, const std::vector<std::string>& args) {
  std::vector<std::string> words = args;
  const bool trace = TakeFlag(words, "--trace");
  const bool versions = TakeFlag(words, "--versions");
  TW_ASSIGN_OR_RETURN(const auto records, world.ReadAll(kListingUpdates));
  std::map<std::string, std::string> last;
  for (const OwnedRecord& record : records) {
    v1::ListingUpdate update;
    if (!update.ParseFromString(record.value)) return absl::DataLossError("an update: no message");
    std::string text = Print(update, trace);
    if (versions) {
      // A SKU's partition is that of its key.
      TW_ASSIGN_OR_RETURN(const TopicSpec spec, world.log().Describe(kStockEvents));
      const Partition home = PartitionOf(update.sku(), spec.partitions);
      absl::StrAppend(&text, " rules=", update.rules_version(),
                      " stock=", RecordName(world, home.value(), update.stock_version()));
    }
    last[record.key] = text;
  }
  std::vector<std::string> lines;
  for (const auto& [key, text] : last) lines.push_back(text);
  return OrNone(SortedLines(std::move(lines)), "updates");
}

absl::StatusOr<std::string> Listings(World& world) {
  v1::ListListingsResponse response;
  TW_RETURN_IF_ERROR(world.publisher().ListListings(&response));
  std::string out;
  for (const v1::Listing& listing : response.listings()) {
    absl::StrAppend(&out, Print(listing), "\n");
  }
  return OrNone(out, "listings");
}

absl::StatusOr<std::string> AllRows(World& world) {
  std::string out;
  Projector::StockQuery query;
  do {
    v1::GetStockResponse response;
    TW_RETURN_IF_ERROR(world.projector().ListStock(query, &response));
    for (const v1::Availability& row : response.rows()) {
      absl::StrAppend(&out, row.sku(), " ", Print(row, {.full = true, .record_name = {}}), "\n");
    }
    query.page_token = response.next_page_token();
  } while (!query.page_token.empty());
  return out;
}

absl::StatusOr<std::vector<std::string>> AllSkus(World& world) {
  std::set<std::string> skus;
  Projector::StockQuery query;
  // Small pages: every scenario turns some.
  query.limit = 2;
  do {
    v1::GetStockResponse response;
    TW_RETURN_IF_ERROR(world.projector().ListStock(query, &response));
    for (const v1::Availability& row : response.rows()) skus.insert(row.sku());
    query.page_token = response.next_page_token();
  } while (!query.page_token.empty());
  return std::vector<std::string>(skus.begin(), skus.end());
}

std::string RecordName(World& world, int32_t partition, int64_t offset) {
  const auto record = world.ReadEvent(Partition(partition), Offset(offset));
  v1::StockEvent event;
  if (!record.ok() || !event.ParseFromString(record->value)) return absl::StrCat("?", offset);
  if (event.has_ticked()) return "tick";
  if (event.has_location_copied()) {
    const v1::LinkCause& cause = event.location_copied().cause();
    return "copy:" + RecordName(world, cause.partition(), cause.offset());
  }
  return EventName(event.source(), event.event_id());
}

std::string_view HeaderValue(const OwnedRecord& record, std::string_view name) {
  for (const Header& header : record.headers) {
    if (header.name == name) return header.value;
  }
  return {};
}

int64_t HeaderNumber(const OwnedRecord& record, std::string_view name) {
  const std::string value(HeaderValue(record, name));
  int64_t number = 0;
  if (absl::SimpleAtoi(value, &number)) return number;
  number = 0;
  for (const char byte : value) number = number << 8 | static_cast<unsigned char>(byte);
  return number;
}

}  // namespace tallywire::scenarios
