// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_SIM_AUDITOR_H_
#define TALLYWIRE_TESTS_SIM_AUDITOR_H_

// The auditor: a second program for the same rules, written to be obvious and not to be fast. It
// takes the records of stock.events, all of them again each time, and says what has to follow. It
// shares no code with the fold, the codec or the publisher: who finds both saying the same has seen
// it worked out twice.
//
//   const Expected expected = Judge(events.records, events.partitions);
//   expected.rows.at({"RED-TEE", ""}).rbegin()->second.row.ats();
//
// tests/sim/outside.h compares it with what went out.
//
// Where the rules leave something open, it does as the fold does, and a comment says so.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tallywire/v1/alert.pb.h"
#include "tallywire/v1/event.pb.h"
#include "tests/sim/auditor_rows.h"
#include "tests/sim/auditor_sku.h"
#include "tests/sim/log_record.h"

namespace tallywire::sim {

enum class Outcome { kApplied, kDuplicate, kRefused };

struct Verdict {
  Outcome outcome = Outcome::kApplied;
  // Of kRefused.
  v1::RefusedReason reason = v1::REFUSED_REASON_UNSPECIFIED;
};

// Partition and offset of a record of stock.events.
using RecordId = std::pair<int32_t, int64_t>;
// SKU and location; empty: the TOTAL.
using RowKey = std::pair<std::string, std::string>;

// A location_defined that was applied: every partition is to learn it, or a newer one.
struct Defined {
  RecordId record;
  v1::LocationDefined definition;
};

struct Expected {
  int32_t partitions = 0;
  std::map<RecordId, Verdict> verdicts;
  // Every value that a row ever had, by version: no other one may go out.
  std::map<RowKey, std::map<int64_t, RowAt>> rows;
  // In log order, without text.
  std::vector<v1::Alert> alerts;
  std::vector<Defined> defined;
  // The end of it all. A SKU without an applied record has none.
  std::map<std::string, SkuHistory> skus;
  std::vector<Locations> locations;  // by partition
  // Where the rules, as the auditor has them, contradict themselves: units from nowhere, a row that
  // changed without having been touched.
  std::vector<std::string> doubts;

  // How many records of a partition came to it.
  int64_t Count(int32_t partition, Outcome outcome) const;
};

// `records`: all of stock.events, by partition and offset.
Expected Judge(const std::vector<LogRecord>& records, int32_t partitions);

// Times as messages have them.
void SetTime(Micros time, google::protobuf::Timestamp* out);

}  // namespace tallywire::sim

#endif  // TALLYWIRE_TESTS_SIM_AUDITOR_H_
