// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_LEDGER_REFUSED_H_
#define TALLYWIRE_LEDGER_REFUSED_H_

// Why an event is refused. A refused event changes nothing; it goes to the dead letters as it came
// and can be sent again once mended.

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace tallywire {

// In order of precedence: an event that breaks several rules is refused for the first. Values are
// those of tallywire.v1.RefusedReason.
enum class RefusedReason {
  kTooLarge = 1,
  kUndecodable,
  kUnknownBody,
  kMissingField,
  kBadName,
  kWrongKey,
  kWrongPartition,
  kNotAllowed,
  kUnknownEnum,
  kPoolNotAllowed,
  kBadQuantity,
  kBadValue,
  kOverflow,
};

// TOO_LARGE, UNDECODABLE, …: the stable code that dead letters and answers carry.
std::string_view Name(RefusedReason reason);
std::optional<RefusedReason> RefusedReasonFromName(std::string_view name);
// The same as a person may write it: in any case, with or without REFUSED_REASON_.
// INVALID_ARGUMENT, and the text lists all there are.
absl::StatusOr<RefusedReason> ParseRefusedReason(std::string_view text);

struct Refusal {
  RefusedReason reason;
  // Names the field and the value: `sold.quantity: -3 is not above 0`.
  std::string detail;
};

}  // namespace tallywire

#endif  // TALLYWIRE_LEDGER_REFUSED_H_
