// SPDX-License-Identifier: Apache-2.0
#include "ledger/refused.h"

#include <array>
#include <cstddef>

namespace tallywire {
namespace {

constexpr std::array<std::string_view, 13> kNames = {
    "TOO_LARGE",    "UNDECODABLE",     "UNKNOWN_BODY", "MISSING_FIELD", "BAD_NAME",
    "WRONG_KEY",    "WRONG_PARTITION", "NOT_ALLOWED",  "UNKNOWN_ENUM",  "POOL_NOT_ALLOWED",
    "BAD_QUANTITY", "BAD_VALUE",       "OVERFLOW"};
static_assert(kNames.size() == static_cast<size_t>(RefusedReason::kOverflow));

}  // namespace

std::string_view Name(RefusedReason reason) {
  const auto index = static_cast<size_t>(reason) - 1;
  return index < kNames.size() ? kNames[index] : "UNKNOWN";
}

std::optional<RefusedReason> RefusedReasonFromName(std::string_view name) {
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<RefusedReason>(i + 1);
  }
  return std::nullopt;
}

}  // namespace tallywire
