// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_SIM_AUDITOR_FORM_H_
#define TALLYWIRE_TESTS_SIM_AUDITOR_FORM_H_

// What a record of stock.events says, as the auditor reads it: its own way from bytes to an event,
// or to the first reason for which it is refused. Shares nothing with ledger/codec.
//
// Threads: pure functions.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tallywire/v1/event.pb.h"
#include "tests/sim/log_record.h"

namespace tallywire::sim {

// Microseconds since 1970, as everywhere in the auditor.
using Micros = int64_t;

struct Told {
  // Of what is wrong with its form the first; nothing: its form is right.
  std::optional<v1::RefusedReason> refused;
  // As it came, but with what headers say filled in, defaults in place of what was left out, times
  // cut to microseconds and fields that nobody knows left out. So equal events are equal messages.
  v1::StockEvent event;
  // As given.
  std::optional<Micros> occurred_at;

  // Of location_copied and ticked: the ledger's own, without a name.
  bool IsLinked() const { return event.has_location_copied() || event.has_ticked(); }
  // All that it says but for `sequence`.
  std::string Content() const;
};

Told ReadTold(const LogRecord& record, int32_t partitions);

// Which of `partitions` a key belongs to.
int32_t HomeOf(std::string_view key, int32_t partitions);

// Form of names, as events and listings have them.
bool IsCleanName(std::string_view name);      // no control character
bool IsCleanLocation(std::string_view name);  // and no empty level
inline constexpr size_t kMostNameBytes = 64;
inline constexpr int64_t kMostUnits = 9'007'199'254'740'992;

}  // namespace tallywire::sim

#endif  // TALLYWIRE_TESTS_SIM_AUDITOR_FORM_H_
