// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_CRASH_DAMAGE_H_
#define TALLYWIRE_TESTS_CRASH_DAMAGE_H_

// A ledger whose files are damaged, one at a time, each in a copy of its own: it is either as it
// was or stops with a sentence. For GoogleTest.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/crash/story.h"

namespace tallywire::crash {

struct Damage {
  enum class What { kFlip, kCut, kGone };
  What what;
  int64_t at = 0;  // kFlip: the byte; kCut: what is left
};
std::string Name(const Damage& damage);

class DamagedLedger {
 public:
  DamagedLedger();
  ~DamagedLedger();
  // Before all else: tells the short story, with a restart, so that there are files of every kind.
  // The second half is at rest, or acknowledged and no more.
  enum class Rest { kFolded, kAcknowledged };
  void Make(Rest rest);

  // Its files, by the path below its folder, in order; locks are left out.
  std::vector<std::string> Files() const;
  int64_t SizeOf(const std::string& file) const;

  // Opens a damaged copy and asks for everything. True: it stopped with a sentence.
  bool IsNoticed(const std::string& file, const Damage& damage);
  // The last sentence.
  const std::string& sentence() const { return sentence_; }
  // After IsNoticed said true for a file of a partition's state: without that folder the ledger is
  // what it was.
  void ExpectRebuilt(const std::string& file, const Damage& damage);

 private:
  absl::StatusOr<Ending> Ask(const std::string& folder);

  Story story_ = ShortStory();
  Client client_{&story_};
  std::string base_;
  Ending ending_;
  std::string sentence_;
};

}  // namespace tallywire::crash

#endif  // TALLYWIRE_TESTS_CRASH_DAMAGE_H_
