// SPDX-License-Identifier: Apache-2.0
// Posting: from a plan to balances, counter accounts, journal and touches; and what a later count
// had already seen.
#include <algorithm>
#include <string>
#include <utility>

#include "ledger/check.h"
#include "ledger/limits.h"
#include "ledger/mark.h"
#include "projector/fold/fold.h"

namespace tallywire {
namespace {

std::string TooMuch(std::string_view account, Quantity held, Quantity delta) {
  return std::string(account) + ": " + std::to_string(held) + (delta < 0 ? " - " : " + ") +
         std::to_string(delta < 0 ? -delta : delta) + " is beyond 2^53";
}

bool IsBeyond(Quantity quantity) { return quantity > kMaxQuantity || quantity < -kMaxQuantity; }

// The sum of an entry's changes of one set.
Quantity SetChange(const JournalEntry& entry, CountSet set) {
  Quantity sum = 0;
  for (int i = 0; i < entry.changes; ++i) {
    const PoolDelta& change = entry.pools[static_cast<size_t>(i)];
    if (SetOf(change.pool) == set) sum += change.delta;
  }
  return sum;
}

// The walk of MovedSince over entries, newest first.
struct Walk {
  CountSet set;
  Time counted_at;
  Time log_time;
  Quantity moved = 0;

