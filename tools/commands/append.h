// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_COMMANDS_APPEND_H_
#define TALLYWIRE_TOOLS_COMMANDS_APPEND_H_

// `append`: events of a file or a pipe into the ledger, in their order. What is refused is told
// with its line and can be kept in a file, to be mended and appended again; appending a whole input
// again is safe as well, since the ledger knows what it has.

#include <cstddef>
#include <string>

#include "tools/commands/command.h"

namespace tallywire {

struct AppendOptions {
  std::string file = "-";        // `-`: Host::in
  std::string format = "jsonl";  // or `binary`
  std::string rejected;          // empty: none is kept
  size_t batch = 5'000;          // events sent together
};

Result RunAppend(Context& context, const AppendOptions& options);

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_COMMANDS_APPEND_H_
