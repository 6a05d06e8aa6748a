// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/auditor.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "tests/sim/auditor_partition.h"

namespace tallywire::sim {
namespace {

constexpr Micros kStepBack = 3'600'000'000;
constexpr uint64_t kSequenceWindow = 1'024;

// An event's own cause counts before a definition's, that before a timer's.
int Rank(v1::CauseKind kind) {
  return kind == v1::CAUSE_KIND_EVENT ? 3 : kind == v1::CAUSE_KIND_LOCATION ? 2 : 1;
}

// What does not depend on when it was touched.
std::string ContentOf(v1::Availability row) {
  row.clear_version();
  row.clear_log_time();
  row.clear_cause();
  return row.SerializeAsString();
}

}  // namespace

void SetTime(Micros time, google::protobuf::Timestamp* out) {
  int64_t seconds = time / 1'000'000;
  if (time % 1'000'000 < 0) --seconds;
  out->set_seconds(seconds);
  out->set_nanos(static_cast<int32_t>(time - seconds * 1'000'000) * 1'000);
}

int64_t Expected::Count(int32_t partition, Outcome outcome) const {
  return std::count_if(verdicts.begin(), verdicts.end(), [&](const auto& verdict) {
    return verdict.first.first == partition && verdict.second.outcome == outcome;
  });
}

Expected Judge(const std::vector<LogRecord>& records, int32_t partitions) {
  Expected expected;
  expected.partitions = partitions;
  for (int32_t p = 0; p < partitions; ++p) {
    PartitionAuditor auditor(p, partitions, &expected);
    for (const LogRecord& record : records) {
      if (record.partition == p) auditor.Take(record);
    }
    auditor.Finish();
  }
  return expected;
}

void PartitionAuditor::Take(const LogRecord& record) {
  offset_ = record.offset;
  touched_.clear();
  alerts_.clear();
  Advance(record.stamp);
  FireTimers();
  const Told told = ReadTold(record, partitions_);
  const Verdict verdict = Decide(told);
  expected_.verdicts[{partition_, offset_}] = verdict;
  if (verdict.reason == v1::REFUSED_REASON_WRONG_PARTITION) TellMisplaced(told);
  if (verdict.outcome == Outcome::kApplied && told.event.has_location_copied()) {
    for (const auto& [name, sku] : skus_) touched_.try_emplace(name);
  }
  for (const auto& [name, rows] : touched_) TakeRows(name);
  for (v1::Alert& alert : alerts_) {
    for (const v1::Alert& other : alerts_) {
      if (&other == &alert) break;
      if (other.id().kind() == alert.id().kind()) {
        alert.mutable_id()->set_ordinal(alert.id().ordinal() + 1);
      }
    }
    expected_.alerts.push_back(alert);
  }
}

void PartitionAuditor::Finish() {
  for (auto& [name, sku] : skus_) {
    if (sku.Sum() != 0) Doubt(name, absl::StrCat("sums to ", sku.Sum(), ", not to zero"));
    expected_.skus.emplace(name, std::move(sku));
  }
  expected_.locations.push_back(locations_);
}

void PartitionAuditor::Doubt(const std::string& sku, const std::string& what) {
  expected_.doubts.push_back(
      absl::StrCat("auditor: ", sku, " at ", partition_, "/", offset_, ": ", what));
}

// Log time is the stamp, or what it was if the stamp lies behind; far behind it is a clock set
// back.
void PartitionAuditor::Advance(Micros stamp) {
  if (!log_time_.has_value() || stamp >= *log_time_) {
    log_time_ = stamp;
    return;
  }
  const Micros behind = *log_time_ - stamp;
  if (behind <= kStepBack) return;
  log_time_ = stamp;
  v1::Alert& alert = Tell(v1::ALERT_KIND_CLOCK_STEPPED_BACK, nullptr, "", "");
  alert.mutable_lateness()->set_seconds(behind / 1'000'000);
  alert.mutable_lateness()->set_nanos(static_cast<int32_t>(behind % 1'000'000) * 1'000);
}

void PartitionAuditor::FireTimers() {
  while (!timers_.empty() && timers_.begin()->due <= *log_time_) {
    const Timer timer = *timers_.begin();
    timers_.erase(timers_.begin());
    Fire(timer);
  }
}

Verdict PartitionAuditor::Decide(const Told& told) {
  if (told.refused.has_value()) return {Outcome::kRefused, *told.refused};
  if (told.event.has_ticked()) return {Outcome::kApplied, {}};
  if (told.event.has_location_copied()) return Copy(told.event.location_copied());
  at_ = std::min(told.occurred_at.value_or(*log_time_), *log_time_);
  if (IsDuplicate(told)) return {Outcome::kDuplicate, {}};
  if (!Apply(told)) return {Outcome::kRefused, v1::REFUSED_REASON_OVERFLOW};
  Remember(told);
  return {Outcome::kApplied, {}};
}

PartitionAuditor::Identity PartitionAuditor::IdentityOf(const Told& told) {
  const v1::StockEvent& event = told.event;
  const bool place = event.has_location_defined();
  return {event.source(), place, place ? event.location_defined().location() : event.sku(),
          event.event_id()};
}

bool PartitionAuditor::IsDuplicate(const Told& told) {
  const v1::StockEvent& event = told.event;
  const Identity identity = IdentityOf(told);
  const std::string location =
      event.has_location_defined() ? event.location_defined().location() : "";
  const auto source = numbered_.find(event.source());
  if (event.has_sequence()) {
    if (source == numbered_.end()) return false;
    uint64_t highest = 0;
    for (const auto& [sequence, first] : source->second) highest = std::max(highest, sequence);
    if (event.sequence() > highest) return false;
    const auto seen = source->second.find(event.sequence());
    const bool in_window = highest - event.sequence() <= kSequenceWindow;
    if (in_window && seen != source->second.end() && seen->second != identity) {
      Tell(v1::ALERT_KIND_SEQUENCE_REUSED, &told, event.sku(), location);
    }
  }
  const auto known = identities_.find(identity);
  if (known == identities_.end()) return false;
  if (known->second != told.Content()) {
    Tell(v1::ALERT_KIND_CONFLICTING_DUPLICATE, &told, event.sku(), location);
  }
  return true;
}

void PartitionAuditor::Remember(const Told& told) {
  // Of two that were applied under one identity (its sequence said that it was new) the last.
  identities_[IdentityOf(told)] = told.Content();
  // Of two with one number the first.
  if (told.event.has_sequence()) {
    numbered_[told.event.source()].try_emplace(told.event.sequence(), IdentityOf(told));
  }
}

Verdict PartitionAuditor::Copy(const v1::LocationCopied& copied) {
  const std::string& location = copied.definition().location();
  const auto held = locations_.known.find(location);
  const bool known = held != locations_.known.end();
  if (known && held->second.cause >= copied.cause().offset()) return {Outcome::kDuplicate, {}};
  const bool same = known && held->second.definition.SerializeAsString() ==
                                 copied.definition().SerializeAsString();
  locations_.known[location] = {copied.cause().offset(), copied.definition()};
  if (same) return {Outcome::kApplied, {}};
  v1::Cause cause;
  cause.set_kind(v1::CAUSE_KIND_LOCATION);
  for (const auto& [name, sku] : skus_) TouchAround(name, sku, location, cause);
  return {Outcome::kApplied, {}};
}

// Whatever else is wrong with it. What is no name is not named.
void PartitionAuditor::TellMisplaced(const Told& told) {
  const auto name = [](const std::string& text) {
    return text.size() <= kMostNameBytes ? text : std::string();
  };
  const std::string source = name(told.event.source());
  if (!misplaced_.insert(source).second) return;
  Tell(v1::ALERT_KIND_WRONG_PARTITION, nullptr, name(told.event.sku()), "").set_source(source);
}

v1::Alert& PartitionAuditor::Tell(v1::AlertKind kind, const Told* told, const std::string& sku,
                                  const std::string& location) {
  v1::Alert& alert = alerts_.emplace_back();
  alert.mutable_id()->set_partition(partition_);
  alert.mutable_id()->set_offset(offset_);
  alert.mutable_id()->set_kind(kind);
  SetTime(*log_time_, alert.mutable_log_time());
  alert.set_sku(sku);
  alert.set_location(location);
  if (told != nullptr) {
    alert.set_source(told->event.source());
    alert.set_event_id(told->event.event_id());
    SetTime(at_, alert.mutable_occurred_at());
  }
  return alert;
}

v1::Cause PartitionAuditor::CauseOf(const Told* told) const {
  v1::Cause cause;
  if (told == nullptr) {
    cause.set_kind(v1::CAUSE_KIND_TIMER);
    return cause;
  }
  cause.set_kind(v1::CAUSE_KIND_EVENT);
  cause.set_source(told->event.source());
  cause.set_event_id(told->event.event_id());
  SetTime(at_, cause.mutable_occurred_at());
  cause.set_channel(told->event.sold().channel());
  cause.set_listing(told->event.sold().listing());
  return cause;
}

void PartitionAuditor::Touch(const std::string& sku, const std::string& row,
                             const v1::Cause& cause) {
  // With any row its TOTAL.
  for (const std::string& each : {row, std::string()}) {
    const auto [held, first] = touched_[sku].try_emplace(each, cause);
    if (!first && Rank(cause.kind()) > Rank(held->second.kind())) held->second = cause;
  }
}

void PartitionAuditor::TouchPlace(const std::string& sku, const std::string& location,
                                  const v1::Cause& cause) {
  Touch(sku, location, cause);
  Touch(sku, locations_.SiteOf(location), cause);
}

void PartitionAuditor::TouchAround(const std::string& name, const SkuHistory& sku,
                                   const std::string& location, const v1::Cause& cause) {
  for (const std::string& row : RowsOf(sku, locations_)) {
    if (AreOnOnePath(row, location)) Touch(name, row, cause);
  }
}

// The rows of a SKU as the record leaves them: those that it touched have its version, and the
// others are what they were.
void PartitionAuditor::TakeRows(const std::string& name) {
  SkuHistory& sku = skus_.at(name);
  const std::map<std::string, v1::Cause>& touched = touched_.at(name);
  const std::map<std::string, RowAt> picture = PictureOf(name, sku, locations_);
  for (const auto& [location, at] : picture) {
    const auto cause = touched.find(location);
    if (cause == touched.end()) {
      const auto held = sku.rows.find(location);
      if (held == sku.rows.end()) {
        Doubt(name, "a row of `" + location + "` that nothing has touched");
      } else {
        v1::Availability row = at.row;
        row.set_partition(partition_);
        if (ContentOf(held->second) == ContentOf(row)) continue;
        Doubt(name, "the row of `" + location + "` changed and was not touched: was " +
                        held->second.ShortDebugString() + ", is " + row.ShortDebugString());
      }
      continue;
    }
    RowAt now = at;
    now.row.set_partition(partition_);
    now.row.set_version(offset_);
    SetTime(*log_time_, now.row.mutable_log_time());
    *now.row.mutable_cause() = cause->second;
    sku.rows[location] = now.row;
    expected_.rows[{name, location}][offset_] = now;
  }
}

}  // namespace tallywire::sim
