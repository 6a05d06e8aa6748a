// SPDX-License-Identifier: Apache-2.0
#include "publishers/update_sender.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "ledger/check.h"
#include "ledger/status.h"
#include "ledger/topics.h"

namespace tallywire {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;

bool NeedsAlert(const DueUpdate& due) {
  return due.update.state() == v1::LISTING_STATE_NEEDS_CAP &&
         due.listing->alerted != due.update.rules_version();
}

}  // namespace

v1::Alert NeedsCapAlert(const RuleInForce& rule, Partition sku_partition) {
  v1::Alert alert;
  alert.mutable_id()->set_partition(sku_partition.value());
  alert.mutable_id()->set_offset(rule.version);
  alert.mutable_id()->set_kind(v1::ALERT_KIND_NEEDS_CAP);
  const int64_t micros = rule.stamp.value();
  alert.mutable_log_time()->set_seconds(micros / kMicrosPerSecond);
  alert.mutable_log_time()->set_nanos(static_cast<int32_t>(micros % kMicrosPerSecond * 1'000));
  alert.set_sku(rule.listing.sku());
  alert.set_channel(rule.listing.channel());
  alert.set_listing(rule.listing.listing_id());
  alert.set_text(absl::StrCat("Listing ", rule.listing.listing_id(), " on ", rule.listing.channel(),
                              " shows nothing: ", rule.listing.sku(),
                              " is sold without an end, and the listing has no max."));
  return alert;
}

UpdateSender::UpdateSender(Log* log, int32_t partitions)
    : log_(log), partitions_(partitions), own_(static_cast<size_t>(partitions)) {}

absl::Status UpdateSender::Send(std::span<const DueUpdate> due) {
  TW_RETURN_IF_ERROR(SendAlerts(due));
  std::vector<std::string> values;
  std::vector<NewRecord> records;
  values.reserve(due.size());
  records.reserve(due.size());
  for (const DueUpdate& each : due) {
    values.push_back(each.update.SerializeAsString());
    records.push_back({.topic = kListingUpdates,
                       .partition = PartitionOf(each.listing->key, partitions_),
                       .key = each.listing->key,
                       .value = values.back()});
  }
  TW_ASSIGN_OR_RETURN(const auto appended, log_->Append(records));
  TW_CHECK(appended.size() == due.size(), "the log says where each record lies");
  for (size_t i = 0; i < due.size(); ++i) {
    ListingState& listing = *due[i].listing;
    listing.last = LastUpdate(appended[i].offset, due[i].update);
    listing.foreign.reset();
    own_[static_cast<size_t>(records[i].partition.value())].push_back(appended[i].offset);
  }
  return absl::OkStatus();
}

absl::Status UpdateSender::SendAlerts(std::span<const DueUpdate> due) {
  std::vector<std::string> values;
  std::vector<NewRecord> records;
  values.reserve(due.size());
  for (const DueUpdate& each : due) {
    if (!NeedsAlert(each)) continue;
    TW_CHECK(each.sku_partition.has_value(), "a SKU without a TOTAL has an end");
    const v1::Alert alert = NeedsCapAlert(*each.listing->rule, *each.sku_partition);
    values.push_back(alert.SerializeAsString());
    records.push_back({.topic = kStockAlerts,
                       .partition = *each.sku_partition,
                       .key = each.listing->rule->listing.sku(),
                       .value = values.back()});
  }
  if (records.empty()) return absl::OkStatus();
  TW_RETURN_IF_ERROR(log_->Append(records).status());
  for (const DueUpdate& each : due) {
    if (NeedsAlert(each)) each.listing->alerted = each.update.rules_version();
  }
  return absl::OkStatus();
}

bool UpdateSender::IsOwn(const Record& record) {
  auto& own = own_[static_cast<size_t>(record.partition.value())];
  while (!own.empty() && own.front() < record.offset) own.pop_front();
  if (own.empty() || own.front() != record.offset) return false;
  own.pop_front();
  return true;
}

}  // namespace tallywire
