// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_SIM_FAILING_ROCKS_H_
#define TALLYWIRE_TESTS_SIM_FAILING_ROCKS_H_

// A store whose reads can fail: hands everything on to another one, and asks before each look-up
// and each walk.
//
//   OpenRocks open = FailingReads(disk.Opener(), [&](const std::string& folder) { … });
//
// Threads: as the store below it, if `ask` may be called so.

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "ledger/rocks.h"

namespace tallywire::sim {

// An error of `ask` is what the reader gets.
using AskRead = std::function<absl::Status(const std::string& folder)>;
OpenRocks FailingReads(OpenRocks below, AskRead ask);

}  // namespace tallywire::sim

#endif  // TALLYWIRE_TESTS_SIM_FAILING_ROCKS_H_
