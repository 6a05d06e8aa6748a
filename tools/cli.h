// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_CLI_H_
#define TALLYWIRE_TOOLS_CLI_H_

// The command line: from arguments to a command, and from what it returns to an exit code.
//
// One thread. Nothing throws.

#include <functional>

#include "tools/commands/command.h"
#include "tools/config.h"

namespace tallywire {

struct BenchFoldOptions;
struct BenchLatencyOptions;
struct BenchProjectOptions;
struct ServeOptions;

// Commands that are more than questions to an Api. One that is empty is not there.
struct Services {
  std::function<Result(Context&, const ServeOptions&)> serve;
  // `topics plan|apply` where the log is in Kafka.
  std::function<Result(Context&, bool execute)> kafka_topics;
  std::function<Result(Context&, const BenchFoldOptions&)> bench_fold;
  std::function<Result(Context&, const BenchProjectOptions&)> bench_project;
  std::function<Result(Context&, const BenchLatencyOptions&)> bench_latency;
};

// Runs one command and returns the exit code.
int RunCli(int argc, const char* const* argv, Host& host, const Services& services,
           const Environment& environment);

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_CLI_H_
