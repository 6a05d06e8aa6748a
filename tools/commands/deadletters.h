// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_COMMANDS_DEADLETTERS_H_
#define TALLYWIRE_TOOLS_COMMANDS_DEADLETTERS_H_

// `deadletters list|show`: records that the ledger refused, as they came, and why.

#include <cstdint>

#include "tools/commands/command.h"

namespace tallywire {

Result RunListDeadLetters(Context& context);

struct ShowDeadLetterOptions {
  int32_t partition = 0;
  int64_t offset = 0;  // of the record in stock.events
};

Result RunShowDeadLetter(Context& context, const ShowDeadLetterOptions& options);

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_COMMANDS_DEADLETTERS_H_
