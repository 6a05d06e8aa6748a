// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_COMMANDS_DEADLETTERS_H_
#define TALLYWIRE_TOOLS_COMMANDS_DEADLETTERS_H_

// `deadletters list|show`: records that the ledger refused, as they came, and why.
// `deadletters redrive` (redrive.h) appends them again.

#include <cstdint>
#include <string>

#include "tools/commands/command.h"

namespace tallywire {

// Which letters: those that fit all that is not empty.
struct DeadLetterChoice {
  std::string reason;  // in any case
  std::string source;
  std::string since;  // RFC 3339
  std::string until;

  bool empty() const { return reason.empty() && source.empty() && since.empty() && until.empty(); }
};

Result RunListDeadLetters(Context& context, const DeadLetterChoice& choice);

struct ShowDeadLetterOptions {
  int32_t partition = 0;
  int64_t offset = 0;  // of the record in stock.events
};

Result RunShowDeadLetter(Context& context, const ShowDeadLetterOptions& options);

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_COMMANDS_DEADLETTERS_H_