  // False: nothing older can have occurred since.
  bool Visit(const JournalEntry& entry) {
    if (entry.max_log_time <= counted_at) return false;
    if (entry.occurred_at > counted_at && entry.occurred_at <= log_time) {
      moved += SetChange(entry, set);
    }
    return true;
  }
};

}  // namespace

Quantity Fold::MovedSince(const SkuState& sku, const Place& place, CountSet set, Time counted_at) {
  if (place.journal_time <= counted_at) return 0;
  Walk walk{set, counted_at, state_.log_time};
  for (int32_t i = place.newest_pending; i >= 0;) {
    const PendingEntry& pending = state_.journal[static_cast<size_t>(i)];
    if (!walk.Visit(pending.entry)) return walk.moved;
    i = pending.older;
  }
  TW_MARK("post.the-walk-goes-on-in-the-store");
  reader_.WalkJournal(
      sku.sku, state_.locations.at(place.location).name,
      [](void* context, const JournalEntry& entry) {
        return static_cast<Walk*>(context)->Visit(entry);
      },
      &walk);
  return walk.moved;
}

void Fold::TakeBackSeen(SkuState& sku) {
  // The plan grows while it is read, by pools of locations that it names already.
  const size_t planned = plan_.deltas.size();
  for (size_t i = 0; i < planned; ++i) {
    const LocationId location = plan_.deltas[i].location;
    const auto set = SetOf(plan_.deltas[i].pool);
    if (!set.has_value()) continue;
    bool first_of_set = true;
    Quantity net = 0;
    for (size_t j = 0; j < planned; ++j) {
      if (plan_.deltas[j].location != location || SetOf(plan_.deltas[j].pool) != set) continue;
      if (j < i) first_of_set = false;
      net += plan_.deltas[j].delta;
    }
    if (!first_of_set || net == 0) continue;
    const Place* place = sku.places.Find(location);
    if (place == nullptr) continue;
    const auto& counted = place->counted_at[static_cast<size_t>(Index(*set))];
    if (!counted.has_value() || plan_.occurred_at >= *counted || *counted > state_.log_time) {
      continue;
    }
    TW_MARK("post.a-newer-count-had-seen-it");
    plan_.Add(location, OwnPool(*set), -net);
    plan_.Add(Counter::kVariance, net);
    late_.push_back({location, *set, net});
  }
}

bool Fold::Finish(SkuState& sku) {
  late_.clear();
  TakeBackSeen(sku);
  return FitsLimits(sku);
}

bool Fold::FitsLimits(const SkuState& sku) {
  for (const Delta& d : plan_.deltas) {
    if (d.delta == 0) continue;
    const Place* place = sku.places.Find(d.location);
    const Quantity held = place == nullptr ? 0 : place->pools[static_cast<size_t>(Index(d.pool))];
    if (IsBeyond(held + d.delta)) {
      TW_MARK("post.a-balance-would-overflow");
      return Refused(RefusedReason::kOverflow,
                     TooMuch(state_.locations.at(d.location).name + " " + std::string(Name(d.pool)),
                             held, d.delta));
    }
  }
  for (size_t c = 0; c < kCounters; ++c) {
    const Quantity delta = plan_.counters[c];
    if (delta != 0 && IsBeyond(sku.counters[c] + delta)) {
      TW_MARK("post.a-counter-would-overflow");
      return Refused(RefusedReason::kOverflow,
                     TooMuch(Name(static_cast<Counter>(c)), sku.counters[c], delta));
    }
  }
  return true;
}

void Fold::Post(SkuState& sku, const Event* event) {
  Quantity sum = 0;
  for (const Delta& d : plan_.deltas) sum += d.delta;
  for (size_t c = 0; c < kCounters; ++c) {
    sum += plan_.counters[c];
    sku.counters[c] += plan_.counters[c];
  }
  TW_CHECK(sum == 0, "postings of one record sum to zero");
  for (size_t i = 0; i < plan_.deltas.size(); ++i) {
    const LocationId location = plan_.deltas[i].location;
    const bool first = std::none_of(plan_.deltas.begin(), plan_.deltas.begin() + i,
                                    [&](const Delta& d) { return d.location == location; });
    if (first) PostPlace(sku, location, event);
  }
  TouchSku(sku, event);
  for (const Late& late : late_) {
    AlertEffect& alert =
        AddAlert(AlertKind::kLateMovement, event, sku.sku, state_.locations.at(late.location).name);
    alert.occurred_at = plan_.occurred_at;
    alert.set = late.set;
    alert.amount = late.net;
    alert.lateness = state_.log_time - plan_.occurred_at;
  }
  late_.clear();
}

void Fold::PostPlace(SkuState& sku, LocationId location, const Event* event) {
  Place* place = sku.places.Find(location);
  if (place == nullptr) {
    place = &sku.places.Add(location);
    place->first = offset_;
    place->is_new = true;
    if (!state_.locations.HasSite(location)) {
      AddAlert(AlertKind::kUndefinedLocation, event, sku.sku, state_.locations.at(location).name);
    }
  }
  PendingEntry& pending = state_.journal.emplace_back();
  pending.sku = &sku;
  pending.location = location;
  pending.older = place->newest_pending;
  JournalEntry& entry = pending.entry;
  entry.offset = offset_;
  if (pending.older >= 0) {
    const JournalEntry& older = state_.journal[static_cast<size_t>(pending.older)].entry;
    if (older.offset == offset_) entry.ordinal = older.ordinal + 1;
  }
  entry.what = plan_.what;
  entry.log_time = state_.log_time;
  entry.max_log_time = state_.max_log_time;
  entry.occurred_at = plan_.occurred_at;
  for (const Delta& d : plan_.deltas) {
    if (d.location != location) continue;
    Quantity& balance = place->pools[static_cast<size_t>(Index(d.pool))];
    sku.negative_pools -= balance < 0 ? 1 : 0;
    balance += d.delta;
    sku.negative_pools += balance < 0 ? 1 : 0;
    TW_CHECK(entry.changes < kMaxPoolDeltas, "one record changes at most four pools of a place");
    entry.pools[entry.changes++] = {d.pool, d.delta, balance};
  }
  constexpr std::string_view kNobody("\0\0", 2);
  entry.cause.Borrow(event != nullptr ? CauseOf(*event).entry : kNobody);
  place->newest_pending = static_cast<int32_t>(state_.journal.size() - 1);
  place->journal_time = state_.max_log_time;
  place->dirty = true;
  SetTouch(place->touch, event);
}

Quantity Fold::SiteNet(const SkuState& sku, LocationId site, Pool pool) const {
  Quantity net = 0;
  for (const Place& place : sku.places) {
    if (state_.locations.SiteOf(place.location) == site) {
      net += place.pools[static_cast<size_t>(Index(pool))];
    }
  }
  return net;
}

void Fold::AlertOversold(const SkuState& sku, const Event& event) {
  if (sku.negative_pools == 0) return;
  if (sku.definition != nullptr && sku.definition->tracking == Tracking::kNonInventory) return;
  for (const Delta& d : plan_.deltas) {
    if (d.delta >= 0 || d.pool == Pool::kIncoming) continue;
    const LocationId site = state_.locations.SiteOf(d.location);
    const Quantity after = SiteNet(sku, site, d.pool);
    // Sales and counts name one location, so this is all that the site's net was changed by.
    if (after >= 0) continue;
    AlertEffect& alert =
        AddAlert(AlertKind::kOversold, &event, sku.sku, state_.locations.at(site).name);
    alert.pool = d.pool;
    alert.before = after - d.delta;
    alert.after = after;
  }
}

}  // namespace tallywire
