// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/run.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/topics.h"
#include "tests/sim/checks.h"
#include "tests/sim/setup.h"
#include "tests/sim/workload.h"
#include "tests/sim/world.h"

namespace tallywire::sim {
namespace {

// One run in so many is made twice.
constexpr uint64_t kTwiceEvery = 20;

struct Drawn {
  Setup setup;
  Workload work;
  std::vector<Fault> faults;
};

Drawn Draw(const SeedOptions& options) {
  Drawn drawn;
  drawn.setup = DrawSetup(options.seed);
  drawn.work = DrawWorkload(options.seed);
  drawn.faults =
      options.faults.value_or(DrawFaults(options.seed, {.steps = World::StepsOf(drawn.work),
                                                        .partitions = drawn.setup.partitions,
                                                        .projectors = drawn.setup.projectors,
                                                        .shared = drawn.setup.shared,
                                                        .steady_clock = drawn.work.facts}));
  if (options.ops.has_value() && *options.ops < drawn.work.ops.size()) {
    drawn.work.ops.resize(*options.ops);
  }
  return drawn;
}

void Append(std::vector<std::string> more, std::vector<std::string>* to) {
  to->insert(to->end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

}  // namespace

SeedResult RunSeed(const SeedOptions& options) {
  const Drawn drawn = Draw(options);
  World world(options.seed, drawn.setup, drawn.work, drawn.faults);
  world.Run();
  SeedResult result;
  result.findings = world.findings();
  if (result.findings.empty()) {
    Append(CheckEnds(drawn.faults, world), &result.findings);
    Append(CheckEquivalence(options.seed, drawn.setup, drawn.work, world), &result.findings);
  }
  if (options.seed % kTwiceEvery == 0) {
    World again(options.seed, drawn.setup, drawn.work, drawn.faults);
    again.Run();
    if (again.trace() != world.trace()) result.findings.push_back("a second run went otherwise");
  }
  result.faults = drawn.faults;
  result.ops = drawn.work.ops.size();
  result.steps = world.steps();
  result.trace = world.trace();
  for (int32_t p = 0; p < drawn.setup.partitions; ++p) {
    result.records += world.cluster().BoundsOf(kStockEvents, Partition(p)).end.value();
  }
  if (!result.findings.empty()) {
    result.report =
        absl::StrCat(Print(drawn.setup), "\n", Describe(result.findings, drawn.work, world));
  }
  return result;
}

std::string CommandOf(const SeedOptions& options) {
  std::string command = absl::StrCat("tallywire-sim --seed ", options.seed);
  if (options.ops.has_value()) absl::StrAppend(&command, " --ops ", *options.ops);
  if (!options.faults.has_value()) return command;
  if (options.faults->empty()) absl::StrAppend(&command, " --no-faults");
  for (const Fault& fault : *options.faults) {
    absl::StrAppend(&command, " --fault '", Print(fault), "'");
  }
  return command;
}

SeedOptions Shrink(const SeedOptions& options) {
  const auto fails = [](const SeedOptions& tried) { return !RunSeed(tried).findings.empty(); };
  SeedOptions best = options;
  if (!best.faults.has_value()) best.faults = Draw(options).faults;
  for (size_t i = 0; i < best.faults->size();) {
    SeedOptions tried = best;
    tried.faults->erase(tried.faults->begin() + static_cast<std::ptrdiff_t>(i));
    if (fails(tried)) {
      best = std::move(tried);
    } else {
      ++i;
    }
  }
  size_t ops = best.ops.value_or(Draw(best).work.ops.size());
  for (size_t step = std::max<size_t>(ops / 2, 1); step > 0;) {
    SeedOptions tried = best;
    tried.ops = ops > step ? ops - step : 0;
    if (ops > step && fails(tried)) {
      ops = *tried.ops;
      best = std::move(tried);
    } else {
      step /= 2;
    }
  }
  return best;
}

}  // namespace tallywire::sim
