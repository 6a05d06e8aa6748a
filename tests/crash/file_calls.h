// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_CRASH_FILE_CALLS_H_
#define TALLYWIRE_TESTS_CRASH_FILE_CALLS_H_

// Crash points one floor below: counts the calls of this process to the operating system that
// change files below one folder, and at the n-th ends the process in the midst of it. A program
// that links this has its own `write`, `fdatasync` and the like, which RocksDB then calls.
//
// Threads: all such calls of the process go one after another.

#include <cstdint>
#include <string>

namespace tallywire::crash {

enum class EndOfPower {
  // What was written is there: the process was killed. A write is half done.
  kStays,
  // What was not synced is gone: bytes behind the last sync of their file, files and folders made
  // and names changed since the last sync of their folder.
  kLosesUnsynced,
  // Half of the bytes that were not synced are there.
  kTearsUnsynced,
  // Those bytes are there, but all are zero: the file had grown, its blocks were not written.
  kZeroesUnsynced,
};

inline constexpr int kDiedOfFileCalls = 42;

// From now on; `at` -1: counts only.
void DieAtFileCall(const std::string& folder, int64_t at, EndOfPower end);
int64_t FileCallsCounted();

}  // namespace tallywire::crash

#endif  // TALLYWIRE_TESTS_CRASH_FILE_CALLS_H_
