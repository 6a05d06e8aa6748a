// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_COMMANDS_REDRIVE_H_
#define TALLYWIRE_TOOLS_COMMANDS_REDRIVE_H_

// `deadletters redrive`: dead letters into the ledger again, mended by key, by replacement, or as
// they are. Says what it would do; does it when told so. Safe to run again: a letter that is
// redriven is marked, and an event that is known changes nothing.

#include <string>
#include <vector>

#include "tools/commands/command.h"
#include "tools/commands/deadletters.h"

namespace tallywire {

struct RedriveOptions {
  std::vector<std::string> letters;  // PARTITION/OFFSET
  DeadLetterChoice choice;
  bool all = false;
  // At most one of the three; none: by key.
  bool by_key = false;
  std::string replace;  // a file of JSON lines; `-`: Host::in
  bool as_is = false;
  bool execute = false;
};

Result RunRedrive(Context& context, const RedriveOptions& options);

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_COMMANDS_REDRIVE_H_
