// SPDX-License-Identifier: Apache-2.0
#include "publishers/testing.h"

#include <cstdlib>
#include <filesystem>
#include <map>
#include <utility>

#include "ledger/check.h"
#include "publishers/listing_book.h"

namespace tallywire {
namespace {

constexpr Time kNow(1'772'359'200'000'000);
constexpr int kMaxTurns = 1'000;

std::string MakeFolder() {
  std::string pattern = std::filesystem::temp_directory_path().string() + "/publisher-XXXXXX";
  TW_CHECK(mkdtemp(pattern.data()) != nullptr, "no temporary folder");
  return pattern;
}

// The value; a status ends the process and says why.
template <class T>
T Must(absl::StatusOr<T> value) {
  TW_CHECK(value.ok(), value.status().ToString().c_str());
  return *std::move(value);
}
void Must(const absl::Status& status) { TW_CHECK(status.ok(), status.ToString().c_str()); }

}  // namespace

PublisherWorld::PublisherWorld() : folder_(MakeFolder()), now_(kNow) {
  EmbeddedLog::Options options;
  options.folder = folder_ + "/log";
  options.clock = [] { return kNow; };
  options.compact_after = 0;
  real_log_ = Must(EmbeddedLog::Open(std::move(options)));
  Must(real_log_->CreateTopics(PlanTopics(kPartitions)));
  log_ = std::make_unique<FaultyLog>(real_log_.get());
  options_.folder = folder_ + "/publisher";
  Reopen(false);
}

PublisherWorld::~PublisherWorld() {
  publisher_.reset();
  log_.reset();
  real_log_.reset();
  std::error_code error;
  std::filesystem::remove_all(folder_, error);
}

std::vector<std::string> PublisherWorld::Audit() {
  std::vector<std::string> findings;
  std::map<std::string, std::pair<UpdateVersions, std::string>> held;
  for (const OwnedRecord& record : ReadAll(kListingUpdates)) {
    v1::ListingUpdate update;
    if (!update.ParseFromString(record.value) || update.channel() == "foreign") continue;
    auto& [versions, value] = held[record.key];
    if (VersionsOf(update) < versions) {
      findings.push_back("versions fall: " + update.ShortDebugString());
    }
    if (!value.empty() && VersionsOf(update) == versions && record.value != value) {
      findings.push_back("equal versions, other values: " + update.ShortDebugString());
    }
    versions = VersionsOf(update);
    value = record.value;
  }
  return findings;
}

void PublisherWorld::Reopen(bool close) {
  if (close) Must(publisher_->Close());
  publisher_.reset();
  publisher_ = Must(Publisher::Open(log_.get(), options_));
}

void PublisherWorld::Settle() {
  Must(publisher_->RunToEnd(now_));
  CountTurns();
}

int PublisherWorld::CountTurns() {
  int turns = 0;
  while (Must(publisher_->RunOnce(now_))) {
    TW_CHECK(++turns < kMaxTurns, "the publisher does not come to rest");
  }
  return turns;
}

void PublisherWorld::Total(const std::string& sku, int64_t version, int64_t ats, const More& more) {
  v1::Availability row;
  row.set_sku(sku);
  row.set_level(v1::LEVEL_TOTAL);
  row.set_available(ats);
  row.set_sellable(true);
  row.set_ats(ats);
  row.set_version(version);
  row.set_partition(Home(sku).value());
  row.mutable_log_time()->set_seconds(1'000 + version);
  if (more) more(row);
  Append(kStockAvailability, Home(sku), JoinKey(sku, ""), row.SerializeAsString());
}

void PublisherWorld::Site(const std::string& sku, const std::string& location, int64_t version,
                          int64_t available, const More& more) {
  v1::Availability row;
  row.set_sku(sku);
  row.set_location(location);
  row.set_level(v1::LEVEL_SITE);
  row.set_kind(v1::SITE_KIND_WAREHOUSE);
  row.set_available(available);
  row.set_sellable(true);
  row.set_own_location_sellable(true);
  row.set_ats(available);
  row.set_version(version);
  row.set_partition(Home(sku).value());
  if (more) more(row);
  Append(kStockAvailability, Home(sku), JoinKey(sku, location), row.SerializeAsString());
}

v1::Listing PublisherWorld::Listing(const std::string& id, const std::string& sku) {
  v1::Listing listing;
  listing.set_channel("amazon");
  listing.set_listing_id(id);
  listing.set_sku(sku);
  return listing;
}

Offset PublisherWorld::Put(const v1::Listing& listing) {
  return Must(publisher_->PutListing(listing));
}

Offset PublisherWorld::Remove(const std::string& id) {
  return Must(publisher_->RemoveListing("amazon", id));
}

void PublisherWorld::Append(std::string_view topic, Partition partition, const std::string& key,
                            const std::string& value) {
  const NewRecord record = {.topic = topic, .partition = partition, .key = key, .value = value};
  Must(real_log_->Append({&record, 1}));
}

void PublisherWorld::ForeignUpdate(const v1::ListingUpdate& update) {
  const int32_t partitions = Must(log_->Describe(kListingUpdates)).partitions;
  const std::string key = JoinKey(update.channel(), update.listing_id());
  Append(kListingUpdates, PartitionOf(key, partitions), key, update.SerializeAsString());
}

std::vector<v1::ListingUpdate> PublisherWorld::Updates(const std::string& id) {
  const int32_t partitions = Must(log_->Describe(kListingUpdates)).partitions;
  std::vector<v1::ListingUpdate> updates;
  for (const OwnedRecord& record : ReadAll(kListingUpdates)) {
    v1::ListingUpdate update;
    TW_CHECK(update.ParseFromString(record.value), "an update does not decode");
    TW_CHECK(record.key == JoinKey(update.channel(), update.listing_id()), "another key");
    TW_CHECK(record.partition == PartitionOf(record.key, partitions), "another partition");
    if (update.listing_id() == id) updates.push_back(update);
  }
  return updates;
}

std::vector<std::string> PublisherWorld::UpdateTexts(const std::string& id) {
  std::vector<std::string> texts;
  for (const v1::ListingUpdate& update : Updates(id)) {
    std::string what = v1::ListingState_Name(update.state());
    what = what.substr(std::string_view("LISTING_STATE_").size());
    if (update.state() == v1::LISTING_STATE_ACTIVE) what = std::to_string(update.quantity());
    texts.push_back(what + "@" + std::to_string(update.rules_version()) + "/" +
                    std::to_string(update.stock_version()));
  }
  return texts;
}

std::vector<v1::Alert> PublisherWorld::Alerts() {
  std::vector<v1::Alert> alerts;
  for (const OwnedRecord& record : ReadAll(kStockAlerts)) {
    v1::Alert alert;
    TW_CHECK(alert.ParseFromString(record.value), "an alert does not decode");
    TW_CHECK(record.key == alert.sku(), "another key");
    TW_CHECK(record.partition.value() == alert.id().partition(), "another partition");
    alerts.push_back(alert);
  }
  return alerts;
}

std::vector<PublisherWorld::OwnedRecord> PublisherWorld::ReadAll(std::string_view topic) {
  std::vector<OwnedRecord> records;
  RecordBatch batch;
  for (int32_t p = 0; p < Must(real_log_->Describe(topic)).partitions; ++p) {
    const LogBounds bounds = Must(real_log_->Bounds(topic, Partition(p)));
    const auto reader = Must(real_log_->OpenReader(topic, Partition(p), bounds.begin));
    while (reader->Position() < bounds.end) {
      Must(reader->Poll(1'000, Span(0), batch));
      for (const Record& record : batch.records) {
        records.push_back({record.partition, std::string(record.key), std::string(record.value)});
      }
    }
  }
  return records;
}

}  // namespace tallywire
