// SPDX-License-Identifier: Apache-2.0
#include "tests/scenarios/audit.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/status.h"
#include "ledger/topics.h"
#include "tallywire/v1/alert.pb.h"
#include "tallywire/v1/api.pb.h"
#include "tallywire/v1/availability.pb.h"
#include "tallywire/v1/listing.pb.h"
#include "tests/scenarios/queries.h"
#include "tests/sim/outside.h"

namespace tallywire::scenarios {
namespace {

using Findings = std::vector<std::string>;

// Walks the rows that went out as a reader would.
class AvailabilityReader {
 public:
  AvailabilityReader(bool whole_appends, Findings& findings)
      : whole_appends_(whole_appends), findings_(findings) {}

  void Read(const OwnedRecord& record) {
    v1::Availability row;
    if (!row.ParseFromString(record.value)) return Say(record, "is no Availability");
    if (record.key != JoinKey(row.sku(), row.location())) Say(record, "has another key");
    if (row.partition() != record.partition.value()) Say(record, "names another partition");
    if (record.partition != partition_) {
      EndPartition();
      partition_ = record.partition;
    }
    if (whole_appends_ && !open_sku_.empty() && open_sku_ != row.sku()) {
      Say(record, "comes before the TOTAL of " + open_sku_);
    }
    open_sku_ = row.level() == v1::LEVEL_TOTAL ? "" : row.sku();
    const auto [seen, first] = bodies_.try_emplace({record.key, row.version()}, record.value);
    if (!first && seen->second != record.value) {
      Say(record, absl::StrCat("gives version ", row.version(), " a second body"));
    }
    v1::Availability& held = held_[record.key];
    if (held.sku().empty() || row.version() > held.version()) held = row;
    last_[record.key] = row;
    if (whole_appends_ && row.level() == v1::LEVEL_TOTAL) CheckTotal(record, row);
  }

  void EndPartition() {
    if (!open_sku_.empty()) findings_.push_back("no TOTAL at the end after rows of " + open_sku_);
    open_sku_.clear();
  }

  const std::map<std::string, v1::Availability>& last() const { return last_; }

 private:
  void CheckTotal(const OwnedRecord& record, const v1::Availability& total) {
    // A TOTAL that is not newer than the one held is dropped by its reader.
    if (total.version() < held_[record.key].version()) return;
    for (const auto& [key, row] : held_) {
      if (row.sku() == total.sku() && row.version() > total.version()) {
        Say(record, "is older than the row of " + row.location());
      }
    }
  }

  void Say(const OwnedRecord& record, const std::string& what) {
    findings_.push_back(absl::StrCat("stock.availability ", record.partition.value(), "/",
                                     record.offset.value(), " ", record.key, " ", what));
  }

