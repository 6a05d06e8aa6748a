// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_PROGRESS_H_
#define TALLYWIRE_TOOLS_PROGRESS_H_

// A bar with rate and time left on a terminal, nothing elsewhere.
//
//   Progress progress(&err, "verify", "records");
//   progress.Update(done, total);   // as often as one likes
//   progress.Done();                // takes the bar away
//
// Threads: Update and Done by one at a time.

#include <chrono>
#include <cstdint>
#include <string>

#include "tools/output.h"

namespace tallywire {

class Progress {
 public:
  // `err` must outlive it.
  Progress(Output* err, std::string what, std::string unit);
  ~Progress();

  // `total` 0: not known; below 0: nor is a rate of interest.
  void Update(int64_t done, int64_t total);
  void Done();

 private:
  using Clock = std::chrono::steady_clock;

  Output* const err_;
  const std::string what_;
  const std::string unit_;
  const bool shown_;
  const Clock::time_point begin_;
  Clock::time_point last_;
  bool drawn_ = false;
};

// `verify  [######----]  62 %  1,250,000 of 2,000,000 records  410 k/s  2 s left`
std::string ProgressLine(const std::string& what, const std::string& unit, int64_t done,
                         int64_t total, double seconds);
// 1,250,000
std::string WithCommas(int64_t n);

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_PROGRESS_H_
