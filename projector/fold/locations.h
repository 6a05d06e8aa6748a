// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_PROJECTOR_FOLD_LOCATIONS_H_
#define TALLYWIRE_PROJECTOR_FOLD_LOCATIONS_H_

// What one partition knows of locations: their tree, their definitions as copied here, and when
// each was last touched. Definitions live here, apart from balances, so that one of them takes
// effect on a million rows at once.
//
// Locations are numbered as they are first named. A number depends on that order, so it never
// reaches an output, an order or a digest. Thread-compatible; entries stay where they are.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "ledger/event.h"
#include "ledger/types.h"
#include "projector/fold/cause.h"

namespace tallywire {

class LocationId : public Strong<LocationId, int32_t> {
 public:
  using Strong::Strong;
};
inline constexpr LocationId kNoLocation{-1};

// Who gave a row its version.
enum class CauseKind : uint8_t { kNone, kEvent, kLocation, kTimer };

// The record that last touched something.
struct Touch {
  Offset offset{-1};  // -1: nothing has
  Time log_time;
  CauseKind kind = CauseKind::kNone;
  // Of kEvent only.
  Time occurred_at;  // effective
  Cause cause;
};

// From an offset on the location was a site, or none.
struct SiteChange {
  Offset offset;
  bool is_site = false;
  friend bool operator==(const SiteChange&, const SiteChange&) = default;
};

// One location. Only those with a definition are stored.
struct LocationEntry {
  std::string name;
  LocationId parent = kNoLocation;

  // As copied here.
  std::optional<LocationDefinition> definition;
  Partition cause_partition;
  Offset cause_offset;
  // The copy that last changed the definition.
  Touch touch;
  // Every time that it became a site or ceased to be one, oldest first.
  std::vector<SiteChange> site_changes;

  // Derived, not stored: the newest touch of this location and all that lie inside it.
  Touch subtree_touch;
  // Since the last checkpoint.
  bool dirty = false;

  bool is_site() const { return !site_changes.empty() && site_changes.back().is_site; }
};

class Locations {
 public:
  // The number of a location, given now if it has none yet; its ancestors get one too.
  LocationId Intern(std::string_view name);
  // kNoLocation if it was never named here.
  LocationId Find(std::string_view name) const;
  const LocationEntry& at(LocationId id) const { return entries_[static_cast<size_t>(id.value())]; }
  size_t size() const { return entries_.size(); }

  // The nearest ancestor-or-self that is a site; without one the location itself.
  LocationId SiteOf(LocationId id) const;
  // False: it has no site, so nobody has defined it.
  bool HasSite(LocationId id) const;
  // Every location that was the site of `id` at some offset from `since` on; the present one is
  // last and comes once.
  std::vector<LocationId> SitesSince(LocationId id, Offset since) const;
  // What the location, else its nearest ancestor that says, says; nobody: nothing.
  std::optional<bool> Sellable(LocationId id) const;
  // True if `inner` lies inside `outer` at any depth; not for itself.
  bool IsInside(LocationId inner, LocationId outer) const;
  // The newest definition on the path of `id` or inside it; offset -1: none.
  const Touch& NewestTouch(LocationId id) const;

  enum class CopyOutcome {
    kOld,      // its cause is not newer than the one held: a duplicate
    kSame,     // newer, and says the same: nothing is touched
    kChanged,  // touched
  };
  CopyOutcome ApplyCopy(std::string_view name, const LocationDefinition& definition,
                        Partition cause_partition, Offset cause_offset, Offset offset,
                        Time log_time);

  // Puts back what was stored; in any order.
  void Restore(LocationEntry entry);

  // Entries changed since the last ClearDirty.
  const std::vector<LocationId>& dirty() const { return dirty_; }
  void ClearDirty();

 private:
  LocationEntry& entry(LocationId id) { return entries_[static_cast<size_t>(id.value())]; }
  void RaiseSubtreeTouch(LocationId id);

  std::deque<LocationEntry> entries_;
  absl::flat_hash_map<std::string_view, LocationId> ids_;  // views into entries_
  std::vector<LocationId> dirty_;
};

}  // namespace tallywire

#endif  // TALLYWIRE_PROJECTOR_FOLD_LOCATIONS_H_
