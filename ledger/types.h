// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_LEDGER_TYPES_H_
#define TALLYWIRE_LEDGER_TYPES_H_

// The small value types that every interface speaks: offsets, partitions, times. Mixing two of them
// does not compile; `.value()` is the way out, an explicit constructor the way in.

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tallywire {

template <class Tag, class Rep>
class Strong {
 public:
  constexpr Strong() : value_() {}
  constexpr explicit Strong(Rep value) : value_(value) {}
  constexpr Rep value() const { return value_; }
  friend constexpr auto operator<=>(const Strong&, const Strong&) = default;

  template <class H>
  friend H AbslHashValue(H h, const Strong& s) {
    return H::combine(std::move(h), s.value_);
  }

 private:
  Rep value_;
};

// Position of a record in a partition, from 0. "Next offset" is the first one not applied.
class Offset : public Strong<Offset, int64_t> {
 public:
  using Strong::Strong;
  constexpr Offset Next() const { return Offset(value() + 1); }
};

class Partition : public Strong<Partition, int32_t> {
 public:
  using Strong::Strong;
};

// Microseconds. Spans may be negative.
class Span : public Strong<Span, int64_t> {
 public:
  using Strong::Strong;
};

// A point in time: microseconds since 1970-01-01T00:00:00Z.
class Time : public Strong<Time, int64_t> {
 public:
  using Strong::Strong;
  friend constexpr Span operator-(Time a, Time b) { return Span(a.value() - b.value()); }
  friend constexpr Time operator+(Time t, Span s) { return Time(t.value() + s.value()); }
  friend constexpr Time operator-(Time t, Span s) { return Time(t.value() - s.value()); }
};

constexpr Span Seconds(int64_t n) { return Span(n * 1'000'000); }
constexpr Span Milliseconds(int64_t n) { return Span(n * 1'000); }

// Whole units; |value| <= kMaxQuantity in every account (ledger/limits.h).
using Quantity = int64_t;

// The state of a unit at a location. COMMITTED and INCOMING are moved by the fold only. Values are
// those of tallywire.v1.Pool less one, so that they index arrays.
enum class Pool : uint8_t {
  kAvailable,
  kCommitted,
  kHeld,
  kDamaged,
  kUsed,
  kQualityControl,
  kIncoming,
};
inline constexpr int kPools = 7;
inline constexpr int Index(Pool p) { return static_cast<int>(p); }

// Where units of a SKU come from and go to.
enum class Counter : uint8_t { kSupplier, kCustomer, kVariance, kConversion };
inline constexpr int kCounters = 4;
inline constexpr int Index(Counter c) { return static_cast<int>(c); }

// What a count covers: SHELF is AVAILABLE, HELD and what is COMMITTED from either.
enum class CountSet : uint8_t { kShelf, kDamaged, kUsed, kQualityControl };
inline constexpr int kCountSets = 4;
inline constexpr int Index(CountSet s) { return static_cast<int>(s); }

enum class SiteKind : uint8_t { kNone, kWarehouse, kStore, kDropShipper, kThirdParty };
enum class Tracking : uint8_t { kTracked, kNonInventory };

// Minor units and an ISO 4217 code.
struct Money {
  int64_t amount = 0;
  std::string currency;
  friend bool operator==(const Money&, const Money&) = default;
};

struct Coordinates {
  int32_t latitude_e7 = 0;
  int32_t longitude_e7 = 0;
  friend bool operator==(const Coordinates&, const Coordinates&) = default;
};

// The field's own spelling: AVAILABLE, SHELF, WAREHOUSE, SUPPLIER.
std::string_view Name(Pool pool);
std::string_view Name(Counter counter);
std::string_view Name(CountSet set);
std::string_view Name(SiteKind kind);
std::string_view Name(Tracking tracking);

// RFC 3339 in UTC with as many digits of the second as are needed: 2026-11-24T16:00:00.25Z.
std::string FormatTime(Time time);
// Reads what FormatTime prints, and any other RFC 3339 time of the years 1 to 9999 in UTC. Nothing
// if it is not one.
std::optional<Time> ParseTime(std::string_view text);

}  // namespace tallywire

#endif  // TALLYWIRE_LEDGER_TYPES_H_
