// SPDX-License-Identifier: Apache-2.0
#include "ledger/form_rules.h"

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "ledger/field_reader.h"
#include "ledger/limits.h"
#include "ledger/names.h"
#include "ledger/topics.h"
#include "tallywire/v1/event.pb.h"
#include "tallywire/v1/types.pb.h"

namespace tallywire {
namespace {

// Ten-millionths of a degree.
constexpr int32_t kMostLatitude = 900'000'000;
constexpr int32_t kMostLongitude = 1'800'000'000;

// One for each body: its fields, and the rules between them.

void Read(const v1::Received& body, FieldReader& in, Event& event) {
  event.location = in.Location("location", body.location());
  event.quantity = in.Units(body.has_quantity(), body.quantity());
  event.pool = in.Pool("pool", body.pool());
  in.Money("unit_cost", body.has_unit_cost(), body.unit_cost(), event.unit_cost);
  event.purchase_order = in.Reference("purchase_order", body.purchase_order());
}

void Read(const v1::Sold& body, FieldReader& in, Event& event) {
  event.location = in.Location("location", body.location());
  event.quantity = in.Units(body.has_quantity(), body.quantity());
  event.pool = in.Pool("pool", body.pool());
  event.channel = in.Name("channel", body.channel(), Need::kOptional);
  event.listing = in.Name("listing", body.listing(), Need::kOptional);
  event.order = in.Reference("order", body.order());
}

void Read(const v1::Returned& body, FieldReader& in, Event& event) {
  event.location = in.Location("location", body.location());
  event.quantity = in.Units(body.has_quantity(), body.quantity());
  event.pool = in.Pool("pool", body.pool());
  event.order = in.Reference("order", body.order());
}

void Read(const v1::Counted& body, FieldReader& in, Event& event) {
  event.location = in.Location("location", body.location());
  event.quantity = in.UnitsOrNone("quantity", body.has_quantity(), body.quantity());
  event.set = in.EnumFromOne("set", body.set(), CountSet::kQualityControl);
}

void Read(const v1::Adjusted& body, FieldReader& in, Event& event) {
  event.location = in.Location("location", body.location());
  event.pool = in.Pool("pool", body.pool());
  event.quantity = in.Delta(body.has_delta(), body.delta());
  event.reason = in.Reference("reason", body.reason(), Need::kRequired);
}

void Read(const v1::Moved& body, FieldReader& in, Event& event) {
  event.location = in.Location("location", body.location());
  event.pool = in.Pool("from_pool", body.from_pool());
  event.to_pool = in.Pool("to_pool", body.to_pool());
  event.quantity = in.Units(body.has_quantity(), body.quantity());
  event.reason = in.Reference("reason", body.reason());
  event.until = in.Timestamp("until", body.has_until(), body.until());
  if (event.pool == event.to_pool) {
    in.Break(RefusedReason::kBadValue, "to_pool",
             absl::StrCat(std::string(Name(event.to_pool)), " is `from_pool` too"));
  }
  if (body.has_until() && event.to_pool != Pool::kHeld) {
    in.Break(
        RefusedReason::kBadValue, "until",
        absl::StrCat("given, but `to_pool` is ", std::string(Name(event.to_pool)), ", not HELD"));
  }
  if (event.until.has_value() && event.until->value() < 0) {
    in.Break(RefusedReason::kBadValue, "until", FormatTime(*event.until) + " is before 1970");
  }
}

void Read(const v1::Transferred& body, FieldReader& in, Event& event) {
  in.Places(event, body.from(), body.to());
  event.quantity = in.Units(body.has_quantity(), body.quantity());
  event.pool = in.Pool("pool", body.pool());
}

void Read(const v1::TransferShipped& body, FieldReader& in, Event& event) {
  event.transfer_id = in.Name("transfer_id", body.transfer_id(), Need::kRequired);
  in.Places(event, body.from(), body.to());
  event.quantity = in.Units(body.has_quantity(), body.quantity());
  event.pool = in.Pool("pool", body.pool());
}

void Read(const v1::TransferReceived& body, FieldReader& in, Event& event) {
  event.transfer_id = in.Name("transfer_id", body.transfer_id(), Need::kRequired);
  event.to = in.Location("to", body.to());
  event.quantity = in.Units(body.has_quantity(), body.quantity());
  event.pool = in.Pool("pool", body.pool());
}

void Read(const v1::TransferClosed& body, FieldReader& in, Event& event) {
  event.transfer_id = in.Name("transfer_id", body.transfer_id(), Need::kRequired);
}

void Read(const v1::SkuDefined& body, FieldReader& in, Event& event) {
  SkuDefinition& sku = event.sku_definition;
  sku.title = in.Reference("title", body.title(), Need::kOptional, kMaxTitleBytes);
  sku.tracking = in.EnumFromOne("tracking", body.tracking(), Tracking::kNonInventory);
  sku.sellable = !body.has_sellable() || body.sellable();
  sku.discontinued = body.discontinued();
  sku.safety_stock = in.UnitsOrNone("safety_stock", true, body.safety_stock());
  in.Money("unit_cost", body.has_unit_cost(), body.unit_cost(), sku.unit_cost);
  in.Money("msrp", body.has_msrp(), body.msrp(), sku.msrp);
  in.Money("map", body.has_map(), body.map(), sku.map);
}

void Read(const v1::SkuLocationSet& body, FieldReader& in, Event& event) {
  event.location = in.Location("location", body.location());
  if (body.has_sellable()) event.sku_location.sellable = body.sellable();
  if (body.has_safety_stock()) {
    event.sku_location.safety_stock = in.UnitsOrNone("safety_stock", true, body.safety_stock());
  }
}

void Read(const v1::LocationDefined& body, FieldReader& in, Event& event) {
  event.location = in.Location("location", body.location());
  LocationDefinition& definition = event.location_definition;
  definition.kind = in.Kind("kind", body.kind());
  if (body.has_sellable()) definition.sellable = body.sellable();
  if (body.has_priority()) definition.priority = body.priority();
  definition.lead_time = in.Duration("lead_time", body.has_lead_time(), body.lead_time());
  if (!body.has_coordinates()) return;
  const auto& place = body.coordinates();
  const auto within = [&](std::string_view field, int32_t value, int32_t most) {
    if (value >= -most && value <= most) return;
    in.Break(RefusedReason::kBadValue, field,
             absl::StrCat(value, " is beyond ", most / 10'000'000, " degrees"));
  };
  within("coordinates.latitude_e7", place.latitude_e7(), kMostLatitude);
  within("coordinates.longitude_e7", place.longitude_e7(), kMostLongitude);
  definition.coordinates = {.latitude_e7 = place.latitude_e7(),
                            .longitude_e7 = place.longitude_e7()};
}

void ReadCopied(const v1::LocationCopied& body, const Placement& placement, FieldReader& in,
                Event& event) {
  if (!body.has_cause()) in.Break(RefusedReason::kMissingField, "cause", "missing");
  if (!body.has_definition()) in.Break(RefusedReason::kMissingField, "definition", "missing");
  event.target_partition = Partition(body.target_partition());
  event.cause_partition = Partition(body.cause().partition());
  event.cause_offset = Offset(body.cause().offset());
  if (placement.partitions > 0) {
    if (event.target_partition != placement.partition) {
      in.Break(RefusedReason::kNotAllowed, "target_partition",
               absl::StrCat(body.target_partition(), " is not the partition it lies on, ",
                            placement.partition.value()));
    }
    if (body.cause().partition() < 0 || body.cause().partition() >= placement.partitions) {
      in.Break(RefusedReason::kNotAllowed, "cause.partition",
               absl::StrCat(body.cause().partition(), " is none of ", placement.partitions));
    }
  }
  if (body.cause().offset() < 0) {
    in.Break(RefusedReason::kBadValue, "cause.offset",
             absl::StrCat(body.cause().offset(), " is below 0"));
  }
  if (!body.has_definition()) return;
  in.Enter("location_copied.definition.");
  Read(body.definition(), in, event);
}

// Reads the body, whichever it is. False: there is none that is known.
bool ReadBody(const v1::StockEvent& message, const Placement& placement, FieldReader& in,
              Event& event) {
  const auto read = [&](Body body, std::string_view prefix, const auto& fields) {
    event.body = body;
    in.Enter(prefix);
    Read(fields, in, event);
    return true;
  };
  switch (message.body_case()) {
    case v1::StockEvent::kReceived:
      return read(Body::kReceived, "received.", message.received());
    case v1::StockEvent::kSold:
      return read(Body::kSold, "sold.", message.sold());
    case v1::StockEvent::kReturned:
      return read(Body::kReturned, "returned.", message.returned());
    case v1::StockEvent::kCounted:
      return read(Body::kCounted, "counted.", message.counted());
    case v1::StockEvent::kAdjusted:
      return read(Body::kAdjusted, "adjusted.", message.adjusted());
    case v1::StockEvent::kMoved:
      return read(Body::kMoved, "moved.", message.moved());
    case v1::StockEvent::kTransferred:
      return read(Body::kTransferred, "transferred.", message.transferred());
    case v1::StockEvent::kTransferShipped:
      return read(Body::kTransferShipped, "transfer_shipped.", message.transfer_shipped());
    case v1::StockEvent::kTransferReceived:
      return read(Body::kTransferReceived, "transfer_received.", message.transfer_received());
    case v1::StockEvent::kTransferClosed:
      return read(Body::kTransferClosed, "transfer_closed.", message.transfer_closed());
    case v1::StockEvent::kSkuDefined:
      return read(Body::kSkuDefined, "sku_defined.", message.sku_defined());
    case v1::StockEvent::kSkuLocationSet:
      return read(Body::kSkuLocationSet, "sku_location_set.", message.sku_location_set());
    case v1::StockEvent::kLocationDefined:
      return read(Body::kLocationDefined, "location_defined.", message.location_defined());
    case v1::StockEvent::kLocationCopied:
      event.body = Body::kLocationCopied;
      in.Enter("location_copied.");
      ReadCopied(message.location_copied(), placement, in, event);
      return true;
    case v1::StockEvent::kTicked:
      event.body = Body::kTicked;
      return true;
    case v1::StockEvent::BODY_NOT_SET:
      return false;
  }
  return false;
}

std::string WhyUnknown(const v1::StockEvent& message) {
  const auto& unknown = message.GetReflection()->GetUnknownFields(message);
  if (unknown.empty()) return "missing";
  return absl::StrCat("field ", unknown.field(0).number(), " is not known");
}

// The fields that are not the body's.
void ReadEnvelope(const v1::StockEvent& message, const HeaderFields& headers, FieldReader& in,
                  Event& event) {
  const auto or_header = [](const std::string& given, std::string_view header) {
    return given.empty() ? header : std::string_view(given);
  };
  event.event_id =
      in.Name("event_id", or_header(message.event_id(), headers.event_id), Need::kRequired);
  event.source = in.Name("source", or_header(message.source(), headers.source), Need::kRequired);
  const bool place = event.body == Body::kLocationDefined;
  event.sku = in.Name("sku", message.sku(), place ? Need::kOptional : Need::kRequired);
  if (place && !event.sku.empty()) {
    in.Break(RefusedReason::kBadValue, "sku", Quoted(event.sku) + " on a location's definition");
  }
  event.occurred_at = in.Timestamp("occurred_at", message.has_occurred_at(), message.occurred_at());
  if (!message.has_occurred_at() && !headers.time.empty()) {
    event.occurred_at = ParseTime(headers.time);
    if (!event.occurred_at.has_value()) {
      in.Break(RefusedReason::kBadValue, "ce_time", Quoted(headers.time) + " is not RFC 3339");
    }
  }
  if (event.occurred_at.has_value() && event.occurred_at->value() < kEarliestOccurredAt) {
    in.Break(RefusedReason::kBadValue, "occurred_at",
             FormatTime(*event.occurred_at) + " is before the year 2000");
  }
  if (message.has_sequence()) event.sequence = message.sequence();
  event.actor = in.Reference("actor", message.actor());
  event.document = in.Reference("document", message.document());
  event.note = in.Reference("note", message.note());
}

// A log's rules: the key is what the event is about, the partition the one that the key names.
void CheckPlace(const Placement& placement, FieldReader& in, const Event& event) {
  const bool place = event.body == Body::kLocationDefined;
  const std::string_view about = place ? event.location : event.sku;
  if (placement.key != about) {
    in.Break(RefusedReason::kWrongKey, "key",
             absl::StrCat(Quoted(placement.key), " is not the ", place ? "location " : "SKU ",
                          Quoted(about)));
  }
  const Partition right = PartitionOf(placement.key, placement.partitions);
  if (placement.partition != right) {
    in.Break(RefusedReason::kWrongPartition, "partition",
             absl::StrCat(placement.partition.value(), ", but key ", Quoted(placement.key),
                          " belongs to ", right.value(), " of ", placement.partitions));
  }
}

// Back to an event that says nothing. What seldom is there is touched only where it is.
void Reset(Event& event) {
  if (event.body == Body::kSkuDefined) event.sku_definition = {};
  if (event.body == Body::kSkuLocationSet) event.sku_location = {};
  if (event.body == Body::kLocationDefined || event.body == Body::kLocationCopied) {
    event.location_definition = {};
    event.target_partition = {};
    event.cause_partition = {};
    event.cause_offset = {};
  }
  event.unit_cost.reset();
  event.event_id = event.source = event.sku = {};
  event.occurred_at.reset();
  event.sequence.reset();
  event.actor = event.document = event.note = {};
  event.location = event.to = event.transfer_id = {};
  event.quantity = 0;
  event.pool = event.to_pool = Pool::kAvailable;
  event.set = CountSet::kShelf;
  event.until.reset();
  event.channel = event.listing = event.order = event.purchase_order = event.reason = {};
}

}  // namespace

std::optional<Refusal> ReadEvent(const v1::StockEvent& message, Texts texts,
                                 const HeaderFields& headers, const Placement& placement,
                                 Event& event) {
  Reset(event);
  FieldReader in(texts);
  const bool known = ReadBody(message, placement, in, event);
  in.Enter("");
  if (!known) in.Break(RefusedReason::kUnknownBody, "body", WhyUnknown(message));
  if (!known || !IsLinked(event.body)) {
    ReadEnvelope(message, headers, in, event);
    if (placement.partitions > 0) CheckPlace(placement, in, event);
  } else if (placement.partitions == 0) {
    in.Break(RefusedReason::kNotAllowed, Name(event.body), "is written by the ledger only");
  }
  return in.TakeBroken();
}

}  // namespace tallywire
