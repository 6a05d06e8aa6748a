// SPDX-License-Identifier: Apache-2.0
#include "tests/scenarios/scenario_file.h"

#include <optional>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "ledger/status.h"

namespace tallywire::scenarios {
namespace {

constexpr std::string_view kDivider = "----";
constexpr std::string_view kKeyword = "scenario ";

std::vector<std::string> Lines(std::string_view text) {
  std::vector<std::string> lines =
      absl::StrSplit(absl::string_view(text.data(), text.size()), '\n');
  if (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

bool IsBlank(const std::string& line) { return line.find_first_not_of(" \t") == line.npos; }

absl::Status Wrong(std::string_view file, int number, std::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat(std::string(file), ":", number, ": ", std::string(what)));
}

absl::StatusOr<Scenario> ParseHead(std::string_view file, int number, const std::string& line) {
  Scenario scenario;
  scenario.file = std::string(file);
  scenario.line = number;
  const std::vector<std::string> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
  if (words.size() < 2) return Wrong(file, number, "a scenario needs a name");
  scenario.name = words[1];
  for (size_t i = 2; i < words.size(); ++i) {
    if (words[i] == "unsettled") {
      scenario.settle_definitions = false;
    } else if (words[i].starts_with("partitions=")) {
      scenario.partitions.clear();
      for (const auto part : absl::StrSplit(words[i].substr(11), ',')) {
        int count = 0;
        if (!absl::SimpleAtoi(part, &count) || count < 1) {
          return Wrong(file, number, "partitions: not a list of counts");
        }
        scenario.partitions.push_back(count);
      }
    } else {
      return Wrong(file, number, "unknown option: " + words[i]);
    }
  }
  return scenario;
}

}  // namespace

absl::StatusOr<std::vector<Scenario>> ParseScenarios(std::string_view file, std::string_view text) {
  std::vector<Scenario> scenarios;
  std::set<std::string> names;
  bool in_expected = false;
  std::optional<Block> block;  // the one whose input is being read
  int number = 0;
  for (const std::string& line : Lines(text)) {
    ++number;
    if (in_expected) {
      if (line.empty()) {
        in_expected = false;
      } else {
        absl::StrAppend(&scenarios.back().blocks.back().expected, line, "\n");
      }
      continue;
    }
    if (IsBlank(line) || line.front() == '#') continue;
    if (line.starts_with(kKeyword)) {
      if (block.has_value()) return Wrong(file, number, "the block before has no ----");
      TW_ASSIGN_OR_RETURN(Scenario scenario, ParseHead(file, number, line));
      if (!names.insert(scenario.name).second) return Wrong(file, number, "name used twice");
      scenarios.push_back(std::move(scenario));
      continue;
    }
    if (scenarios.empty()) return Wrong(file, number, "input before the first scenario");
    if (!block.has_value()) block.emplace();
    if (line == kDivider) {
      scenarios.back().blocks.push_back(*std::move(block));
      block.reset();
      in_expected = true;
      continue;
    }
    block->input.push_back({number, line});
  }
  if (block.has_value()) return Wrong(file, number, "the last block has no ----");
  return scenarios;
}

std::string Rewrite(std::string_view text, const Scenario& scenario,
                    const std::vector<std::string>& outputs) {
  std::string result;
  bool mine = false;
  bool skipping = false;
  size_t next = 0;
  bool in_expected = false;
  for (const std::string& line : Lines(text)) {
    if (in_expected) {
      if (line.empty()) in_expected = skipping = false;
      if (!skipping) absl::StrAppend(&result, line, "\n");
      continue;
    }
    absl::StrAppend(&result, line, "\n");
    if (line.starts_with(kKeyword)) {
      const std::vector<std::string> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
      mine = words.size() > 1 && words[1] == scenario.name;
    } else if (line == kDivider) {
      in_expected = true;
      skipping = mine && next < outputs.size();
      if (skipping) absl::StrAppend(&result, outputs[next++]);
    }
  }
  return result;
}

}  // namespace tallywire::scenarios
