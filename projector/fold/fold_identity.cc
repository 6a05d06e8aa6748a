// SPDX-License-Identifier: Apache-2.0
// Which events were seen before: by identity, and for sources that number their events by number.
#include <optional>
#include <utility>

#include "ledger/mark.h"
#include "projector/fold/fold.h"

namespace tallywire {
namespace {

std::string_view KeyOf(const Event& event) {
  return event.body == Body::kLocationDefined ? event.location : event.sku;
}

}  // namespace

std::optional<uint64_t> Fold::FindSeen(const Identity& identity) {
  const auto found = state_.identities.find(identity);
  if (found != state_.identities.end()) return found->second;
  return reader_.FindIdentity(identity);
}

SequenceState& Fold::Source(std::string_view source) {
  const auto [found, made] = state_.sources.try_emplace(std::string(source));
  if (made) reader_.LoadSource(source, &found->second);
  return found->second;
}

bool Fold::IsDuplicate(const Event& event) {
  identity_ = IdentityOf(event);
  if (event.sequence.has_value()) {
    const SequenceState& source = Source(event.source);
    const uint64_t sequence = *event.sequence;
    // What its source promises of a number above all before it spares the look-up.
    if (!source.highest.has_value() || sequence > *source.highest) return false;
    if (*source.highest - sequence <= static_cast<uint64_t>(kSequenceWindow)) {
      const auto slot = source.slots.find(static_cast<uint32_t>(sequence % kSequenceSlots));
      if (slot != source.slots.end() && slot->second.sequence == sequence &&
          !(slot->second.identity == identity_)) {
        TW_MARK("identity.sequence-reused");
        AddAlert(AlertKind::kSequenceReused, &event, event.sku,
                 event.body == Body::kLocationDefined ? event.location : std::string_view());
      }
    }
  }
  return IsKnown(event, FindSeen(identity_));
}

bool Fold::IsKnown(const Event& event, const std::optional<uint64_t>& seen) {
  if (!seen.has_value()) return false;
  if (*seen != Fingerprint(event)) {
    TW_MARK("identity.other-content");
    AddAlert(AlertKind::kConflictingDuplicate, &event, event.sku,
             event.body == Body::kLocationDefined ? KeyOf(event) : std::string_view());
  }
  return true;
}

void Fold::Remember(const Event& event) {
  state_.identities.insert_or_assign(identity_, Fingerprint(event));
  if (!event.sequence.has_value()) return;
  SequenceState& source = Source(event.source);
  const uint64_t sequence = *event.sequence;
  const bool newest = !source.highest.has_value() || sequence > *source.highest;
  if (newest) source.highest = sequence;
  // Below the window nothing is kept; of two events with one number the first.
  if (*source.highest - sequence > static_cast<uint64_t>(kSequenceWindow)) {
    TW_MARK("identity.below-the-window");
    return;
  }
  const auto index = static_cast<uint32_t>(sequence % kSequenceSlots);
  const auto [slot, made] = source.slots.try_emplace(index);
  if (!made && !newest && slot->second.sequence == sequence) return;
  slot->second = {sequence, identity_};
  if (source.dirty.empty()) state_.dirty_sources.emplace_back(event.source);
  source.dirty.push_back(index);
}

}  // namespace tallywire
