// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_FUZZ_FOLD_INPUT_H_
#define TALLYWIRE_TESTS_FUZZ_FOLD_INPUT_H_

// From the bytes of a fuzz input to the records of one partition: few SKUs, places, ids and times,
// so that they meet; now and then bytes that nobody has chosen.
//
// Threads: none.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/fuzz/input.h"
#include "tests/sim/log_record.h"

namespace tallywire::fuzz {

// What happens after a record was folded. Nothing of it may show.
struct After {
  bool checkpoint = false;
  bool evict = false;  // after a checkpoint: nothing stays in memory
  bool crash = false;  // what no checkpoint has is folded again
};

struct FoldInput {
  int32_t partitions = 1;
  std::vector<sim::LogRecord> records;  // of partition 0, offsets from 0
  std::vector<After> after;             // of each record
};

inline constexpr size_t kMostFoldRecords = 700;

FoldInput TakeFoldInput(Input in);

}  // namespace tallywire::fuzz

#endif  // TALLYWIRE_TESTS_FUZZ_FOLD_INPUT_H_
