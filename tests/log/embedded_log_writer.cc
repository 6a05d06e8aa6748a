// SPDX-License-Identifier: Apache-2.0

// embedded_log_writer FOLDER TOPIC PARTITION FIRST_NUMBER: RunLogWriter on an embedded log, to be
// killed at any moment.

#include <cstdio>
#include <cstdlib>

#include "ledger/embedded_log.h"
#include "tests/log_conformance.h"

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: %s FOLDER TOPIC PARTITION FIRST_NUMBER\n", argv[0]);
    return 2;
  }
  auto log = tallywire::EmbeddedLog::Open({.folder = argv[1], .clock = nullptr});
  absl::Status status = log.status();
  if (log.ok()) {
    status = tallywire::RunLogWriter(**log, argv[2], tallywire::Partition(std::atoi(argv[3])),
                                     std::atoll(argv[4]), stdout);
  }
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return 1;
}
