// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_SIM_LOG_RECORD_H_
#define TALLYWIRE_TESTS_SIM_LOG_RECORD_H_

// A record of any topic with its own memory and plain numbers, and how to read all of a topic.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "ledger/log.h"

namespace tallywire::sim {

struct LogRecord {
  int32_t partition = 0;
  int64_t offset = 0;
  int64_t stamp = 0;  // microseconds since 1970
  std::string key;
  std::string value;
  std::vector<Header> headers;

  // The last of that name; empty without it.
  std::string_view HeaderValue(std::string_view name) const {
    std::string_view value_of;
    for (const Header& header : headers) {
      if (header.name == name) value_of = header.value;
    }
    return value_of;
  }
};

struct TopicRecords {
  int32_t partitions = 0;
  std::vector<LogRecord> records;  // by partition and offset
  std::vector<int64_t> begins;     // of each partition, the oldest offset kept
};

// Every record that is there now. Errors: the log's.
absl::StatusOr<TopicRecords> ReadTopic(Log& log, std::string_view topic);

}  // namespace tallywire::sim

#endif  // TALLYWIRE_TESTS_SIM_LOG_RECORD_H_
