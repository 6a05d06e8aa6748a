// SPDX-License-Identifier: Apache-2.0
// Puts records into stock.events of an embedded log as a foreign producer might: past the form
// rules, under any key, in any partition. For tests that drive the binary from outside.
//
//   append_record LOG_FOLDER < LINES
//
// A line is PARTITION, KEY and VALUE with tabs between. PARTITION is a number, `home` or `wrong`
// (the one the key belongs to, or the one after it); VALUE a StockEvent in JSON, or x and bytes in
// hexadecimal. Prints where each came to lie: PARTITION/OFFSET.

#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "google/protobuf/util/json_util.h"
#include "ledger/embedded_log.h"
#include "ledger/status.h"
#include "ledger/topics.h"
#include "tallywire/v1/event.pb.h"

namespace tallywire {
namespace {

absl::StatusOr<std::string> Value(const std::string& text) {
  if (text.starts_with('x')) return absl::HexStringToBytes(text.substr(1));
  v1::StockEvent event;
  const auto read = google::protobuf::util::JsonStringToMessage(text, &event);
  if (!read.ok()) return absl::InvalidArgumentError(read.ToString());
  return event.SerializeAsString();
}

absl::Status Put(Log& log, int32_t partitions, const std::string& line) {
  const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits('\t', 2));
  if (parts.size() != 3) return absl::InvalidArgumentError("not three fields: " + line);
  int32_t partition = PartitionOf(parts[1], partitions).value();
  if (parts[0] == "wrong") {
    partition = (partition + 1) % partitions;
  } else if (parts[0] != "home" && !absl::SimpleAtoi(parts[0], &partition)) {
    return absl::InvalidArgumentError("not a partition: " + parts[0]);
  }
  TW_ASSIGN_OR_RETURN(const std::string value, Value(parts[2]));
  const NewRecord record{
      .topic = kStockEvents, .partition = Partition(partition), .key = parts[1], .value = value};
  TW_ASSIGN_OR_RETURN(const auto appended, log.Append({&record, 1}));
  std::cout << partition << "/" << appended[0].offset.value() << "\n";
  return absl::OkStatus();
}

absl::Status Run(const std::string& folder) {
  TW_ASSIGN_OR_RETURN(const auto log, EmbeddedLog::Open({.folder = folder, .clock = {}}));
  TW_ASSIGN_OR_RETURN(const TopicSpec spec, log->Describe(kStockEvents));
  for (std::string line; std::getline(std::cin, line);) {
    TW_RETURN_IF_ERROR(Put(*log, spec.partitions, line));
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace tallywire

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: append_record LOG_FOLDER < LINES\n";
    return 2;
  }
  const absl::Status status = tallywire::Run(argv[1]);
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}
