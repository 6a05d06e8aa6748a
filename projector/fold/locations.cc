// SPDX-License-Identifier: Apache-2.0
#include "projector/fold/locations.h"

#include <algorithm>
#include <utility>

#include "ledger/check.h"

namespace tallywire {
namespace {

// Whether a location was a site when the record at `offset` was folded.
bool WasSite(const LocationEntry& entry, Offset offset) {
  bool is_site = false;
  for (const SiteChange& change : entry.site_changes) {
    if (change.offset > offset) break;
    is_site = change.is_site;
  }
  return is_site;
}

}  // namespace

LocationId Locations::Find(std::string_view name) const {
  const auto found = ids_.find(name);
  return found == ids_.end() ? kNoLocation : found->second;
}

LocationId Locations::Intern(std::string_view name) {
  const auto found = ids_.find(name);
  if (found != ids_.end()) return found->second;
  const size_t slash = name.rfind('/');
  const LocationId parent =
      slash == std::string_view::npos ? kNoLocation : Intern(name.substr(0, slash));
  const LocationId id(static_cast<int32_t>(entries_.size()));
  LocationEntry& made = entries_.emplace_back();
  made.name = name;
  made.parent = parent;
  ids_.emplace(made.name, id);
  return id;
}

LocationId Locations::SiteOf(LocationId id) const {
  for (LocationId l = id; l != kNoLocation; l = at(l).parent) {
    if (at(l).is_site()) return l;
  }
  return id;
}

bool Locations::HasSite(LocationId id) const {
  for (LocationId l = id; l != kNoLocation; l = at(l).parent) {
    if (at(l).is_site()) return true;
  }
  return false;
}

std::vector<LocationId> Locations::SitesSince(LocationId id, Offset since) const {
  std::vector<Offset> moments;
  for (LocationId l = id; l != kNoLocation; l = at(l).parent) {
    for (const SiteChange& change : at(l).site_changes) {
      if (change.offset > since) moments.push_back(change.offset);
    }
  }
  const LocationId now = SiteOf(id);
  std::vector<LocationId> sites;
  if (!moments.empty()) {
    moments.push_back(since);
    for (const Offset moment : moments) {
      LocationId site = id;
      for (LocationId l = id; l != kNoLocation; l = at(l).parent) {
        if (WasSite(at(l), moment)) {
          site = l;
          break;
        }
      }
      if (site != now && std::find(sites.begin(), sites.end(), site) == sites.end()) {
        sites.push_back(site);
      }
    }
  }
  sites.push_back(now);
  return sites;
}

std::optional<bool> Locations::Sellable(LocationId id) const {
  for (LocationId l = id; l != kNoLocation; l = at(l).parent) {
    const auto& definition = at(l).definition;
    if (definition.has_value() && definition->sellable.has_value()) return definition->sellable;
  }
  return std::nullopt;
}

bool Locations::IsInside(LocationId inner, LocationId outer) const {
  for (LocationId l = at(inner).parent; l != kNoLocation; l = at(l).parent) {
    if (l == outer) return true;
  }
  return false;
}

const Touch& Locations::NewestTouch(LocationId id) const {
  const Touch* newest = &at(id).subtree_touch;
  for (LocationId l = at(id).parent; l != kNoLocation; l = at(l).parent) {
    if (at(l).touch.offset > newest->offset) newest = &at(l).touch;
  }
  return *newest;
}

void Locations::RaiseSubtreeTouch(LocationId id) {
  const Touch& touch = at(id).touch;
  for (LocationId l = id; l != kNoLocation; l = at(l).parent) {
    if (touch.offset > at(l).subtree_touch.offset) entry(l).subtree_touch = touch;
  }
}

Locations::CopyOutcome Locations::ApplyCopy(std::string_view name,
                                            const LocationDefinition& definition,
                                            Partition cause_partition, Offset cause_offset,
                                            Offset offset, Time log_time) {
  const LocationId id = Intern(name);
  LocationEntry& held = entry(id);
  // A location has one home, so its causes have one order: that of their offsets.
  if (held.definition.has_value() && cause_offset <= held.cause_offset) return CopyOutcome::kOld;
  held.cause_partition = cause_partition;
  held.cause_offset = cause_offset;
  if (!held.dirty) {
    held.dirty = true;
    dirty_.push_back(id);
  }
  if (held.definition == definition) return CopyOutcome::kSame;
  held.definition = definition;
  const bool is_site = definition.kind != SiteKind::kNone;
  if (is_site != held.is_site()) held.site_changes.push_back({offset, is_site});
  held.touch = Touch{.offset = offset,
                     .log_time = log_time,
                     .kind = CauseKind::kLocation,
                     .occurred_at = Time(),
                     .cause = {}};
  RaiseSubtreeTouch(id);
  return CopyOutcome::kChanged;
}

void Locations::Restore(LocationEntry stored) {
  const LocationId id = Intern(stored.name);
  LocationEntry& held = entry(id);
  held.definition = stored.definition;
  held.cause_partition = stored.cause_partition;
  held.cause_offset = stored.cause_offset;
  held.touch = std::move(stored.touch);
  held.site_changes = std::move(stored.site_changes);
  RaiseSubtreeTouch(id);
}

void Locations::ClearDirty() {
  for (const LocationId id : dirty_) entry(id).dirty = false;
  dirty_.clear();
}

}  // namespace tallywire
