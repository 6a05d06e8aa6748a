// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_EXIT_CODE_H_
#define TALLYWIRE_TOOLS_EXIT_CODE_H_

// What the process says to whoever started it.

#include "absl/status/status.h"

namespace tallywire {

enum class Exit {
  kOk = 0,
  kFailed = 1,
  kUsage = 2,     // what was asked is not well formed
  kFindings = 3,  // it ran to its end and found something amiss
  kNotFound = 4,
  kUnavailable = 5,  // try again later
};

// The one place where an error becomes an exit code.
Exit ExitFor(const absl::Status& status);

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_EXIT_CODE_H_
