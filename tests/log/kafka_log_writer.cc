// SPDX-License-Identifier: Apache-2.0

// kafka_log_writer BROKERS TOPIC PARTITION FIRST_NUMBER: RunLogWriter on a log in Kafka, to be
// killed at any moment.

#include <cstdio>
#include <cstdlib>

#include "ledger/kafka/kafka_log.h"
#include "tests/log_conformance.h"

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: %s BROKERS TOPIC PARTITION FIRST_NUMBER\n", argv[0]);
    return 2;
  }
  auto log = tallywire::KafkaLog::Open({.connection = {.brokers = argv[1]}});
  absl::Status status = log.status();
  if (log.ok()) {
    status = tallywire::RunLogWriter(**log, argv[2], tallywire::Partition(std::atoi(argv[3])),
                                     std::atoll(argv[4]), stdout);
  }
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return 1;
}
