// SPDX-License-Identifier: Apache-2.0
#include "ledger/identity.h"

#include <array>
#include <cstddef>
#include <cstring>
#include <optional>
#include <string_view>

#include "ledger/check.h"
#include "ledger/limits.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace tallywire {
namespace {

// Names a field in the hashed bytes. Never give a number another meaning; a new field gets a new
// one, and is hashed only where an event has it, so that events without it keep their fingerprint.
enum class Tag : uint8_t {
  kBody = 1,
  kEventId = 2,
  kSource = 3,
  kSku = 4,
  kOccurredAt = 5,
  kActor = 6,
  kDocument = 7,
  kNote = 8,
  kLocation = 9,
  kTo = 10,
  kTransferId = 11,
  kQuantity = 12,
  kPool = 13,
  kToPool = 14,
  kSet = 15,
  kUntil = 16,
  kChannel = 17,
  kListing = 18,
  kOrder = 19,
  kPurchaseOrder = 20,
  kReason = 21,
  kUnitCost = 22,
  kTitle = 23,
  kTracking = 24,
  kSellable = 25,
  kDiscontinued = 26,
  kSafetyStock = 27,
  kMsrp = 28,
  kMap = 29,
  kKind = 30,
  kPriority = 31,
  kLeadTime = 32,
  kCoordinates = 33,
};

// The number of a body in the hashed bytes: its field number in StockEvent, which never changes,
// where the order of the enum may.
uint8_t Number(Body body) {
  static constexpr std::array<uint8_t, kBodies> kNumbers = {20, 21, 22, 23, 24, 25, 26, 27,
                                                            28, 29, 40, 41, 42, 60, 61};
  return kNumbers[static_cast<size_t>(body)];
}

// Bytes to be hashed, gathered on the stack.
template <size_t kCapacity>
class Bytes {
 public:
  void Byte(uint8_t value) {
    Reserve(1);
    data_[size_++] = static_cast<char>(value);
  }

  // Its length goes before it, so that no two texts run together.
  void Text(std::string_view text) {
    Reserve(2 + text.size());
    data_[size_++] = static_cast<char>(text.size() & 0xff);
    data_[size_++] = static_cast<char>(text.size() >> 8);
    std::memcpy(data_.data() + size_, text.data(), text.size());
    size_ += text.size();
  }

  // Little end first, on every machine.
  void Number(int64_t value) {
    Reserve(8);
    const auto bits = static_cast<uint64_t>(value);
    for (int i = 0; i < 8; ++i) data_[size_ + i] = static_cast<char>(bits >> (8 * i));
    size_ += 8;
  }

  std::string_view view() const { return {data_.data(), size_}; }

 private:
  void Reserve(size_t more) {
    TW_CHECK(more <= kCapacity - size_, "an event that kept the form rules fits");
  }

