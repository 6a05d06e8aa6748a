// SPDX-License-Identifier: Apache-2.0
// tallywire-sim: runs worlds, one from each seed, until one fails or time is up.
//
//   tallywire-sim --seeds 500                  the seeds 0 to 499
//   tallywire-sim --first 10000 --minutes 60   as many as fit
//   tallywire-sim --seed 17 --fault 'crash projector-0 before checkpoint 3'
//
// The first line about a failure is the command that runs it again. Exit code 1: a seed failed.

#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ledger/mark.h"
#include "tests/sim/faults.h"
#include "tests/sim/run.h"

namespace tallywire::sim {
namespace {

// What a run that ends by a check that failed is known by.
char g_command[4'096];
size_t g_command_size = 0;

void SayCommand(int signal_number) {
  // Nothing can be done about a failure here.
  const ssize_t ignored = write(STDOUT_FILENO, g_command, g_command_size);
  (void)ignored;
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

void RememberCommand(const SeedOptions& options) {
  const std::string line = absl::StrCat(CommandOf(options), "\n");
  g_command_size = line.copy(g_command, sizeof(g_command));
}

struct Arguments {
  uint64_t seeds = 0;
  uint64_t first = 0;
  double minutes = 0;
  std::optional<uint64_t> seed;
  std::vector<std::string> faults;
  bool no_faults = false;
  std::optional<size_t> ops;
  bool shrink = false;
  bool verbose = false;
  bool keep_going = false;
  std::string marks;
};

// The marks that were reached, one a line (ledger/mark.h).
bool WriteMarks(const std::string& file) {
  std::ofstream out(file);
  for (const auto& [name, count] : MarkCounts()) out << name << ' ' << count << '\n';
  out.close();
  return !out.fail();
}

void PrintFailure(SeedOptions options, const SeedResult& result, bool shrink) {
  options.faults = result.faults;
  SeedResult shown = result;
  if (shrink) {
    options = Shrink(options);
    shown = RunSeed(options);
  }
  std::cout << CommandOf(options) << "\n";
  for (const std::string& finding : shown.findings) std::cout << "  " << finding << "\n";
  std::cout << shown.report;
}

class Runs {
 public:
  explicit Runs(const Arguments& arguments) : arguments_(arguments) {}

  int Run(std::optional<std::vector<Fault>> faults) {
    const uint64_t first = arguments_.seed.value_or(arguments_.first);
    const bool timed = arguments_.minutes > 0;
    const uint64_t most = arguments_.seed.has_value() ? 1
                          : arguments_.seeds > 0      ? arguments_.seeds
                          : timed                     ? UINT64_MAX
                                                      : 500;
    for (uint64_t i = 0; i < most && !(timed && Minutes() >= arguments_.minutes); ++i) {
      SeedOptions options{.seed = first + i, .faults = faults, .ops = arguments_.ops};
      if (!RunOne(options) && !arguments_.keep_going) break;
    }
    const double minutes = Minutes();
    std::printf(
        "%llu seeds from %llu on, %llu failed, %lld steps, %lld records, %.0f seeds a minute\n",
        static_cast<unsigned long long>(done_), static_cast<unsigned long long>(first),
        static_cast<unsigned long long>(failed_), static_cast<long long>(steps_),
        static_cast<long long>(records_), minutes > 0 ? static_cast<double>(done_) / minutes : 0.0);
    return failed_ > 0 ? 1 : 0;
  }

 private:
  double Minutes() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count() / 60;
  }

  bool RunOne(const SeedOptions& options) {
    RememberCommand(options);
    const SeedResult result = RunSeed(options);
    ++done_;
    steps_ += result.steps;
    records_ += result.records;
    if (arguments_.verbose) {
      std::printf("seed %llu: %zu ops, %lld steps, %lld records, trace %016llx\n",
                  static_cast<unsigned long long>(options.seed), result.ops,
                  static_cast<long long>(result.steps), static_cast<long long>(result.records),
                  static_cast<unsigned long long>(result.trace));
      for (const Fault& fault : result.faults) std::cout << "  " << Print(fault) << "\n";
    }
    if (result.findings.empty()) return true;
    ++failed_;
    PrintFailure(options, result, arguments_.shrink);
    std::cout << std::flush;
    return false;
  }

  const Arguments arguments_;
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  uint64_t done_ = 0;
  uint64_t failed_ = 0;
  int64_t steps_ = 0;
  int64_t records_ = 0;
};

int Main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app{"Runs simulated worlds, one from each seed."};
  app.add_option("--seeds", arguments.seeds, "how many; 500 without --minutes");
  app.add_option("--first", arguments.first, "the first seed");
  app.add_option("--minutes", arguments.minutes, "no longer than this");
  app.add_option("--seed", arguments.seed, "this one only");
  app.add_option("--fault", arguments.faults, "these faults, not those that the seed draws");
  app.add_flag("--no-faults", arguments.no_faults, "none");
  app.add_option("--ops", arguments.ops, "only so many steps of the workload");
  app.add_flag("--shrink", arguments.shrink, "look for less that fails too");
  app.add_flag("--keep-going", arguments.keep_going, "go on after a failure");
  app.add_option("--marks", arguments.marks, "write the marks that were reached to this file");
  app.add_flag("--verbose", arguments.verbose, "a line for each seed");
  CLI11_PARSE(app, argc, argv);

  std::optional<std::vector<Fault>> faults;
  if (arguments.no_faults || !arguments.faults.empty()) faults.emplace();
  for (const std::string& text : arguments.faults) {
    auto fault = ParseFault(text);
    if (!fault.ok()) {
      std::cerr << fault.status().message() << "\n";
      return 2;
    }
    faults->push_back(*std::move(fault));
  }
  signal(SIGABRT, SayCommand);
  signal(SIGSEGV, SayCommand);
  const int code = Runs(arguments).Run(faults);
  if (!arguments.marks.empty() && !WriteMarks(arguments.marks)) {
    std::cerr << "cannot write " << arguments.marks << "\n";
    return 2;
  }
  return code;
}

}  // namespace
}  // namespace tallywire::sim

int main(int argc, char** argv) { return tallywire::sim::Main(argc, argv); }
