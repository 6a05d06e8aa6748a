// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_LEDGER_EVENT_H_
#define TALLYWIRE_LEDGER_EVENT_H_

// One event as the fold sees it: flat, defaults filled in, no protobuf.
//
// Lifetime: the views point into what the codec decoded (ledger/codec.h says for how long). A field
// that a body does not have is left at its default; the table in proto/tallywire/v1/event.proto
// says which body has which.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ledger/types.h"

namespace tallywire {

enum class Body : uint8_t {
  kReceived,
  kSold,
  kReturned,
  kCounted,
  kAdjusted,
  kMoved,
  kTransferred,
  kTransferShipped,
  kTransferReceived,
  kTransferClosed,
  kSkuDefined,
  kSkuLocationSet,
  kLocationDefined,
  kLocationCopied,
  kTicked,
};
inline constexpr int kBodies = 15;

// The field name in StockEvent: `transfer_shipped`.
std::string_view Name(Body body);

// Written by the ledger itself, not by a source: has no identity, key or SKU of its own.
constexpr bool IsLinked(Body body) {
  return body == Body::kLocationCopied || body == Body::kTicked;
}

// What sku_defined says. Equal definitions touch nothing.
struct SkuDefinition {
  std::string title;
  Tracking tracking = Tracking::kTracked;
  bool sellable = true;
  bool discontinued = false;
  Quantity safety_stock = 0;
  std::optional<Money> unit_cost;
  std::optional<Money> msrp;
  std::optional<Money> map;
  friend bool operator==(const SkuDefinition&, const SkuDefinition&) = default;
};

// What location_defined says of a location.
struct LocationDefinition {
  SiteKind kind = SiteKind::kNone;
  std::optional<bool> sellable;
  std::optional<int32_t> priority;
  std::optional<Span> lead_time;
  std::optional<Coordinates> coordinates;
  friend bool operator==(const LocationDefinition&, const LocationDefinition&) = default;
};

// What sku_location_set says of a SKU at a location.
struct SkuLocation {
  std::optional<bool> sellable;
  std::optional<Quantity> safety_stock;
  friend bool operator==(const SkuLocation&, const SkuLocation&) = default;
};

struct Event {
  Body body = Body::kTicked;

  std::string_view event_id;
  std::string_view source;
  std::string_view sku;
  std::optional<Time> occurred_at;  // as given
  std::optional<uint64_t> sequence;
  std::string_view actor;
  std::string_view document;
  std::string_view note;

  // The place, or `from` of a transfer, or the location that is defined or copied.
  std::string_view location;
  std::string_view to;
  std::string_view transfer_id;
  // > 0; of counted >= 0; of adjusted the delta, not 0.
  Quantity quantity = 0;
  // Of moved: from_pool.
  Pool pool = Pool::kAvailable;
  Pool to_pool = Pool::kAvailable;
  CountSet set = CountSet::kShelf;
  std::optional<Time> until;

  std::string_view channel;
  std::string_view listing;
  std::string_view order;
  std::string_view purchase_order;
  std::string_view reason;
  std::optional<Money> unit_cost;

  SkuDefinition sku_definition;
  LocationDefinition location_definition;
  SkuLocation sku_location;

  // Of a linked record.
  Partition target_partition;
  Partition cause_partition;
  Offset cause_offset;
};

}  // namespace tallywire

#endif  // TALLYWIRE_LEDGER_EVENT_H_
