// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_PROJECTOR_FOLD_STATE_H_
#define TALLYWIRE_PROJECTOR_FOLD_STATE_H_

// What one partition's fold holds: plain values, no behaviour. A part of it is in memory, all of it
// is in the store once a checkpoint has been written; `dirty` marks what the next one has to write.
//
// Everything here is a function of the partition's records alone, fields under "Not stored" aside.

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "ledger/event.h"
#include "ledger/identity.h"
#include "ledger/limits.h"
#include "ledger/types.h"
#include "projector/fold/arena.h"
#include "projector/fold/cause.h"
#include "projector/fold/locations.h"
#include "projector/fold/place.h"

namespace tallywire {

// What sku_location_set says of this SKU at a location.
struct PlaceRule {
  LocationId location;
  SkuLocation rule;
  Touch touch;
  bool dirty = false;
};

struct SkuState {
  std::string sku;
  std::unique_ptr<SkuDefinition> definition;  // null: undefined
  // The sku_defined that last changed the definition.
  Touch definition_touch;
  // The last applied event of this SKU, or fired timer; of an equal definition none.
  Touch touch;
  std::array<Quantity, kCounters> counters{};
  Places places;
  std::vector<PlaceRule> rules;  // in no order that matters

  // Not stored.
  int negative_pools = 0;  // (place, pool) below zero
  bool dirty = false;      // anything of it, its places and rules
  bool touched = false;    // since the last Effects were taken
  bool recent = true;      // used since the cache was last swept
};

// Units on their way under one id, by location; and those that came before they were sent.
struct TransferState {
  std::map<std::string, Quantity> outstanding;
  std::map<std::string, Quantity> unexpected;
  // After transfer_closed, until a transfer_shipped opens it again.
  bool closed = false;
  bool dirty = false;
  bool empty() const { return outstanding.empty() && unexpected.empty() && !closed; }
};

// Held units that go back at `due`. In the law's order.
struct TimerKey {
  Time due;
  std::string sku;
  Offset armed;  // the record that armed it
  friend auto operator<=>(const TimerKey&, const TimerKey&) = default;
};
struct Timer {
  std::string location;
  Pool from_pool = Pool::kAvailable;
  Quantity quantity = 0;
};

// What is known of a source that numbers its events.
struct SequenceState {
  std::optional<uint64_t> highest;
  // Slot = sequence mod kSequenceSlots.
  struct Slot {
    uint64_t sequence = 0;
    Identity identity;
  };
  absl::flat_hash_map<uint32_t, Slot> slots;
  std::vector<uint32_t> dirty;  // slots
};
// The highest and kSequenceWindow below it.
inline constexpr uint32_t kSequenceSlots = static_cast<uint32_t>(kSequenceWindow) + 1;

// The definition of a location whose home this partition is.
struct HomeLocation {
  LocationDefinition definition;
  Offset offset;  // of the location_defined
};

// What a journal entry was made by: a body's number, or this.
inline constexpr uint8_t kJournalTimer = 255;

struct PoolDelta {
  Pool pool = Pool::kAvailable;
  Quantity delta = 0;
  Quantity after = 0;
};
inline constexpr int kMaxPoolDeltas = 4;

// What one record did to one balance row.
struct JournalEntry {
  Offset offset;
  uint32_t ordinal = 0;  // of the entries that one record made for one place
  uint8_t what = 0;      // Body, or kJournalTimer
  uint8_t changes = 0;
  Time log_time;
  Time max_log_time;  // the highest log time up to here: it falls only where a clock stepped back
  Time occurred_at;   // effective
  std::array<PoolDelta, kMaxPoolDeltas> pools;
  Cause cause;
};

// An entry that no checkpoint has yet.
struct PendingEntry {
  SkuState* sku = nullptr;
  LocationId location;
  int32_t older = -1;  // the one before it of the same place, index into FoldState::journal
  JournalEntry entry;
};

struct TransferKey {
  std::string sku;
  std::string id;
  friend auto operator<=>(const TransferKey&, const TransferKey&) = default;
  template <class H>
  friend H AbslHashValue(H h, const TransferKey& k) {
    return H::combine(std::move(h), k.sku, k.id);
  }
};

struct IdentityHash {
  size_t operator()(const Identity& id) const { return static_cast<size_t>(id.low); }
};

struct FoldCounts {
  int64_t applied = 0;
  int64_t duplicates = 0;
  int64_t refused = 0;
};

struct FoldState {
  // The first record that is not applied yet.
  Offset next_offset{0};
  Time log_time;
  // Log time at its highest; differs from log_time only after a clock stepped back.
  Time max_log_time;
  FoldCounts counts;

  Locations locations;
  absl::flat_hash_map<std::string_view, std::unique_ptr<SkuState>> skus;  // those in memory
  absl::flat_hash_map<TransferKey, TransferState> transfers;              // those in memory
  std::map<TimerKey, Timer> timers;                                       // all
  absl::flat_hash_map<std::string, SequenceState> sources;                // those in memory
  absl::flat_hash_set<std::string> misplacing;  // sources seen on a wrong partition, all

  // Since the last checkpoint.
  std::vector<SkuState*> dirty_skus;
  std::vector<TransferKey> dirty_transfers;
  std::vector<TimerKey> dirty_timers;  // armed or fired
  std::vector<std::string> dirty_sources;
  std::vector<std::string> dirty_misplacing;
  std::map<std::string, HomeLocation> dirty_homes;
  std::vector<PendingEntry> journal;
  Arena causes;                                                      // of what was touched
  absl::flat_hash_map<Identity, uint64_t, IdentityHash> identities;  // → fingerprint
};

}  // namespace tallywire

#endif  // TALLYWIRE_PROJECTOR_FOLD_STATE_H_
