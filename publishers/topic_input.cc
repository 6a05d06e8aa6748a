// SPDX-License-Identifier: Apache-2.0
#include "publishers/topic_input.h"

#include <algorithm>
#include <utility>

#include "ledger/status.h"

namespace tallywire {

TopicInput::TopicInput(Log* log, std::string topic, std::vector<Offset> next)
    : log_(log), topic_(std::move(topic)), next_(std::move(next)), readers_(next_.size()) {}

absl::StatusOr<bool> TopicInput::Read(size_t max, Span wait, const Visit& visit) {
  bool any = false;
  for (size_t i = 0; i < next_.size(); ++i) {
    TW_ASSIGN_OR_RETURN(const bool read, ReadPartition(i, max, wait, visit));
    any |= read;
  }
  return any;
}

absl::StatusOr<bool> TopicInput::ReadPartition(size_t index, size_t max, Span wait,
                                               const Visit& visit) {
  auto& reader = readers_[index];
  if (!reader) {
    const Partition partition(static_cast<int32_t>(index));
    TW_ASSIGN_OR_RETURN(reader, log_->OpenReader(topic_, partition, next_[index]));
  }
  TW_RETURN_IF_ERROR(reader->Poll(max, wait, batch_));
  for (const Record& record : batch_.records) {
    const absl::Status status = visit(record);
    if (!status.ok()) {
      // It stands behind this record already.
      reader.reset();
      return status;
    }
    next_[index] = record.offset.Next();
  }
  // Past what a compaction has left out as well.
  next_[index] = std::max(next_[index], reader->Position());
  return !batch_.records.empty();
}

absl::StatusOr<std::vector<Offset>> TopicInput::Ends() const {
  std::vector<Offset> ends;
  for (size_t i = 0; i < next_.size(); ++i) {
    TW_ASSIGN_OR_RETURN(const LogBounds bounds,
                        log_->Bounds(topic_, Partition(static_cast<int32_t>(i))));
    ends.push_back(bounds.end);
  }
  return ends;
}

bool TopicInput::Reached(const std::vector<Offset>& ends) const {
  return std::equal(ends.begin(), ends.end(), next_.begin(),
                    [](Offset end, Offset next) { return next >= end; });
}

}  // namespace tallywire
