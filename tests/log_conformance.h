// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_LOG_CONFORMANCE_H_
#define TALLYWIRE_TESTS_LOG_CONFORMANCE_H_

// The contract of ledger/log.h as tests, the same for every implementation. One gives it a
// LogWorld, adds tests/log/log_conformance*.cc to its test's sources and says
//
//   INSTANTIATE_TEST_SUITE_P(Embedded, LogConformance, ::testing::Values(&MakeEmbeddedWorld));
//
// Nothing here knows a folder, a broker or a clock: what an implementation needs for that is in its
// LogWorld. Offsets of a new topic begin at 0, and stamps are near the machine's clock.

#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "ledger/log.h"

namespace tallywire {

// A log to be tested, made anew for each test.
class LogWorld {
 public:
  virtual ~LogWorld() = default;

  // The log as this process has it. Only between Open and Close; made open.
  virtual Log& log() = 0;

  // Lets go of the log, so that the writer's process may have it, and takes it again. Nothing of
  // the log's own may be lost by that.
  virtual void Close() = 0;
  virtual void Open() = 0;

  // The name under which the log knows the test's topic `name`: another one for each world, if all
  // worlds share one log.
  virtual std::string Topic(std::string_view name) { return std::string(name); }

  // Makes the log drop what the topic's Cleanup allows. True if all of it is gone now; false if the
  // log takes its own time, and then tests ask only that nothing is gone that has to stay.
  virtual bool ForceCleanup(const std::string& topic) = 0;

  // The command that runs RunLogWriter on this log in a process of its own: program and arguments,
  // to which the test adds nothing. The log is closed while it runs. Only where another process can
  // have the log: LogWriterConformance asks for it.
  virtual std::vector<std::string> WriterCommand(const std::string& /*topic*/,
                                                 Partition /*partition*/,
                                                 int64_t /*first_number*/) {
    return {};
  }
};

// Appends records whose values are the decimal numbers from `first_number` on, one to nine an
// append, for ever; for each that is acknowledged it writes the line `number offset` to `out` and
// flushes it. Ends, with what happened, only if an append fails.
absl::Status RunLogWriter(Log& log, std::string_view topic, Partition partition,
                          int64_t first_number, std::FILE* out);

// Makes a world, or says in `why_not` why it cannot be here: then the test is skipped with that
// line.
using LogWorldMaker = std::function<std::unique_ptr<LogWorld>(std::string& why_not)>;

// A record with memory of its own.
struct ReadRecord {
  Partition partition;
  Offset offset;
  Time stamp;
  std::string key;
  std::string value;
  std::vector<Header> headers;
};

class LogConformance : public ::testing::TestWithParam<LogWorldMaker> {
 protected:
  void SetUp() override;

  Log& log() { return world_->log(); }
  // Creates the topic and gives its name.
  std::string Create(std::string_view name, int32_t partitions, Cleanup cleanup = Cleanup::kForever,
                     Span retention = Span(0));
  // Appends one record; fails the test if that fails.
  Appended Append(const std::string& topic, Partition partition, std::string_view key,
                  std::string_view value, std::span<const Header> headers = {});
  std::unique_ptr<LogReader> Reader(const std::string& topic, Partition partition, Offset from);
  // Polls until `count` records have come, or none for some seconds.
  std::vector<ReadRecord> Read(LogReader& reader, size_t count);
  // From the beginning to the end.
  std::vector<ReadRecord> ReadAll(const std::string& topic, Partition partition);

  std::unique_ptr<LogWorld> world_;
};

// Of a log that another process can have (log_conformance_writer.cc).
class LogWriterConformance : public LogConformance {};

}  // namespace tallywire

#endif  // TALLYWIRE_TESTS_LOG_CONFORMANCE_H_
