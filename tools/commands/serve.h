// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_COMMANDS_SERVE_H_
#define TALLYWIRE_TOOLS_COMMANDS_SERVE_H_

// `serve`: the whole ledger in this process until SIGINT or SIGTERM. Writes its address to `out`
// when it is ready, and its log, a JSON object a line, to standard error.

#include "tools/commands/command.h"

namespace tallywire {

Result RunServe(Context& context);

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_COMMANDS_SERVE_H_
