// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_IMPORT_DECIMAL_H_
#define TALLYWIRE_TOOLS_IMPORT_DECIMAL_H_

// A number as a table of goods and prices has it, exact: an optional sign, digits, and perhaps a
// point and more digits. No exponent, no grouping, at most 18 digits before and 18 after the point;
// spaces around it do not matter.

#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tallywire {

class Decimal {
 public:
  Decimal() = default;

  static std::optional<Decimal> Parse(std::string_view text);

  // The number times 10^digits (0 to 6); nothing if that is not a whole number that fits.
  std::optional<int64_t> Scaled(int digits) const;
  std::optional<int64_t> Whole() const { return Scaled(0); }

  friend auto operator<=>(const Decimal&, const Decimal&) = default;

 private:
  // The value is whole_ + fraction_ / 10^18; both have the number's sign.
  int64_t whole_ = 0;
  int64_t fraction_ = 0;
};

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_IMPORT_DECIMAL_H_
