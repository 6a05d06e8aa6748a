// SPDX-License-Identifier: Apache-2.0
#include "publishers/publisher_test_util.h"

#include <cstdlib>
#include <filesystem>
#include <map>
#include <utility>

#include "publishers/listing_book.h"

namespace tallywire {
namespace {

std::string MakeFolder() {
  std::string pattern = ::testing::TempDir() + "/publisher-XXXXXX";
  EXPECT_NE(mkdtemp(pattern.data()), nullptr);
  return pattern;
}

}  // namespace

PublisherTest::PublisherTest() : folder_(MakeFolder()) {
  EmbeddedLog::Options options;
  options.folder = folder_ + "/log";
  options.clock = [this] { return now_; };
  options.compact_after = 0;
  auto log = EmbeddedLog::Open(std::move(options));
  EXPECT_TRUE(log.ok()) << log.status();
  real_log_ = *std::move(log);
  EXPECT_TRUE(real_log_->CreateTopics(PlanTopics(kPartitions)).ok());
  log_ = std::make_unique<FaultyLog>(real_log_.get());
  options_.folder = folder_ + "/publisher";
  Reopen(false);
}

PublisherTest::~PublisherTest() {
  std::map<std::string, std::pair<UpdateVersions, std::string>> held;
  for (const OwnedRecord& record : ReadAll(kListingUpdates)) {
    v1::ListingUpdate update;
    if (!update.ParseFromString(record.value) || update.channel() == "foreign") continue;
    auto& [versions, value] = held[record.key];
    if (!versions_fall_) {
      EXPECT_GE(VersionsOf(update), versions) << update.ShortDebugString();
    }
    if (!value.empty() && VersionsOf(update) == versions) {
      EXPECT_EQ(record.value, value);
    }
    versions = VersionsOf(update);
    value = record.value;
  }
  publisher_.reset();
  log_.reset();
  real_log_.reset();
  std::error_code error;
  std::filesystem::remove_all(folder_, error);
}

void PublisherTest::Reopen(bool close) {
  if (close) {
    ASSERT_TRUE(publisher_->Close().ok());
  }
  publisher_.reset();
  auto publisher = Publisher::Open(log_.get(), options_);
  ASSERT_TRUE(publisher.ok()) << publisher.status();
  publisher_ = *std::move(publisher);
}

void PublisherTest::Settle() {
  const absl::Status status = publisher_->RunToEnd(now_);
  ASSERT_TRUE(status.ok()) << status;
  CountTurns();
}

int PublisherTest::CountTurns() {
  for (int turns = 0; turns < 1'000; ++turns) {
    const auto more = publisher_->RunOnce(now_);
    EXPECT_TRUE(more.ok()) << more.status();
    if (!more.ok() || !*more) return turns;
  }
  ADD_FAILURE() << "does not come to rest";
  return 0;
}

void PublisherTest::Total(const std::string& sku, int64_t version, int64_t ats, const More& more) {
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

void PublisherTest::Site(const std::string& sku, const std::string& location, int64_t version,
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

void PublisherTest::Place(const std::string& sku, const std::string& location, int64_t version,
                          int64_t available) {
  Site(sku, location, version, available, [](v1::Availability& row) {
    row.set_level(v1::LEVEL_PLACE);
    row.clear_kind();
    row.clear_ats();
    row.clear_own_location_sellable();
  });
}

v1::Listing PublisherTest::Listing(const std::string& id, const std::string& sku) {
  v1::Listing listing;
  listing.set_channel("amazon");
  listing.set_listing_id(id);
  listing.set_sku(sku);
  return listing;
}

Offset PublisherTest::Put(const v1::Listing& listing) {
  const auto offset = publisher_->PutListing(listing);
  EXPECT_TRUE(offset.ok()) << offset.status();
  return offset.ok() ? *offset : Offset(-1);
}

Offset PublisherTest::Remove(const std::string& id) {
  const auto offset = publisher_->RemoveListing("amazon", id);
  EXPECT_TRUE(offset.ok()) << offset.status();
  return offset.ok() ? *offset : Offset(-1);
}

void PublisherTest::Append(std::string_view topic, Partition partition, const std::string& key,
                           const std::string& value) {
  const NewRecord record = {.topic = topic, .partition = partition, .key = key, .value = value};
  const auto appended = real_log_->Append({&record, 1});
  ASSERT_TRUE(appended.ok()) << appended.status();
}

void PublisherTest::ForeignUpdate(const v1::ListingUpdate& update) {
  const auto spec = log_->Describe(kListingUpdates);
  ASSERT_TRUE(spec.ok());
  const std::string key = JoinKey(update.channel(), update.listing_id());
  Append(kListingUpdates, PartitionOf(key, spec->partitions), key, update.SerializeAsString());
}

std::vector<v1::ListingUpdate> PublisherTest::Updates(const std::string& id) {
  std::vector<v1::ListingUpdate> updates;
  for (const OwnedRecord& record : ReadAll(kListingUpdates)) {
    v1::ListingUpdate update;
    EXPECT_TRUE(update.ParseFromString(record.value));
    EXPECT_EQ(record.key, JoinKey(update.channel(), update.listing_id()));
    const auto spec = log_->Describe(kListingUpdates);
    EXPECT_EQ(record.partition, PartitionOf(record.key, spec->partitions));
    if (update.listing_id() == id) updates.push_back(update);
  }
  return updates;
}

std::vector<std::string> PublisherTest::UpdateTexts(const std::string& id) {
  std::vector<std::string> texts;
  for (const v1::ListingUpdate& update : Updates(id)) {
    std::string what = v1::ListingState_Name(update.state()).substr(14);
    if (update.state() == v1::LISTING_STATE_ACTIVE) what = std::to_string(update.quantity());
    texts.push_back(what + "@" + std::to_string(update.rules_version()) + "/" +
                    std::to_string(update.stock_version()));
  }
  return texts;
}

std::vector<v1::Alert> PublisherTest::Alerts() {
  std::vector<v1::Alert> alerts;
  for (const OwnedRecord& record : ReadAll(kStockAlerts)) {
    v1::Alert alert;
    EXPECT_TRUE(alert.ParseFromString(record.value));
    EXPECT_EQ(record.key, alert.sku());
    EXPECT_EQ(record.partition.value(), alert.id().partition());
    alerts.push_back(alert);
  }
  return alerts;
}

std::vector<PublisherTest::OwnedRecord> PublisherTest::ReadAll(std::string_view topic) {
  std::vector<OwnedRecord> records;
  const auto spec = real_log_->Describe(topic);
  EXPECT_TRUE(spec.ok()) << spec.status();
  RecordBatch batch;
  for (int32_t p = 0; p < spec->partitions; ++p) {
    const auto bounds = real_log_->Bounds(topic, Partition(p));
    auto reader = real_log_->OpenReader(topic, Partition(p), bounds->begin);
    while ((*reader)->Position() < bounds->end) {
      EXPECT_TRUE((*reader)->Poll(1'000, Span(0), batch).ok());
      for (const Record& record : batch.records) {
        records.push_back({record.partition, std::string(record.key), std::string(record.value)});
      }
    }
  }
  return records;
}

}  // namespace tallywire
