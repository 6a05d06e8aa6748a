// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_IMPORT_IMPORT_CLI_H_
#define TALLYWIRE_TOOLS_IMPORT_IMPORT_CLI_H_

// Adds `import` with its options and help to a parser, as tools/cli_commands.h says.

#include <CLI/App.hpp>

#include "tools/cli_commands.h"

namespace tallywire {

void AddImportCommand(CLI::App& app, Chosen* chosen);

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_IMPORT_IMPORT_CLI_H_
