// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_CRASH_DEATH_H_
#define TALLYWIRE_TESTS_CRASH_DEATH_H_

// Crash points: every call that changes something, of the log or of a store, is counted, and at the
// n-th the process is dead: that call and all after it fail and do nothing, and whoever runs the
// parts drops them as they are.
//
//   Death death;
//   death.at = 17;
//   config.open_rocks = DyingRocks(&death);
//   config.wrap_log = DyingLog(&death);
//
// One thread. The death must outlive what counts on it.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "ledger/log.h"
#include "ledger/rocks.h"

namespace tallywire::crash {

struct Death {
  // How much of the call is done.
  enum class How { kNothing, kHalf, kAll };

  // One that was counted, for the next run to die at.
  struct Point {
    std::string what;
    // It has parts, so that it can be half done.
    bool has_half = false;
  };

  // -1: never.
  int64_t at = -1;
  How how = How::kNothing;

  std::vector<Point> points;
  bool dead = false;

  // Counts a call. True: this is the one.
  bool Reaches(Point point);
  absl::Status Error() const { return absl::UnavailableError("dead"); }
};

std::string_view Name(Death::How how);

// Wraps a log: Append and CreateTopics are counted. Half an append is the first half of its
// records.
std::function<std::unique_ptr<Log>(std::unique_ptr<Log>)> DyingLog(Death* death);

// Opens stores that count Write, Ingest and CompactRange, and counts the opening. Half a call is
// none: a store's writes are all or nothing. A store that a log writes through counts only what is
// not counted as an append. `open`: by which they are opened; empty: Rocks::Open.
OpenRocks DyingRocks(Death* death, OpenRocks open = nullptr);

}  // namespace tallywire::crash

#endif  // TALLYWIRE_TESTS_CRASH_DEATH_H_
