// SPDX-License-Identifier: Apache-2.0
#include "tools/import/decimal.h"

#include <cstddef>

#include "ledger/check.h"

namespace tallywire {
namespace {

constexpr int kDigits = 18;
constexpr int kMaxScale = 6;

int64_t PowerOfTen(int n) {
  int64_t power = 1;
  for (int i = 0; i < n; ++i) power *= 10;
  return power;
}

// Takes digits off the front of `text`, at most kDigits that count. Zeros at the front of a whole
// number and at the end of a fraction do not.
std::optional<int64_t> TakeDigits(std::string_view* text, bool fraction) {
  size_t size = text->find_first_not_of("0123456789");
  if (size == std::string_view::npos) size = text->size();
  std::string_view digits = text->substr(0, size);
  text->remove_prefix(size);
  if (digits.empty()) return std::nullopt;
  while (!fraction && digits.size() > 1 && digits.front() == '0') digits.remove_prefix(1);
  while (fraction && digits.size() > 1 && digits.back() == '0') digits.remove_suffix(1);
  if (digits.size() > kDigits) return std::nullopt;
  int64_t value = 0;
  for (char c : digits) value = value * 10 + (c - '0');
  return fraction ? value * PowerOfTen(kDigits - static_cast<int>(digits.size())) : value;
}

}  // namespace

std::optional<Decimal> Decimal::Parse(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  bool negative = !text.empty() && text.front() == '-';
  if (negative || (!text.empty() && text.front() == '+')) text.remove_prefix(1);
  Decimal result;
  std::optional<int64_t> whole = TakeDigits(&text, /*fraction=*/false);
  if (!whole) return std::nullopt;
  result.whole_ = *whole;
  if (!text.empty() && text.front() == '.') {
    text.remove_prefix(1);
    std::optional<int64_t> fraction = TakeDigits(&text, /*fraction=*/true);
    if (!fraction) return std::nullopt;
    result.fraction_ = *fraction;
  }
  if (!text.empty()) return std::nullopt;
  if (negative) {
    result.whole_ = -result.whole_;
    result.fraction_ = -result.fraction_;
  }
  return result;
}

std::optional<int64_t> Decimal::Scaled(int digits) const {
  TW_CHECK(digits >= 0 && digits <= kMaxScale, "0 to 6 digits");
  int64_t unit = PowerOfTen(kDigits - digits);
  if (fraction_ % unit != 0) return std::nullopt;
  int64_t scaled = 0;
  if (__builtin_mul_overflow(whole_, PowerOfTen(digits), &scaled)) return std::nullopt;
  if (__builtin_add_overflow(scaled, fraction_ / unit, &scaled)) return std::nullopt;
  return scaled;
}

}  // namespace tallywire
