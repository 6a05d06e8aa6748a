// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_COMMANDS_INSPECT_H_
#define TALLYWIRE_TOOLS_COMMANDS_INSPECT_H_

// `topics plan`, `verify`, `digest` and `health`: how the ledger itself is.

#include "tools/commands/command.h"

namespace tallywire {

// kFindings: a topic is there and is not as planned.
Result RunTopicsPlan(Context& context);
// kFindings: something differs.
Result RunVerify(Context& context);

struct DigestOptions {
  bool state = false;  // that of each partition's state as well
};
Result RunDigest(Context& context, const DigestOptions& options);

// kFailed: the ledger has stopped folding.
Result RunHealth(Context& context);

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_COMMANDS_INSPECT_H_
