// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_SCENARIOS_RUNNER_H_
#define TALLYWIRE_TESTS_SCENARIOS_RUNNER_H_

// Plays one scenario in one world.
//
// Lines: an event (event_line.h) · `json {…}`, a StockEvent in JSON · `raw [key=K]
// [partition=N|wrong] [header.NAME=VALUE] …` before an event, `json` or `bytes HEX [HEX*TIMES]`: a
// record that goes past the appender · `at TIME` sets the clock · `settle` · `restart [drop]` ·
// `stock`, `journal`, `alerts`, `deadletters`, `updates`, `listings` (queries.h) · `listing put …`,
// `listing remove CHANNEL ID`.
//
// The clock begins at 2026-03-01T10:00. An event without an id is called e1, e2, … by its place
// among the scenario's events. Events are appended together, up to the run's batch; before any
// other line they are in the log, before a question all is at rest.

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/scenarios/scenario_file.h"
#include "tests/scenarios/world.h"

namespace tallywire::scenarios {

struct RunResult {
  std::vector<std::string> outputs;   // of each block
  std::string digest;                 // of the content
  std::string rows;                   // every row, without versions
  std::vector<std::string> findings;  // of the audit
};

// All ways to run a scenario, the first being the plainest.
std::vector<RunConfig> ConfigsOf(const Scenario& scenario);

// INVALID_ARGUMENT: the scenario is wrong; the text names file and line. Other errors are the
// world's.
absl::StatusOr<RunResult> PlayScenario(const Scenario& scenario, const RunConfig& config);

}  // namespace tallywire::scenarios

#endif  // TALLYWIRE_TESTS_SCENARIOS_RUNNER_H_
