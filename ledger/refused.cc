// SPDX-License-Identifier: Apache-2.0
#include "ledger/refused.h"

#include <array>
#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

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

absl::StatusOr<RefusedReason> ParseRefusedReason(std::string_view text) {
  constexpr std::string_view kPrefix = "REFUSED_REASON_";
  const std::string upper = absl::AsciiStrToUpper(std::string(text));
  std::string_view name = upper;
  if (name.starts_with(kPrefix)) name.remove_prefix(kPrefix.size());
  if (const auto reason = RefusedReasonFromName(name)) return *reason;
  std::string all;
  for (const std::string_view known : kNames) {
    absl::StrAppend(&all, all.empty() ? "" : ", ", std::string(known));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("`", std::string(text), "` is no reason; there are ", all));
}

}  // namespace tallywire
