// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_API_DEAD_LETTER_H_
#define TALLYWIRE_TOOLS_API_DEAD_LETTER_H_

// A record of stock.events-dlt as a message: reason and origin from its headers, the rest as it
// came. Pure.

#include <optional>
#include <string_view>

#include "ledger/log.h"
#include "tallywire/v1/api.pb.h"

namespace tallywire {

// A number in a header: decimal text, or 4 or 8 bytes, the highest first, as other tools write it.
// Nothing if it is neither.
std::optional<int64_t> HeaderNumber(std::string_view value);

// What a header lacks is left out.
v1::DeadLetter ToDeadLetter(const Record& record);

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_API_DEAD_LETTER_H_
