// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_COMMANDS_TAIL_H_
#define TALLYWIRE_TOOLS_COMMANDS_TAIL_H_

// `updates tail` and `alerts tail`: what came out, and what comes out, until ^C.

#include <cstdint>
#include <optional>
#include <string>

#include "tools/commands/command.h"

namespace tallywire {

struct TailOptions {
  std::string from = "start";  // or `end`
  bool follow = true;
  std::optional<int64_t> count;  // end after so many
};

Result RunUpdatesTail(Context& context, const TailOptions& options);
Result RunAlertsTail(Context& context, const TailOptions& options);

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_COMMANDS_TAIL_H_
