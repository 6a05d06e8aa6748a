// SPDX-License-Identifier: Apache-2.0
#include "tools/import/opening.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ledger/limits.h"

namespace tallywire {
namespace {

using Event = v1::StockEvent;

constexpr int64_t kMicros = 1'000'000;

Time OccurredAt(const Event& event) {
  return Time(event.occurred_at().seconds() * kMicros + event.occurred_at().nanos() / 1'000);
}

bool IsAvailable(v1::Pool pool) {
  return pool == v1::POOL_UNSPECIFIED || pool == v1::POOL_AVAILABLE;
}

// An id that is the same whenever the same table is read again, and fits whatever the location.
std::string EventId(const std::string& location) {
  std::string id = absl::StrCat("derived-opening/", location);
  if (id.size() <= kMaxNameBytes) return id;
  uint64_t hash = 14695981039346656037ULL;
  for (char c : location) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return absl::StrFormat("derived-opening/#%016x", hash);
}

}  // namespace

void OpeningCounts::Post(const Event& event, const std::string& location, v1::Pool pool,
                         int64_t delta) {
  if (!IsAvailable(pool)) return;
  // A quantity beyond the limit is refused by the ledger; here it must only do no harm.
  if (delta > kMaxQuantity || delta < -kMaxQuantity) return;
  Balance& balance = balances_[{event.sku(), location}];
  if (balance.counted) return;
  if (event.has_occurred_at()) balance.earliest = std::min(balance.earliest, OccurredAt(event));
  balance.now = std::clamp(balance.now + delta, -kMaxQuantity, kMaxQuantity);
  balance.lowest = std::min(balance.lowest, balance.now);
}

void OpeningCounts::Add(const Event& event) {
  switch (event.body_case()) {
    case Event::kReceived:
      Post(event, event.received().location(), event.received().pool(),
           event.received().quantity());
      break;
    case Event::kSold:
      Post(event, event.sold().location(), event.sold().pool(), -event.sold().quantity());
      break;
    case Event::kReturned:
      Post(event, event.returned().location(), event.returned().pool(),
           event.returned().quantity());
      break;
    case Event::kAdjusted:
      Post(event, event.adjusted().location(), event.adjusted().pool(), event.adjusted().delta());
      break;
    case Event::kMoved: {
      const v1::Moved& moved = event.moved();
      Post(event, moved.location(), moved.from_pool(), -moved.quantity());
      Post(event, moved.location(), moved.to_pool(), moved.quantity());
      break;
    }
    case Event::kTransferred: {
      const v1::Transferred& transferred = event.transferred();
      Post(event, transferred.from(), transferred.pool(), -transferred.quantity());
      Post(event, transferred.to(), transferred.pool(), transferred.quantity());
      break;
    }
    case Event::kTransferShipped:
      Post(event, event.transfer_shipped().from(), event.transfer_shipped().pool(),
           -event.transfer_shipped().quantity());
      break;
    case Event::kTransferReceived:
      Post(event, event.transfer_received().to(), event.transfer_received().pool(),
           event.transfer_received().quantity());
      break;
    case Event::kCounted:
      if (event.counted().set() == v1::COUNT_SET_UNSPECIFIED ||
          event.counted().set() == v1::COUNT_SET_SHELF) {
        balances_[{event.sku(), event.counted().location()}].counted = true;
      }
      break;
    default:
      break;
  }
}

std::vector<Event> OpeningCounts::Derive(const std::string& source) const {
  std::vector<Event> events;
  for (const auto& [key, balance] : balances_) {
    if (balance.lowest >= 0) continue;
    const auto& [sku, location] = key;
    Event& event = events.emplace_back();
    event.set_event_id(EventId(location));
    event.set_source(source);
    event.set_sku(sku);
    event.set_note("Derived, not counted: the least that must have been there");
    if (balance.earliest != Time(INT64_MAX)) {
      int64_t micros = std::max(balance.earliest.value() - kMicros, kEarliestOccurredAt);
      event.mutable_occurred_at()->set_seconds(micros / kMicros);
      event.mutable_occurred_at()->set_nanos(static_cast<int32_t>(micros % kMicros) * 1'000);
    }
    event.mutable_counted()->set_location(location);
    event.mutable_counted()->set_quantity(-balance.lowest);
    event.mutable_counted()->set_set(v1::COUNT_SET_SHELF);
  }
  return events;
}

}  // namespace tallywire
