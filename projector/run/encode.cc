// SPDX-License-Identifier: Apache-2.0
#include "projector/run/encode.h"

#include <array>

#include "absl/strings/str_cat.h"
#include "ledger/dead_letters.h"
#include "ledger/topics.h"

namespace tallywire {
namespace {

void SetTime(Time time, google::protobuf::Timestamp* out) {
  int64_t seconds = time.value() / 1'000'000;
  int64_t micros = time.value() % 1'000'000;
  if (micros < 0) {
    --seconds;
    micros += 1'000'000;
  }
  out->set_seconds(seconds);
  out->set_nanos(static_cast<int32_t>(micros * 1'000));
}

void SetSpan(Span span, google::protobuf::Duration* out) {
  out->set_seconds(span.value() / 1'000'000);
  out->set_nanos(static_cast<int32_t>(span.value() % 1'000'000 * 1'000));
}

void SetMoney(const Money& money, v1::Money* out) {
  out->set_amount(money.amount);
  out->set_currency(money.currency);
}

v1::Pool ToWire(Pool pool) { return static_cast<v1::Pool>(Index(pool) + 1); }
v1::CountSet ToWire(CountSet set) { return static_cast<v1::CountSet>(Index(set) + 1); }

// The next part of a packed cause.
std::string TakePart(std::string_view& packed) {
  const size_t end = packed.find('\0');
  if (end == std::string_view::npos) return "";
  std::string part(packed.substr(0, end));
  packed.remove_prefix(end + 1);
  return part;
}

void SetCause(const Touch& touch, v1::Cause* out) {
  switch (touch.kind) {
    case CauseKind::kNone:
      return;
    case CauseKind::kLocation:
      out->set_kind(v1::CAUSE_KIND_LOCATION);
      return;
    case CauseKind::kTimer:
      out->set_kind(v1::CAUSE_KIND_TIMER);
      return;
    case CauseKind::kEvent:
      break;
  }
  out->set_kind(v1::CAUSE_KIND_EVENT);
  std::string_view packed = touch.cause.text();
  out->set_source(TakePart(packed));
  out->set_event_id(TakePart(packed));
  out->set_channel(TakePart(packed));
  out->set_listing(TakePart(packed));
  SetTime(touch.occurred_at, out->mutable_occurred_at());
}

void SetDefinition(const SkuDefinition& definition, v1::SkuDefined* out) {
  out->set_title(definition.title);
  out->set_tracking(definition.tracking == Tracking::kTracked ? v1::TRACKING_TRACKED
                                                              : v1::TRACKING_NON_INVENTORY);
  out->set_sellable(definition.sellable);
  out->set_discontinued(definition.discontinued);
  out->set_safety_stock(definition.safety_stock);
  if (definition.unit_cost.has_value()) SetMoney(*definition.unit_cost, out->mutable_unit_cost());
  if (definition.msrp.has_value()) SetMoney(*definition.msrp, out->mutable_msrp());
  if (definition.map.has_value()) SetMoney(*definition.map, out->mutable_map());
}

void SetSite(const StockRow& row, v1::Availability* out) {
  out->set_own_location_sellable(row.own_location_sellable);
  if (row.unit_cost != nullptr) SetMoney(row.unit_cost->money, out->mutable_unit_cost());
  if (row.definition == nullptr) return;
  out->set_kind(static_cast<v1::SiteKind>(row.definition->kind));
  if (row.definition->priority.has_value()) out->set_priority(*row.definition->priority);
  if (row.definition->lead_time.has_value()) {
    SetSpan(*row.definition->lead_time, out->mutable_lead_time());
  }
}

std::string Of(const std::optional<Quantity>& quantity) {
  return absl::StrCat(quantity.value_or(0));
}

// `3 h`, `90 s`: the two largest units would say more than anybody reads.
std::string InWords(Span span) {
  const int64_t seconds = span.value() / 1'000'000;
  if (seconds >= 2 * 86'400) return absl::StrCat(seconds / 86'400, " days");
  if (seconds >= 2 * 3'600) return absl::StrCat(seconds / 3'600, " hours");
  if (seconds >= 120) return absl::StrCat(seconds / 60, " minutes");
  return absl::StrCat(seconds, " seconds");
}

std::string TextOf(const AlertEffect& a) {
  const std::string pool = a.pool.has_value() ? std::string(Name(*a.pool)) : "";
  const std::string set = a.set.has_value() ? std::string(Name(*a.set)) : "";
  switch (a.kind) {
    case AlertKind::kConflictingDuplicate:
      return absl::StrCat("event ", a.event_id, " of ", a.source,
                          " came again with other content; nothing was changed");
    case AlertKind::kSequenceReused:
      return absl::StrCat("source ", a.source, " gave the number of another event to ", a.event_id);
    case AlertKind::kUndefinedLocation:
      return absl::StrCat("stock at ", a.location,
                          ", which nobody has defined: kept and shown, not sellable");
    case AlertKind::kOversold:
      return absl::StrCat(a.location, " went from ", Of(a.before), " to ", Of(a.after), " in ",
                          pool);
    case AlertKind::kCountVariance:
      return absl::StrCat("count of ", set, " at ", a.location, " found ", Of(a.after), " where ",
                          Of(a.before), " was expected");
    case AlertKind::kLateMovement:
      return absl::StrCat("a movement of ", Of(a.amount), " in ", set, " at ", a.location, " came ",
                          InWords(a.lateness.value_or(Span())),
                          " late, after a count that had seen it");
    case AlertKind::kCountNearOthers:
      return absl::StrCat("count at ", a.location,
                          ": there is stock inside it or at its site's own location, which this "
                          "count did not cover");
    case AlertKind::kTransferUnexpected:
      return absl::StrCat(Of(a.amount), " more arrived at ", a.location, " than were on their way");
    case AlertKind::kClockSteppedBack:
      return absl::StrCat("the log's clock went back by ", InWords(a.lateness.value_or(Span())));
    case AlertKind::kWrongPartition:
      return absl::StrCat(
          "source ", a.source,
          " puts records on wrong partitions: set its partitioner to murmur2 "
          "(librdkafka: partitioner=murmur2_random), then redrive its dead letters");
  }
  return "";
}

}  // namespace

void EncodeRow(const StockRow& row, const SkuState& sku, Partition partition,
               v1::Availability* out) {
  out->set_sku(sku.sku);
  out->set_location(std::string(row.name));
  out->set_level(static_cast<v1::Level>(row.level));
  const auto pool = [&row](Pool p) { return row.pools[static_cast<size_t>(Index(p))]; };
  out->set_available(pool(Pool::kAvailable));
  out->set_committed(pool(Pool::kCommitted));
  out->set_held(pool(Pool::kHeld));
  out->set_damaged(pool(Pool::kDamaged));
  out->set_used(pool(Pool::kUsed));
  out->set_quality_control(pool(Pool::kQualityControl));
  out->set_incoming(pool(Pool::kIncoming));
  out->set_on_hand(OnHand(row.pools));
  out->set_unlimited(row.unlimited);
  out->set_sellable(row.sellable);
  out->set_not_sellable_because(static_cast<v1::NotSellableBecause>(row.because));
  out->set_version(row.touch->offset.value());
  out->set_partition(partition.value());
  SetTime(row.touch->log_time, out->mutable_log_time());
  SetCause(*row.touch, out->mutable_cause());
  if (row.level == Level::kPlace) return;
  out->set_ats(row.ats);
  out->set_shortfall(row.shortfall);
  out->set_safety_stock(row.safety_stock);
  if (row.level == Level::kSite) return SetSite(row, out);
  if (sku.definition != nullptr) SetDefinition(*sku.definition, out->mutable_definition());
}

void EncodeAlert(const AlertEffect& effect, Partition partition, v1::Alert* out) {
  out->mutable_id()->set_partition(partition.value());
  out->mutable_id()->set_offset(effect.offset.value());
  out->mutable_id()->set_kind(static_cast<v1::AlertKind>(effect.kind));
  out->mutable_id()->set_ordinal(effect.ordinal);
  SetTime(effect.log_time, out->mutable_log_time());
  out->set_sku(effect.sku);
  out->set_location(effect.location);
  out->set_text(TextOf(effect));
  out->set_source(effect.source);
  out->set_event_id(effect.event_id);
  if (effect.occurred_at.has_value()) SetTime(*effect.occurred_at, out->mutable_occurred_at());
  if (effect.pool.has_value()) out->set_pool(ToWire(*effect.pool));
  if (effect.set.has_value()) out->set_set(ToWire(*effect.set));
  if (effect.before.has_value()) out->set_before(*effect.before);
  if (effect.after.has_value()) out->set_after(*effect.after);
  if (effect.amount.has_value()) out->set_amount(*effect.amount);
  if (effect.lateness.has_value()) SetSpan(*effect.lateness, out->mutable_lateness());
}

void EncodeJournalEntry(std::string_view location, const JournalEntry& entry, Partition partition,
                        v1::JournalEntry* out) {
  out->set_partition(partition.value());
  out->set_offset(entry.offset.value());
  out->set_what(entry.what == kJournalTimer ? "timer"
                                            : std::string(Name(static_cast<Body>(entry.what))));
  out->set_location(std::string(location));
  SetTime(entry.log_time, out->mutable_log_time());
  SetTime(entry.occurred_at, out->mutable_occurred_at());
  for (int i = 0; i < entry.changes; ++i) {
    const PoolDelta& change = entry.pools[static_cast<size_t>(i)];
    v1::PoolChange* made = out->add_changes();
    made->set_pool(ToWire(change.pool));
    made->set_delta(change.delta);
    made->set_before(change.after - change.delta);
    made->set_after(change.after);
  }
  std::string_view packed = entry.cause.text();
  out->set_source(TakePart(packed));
  out->set_event_id(TakePart(packed));
}

DeadLetter MakeDeadLetter(const Record& record, const Refusal& refusal) {
  DeadLetter letter;
  letter.key = record.key;
  if (refusal.reason != RefusedReason::kTooLarge) letter.value = record.value;
  letter.headers.assign(record.headers.begin(), record.headers.end());
  const std::array<Header, 6> made = {{
      {std::string(kDltOriginalTopic), std::string(kStockEvents)},
      {std::string(kDltOriginalPartition), absl::StrCat(record.partition.value())},
      {std::string(kDltOriginalOffset), absl::StrCat(record.offset.value())},
      {std::string(kDltOriginalTimestamp), absl::StrCat(record.stamp.value() / 1'000)},
      {std::string(kDltMessage), refusal.detail},
      {std::string(kDltCode), std::string(Name(refusal.reason))},
  }};
  letter.headers.insert(letter.headers.end(), made.begin(), made.end());
  return letter;
}

}  // namespace tallywire
