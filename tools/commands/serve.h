// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_COMMANDS_SERVE_H_
#define TALLYWIRE_TOOLS_COMMANDS_SERVE_H_

// The services: `serve` has all roles in this process, `project` folds, `publish` sends listing
// updates. Each runs until SIGINT or SIGTERM, writes its address to `out` when it is ready, and its
// log, a JSON object a line, to standard error. With `until_caught_up` it ends, without having
// answered anybody, when all that was in the log is folded or sent.

#include <string>

#include "tools/commands/command.h"

namespace tallywire {

struct ServeOptions {
  enum class Role { kServe, kProject, kPublish };
  Role role = Role::kServe;
  bool until_caught_up = false;
  // Partitions to fold, such as `0-3,7`; empty: those that the group gives, or all.
  std::string own = {};
  // The consumer group; with `own` only its lag is told there.
  std::string group = "tallywire-projector";
  // A copy of another projector's `state` folder, to begin from where this one has none.
  std::string from_copy = {};
};

Result RunServe(Context& context, const ServeOptions& options);

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_COMMANDS_SERVE_H_
