// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_PROJECTOR_RUN_OUTGOING_H_
#define TALLYWIRE_PROJECTOR_RUN_OUTGOING_H_

// Records on their way into the log, with the memory that they lie in: those of many partitions go
// out in one append and wait for one acknowledgement. Thread-compatible.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "google/protobuf/message_lite.h"
#include "ledger/log.h"
#include "ledger/status.h"
#include "projector/fold/arena.h"

namespace tallywire {

class Outgoing {
 public:
  // Told of each record where it came to lie, in the order in which they were added.
  using Acknowledged = std::function<void(const NewRecord& record, const Appended& where)>;

  std::string_view Keep(std::string_view text) { return kept_.Keep(text); }
  std::string_view Keep(const google::protobuf::MessageLite& message) {
    const size_t size = message.ByteSizeLong();
    char* const room = kept_.Take(size);
    message.SerializeWithCachedSizesToArray(reinterpret_cast<uint8_t*>(room));
    return {room, size};
  }
  void Add(const NewRecord& record) { records_.push_back(record); }
  size_t size() const { return records_.size(); }

  // OK: all of it is in the log, and nothing is left here. Otherwise some may be, and nothing is
  // left here either: what is owed is added anew.
  [[nodiscard]] absl::Status Send(Log* log, const Acknowledged& acknowledged) {
    if (records_.empty()) return absl::OkStatus();
    const auto appended = log->Append(records_);
    if (appended.ok()) {
      for (size_t i = 0; i < records_.size(); ++i) acknowledged(records_[i], (*appended)[i]);
    }
    records_.clear();
    kept_.Clear();
    return appended.status();
  }

 private:
  std::vector<NewRecord> records_;
  Arena kept_;
};

}  // namespace tallywire

#endif  // TALLYWIRE_PROJECTOR_RUN_OUTGOING_H_
