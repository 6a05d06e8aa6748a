// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_SCENARIOS_SCENARIO_FILE_H_
#define TALLYWIRE_TESTS_SCENARIOS_SCENARIO_FILE_H_

// Scenarios as text: reads a file of them, and writes it again with other expected parts.
//
//   # What the scenario shows, and by which rule.
//   scenario sale-lowers-stock
//   received A WH1 10
//   sold A WH1 3
//   stock A
//   ----
//   WH1 SITE available=7 on_hand=7 ats=0 unsellable:UNDEFINED_LOCATION
//   TOTAL available=7 on_hand=7 ats=0 sellable
//
// A scenario has one or more blocks: input, a line `----`, the expected output up to the next empty
// line. Its blocks share one world. A line that begins with `#` is a comment, in input only.
// Options after the name: `partitions=1,3` (which counts to run on) and `unsettled` (a location's
// definition is not settled before the next line).

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace tallywire::scenarios {

struct InputLine {
  int number = 0;  // in the file, from 1
  std::string text;
};

struct Block {
  std::vector<InputLine> input;
  std::string expected;  // each line with its line end
};

struct Scenario {
  std::string name;
  std::string file;
  int line = 0;
  std::vector<int> partitions = {1, 3, 6};
  bool settle_definitions = true;
  std::vector<Block> blocks;
};

// INVALID_ARGUMENT names file and line.
absl::StatusOr<std::vector<Scenario>> ParseScenarios(std::string_view file, std::string_view text);

// `text` with the expected part of each block of `scenario` replaced by `outputs`, in order.
std::string Rewrite(std::string_view text, const Scenario& scenario,
                    const std::vector<std::string>& outputs);

}  // namespace tallywire::scenarios

#endif  // TALLYWIRE_TESTS_SCENARIOS_SCENARIO_FILE_H_
