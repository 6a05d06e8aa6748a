// SPDX-License-Identifier: Apache-2.0
#include "ledger/read_to.h"

#include "absl/strings/str_cat.h"
#include "ledger/status.h"

namespace tallywire {
namespace {

constexpr size_t kBatch = 10'000;
constexpr Span kWait = Milliseconds(100);
constexpr int kMostWaits = 300;

}  // namespace

absl::Status ReadTo(LogReader& reader, Offset end,
                    const std::function<absl::Status(const Record&)>& visit) {
  RecordBatch batch;
  int waits = 0;
  while (reader.Position() < end) {
    const Offset before = reader.Position();
    TW_RETURN_IF_ERROR(reader.Poll(kBatch, kWait, batch));
    for (const Record& record : batch.records) {
      if (record.offset >= end) return absl::OkStatus();
      TW_RETURN_IF_ERROR(visit(record));
    }
    if (reader.Position() > before) {
      waits = 0;
    } else if (++waits == kMostWaits) {
      return absl::UnavailableError(absl::StrCat("the log says that it goes up to offset ",
                                                 end.value(), ", but gives nothing after ",
                                                 before.value()));
    }
  }
  return absl::OkStatus();
}

absl::Status ReadRange(Log& log, std::string_view topic, Partition partition, Offset from,
                       Offset end, const std::function<absl::Status(const Record&)>& visit) {
  if (from >= end) return absl::OkStatus();
  TW_ASSIGN_OR_RETURN(const auto reader, log.OpenReader(topic, partition, from));
  return ReadTo(*reader, end, visit);
}

}  // namespace tallywire
