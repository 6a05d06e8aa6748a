// SPDX-License-Identifier: Apache-2.0
// Plays every scenario of testdata/ in every way: on 1, 3 and 6 partitions, batches of 1 and 1000,
// with and without restarts. Outputs, final rows and content digests are equal in all of them.
//
//   scenario_test --testdata=DIR [--scenario=NAME] [--run=3/1000/restart] [--ways=N] [--kafka]
//                 [--rewrite] [gtest flags]
//
// --ways: only so many of the ways, others for each scenario. --kafka: on the broker of the file
// that TALLYWIRE_TEST_KAFKA_FILE names, 1 and 6 partitions, with restarts.
//
// --rewrite puts what came out of the first run in place of what was expected: read the difference
// before you keep it, an expectation follows from the rules and not from the program.

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tests/log/kafka_testing.h"
#include "tests/scenarios/runner.h"
#include "tests/scenarios/scenario_file.h"

namespace tallywire::scenarios {
namespace {

struct Flags {
  std::string program;
  std::string testdata;
  std::string scenario;
  std::string run;
  size_t ways = SIZE_MAX;
  std::string brokers;  // empty: embedded
  bool rewrite = false;
};

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

class ScenarioTest : public testing::Test {
 public:
  ScenarioTest(const Flags& flags, const Scenario& scenario) : flags_(flags), scenario_(scenario) {}

  void TestBody() override {
    if (flags_.rewrite) return RewriteExpected();
    std::string first_digest;
    std::string first_rows;
    for (const RunConfig& config : Ways()) {
      if (!flags_.run.empty() && flags_.run != Name(config)) continue;
      // The way to see this run alone stands first in what is printed.
      SCOPED_TRACE(flags_.program + " --testdata=" + flags_.testdata +
                   " --scenario=" + scenario_.name + " --run=" + Name(config));
      const auto result = PlayScenario(scenario_, config);
      ASSERT_TRUE(result.ok()) << result.status();
      CheckOutputs(*result);
      for (const std::string& finding : result->findings) ADD_FAILURE() << "audit: " << finding;
      if (first_digest.empty()) {
        first_digest = result->digest;
        first_rows = result->rows;
        EXPECT_EQ(first_digest.size(), 32);
      }
      EXPECT_EQ(result->rows, first_rows) << "rows differ from the first run's";
      EXPECT_EQ(result->digest, first_digest) << "digest differs from the first run's";
      // One way that fails says enough.
      if (HasFailure()) return;
    }
  }

 private:
  std::vector<RunConfig> Ways() const {
    std::vector<RunConfig> ways;
    const std::vector<RunConfig> all = ConfigsOf(scenario_);
    if (!flags_.brokers.empty()) {
      static int worlds = 0;
      for (RunConfig config : all) {
        const bool edge = config.partitions == scenario_.partitions.front() ||
                          config.partitions == scenario_.partitions.back();
        if (!edge || config.batch == 1 || !config.restart) continue;
        config.brokers = flags_.brokers;
        config.prefix = absl::StrCat("w", getpid(), "-", worlds++, ".");
        ways.push_back(config);
      }
      return ways;
    }
    // Begins elsewhere for each scenario, so that each way has its turn.
    const size_t first = std::hash<std::string>()(scenario_.name);
    for (size_t i = 0; i < std::min(flags_.ways, all.size()); ++i) {
      ways.push_back(all[flags_.ways < all.size() ? (first + i * 5) % all.size() : i]);
    }
    return ways;
  }

  void CheckOutputs(const RunResult& result) {
    for (size_t i = 0; i < scenario_.blocks.size(); ++i) {
      EXPECT_EQ(result.outputs[i], scenario_.blocks[i].expected)
          << scenario_.file << ":" << scenario_.blocks[i].input.back().number
          << ": block before this line (first: what came; second: what is expected)";
    }
  }

  void RewriteExpected() {
    const std::string path = flags_.testdata + "/" + scenario_.file;
    const auto result = PlayScenario(scenario_, ConfigsOf(scenario_).front());
    ASSERT_TRUE(result.ok()) << result.status();
    const std::string text = Rewrite(ReadFile(path), scenario_, result->outputs);
    std::ofstream(path, std::ios::binary) << text;
  }

  const Flags& flags_;
  const Scenario scenario_;
};

Flags TakeFlags(int argc, char** argv) {
  Flags flags;
  flags.program = argv[0];
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    if (arg.starts_with("--testdata=")) flags.testdata = arg.substr(11);
    if (arg.starts_with("--scenario=")) flags.scenario = arg.substr(11);
    if (arg.starts_with("--run=")) flags.run = arg.substr(6);
    if (arg.starts_with("--ways=") && !absl::SimpleAtoi(arg.substr(7), &flags.ways)) {
      std::cerr << arg << ": not a number\n";
    }
    if (arg == "--kafka") {
      std::string why_not;
      flags.brokers = TestBrokers(why_not);
      if (flags.brokers.empty()) {
        std::cerr << "skipped: " << why_not << "\n";
        std::exit(77);
      }
    }
    if (arg == "--rewrite") flags.rewrite = true;
  }
  return flags;
}

// `counts.txt` → `counts`; GoogleTest wants a word.
std::string SuiteName(const std::string& file) {
  std::string name = file.substr(0, file.rfind('.'));
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

int RegisterAll(const Flags& flags) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(flags.testdata)) {
    if (entry.path().extension() == ".txt") files.push_back(entry.path().filename().string());
  }
  std::sort(files.begin(), files.end());
  int registered = 0;
  for (const std::string& file : files) {
    const auto scenarios = ParseScenarios(file, ReadFile(flags.testdata + "/" + file));
    if (!scenarios.ok()) {
      std::cerr << scenarios.status() << "\n";
      return -1;
    }
    for (const Scenario& scenario : *scenarios) {
      if (!flags.scenario.empty() && flags.scenario != scenario.name) continue;
      ++registered;
      testing::RegisterTest(
          SuiteName(file).c_str(), scenario.name.c_str(), nullptr, nullptr, __FILE__, scenario.line,
          [&flags, scenario]() -> ScenarioTest* { return new ScenarioTest(flags, scenario); });
    }
  }
  return registered;
}

}  // namespace
}  // namespace tallywire::scenarios

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const tallywire::scenarios::Flags flags = tallywire::scenarios::TakeFlags(argc, argv);
  if (tallywire::scenarios::RegisterAll(flags) <= 0) {
    std::cerr << "no scenarios in `" << flags.testdata << "`\n";
    return 1;
  }
  return RUN_ALL_TESTS();
}
