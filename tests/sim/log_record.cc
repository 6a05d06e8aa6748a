// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/log_record.h"

#include "ledger/read_to.h"
#include "ledger/status.h"

namespace tallywire::sim {

absl::StatusOr<TopicRecords> ReadTopic(Log& log, std::string_view topic) {
  TopicRecords all;
  TW_ASSIGN_OR_RETURN(const TopicSpec spec, log.Describe(topic));
  all.partitions = spec.partitions;
  for (int32_t p = 0; p < spec.partitions; ++p) {
    TW_ASSIGN_OR_RETURN(const LogBounds bounds, log.Bounds(topic, Partition(p)));
    all.begins.push_back(bounds.begin.value());
    TW_RETURN_IF_ERROR(
        ReadRange(log, topic, Partition(p), bounds.begin, bounds.end, [&all](const Record& record) {
          all.records.push_back({record.partition.value(),
                                 record.offset.value(),
                                 record.stamp.value(),
                                 std::string(record.key),
                                 std::string(record.value),
                                 {record.headers.begin(), record.headers.end()}});
          return absl::OkStatus();
        }));
  }
  return all;
}

}  // namespace tallywire::sim
