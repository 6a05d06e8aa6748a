// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_COMMANDS_CONNECT_H_
#define TALLYWIRE_TOOLS_COMMANDS_CONNECT_H_

// The ledger that the settings name: a server that runs on it, or this process.

#include "absl/status/statusor.h"
#include "tools/api/open_log.h"
#include "tools/commands/command.h"

namespace tallywire {

// The log that the settings name.
LogChoice LogOf(const v1::Config& config);

// As OpenApi (tools/api/discover.h).
absl::StatusOr<Connection> ConnectLedger(const v1::Config& config, const ConnectOptions& options);

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_COMMANDS_CONNECT_H_
