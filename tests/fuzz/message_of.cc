// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/message_of.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace tallywire::fuzz {
namespace {

constexpr int64_t kMicros = 1'000'000;

// Rounds towards the past, so that nanoseconds are never negative.
template <class SecondsAndNanos>
void Set(int64_t micros, SecondsAndNanos* out) {
  int64_t seconds = micros / kMicros;
  if (micros % kMicros < 0) --seconds;
  out->set_seconds(seconds);
  out->set_nanos(static_cast<int32_t>(micros - seconds * kMicros) * 1'000);
}

void Set(const std::optional<Money>& money, v1::Money* (v1::SkuDefined::*field)(),
         v1::SkuDefined* out) {
  if (!money.has_value()) return;
  (out->*field)()->set_amount(money->amount);
  (out->*field)()->set_currency(money->currency);
}

v1::Pool WirePool(Pool pool) { return static_cast<v1::Pool>(Index(pool) + 1); }

std::string Text(std::string_view text) { return std::string(text); }

void Set(const Event& event, v1::Received* out) {
  out->set_location(Text(event.location));
  out->set_quantity(event.quantity);
  out->set_pool(WirePool(event.pool));
  if (event.unit_cost.has_value()) {
    out->mutable_unit_cost()->set_amount(event.unit_cost->amount);
    out->mutable_unit_cost()->set_currency(event.unit_cost->currency);
  }
  out->set_purchase_order(Text(event.purchase_order));
}

void Set(const Event& event, v1::Sold* out) {
  out->set_location(Text(event.location));
  out->set_quantity(event.quantity);
  out->set_pool(WirePool(event.pool));
  out->set_channel(Text(event.channel));
  out->set_listing(Text(event.listing));
  out->set_order(Text(event.order));
}

void Set(const Event& event, v1::Returned* out) {
  out->set_location(Text(event.location));
  out->set_quantity(event.quantity);
  out->set_pool(WirePool(event.pool));
  out->set_order(Text(event.order));
}

void Set(const Event& event, v1::Counted* out) {
  out->set_location(Text(event.location));
  out->set_quantity(event.quantity);
  out->set_set(static_cast<v1::CountSet>(Index(event.set) + 1));
}

void Set(const Event& event, v1::Adjusted* out) {
  out->set_location(Text(event.location));
  out->set_delta(event.quantity);
  out->set_pool(WirePool(event.pool));
  out->set_reason(Text(event.reason));
}

void Set(const Event& event, v1::Moved* out) {
  out->set_location(Text(event.location));
  out->set_from_pool(WirePool(event.pool));
  out->set_to_pool(WirePool(event.to_pool));
  out->set_quantity(event.quantity);
  out->set_reason(Text(event.reason));
  if (event.until.has_value()) Set(event.until->value(), out->mutable_until());
}

void Set(const Event& event, v1::Transferred* out) {
  out->set_from(Text(event.location));
  out->set_to(Text(event.to));
  out->set_quantity(event.quantity);
  out->set_pool(WirePool(event.pool));
}

void Set(const Event& event, v1::TransferShipped* out) {
  out->set_transfer_id(Text(event.transfer_id));
  out->set_from(Text(event.location));
  out->set_to(Text(event.to));
  out->set_quantity(event.quantity);
  out->set_pool(WirePool(event.pool));
}

void Set(const Event& event, v1::TransferReceived* out) {
  out->set_transfer_id(Text(event.transfer_id));
  out->set_to(Text(event.to));
  out->set_quantity(event.quantity);
  out->set_pool(WirePool(event.pool));
}

void Set(const SkuDefinition& sku, v1::SkuDefined* out) {
  out->set_title(sku.title);
  out->set_tracking(static_cast<v1::Tracking>(static_cast<int>(sku.tracking) + 1));
  out->set_sellable(sku.sellable);
  out->set_discontinued(sku.discontinued);
  out->set_safety_stock(sku.safety_stock);
  Set(sku.unit_cost, &v1::SkuDefined::mutable_unit_cost, out);
  Set(sku.msrp, &v1::SkuDefined::mutable_msrp, out);
  Set(sku.map, &v1::SkuDefined::mutable_map, out);
}

void Set(const Event& event, v1::SkuLocationSet* out) {
  out->set_location(Text(event.location));
  if (event.sku_location.sellable) out->set_sellable(*event.sku_location.sellable);
  if (event.sku_location.safety_stock) out->set_safety_stock(*event.sku_location.safety_stock);
}

void Set(const Event& event, v1::LocationDefined* out) {
  const LocationDefinition& place = event.location_definition;
  out->set_location(Text(event.location));
  out->set_kind(static_cast<v1::SiteKind>(place.kind));
  if (place.sellable) out->set_sellable(*place.sellable);
  if (place.priority) out->set_priority(*place.priority);
  if (place.lead_time) Set(place.lead_time->value(), out->mutable_lead_time());
  if (!place.coordinates) return;
  out->mutable_coordinates()->set_latitude_e7(place.coordinates->latitude_e7);
  out->mutable_coordinates()->set_longitude_e7(place.coordinates->longitude_e7);
}

void Set(const Event& event, v1::LocationCopied* out) {
  out->set_target_partition(event.target_partition.value());
  out->mutable_cause()->set_partition(event.cause_partition.value());
  out->mutable_cause()->set_offset(event.cause_offset.value());
  Set(event, out->mutable_definition());
}

void SetBody(const Event& event, v1::StockEvent* out) {
  switch (event.body) {
    case Body::kReceived:
      return Set(event, out->mutable_received());
    case Body::kSold:
      return Set(event, out->mutable_sold());
    case Body::kReturned:
      return Set(event, out->mutable_returned());
    case Body::kCounted:
      return Set(event, out->mutable_counted());
    case Body::kAdjusted:
      return Set(event, out->mutable_adjusted());
    case Body::kMoved:
      return Set(event, out->mutable_moved());
    case Body::kTransferred:
      return Set(event, out->mutable_transferred());
    case Body::kTransferShipped:
      return Set(event, out->mutable_transfer_shipped());
    case Body::kTransferReceived:
      return Set(event, out->mutable_transfer_received());
    case Body::kTransferClosed:
      return out->mutable_transfer_closed()->set_transfer_id(Text(event.transfer_id));
    case Body::kSkuDefined:
      return Set(event.sku_definition, out->mutable_sku_defined());
    case Body::kSkuLocationSet:
      return Set(event, out->mutable_sku_location_set());
    case Body::kLocationDefined:
      return Set(event, out->mutable_location_defined());
    case Body::kLocationCopied:
      return Set(event, out->mutable_location_copied());
    case Body::kTicked:
      out->mutable_ticked();
      return;
  }
}

}  // namespace

v1::StockEvent MessageOf(const Event& event) {
  v1::StockEvent message;
  message.set_event_id(Text(event.event_id));
  message.set_source(Text(event.source));
  message.set_sku(Text(event.sku));
  if (event.occurred_at) Set(event.occurred_at->value(), message.mutable_occurred_at());
  if (event.sequence) message.set_sequence(*event.sequence);
  message.set_actor(Text(event.actor));
  message.set_document(Text(event.document));
  message.set_note(Text(event.note));
  SetBody(event, &message);
  return message;
}

std::string BytesOf(const Event& event) { return MessageOf(event).SerializeAsString(); }

}  // namespace tallywire::fuzz
