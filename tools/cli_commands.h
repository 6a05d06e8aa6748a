// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_CLI_COMMANDS_H_
#define TALLYWIRE_TOOLS_CLI_COMMANDS_H_

// Adds the subcommands with their options and help to a parser. Only cli.cc needs it.

#include <CLI/App.hpp>
#include <functional>

#include "tools/cli.h"

namespace tallywire {

using Chosen = std::function<Result(Context&)>;

// Parsing sets `chosen` to what is to be run; both must outlive the parsing.
void AddCommands(CLI::App& app, const Services& services, Chosen* chosen);

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_CLI_COMMANDS_H_
