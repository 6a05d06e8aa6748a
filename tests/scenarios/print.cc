// SPDX-License-Identifier: Apache-2.0
#include "tests/scenarios/print.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "tallywire/v1/types.pb.h"

namespace tallywire::scenarios {
namespace {

// `POOL_HELD` → `HELD`.
std::string Short(const std::string& name, const std::string& prefix) {
  return name.starts_with(prefix) ? name.substr(prefix.size()) : name;
}

std::string PoolName(v1::Pool pool) { return Short(v1::Pool_Name(pool), "POOL_"); }

void AddUnlessZero(std::string& out, const char* name, int64_t value) {
  if (value != 0) absl::StrAppend(&out, " ", name, "=", value);
}

std::string Micros(int64_t seconds, int32_t nanos) {
  return absl::FormatDuration(absl::Seconds(seconds) + absl::Nanoseconds(nanos));
}

std::string MoneyText(const v1::Money& money) {
  return absl::StrCat(money.amount(), money.currency());
}

void AddPools(std::string& out, const v1::Availability& row) {
  AddUnlessZero(out, "available", row.available());
  AddUnlessZero(out, "committed", row.committed());
  AddUnlessZero(out, "held", row.held());
  AddUnlessZero(out, "damaged", row.damaged());
  AddUnlessZero(out, "used", row.used());
  AddUnlessZero(out, "quality_control", row.quality_control());
  AddUnlessZero(out, "incoming", row.incoming());
  AddUnlessZero(out, "on_hand", row.on_hand());
}

void AddFull(std::string& out, const v1::Availability& row) {
  if (row.level() == v1::LEVEL_SITE) {
    absl::StrAppend(&out, " kind=", Short(v1::SiteKind_Name(row.kind()), "SITE_KIND_"));
    if (row.has_priority()) absl::StrAppend(&out, " priority=", row.priority());
    if (row.has_lead_time()) {
      absl::StrAppend(&out,
                      " lead_time=", Micros(row.lead_time().seconds(), row.lead_time().nanos()));
    }
    if (row.has_unit_cost()) absl::StrAppend(&out, " unit_cost=", MoneyText(row.unit_cost()));
    absl::StrAppend(&out, row.own_location_sellable() ? " own" : " own_unsellable");
  }
  if (row.has_definition()) {
    const v1::SkuDefined& sku = row.definition();
    absl::StrAppend(&out, " title=", sku.title());
    if (sku.discontinued()) absl::StrAppend(&out, " discontinued");
    if (sku.has_unit_cost()) absl::StrAppend(&out, " unit_cost=", MoneyText(sku.unit_cost()));
    if (sku.has_msrp()) absl::StrAppend(&out, " msrp=", MoneyText(sku.msrp()));
    if (sku.has_map()) absl::StrAppend(&out, " map=", MoneyText(sku.map()));
  }
}

void AddVersion(std::string& out, const v1::Availability& row, const RowPrinting& printing) {
  absl::StrAppend(&out, " version=", printing.record_name(row.partition(), row.version()),
                  " cause=", Short(v1::CauseKind_Name(row.cause().kind()), "CAUSE_KIND_"));
  if (row.cause().kind() == v1::CAUSE_KIND_EVENT) {
    absl::StrAppend(&out, ":", EventName(row.cause().source(), row.cause().event_id()));
  }
}

std::string AlertSet(const v1::Alert& alert) {
  return " set=" + Short(v1::CountSet_Name(alert.set()), "COUNT_SET_");
}

// What the law says of each kind, so much is printed of it.
std::string AlertFacts(const v1::Alert& alert) {
  const std::string place = absl::StrCat(" ", alert.sku(), " ", alert.location());
  const std::string by = " by=" + EventName(alert.source(), alert.event_id());
  const std::string late =
      " lateness=" + Micros(alert.lateness().seconds(), alert.lateness().nanos());
  const std::string before_after =
      absl::StrCat(" before=", alert.before(), " after=", alert.after());
  const std::string amount = absl::StrCat(" amount=", alert.amount());
  switch (alert.id().kind()) {
    case v1::ALERT_KIND_CONFLICTING_DUPLICATE:
    case v1::ALERT_KIND_SEQUENCE_REUSED:
      return " " + (alert.sku().empty() ? alert.location() : alert.sku()) + by;
    case v1::ALERT_KIND_UNDEFINED_LOCATION:
    case v1::ALERT_KIND_COUNT_NEAR_OTHERS:
      return place + by;
    case v1::ALERT_KIND_OVERSOLD:
      return place + " pool=" + PoolName(alert.pool()) + before_after + by;
    case v1::ALERT_KIND_COUNT_VARIANCE:
      return place + AlertSet(alert) + before_after + amount + by;
    case v1::ALERT_KIND_LATE_MOVEMENT:
      return place + AlertSet(alert) + amount + late + by;
    case v1::ALERT_KIND_TRANSFER_UNEXPECTED:
      return place + amount + by;
    case v1::ALERT_KIND_CLOCK_STEPPED_BACK:
      return late;
    case v1::ALERT_KIND_WRONG_PARTITION:
      return " source=" + alert.source();
    case v1::ALERT_KIND_NEEDS_CAP:
      return absl::StrCat(" ", alert.sku(), " ", alert.channel(), " ", alert.listing());
    default:
      return place + by;
  }
}

}  // namespace

std::string EventName(const std::string& source, const std::string& id) {
  if (id.empty()) return "-";
  return source == "test" ? id : source + "/" + id;
}

std::string Print(const v1::Availability& row, const RowPrinting& printing) {
  const std::string level = Short(v1::Level_Name(row.level()), "LEVEL_");
  std::string out = row.location().empty() ? level : row.location() + " " + level;
  AddPools(out, row);
  if (row.unlimited()) absl::StrAppend(&out, " unlimited");
  if (row.has_ats() && !(row.unlimited() && row.ats() == 0)) {
    absl::StrAppend(&out, " ats=", row.ats());
  }
  AddUnlessZero(out, "shortfall", row.shortfall());
  AddUnlessZero(out, "safety", row.safety_stock());
  const std::string because =
      Short(v1::NotSellableBecause_Name(row.not_sellable_because()), "NOT_SELLABLE_BECAUSE_");
  if (!row.sellable()) {
    absl::StrAppend(&out, " unsellable:", because);
  } else {
    absl::StrAppend(&out, because == "UNSPECIFIED" ? " sellable" : " sellable-yet:" + because);
  }
  if (printing.full) AddFull(out, row);
  if (printing.record_name) AddVersion(out, row, printing);
  return out;
}

std::string Print(const v1::Alert& alert) {
  return Short(v1::AlertKind_Name(alert.id().kind()), "ALERT_KIND_") + AlertFacts(alert);
}

std::string Print(const v1::JournalEntry& entry) {
  std::string out = entry.what();
  if (out != "timer") absl::StrAppend(&out, " ", EventName(entry.source(), entry.event_id()));
  absl::StrAppend(&out, " ", entry.location());
  bool any = false;
  std::vector<v1::PoolChange> changes(entry.changes().begin(), entry.changes().end());
  std::sort(changes.begin(), changes.end(),
            [](const auto& a, const auto& b) { return a.pool() < b.pool(); });
  for (const v1::PoolChange& change : changes) {
    if (change.delta() == 0) continue;
    any = true;
    absl::StrAppend(&out, " ", PoolName(change.pool()), " ", change.delta() > 0 ? "+" : "",
                    change.delta(), " ", change.before(), "->", change.after());
  }
  return any ? out : out + " nothing";
}

std::string Print(const v1::ListingUpdate& update, bool trace) {
  std::string out =
      absl::StrCat(update.channel(), " ", update.listing_id(), " ", update.sku(), " quantity=");
  absl::StrAppend(&out, update.has_quantity() ? absl::StrCat(update.quantity()) : "none", " ",
                  Short(v1::ListingState_Name(update.state()), "LISTING_STATE_"));
  if (!trace) return out;
  for (const v1::TraceStep& step : update.trace()) {
    absl::StrAppend(&out, " ", step.step(), ":", step.result());
  }
  return out;
}

std::string Print(const v1::Listing& listing) {
  return absl::StrCat(listing.channel(), " ", listing.listing_id(), " ", listing.sku(),
                      listing.paused() ? " paused" : "");
}

}  // namespace tallywire::scenarios
