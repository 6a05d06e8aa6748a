// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/outside_world.h"

#include <algorithm>
#include <tuple>
#include <variant>

#include "absl/strings/str_cat.h"
#include "ledger/check.h"
#include "ledger/status.h"
#include "ledger/topics.h"

namespace tallywire::sim {
namespace {

std::tuple<int64_t, int64_t> VersionsOf(const v1::ListingUpdate& update) {
  return {update.rules_version(), update.stock_version()};
}

int32_t PartitionsOf(const MemoryCluster& cluster, std::string_view topic) {
  for (const TopicSpec& spec : cluster.Topics()) {
    if (spec.name == topic) return spec.partitions;
  }
  TW_CHECK(false, "every run has all topics");
  return 0;
}

}  // namespace

Source::Source(MemoryCluster* cluster, const Workload* work) : cluster_(cluster), work_(work) {
  log_ = cluster_->OpenView("source");
}

absl::Status Source::Step(size_t most, Publisher* publisher) {
  if (done()) return absl::OkStatus();
  const Op& op = work_->ops[next_];
  switch (op.kind) {
    case Op::Kind::kEvent:
      return SendEvents(most);
    case Op::Kind::kRaw:
      return SendRaw(op);
    case Op::Kind::kPutListing:
    case Op::Kind::kRemoveListing:
      break;
  }
  return publisher == nullptr ? absl::OkStatus() : SendListing(op, *publisher);
}

absl::Status Source::SendEvents(size_t most) {
  if (appender_ == nullptr) {
    TW_ASSIGN_OR_RETURN(appender_, Appender::Create(log_.get()));
  }
  // The same again after an error, as a careful source does.
  if (together_ == 0) {
    const Time now = work_->ops[next_].at;
    do {
      ++together_;
    } while (together_ < most && next_ + together_ < work_->ops.size() &&
             work_->ops[next_ + together_].kind == Op::Kind::kEvent &&
             !work_->ops[next_ + together_].settled && work_->ops[next_ + together_].at <= now);
  }
  std::vector<const v1::StockEvent*> events;
  for (size_t i = 0; i < together_; ++i) events.push_back(&work_->ops[next_ + i].event);
  TW_ASSIGN_OR_RETURN(const std::vector<AppendResult> results, appender_->Append(events));
  for (size_t i = 0; i < together_; ++i) {
    const auto* where = std::get_if<AppendedEvent>(&results[i]);
    if (where == nullptr) continue;
    const v1::StockEvent& event = *events[i];
    const bool defines = event.has_location_defined();
    acknowledged_.push_back({.partition = where->partition.value(),
                             .offset = where->offset.value(),
                             .key = defines ? event.location_defined().location() : event.sku(),
                             .value = event.SerializeAsString()});
  }
  next_ += together_;
  together_ = 0;
  return absl::OkStatus();
}

absl::Status Source::SendRaw(const Op& op) {
  const int32_t partitions = PartitionsOf(*cluster_, kStockEvents);
  const Partition home = PartitionOf(op.key, partitions);
  const NewRecord record{.topic = kStockEvents,
                         .partition = Partition((home.value() + op.partitions_off) % partitions),
                         .key = op.key,
                         .value = op.value,
                         .headers = op.headers};
  TW_ASSIGN_OR_RETURN(const auto appended, log_->Append({&record, 1}));
  acknowledged_.push_back({.partition = record.partition.value(),
                           .offset = appended[0].offset.value(),
                           .key = op.key,
                           .value = op.value});
  ++next_;
  return absl::OkStatus();
}

absl::Status Source::SendListing(const Op& op, Publisher& publisher) {
  const absl::Status status =
      op.kind == Op::Kind::kPutListing
          ? publisher.PutListing(op.listing).status()
          : publisher.RemoveListing(op.listing.channel(), op.listing.listing_id()).status();
  // What is wrong, or not there, is not asked for again.
  if (status.ok() || absl::IsInvalidArgument(status) || absl::IsNotFound(status)) {
    ++next_;
    return absl::OkStatus();
  }
  return status;
}

void Channel::Step() {
  const int32_t partitions = PartitionsOf(*cluster_, kListingUpdates);
  if (manner_.slow && random_.Chance(70)) return;
  if (manner_.forgetful && random_.Chance(5)) {
    // It begins anew, with an empty catalogue.
    shown_.clear();
    read_.clear();
  }
  for (int32_t p = 0; p < partitions; ++p) {
    const LogBounds bounds = cluster_->BoundsOf(kListingUpdates, Partition(p));
    Offset& next = read_.try_emplace(p, Offset(0)).first->second;
    if (next >= bounds.end) continue;
    for (const Record& record : cluster_->Records(kListingUpdates, Partition(p))) {
      if (record.offset < next) continue;
      Read(record);
      next = record.offset.Next();
      if (manner_.slow) break;
    }
  }
  if (manner_.lying && !random_.Chance(20)) return;
  for (const auto& [key, update] : newest_) {
    const auto found = shown_.find(key);
    if (found == shown_.end() || VersionsOf(found->second) != VersionsOf(update)) {
      Tell(key, update);
    }
  }
}

void Channel::Read(const Record& record) {
  v1::ListingUpdate update;
  if (!update.ParseFromArray(record.value.data(), static_cast<int>(record.value.size()))) return;
  const std::string key(record.key);
  const auto [held, first] = newest_.try_emplace(key, update);
  if (!first && VersionsOf(update) >= VersionsOf(held->second)) held->second = update;
  Tell(key, newest_[key]);
  if (manner_.twice) Tell(key, newest_[key]);
}

void Channel::Tell(const std::string& key, const v1::ListingUpdate& update) {
  if (manner_.lying && random_.Chance(40)) return;
  shown_[key] = update;
}

std::vector<std::string> Channel::Findings() const {
  std::map<std::string, v1::ListingUpdate> newest;
  for (int32_t p = 0; p < PartitionsOf(*cluster_, kListingUpdates); ++p) {
    for (const Record& record : cluster_->Records(kListingUpdates, Partition(p))) {
      v1::ListingUpdate update;
      if (!update.ParseFromArray(record.value.data(), static_cast<int>(record.value.size()))) {
        continue;
      }
      newest[std::string(record.key)] = update;
    }
  }
  std::vector<std::string> findings;
  for (const auto& [key, update] : newest) {
    const auto found = shown_.find(key);
    if (found != shown_.end() && found->second.SerializeAsString() == update.SerializeAsString()) {
      continue;
    }
    findings.push_back(absl::StrCat(
        "the channel shows of ", update.channel(), " ", update.listing_id(), " (", update.sku(),
        ") ", found == shown_.end() ? "nothing" : found->second.ShortDebugString(), ", newest is ",
        update.ShortDebugString()));
  }
  return findings;
}

}  // namespace tallywire::sim
