// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_IMPORT_IMPORT_COMMAND_H_
#define TALLYWIRE_TOOLS_IMPORT_IMPORT_COMMAND_H_

// `import`: the rows of a CSV file into the ledger as events, by a map (MAPS.md beside this file).
//
// Safe to break off and to run again: an event's id is made from the row, so what is in changes
// nothing. A map or a header that does not fit is an error before anything is appended; a row that
// does not fit is told with its number, column and reason, and the others are in.

#include <cstddef>
#include <cstdint>
#include <string>

#include "tools/commands/command.h"

namespace tallywire {

struct ImportOptions {
  std::string map;
  std::string file;
  std::string rejected;         // empty: none is kept
  bool opening_counts = false;  // derive what must have been there (opening.h)
  bool dry_run = false;         // append nothing
  int64_t from_row = 0;         // rows before this one are read, not appended
  size_t batch = 5'000;         // events sent together
};

Result RunImport(Context& context, const ImportOptions& options);

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_IMPORT_IMPORT_COMMAND_H_
