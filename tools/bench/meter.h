// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_BENCH_METER_H_
#define TALLYWIRE_TOOLS_BENCH_METER_H_

// What a piece of work costs this thread, or this process: time, instructions, memory.
//
//   Meter meter;
//   meter.Begin();  …  meter.End(&cost);   // adds to `cost`

#include <chrono>
#include <cstdint>
#include <optional>

namespace tallywire {

struct Cost {
  double seconds = 0;                    // of this thread's processor, kernel included
  double wall_seconds = 0;               // more than that where others wanted the processor too
  int64_t bytes = 0;                     // of the heap, taken and not given back
  std::optional<uint64_t> instructions;  // in user space; nothing where the kernel does not say
};

// One thread.
class Meter {
 public:
  Meter();
  ~Meter();
  Meter(const Meter&) = delete;
  Meter& operator=(const Meter&) = delete;

  void Begin();
  void End(Cost* cost);

 private:
  std::optional<uint64_t> ReadInstructions() const;

  const int fd_;  // of the counter; -1: there is none
  double begin_cpu_ = 0;
  std::chrono::steady_clock::time_point begin_;
  std::optional<uint64_t> begin_instructions_;
  int64_t begin_bytes_ = 0;
};

// What all threads of this process did, those of libraries included.
struct ProcessCost {
  double cpu_seconds = 0;  // kernel included
  double wall_seconds = 0;
};

// Since it was made.
class ProcessMeter {
 public:
  ProcessMeter();
  ProcessCost Cost() const;

 private:
  const double begin_cpu_;
  const std::chrono::steady_clock::time_point begin_;
};

// Memory that this process has in RAM, and the most that it had.
struct Resident {
  int64_t bytes = 0;
  int64_t peak_bytes = 0;
};
Resident ResidentMemory();

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_BENCH_METER_H_
