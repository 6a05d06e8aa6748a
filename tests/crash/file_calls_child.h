// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_CRASH_FILE_CALLS_CHILD_H_
#define TALLYWIRE_TESTS_CRASH_FILE_CALLS_CHILD_H_

// A ledger in a process of its own that ends in the midst of a call to the operating system; the
// test opens what it left. For GoogleTest.

#include <cstdint>
#include <string>

#include "tests/crash/file_calls.h"
#include "tests/crash/story.h"

namespace tallywire::crash {

// Which story: 0 is the short one, else the seed of a long one.
Story StoryOf(uint64_t seed);

class ProcessThatDies {
 public:
  explicit ProcessThatDies(uint64_t seed) : seed_(seed), story_(StoryOf(seed)) {}

  // Without a death. How many calls there are; -1: the test has failed.
  int64_t PlayUndisturbed();
  // Ends at that call; then goes on in this process, to the undisturbed end. False: the call never
  // came.
  bool Play(int64_t at, EndOfPower end, bool thorough);

 private:
  // What the child ended with, and how many calls it says it made.
  int RunChild(const std::string& folder, int64_t at, EndOfPower end, int64_t* calls) const;
  void GoOn(const std::string& folder, bool thorough, Ending* ending) const;

  const uint64_t seed_;
  const Story story_;
  Ending undisturbed_;
};

// What such a process does if it is started by RunChild; otherwise nothing.
void BeTheChildIfTold(int argc, char** argv);

}  // namespace tallywire::crash

#endif  // TALLYWIRE_TESTS_CRASH_FILE_CALLS_CHILD_H_
