// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_PROJECTOR_FOLD_PLACE_H_
#define TALLYWIRE_PROJECTOR_FOLD_PLACE_H_

// The balances of one SKU at its locations. Plain values; thread-compatible.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "ledger/types.h"
#include "projector/fold/locations.h"

namespace tallywire {

using Pools = std::array<Quantity, kPools>;

// A receipt's cost, and which record said so.
struct UnitCost {
  Money money;
  Offset offset;
};

// One SKU at one location: a row exists from the first posting or count there.
struct Place {
  LocationId location;
  Pools pools{};
  // The event or timer that last touched it (definitions aside).
  Touch touch;
  // The record that made the row.
  Offset first;
  // When what was last counted of each set was counted.
  std::array<std::optional<Time>, kCountSets> counted_at;
  std::optional<UnitCost> unit_cost;
  // The highest log time up to the newest journal entry: no movement occurred after it.
  Time journal_time;

  // Not stored.
  int32_t newest_pending = -1;  // index into FoldState::journal
  bool dirty = false;
  bool is_new = false;  // made since the last checkpoint
};

// The places of one SKU, in no order that matters. Which of them is at a location is asked several
// times for each event, so their numbers stand together, apart from the rows.
class Places {
 public:
  // A new row; it must have none yet. Moves the others: no pointer to one lives on.
  Place& Add(LocationId location) {
    locations_.push_back(location);
    Place& made = rows_.emplace_back();
    made.location = location;
    return made;
  }
  // Null: no row there.
  Place* Find(LocationId location) {
    for (size_t i = 0; i < locations_.size(); ++i) {
      if (locations_[i] == location) return &rows_[i];
    }
    return nullptr;
  }
  const Place* Find(LocationId location) const { return const_cast<Places*>(this)->Find(location); }

  // Asks for the memory of the first rows.
  void Prefetch() const {
    constexpr size_t kRows = 4;
    __builtin_prefetch(locations_.data());
    const auto* const first = reinterpret_cast<const char*>(rows_.data());
    const size_t bytes = std::min(kRows, rows_.size()) * sizeof(Place);
    for (size_t at = 0; at < bytes; at += 64) __builtin_prefetch(first + at);
  }

  auto begin() { return rows_.begin(); }
  auto end() { return rows_.end(); }
  auto begin() const { return rows_.begin(); }
  auto end() const { return rows_.end(); }
  const Place& front() const { return rows_.front(); }
  const Place& operator[](size_t i) const { return rows_[i]; }
  size_t size() const { return rows_.size(); }
  bool empty() const { return rows_.empty(); }

 private:
  std::vector<LocationId> locations_;
  std::vector<Place> rows_;
};

}  // namespace tallywire

#endif  // TALLYWIRE_PROJECTOR_FOLD_PLACE_H_
