// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_LEDGER_IDENTITY_H_
#define TALLYWIRE_LEDGER_IDENTITY_H_

// What makes two events the same one, and what makes them equal, as numbers to remember.
//
// Both are part of what is stored: for an event that can be told today they never change. Both ask
// for an event that has kept the form rules (ledger/codec.h), and not for a linked one.
//
// Threads: pure functions.

#include <compare>
#include <cstdint>
#include <utility>

#include "ledger/event.h"

namespace tallywire {

// 128 bits that stand for (source, SKU, event id); of location_defined for (source, location, event
// id), which is another identity than that of a SKU of the location's name.
struct Identity {
  uint64_t high = 0;
  uint64_t low = 0;

  friend constexpr auto operator<=>(const Identity&, const Identity&) = default;
  template <class H>
  friend H AbslHashValue(H h, const Identity& identity) {
    return H::combine(std::move(h), identity.high, identity.low);
  }
};

Identity IdentityOf(const Event& event);

// 64 bits over what the event says: the envelope but for `sequence`, and the body with its defaults
// filled in. An optional field that is absent is not the same as zero, an `occurred_at` that is
// absent not the same as any.
uint64_t Fingerprint(const Event& event);

}  // namespace tallywire

#endif  // TALLYWIRE_LEDGER_IDENTITY_H_
