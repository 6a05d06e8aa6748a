// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_LEDGER_LIMITS_H_
#define TALLYWIRE_LEDGER_LIMITS_H_

// Every limit of the wire and of the ledger, by name, with its unit.

#include <cstddef>
#include <cstdint>

namespace tallywire {

// Bytes.
inline constexpr size_t kMaxNameBytes = 64;
inline constexpr size_t kMaxReferenceBytes = 256;
inline constexpr size_t kMaxEventBytes = 512 * 1024;
inline constexpr size_t kMaxTitleBytes = 1024;

// Units, either way from zero.
inline constexpr int64_t kMaxQuantity = int64_t{1} << 53;

// Events.
inline constexpr size_t kMaxAppendBatch = 10'000;

// Sequence numbers below a source's highest whose identities are remembered.
inline constexpr int64_t kSequenceWindow = 1'024;

// Versions: epoch * 2^44 + offset.
inline constexpr int kEpochShift = 44;

// Microseconds since 1970: the year 2000, before which nothing can have occurred.
inline constexpr int64_t kEarliestOccurredAt = 946'684'800'000'000;

static_assert(kMaxNameBytes <= kMaxReferenceBytes);
static_assert(kMaxReferenceBytes * 16 < kMaxEventBytes);
// Two accounts at their limits cannot overflow when added.
static_assert(kMaxQuantity <= INT64_MAX / 512);

}  // namespace tallywire

#endif  // TALLYWIRE_LEDGER_LIMITS_H_
