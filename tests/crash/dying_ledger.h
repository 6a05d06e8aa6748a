// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_CRASH_DYING_LEDGER_H_
#define TALLYWIRE_TESTS_CRASH_DYING_LEDGER_H_

// A story told to a ledger that dies, is opened again and goes on to the end; and the comparison
// with one that did not die. For GoogleTest.

#include <memory>
#include <string>
#include <vector>

#include "tests/crash/death.h"
#include "tests/crash/story.h"
#include "tests/scenarios/world.h"
#include "tests/sim/memory_log.h"
#include "tests/sim/memory_rocks.h"

namespace tallywire::crash {

class DyingLedger {
 public:
  // `config` says which log, and how many partitions.
  DyingLedger(const Story* story, scenarios::RunConfig config)
      : story_(*story), config_(std::move(config)) {}
  // The same on a shared log and a disk in memory: a hundred times as many deaths in the time.
  static DyingLedger InMemory(const Story* story, int partitions, size_t batch);

  // Without a death: fills `points` and the ending that others are compared with. Fails the test
  // if that has findings.
  void PlayUndisturbed();
  const std::vector<Death::Point>& points() const { return points_; }
  const Ending& ending() const { return ending_; }

  struct When {
    int64_t at;
    Death::How how;
  };
  // Dies at each of `whens` in turn, the second while it recovers from the first, and then goes on
  // to the end, which must be the undisturbed one.
  void Play(const std::vector<When>& whens, bool thorough);

  // Each of EveryDeath in a run of its own.
  void PlayEveryDeath(bool thorough);

  // Every death of one run: nothing of each call; half of each that can be; all of each append,
  // whose acknowledgement is lost.
  std::vector<When> EveryDeath() const;

 private:
  scenarios::RunConfig Config(Death* death);

  const Story& story_;
  const scenarios::RunConfig config_;
  bool in_memory_ = false;
  // Of the run, if it is in memory; they outlive its world.
  std::unique_ptr<sim::MemoryCluster> cluster_;
  std::unique_ptr<sim::MemoryDisk> disk_;
  int runs_ = 0;
  std::vector<Death::Point> points_;
  Ending ending_;
};

// Says what differs.
void ExpectSame(const Ending& ending, const Ending& undisturbed);

}  // namespace tallywire::crash

#endif  // TALLYWIRE_TESTS_CRASH_DYING_LEDGER_H_
