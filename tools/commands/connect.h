// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_COMMANDS_CONNECT_H_
#define TALLYWIRE_TOOLS_COMMANDS_CONNECT_H_

// The ledger that the settings name: a server that runs on it, or the folder itself.

#include "absl/status/statusor.h"
#include "tools/commands/command.h"

namespace tallywire {

// As OpenApi (tools/api/discover.h); INVALID_ARGUMENT where this version cannot open such a log.
absl::StatusOr<Connection> ConnectLedger(const v1::Config& config, const ConnectOptions& options);

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_COMMANDS_CONNECT_H_
