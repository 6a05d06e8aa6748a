// SPDX-License-Identifier: Apache-2.0
// The binary `tallywire`: puts the real world around the command line.

#include <unistd.h>

#include <cstdlib>

#include "tools/bench/fold_bench.h"
#include "tools/bench/latency_bench.h"
#include "tools/bench/project_bench.h"
#include "tools/cli.h"
#include "tools/commands/connect.h"
#include "tools/commands/kafka_topics.h"
#include "tools/commands/serve.h"
#include "tools/output.h"
#include "tools/signals.h"

int main(int argc, char** argv) {
  tallywire::InstallSignalHandlers();
  tallywire::Output out(STDOUT_FILENO);
  tallywire::Output err(STDERR_FILENO);
  tallywire::Host host{.out = &out,
                       .err = &err,
                       .in = STDIN_FILENO,
                       .connect = tallywire::ConnectLedger,
                       .stop = tallywire::StopRequested,
                       .sleep = tallywire::WaitForStop};
  const tallywire::Services services{.serve = tallywire::RunServe,
                                     .kafka_topics = tallywire::RunKafkaTopics,
                                     .bench_fold = tallywire::RunBenchFold,
                                     .bench_project = tallywire::RunBenchProject,
                                     .bench_latency = tallywire::RunBenchLatency};
  return tallywire::RunCli(argc, argv, host, services,
                           [](const std::string& name) { return std::getenv(name.c_str()); });
}