  const bool whole_appends_;
  Findings& findings_;
  Partition partition_{-1};
  std::string open_sku_;
  std::map<std::pair<std::string, int64_t>, std::string> bodies_;
  std::map<std::string, v1::Availability> held_;
  std::map<std::string, v1::Availability> last_;
};

absl::Status AuditAvailability(World& world, bool whole_appends, Findings& findings) {
  TW_ASSIGN_OR_RETURN(const auto records, world.ReadAll(kStockAvailability));
  AvailabilityReader reader(whole_appends, findings);
  for (const OwnedRecord& record : records) reader.Read(record);
  reader.EndPartition();
  TW_ASSIGN_OR_RETURN(const auto skus, AllSkus(world));
  size_t rows = 0;
  for (const std::string& sku : skus) {
    v1::GetStockResponse answer;
    TW_RETURN_IF_ERROR(world.projector().GetStock(sku, "", &answer));
    for (const v1::Availability& row : answer.rows()) {
      ++rows;
      const auto found = reader.last().find(JoinKey(row.sku(), row.location()));
      if (found == reader.last().end()) {
        findings.push_back(absl::StrCat("row of ", sku, " ", row.location(), " never went out"));
      } else if (found->second.SerializeAsString() != row.SerializeAsString()) {
        findings.push_back(absl::StrCat("row of ", sku, " ", row.location(), " went out as ",
                                        found->second.ShortDebugString(), " but is ",
                                        row.ShortDebugString()));
      }
    }
  }
  if (rows != reader.last().size()) {
    findings.push_back(absl::StrCat(reader.last().size(), " keys went out for ", rows, " rows"));
  }
  return absl::OkStatus();
}

absl::Status AuditAlerts(World& world, Findings& findings) {
  TW_ASSIGN_OR_RETURN(const auto records, world.ReadAll(kStockAlerts));
  std::map<std::tuple<int, int64_t, int, int>, std::string> bodies;
  for (const OwnedRecord& record : records) {
    v1::Alert alert;
    if (!alert.ParseFromString(record.value)) return absl::DataLossError("an alert: no message");
    const v1::AlertId& id = alert.id();
    const auto [seen, first] =
        bodies.try_emplace({id.partition(), id.offset(), id.kind(), id.ordinal()}, record.value);
    if (!first && seen->second != record.value) {
      findings.push_back("one alert id, two bodies: " + alert.ShortDebugString());
    }
    if (alert.text().empty()) findings.push_back("no text: " + alert.ShortDebugString());
    if (record.key != (alert.sku().empty() ? alert.location() : alert.sku())) {
      findings.push_back("alert under another key: " + alert.ShortDebugString());
    }
  }
  return absl::OkStatus();
}

absl::Status AuditDeadLetters(World& world, Findings& findings) {
  TW_ASSIGN_OR_RETURN(const auto records, world.ReadAll(kStockDeadLetters));
  for (const OwnedRecord& letter : records) {
    const Offset offset(HeaderNumber(letter, "kafka_dlt-original-offset"));
    const auto say = [&](const char* what) {
      findings.push_back(absl::StrCat("dead letter of ", letter.partition.value(), "/",
                                      offset.value(), ": ", what));
    };
    if (HeaderNumber(letter, "kafka_dlt-original-partition") != letter.partition.value()) {
      say("another partition than it came from");
    }
    TW_ASSIGN_OR_RETURN(const OwnedRecord origin, world.ReadEvent(letter.partition, offset));
    const bool too_large = HeaderValue(letter, "stock-error-code") == "TOO_LARGE";
    if (letter.value != (too_large ? "" : origin.value)) say("not the value that came");
    if (letter.key != origin.key) say("not the key that came");
    for (const Header& header : origin.headers) {
      if (HeaderValue(letter, header.name) != header.value) say("a header is lost");
    }
    if (HeaderValue(letter, "kafka_dlt-original-topic") != kStockEvents) say("no topic");
    if (HeaderValue(letter, "kafka_dlt-exception-message").empty()) say("no detail");
    if (HeaderNumber(letter, "kafka_dlt-original-timestamp") != origin.stamp.value() / 1'000) {
      say("another stamp");
    }
  }
  return absl::OkStatus();
}

absl::Status AuditUpdates(World& world, Findings& findings) {
  TW_ASSIGN_OR_RETURN(const auto records, world.ReadAll(kListingUpdates));
  std::map<std::string, v1::ListingUpdate> held;
  for (const OwnedRecord& record : records) {
    v1::ListingUpdate update;
    if (!update.ParseFromString(record.value)) return absl::DataLossError("an update: no message");
    const auto versions = [](const v1::ListingUpdate& u) {
      return std::pair(u.rules_version(), u.stock_version());
    };
    const auto [seen, first] = held.try_emplace(record.key, update);
    if (first) continue;
    if (versions(update) < versions(seen->second)) {
      findings.push_back("versions fall: " + update.ShortDebugString());
    }
    if (versions(update) == versions(seen->second) &&
        update.SerializeAsString() != seen->second.SerializeAsString()) {
      findings.push_back("equal versions, other values: " + update.ShortDebugString());
    }
    seen->second = update;
  }
  return absl::OkStatus();
}

absl::Status AuditJournal(World& world, bool thorough, Findings& findings) {
  TW_ASSIGN_OR_RETURN(const auto skus, AllSkus(world));
  for (const std::string& sku : skus) {
    v1::ExplainResponse read;
    TW_RETURN_IF_ERROR(world.projector().Explain(sku, "", false, &read));
    if (!read.consistent()) findings.push_back("journal differs from stock: " + sku);
    if (!thorough) continue;
    v1::ExplainResponse proved;
    TW_RETURN_IF_ERROR(world.projector().Explain(sku, "", true, &proved));
    if (!proved.consistent()) findings.push_back("proof differs from stock: " + sku);
    if (proved.entries_size() != read.entries_size()) {
      findings.push_back("proof has another number of entries: " + sku);
      continue;
    }
    for (int i = 0; i < read.entries_size(); ++i) {
      if (read.entries(i).SerializeAsString() != proved.entries(i).SerializeAsString()) {
        findings.push_back("proof has another entry: " + proved.entries(i).ShortDebugString());
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<std::string>> Audit(World& world, bool thorough, bool whole_appends) {
  Findings findings;
  TW_ASSIGN_OR_RETURN(findings, sim::AuditLog(world.log(), {.one_life = !world.restarted(),
                                                            .whole_appends = whole_appends}));
  TW_RETURN_IF_ERROR(AuditAvailability(world, whole_appends, findings));
  TW_RETURN_IF_ERROR(AuditAlerts(world, findings));
  TW_RETURN_IF_ERROR(AuditDeadLetters(world, findings));
  TW_RETURN_IF_ERROR(AuditUpdates(world, findings));
  TW_RETURN_IF_ERROR(AuditJournal(world, thorough, findings));
  if (thorough) {
    v1::VerifyResponse verified;
    TW_RETURN_IF_ERROR(world.projector().Verify([](int64_t, int64_t) {}, &verified));
    for (const std::string& finding : verified.findings()) findings.push_back("verify: " + finding);
    if (!verified.ok() && verified.findings().empty()) findings.push_back("verify: not ok");
  }
  return findings;
}

}  // namespace tallywire::scenarios
