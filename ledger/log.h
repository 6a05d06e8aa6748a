// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_LEDGER_LOG_H_
#define TALLYWIRE_LEDGER_LOG_H_

// A partitioned, durable log of records: what Kafka is, and what the embedded log is for one
// process. tests/log_conformance.h is the contract in code; every implementation passes it.
//
//   auto log = OpenEmbeddedLog({.folder = "data/log"});
//   (*log)->CreateTopics(topics);
//   (*log)->Append({{.topic = kStockEvents, .partition = p, .key = "RED-TEE", .value = bytes}});
//   auto reader = (*log)->OpenReader(kStockEvents, p, Offset(0));
//   RecordBatch batch;
//   (*reader)->Poll(1000, Milliseconds(100), batch);
//
// Threads: a Log may be used by many threads at once; a LogReader by one at a time.
// Errors: UNAVAILABLE: try again, nothing is known to be lost. RESOURCE_EXHAUSTED: no room; try
// again later. DATA_LOSS: what is stored does not read back; stop. OUT_OF_RANGE: the offset lies
// below the oldest record kept, or above the end. NOT_FOUND: no such topic or partition.
// INVALID_ARGUMENT: the call is wrong, the text says how.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ledger/types.h"

namespace tallywire {

enum class Cleanup {
  kForever,    // nothing is ever dropped
  kCompact,    // at least the last record of each key is kept; offsets have gaps
  kRetention,  // records older than `retention` may be dropped from the start
};

struct TopicSpec {
  std::string name;
  int32_t partitions = 1;
  Cleanup cleanup = Cleanup::kForever;
  Span retention = Span(0);  // for kRetention
  friend bool operator==(const TopicSpec&, const TopicSpec&) = default;
};

struct Header {
  std::string name;
  std::string value;
  friend bool operator==(const Header&, const Header&) = default;
};

// What is to be appended. Views must live until Append returns.
struct NewRecord {
  std::string_view topic;
  Partition partition;
  std::string_view key;
  std::string_view value;
  std::span<const Header> headers = {};
};

// Where a record came to lie, and when the log stamped it.
struct Appended {
  Offset offset;
  Time stamp;
};

// A record as read. Views live as long as the RecordBatch that they are in is not polled into
// again.
struct Record {
  Partition partition;
  Offset offset;
  Time stamp;
  std::string_view key;
  std::string_view value;
  std::span<const Header> headers;
};

// Records of one poll, with the memory they lie in. Reused from poll to poll.
struct RecordBatch {
  std::vector<Record> records;
  // Owned by the implementation that filled it.
  std::shared_ptr<void> memory;
};

struct LogBounds {
  Offset begin;  // the oldest record kept, or `end`
  Offset end;    // one past the newest
};

class LogReader {
 public:
  virtual ~LogReader() = default;
  // The next records in offset order, at most `max`; waits up to `wait` for the first. None after
  // that: OK and an empty batch. The position moves past what was returned.
  [[nodiscard]] virtual absl::Status Poll(size_t max, Span wait, RecordBatch& batch) = 0;
  // The offset that the next Poll begins at (or the first above it that is kept).
  virtual Offset Position() const = 0;
};

class Log {
 public:
  virtual ~Log() = default;

  // Appends all, durably, in order per partition, and says where each lies. On an error some may
  // have been appended: append again, readers drop what they know. Records that are appended to one
  // partition by two threads are in either order, never mixed up.
  [[nodiscard]] virtual absl::StatusOr<std::vector<Appended>> Append(
      std::span<const NewRecord> records) = 0;

  // Reads one partition from `from` on, which lies within its bounds.
  [[nodiscard]] virtual absl::StatusOr<std::unique_ptr<LogReader>> OpenReader(
      std::string_view topic, Partition partition, Offset from) = 0;

  [[nodiscard]] virtual absl::StatusOr<LogBounds> Bounds(std::string_view topic,
                                                         Partition partition) = 0;

  // Creates what is missing. A topic that is there with other settings: FAILED_PRECONDITION, and
  // the text says which and how.
  [[nodiscard]] virtual absl::Status CreateTopics(std::span<const TopicSpec> topics) = 0;

  // The topic as it is. NOT_FOUND if there is none.
  [[nodiscard]] virtual absl::StatusOr<TopicSpec> Describe(std::string_view topic) = 0;

  // Says which log this is, for ever: a state folder belongs to one log.
  virtual std::string Id() const = 0;

  // Other processes may append to it as well, and offsets of a topic that keeps everything may
  // still have gaps (marks of a producer's transactions). False: it is this process's alone.
  virtual bool IsShared() const { return false; }
};

}  // namespace tallywire

#endif  // TALLYWIRE_LEDGER_LOG_H_
