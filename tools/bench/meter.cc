// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/meter.h"

#include <linux/perf_event.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <fstream>

namespace tallywire {
namespace {

int OpenCounter() {
  perf_event_attr attributes{};
  attributes.type = PERF_TYPE_HARDWARE;
  attributes.size = sizeof(attributes);
  attributes.config = PERF_COUNT_HW_INSTRUCTIONS;
  attributes.exclude_kernel = 1;
  attributes.exclude_hv = 1;
  const int64_t fd = ::syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
  return static_cast<int>(fd);
}

int64_t HeapBytes() {
  const struct mallinfo2 info = ::mallinfo2();
  return static_cast<int64_t>(info.uordblks + info.hblkhd);
}

double ThreadSeconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

double ProcessSeconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

Meter::Meter() : fd_(OpenCounter()) {}

Meter::~Meter() {
  if (fd_ >= 0) ::close(fd_);
}

std::optional<uint64_t> Meter::ReadInstructions() const {
  uint64_t count = 0;
  if (fd_ < 0 || ::read(fd_, &count, sizeof(count)) != sizeof(count)) return std::nullopt;
  return count;
}

void Meter::Begin() {
  begin_bytes_ = HeapBytes();
  begin_instructions_ = ReadInstructions();
  begin_cpu_ = ThreadSeconds();
  begin_ = std::chrono::steady_clock::now();
}

void Meter::End(Cost* cost) {
  const auto end = std::chrono::steady_clock::now();
  const double cpu = ThreadSeconds();
  const std::optional<uint64_t> instructions = ReadInstructions();
  cost->seconds += cpu - begin_cpu_;
  cost->wall_seconds += std::chrono::duration<double>(end - begin_).count();
  cost->bytes += HeapBytes() - begin_bytes_;
  if (instructions && begin_instructions_) {
    cost->instructions = cost->instructions.value_or(0) + (*instructions - *begin_instructions_);
  }
}

ProcessMeter::ProcessMeter()
    : begin_cpu_(ProcessSeconds()), begin_(std::chrono::steady_clock::now()) {}

ProcessCost ProcessMeter::Cost() const {
  const auto wall = std::chrono::steady_clock::now() - begin_;
  return {.cpu_seconds = ProcessSeconds() - begin_cpu_,
          .wall_seconds = std::chrono::duration<double>(wall).count()};
}

Resident ResidentMemory() {
  Resident resident;
  int64_t pages = 0;
  std::ifstream statm("/proc/self/statm");
  if (statm >> pages >> pages) resident.bytes = pages * ::sysconf(_SC_PAGESIZE);
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  resident.peak_bytes = usage.ru_maxrss * 1024;
  return resident;
}

}  // namespace tallywire