  size_t size_ = 0;
  std::array<char, kCapacity> data_;
};

// Every text of an event at its limit, the title, and each number with its tag.
constexpr size_t kMostBytes =
    9 * (kMaxNameBytes + 3) + 6 * (kMaxReferenceBytes + 3) + kMaxTitleBytes + 3 + 32 * 16;
using EventBytes = Bytes<kMostBytes>;

void Put(EventBytes& out, Tag tag, std::string_view text) {
  if (text.empty()) return;
  out.Byte(static_cast<uint8_t>(tag));
  out.Text(text);
}

void PutNumber(EventBytes& out, Tag tag, int64_t value) {
  out.Byte(static_cast<uint8_t>(tag));
  out.Number(value);
}

template <class Enum>
void PutEnum(EventBytes& out, Tag tag, Enum value) {
  out.Byte(static_cast<uint8_t>(tag));
  out.Byte(static_cast<uint8_t>(value));
}

void Put(EventBytes& out, Tag tag, const std::optional<Time>& time) {
  if (time.has_value()) PutNumber(out, tag, time->value());
}

void Put(EventBytes& out, Tag tag, const std::optional<Money>& money) {
  if (!money.has_value()) return;
  PutNumber(out, tag, money->amount);
  out.Text(money->currency);
}

void Put(EventBytes& out, Tag tag, const std::optional<bool>& flag) {
  if (flag.has_value()) PutEnum(out, tag, *flag);
}

void Put(EventBytes& out, const SkuDefinition& sku) {
  Put(out, Tag::kTitle, sku.title);
  PutEnum(out, Tag::kTracking, sku.tracking);
  PutEnum(out, Tag::kSellable, sku.sellable);
  PutEnum(out, Tag::kDiscontinued, sku.discontinued);
  PutNumber(out, Tag::kSafetyStock, sku.safety_stock);
  Put(out, Tag::kUnitCost, sku.unit_cost);
  Put(out, Tag::kMsrp, sku.msrp);
  Put(out, Tag::kMap, sku.map);
}

void Put(EventBytes& out, const SkuLocation& set) {
  Put(out, Tag::kSellable, set.sellable);
  if (set.safety_stock.has_value()) PutNumber(out, Tag::kSafetyStock, *set.safety_stock);
}

void Put(EventBytes& out, const LocationDefinition& location) {
  PutEnum(out, Tag::kKind, location.kind);
  Put(out, Tag::kSellable, location.sellable);
  if (location.priority.has_value()) PutNumber(out, Tag::kPriority, *location.priority);
  if (location.lead_time.has_value()) PutNumber(out, Tag::kLeadTime, location.lead_time->value());
  if (location.coordinates.has_value()) {
    PutNumber(out, Tag::kCoordinates, location.coordinates->latitude_e7);
    out.Number(location.coordinates->longitude_e7);
  }
}

// What only the event's own body has. Texts that a body lacks are empty, so they need no case.
void PutBody(EventBytes& out, const Event& event) {
  switch (event.body) {
    case Body::kReceived:
    case Body::kSold:
    case Body::kReturned:
    case Body::kAdjusted:
    case Body::kTransferred:
    case Body::kTransferShipped:
    case Body::kTransferReceived:
      PutNumber(out, Tag::kQuantity, event.quantity);
      PutEnum(out, Tag::kPool, event.pool);
      return;
    case Body::kMoved:
      PutNumber(out, Tag::kQuantity, event.quantity);
      PutEnum(out, Tag::kPool, event.pool);
      PutEnum(out, Tag::kToPool, event.to_pool);
      Put(out, Tag::kUntil, event.until);
      return;
    case Body::kCounted:
      PutNumber(out, Tag::kQuantity, event.quantity);
      PutEnum(out, Tag::kSet, event.set);
      return;
    case Body::kSkuDefined:
      return Put(out, event.sku_definition);
    case Body::kSkuLocationSet:
      return Put(out, event.sku_location);
    case Body::kLocationDefined:
      return Put(out, event.location_definition);
    case Body::kTransferClosed:
    case Body::kLocationCopied:
    case Body::kTicked:
      return;
  }
}

}  // namespace

Identity IdentityOf(const Event& event) {
  const bool place = event.body == Body::kLocationDefined;
  Bytes<1 + 3 * (kMaxNameBytes + 2)> bytes;
  bytes.Byte(place ? 1 : 0);
  bytes.Text(event.source);
  bytes.Text(place ? event.location : event.sku);
  bytes.Text(event.event_id);
  const XXH128_hash_t hash = XXH3_128bits(bytes.view().data(), bytes.view().size());
  return {.high = hash.high64, .low = hash.low64};
}

uint64_t Fingerprint(const Event& event) {
  EventBytes out;
  PutEnum(out, Tag::kBody, Number(event.body));
  Put(out, Tag::kEventId, event.event_id);
  Put(out, Tag::kSource, event.source);
  Put(out, Tag::kSku, event.sku);
  Put(out, Tag::kOccurredAt, event.occurred_at);
  Put(out, Tag::kActor, event.actor);
  Put(out, Tag::kDocument, event.document);
  Put(out, Tag::kNote, event.note);
  Put(out, Tag::kLocation, event.location);
  Put(out, Tag::kTo, event.to);
  Put(out, Tag::kTransferId, event.transfer_id);
  Put(out, Tag::kChannel, event.channel);
  Put(out, Tag::kListing, event.listing);
  Put(out, Tag::kOrder, event.order);
  Put(out, Tag::kPurchaseOrder, event.purchase_order);
  Put(out, Tag::kReason, event.reason);
  Put(out, Tag::kUnitCost, event.unit_cost);
  PutBody(out, event);
  return XXH3_64bits(out.view().data(), out.view().size());
}

}  // namespace tallywire
