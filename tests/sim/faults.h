// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_SIM_FAULTS_H_
#define TALLYWIRE_TESTS_SIM_FAULTS_H_

// What goes wrong in a run, as short sentences that can be printed, typed and left out one by one.
//
//   crash projector-1 before checkpoint 3      the process dies, the call is not made
//   crash projector-1 after append 4           it is made, and nobody learns of it
//   crash projector-1 in append 4              a part of it is in the log
//   crash projector-1 at 17                    between two steps
//   power-cut publisher at 17                  and what was not synced is gone
//   lose-folder projector-1 at 17              and so is all of its disk
//   lose-ack source append 2                   it is done, the caller gets an error
//   tear projector-0 append 5                  a part of it is (torn tail, only some partitions)
//   duplicate source append 2                  all of it twice, and an error
//   refuse projector-0 checkpoint 1 for 5      so many calls one after the other
//   full publisher checkpoint 1 for 5          for want of room
//   delay projector-0 partition 1 at 9 for 20  the log hands over nothing, of this partition only
//   hand partition 1 to projector-0 at 30      in good order
//   usurp partition 1 by projector-0 at 30 for 20   the owner learns of it so many steps later
//   sleep projector-0 at 12 for 20             its partitions are handed over, then it wakes
//   second publisher at 12 for 20              one that believes that it is the only one
//   clock back 1d at 9                         the log's, as all clocks at `at`
//   clock ahead 1y at 9
//   skew projector-1 -1h                       a process's own clock, all the time
//   gap stock.events 0 at 9                    an offset without a record
//   compact stock.availability at 9
//   channel slow | lying | forgetful | twice
//
// Processes: source, publisher, projector-0 and so on. Calls are counted from 0 for each process
// and kind, over all of its lives; `at` counts the scheduler's steps. Pure functions.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "ledger/types.h"

namespace tallywire::sim {

struct Fault {
  enum class Kind {
    kCrashBefore,
    kCrashAfter,
    kCrashIn,
    kCrashAt,
    kPowerCut,
    kLoseFolder,
    kLoseAck,
    kTear,
    kDuplicate,
    kRefuse,
    kFull,
    kDelay,
    kHand,
    kUsurp,
    kSleep,
    kSecondPublisher,
    kClockBack,
    kClockAhead,
    kSkew,
    kGap,
    kCompact,
    kChannel,
  };
  Kind kind = Kind::kCrashAt;
  std::string who;
  std::string call;   // append, checkpoint, open, read, poll, bounds
  std::string topic;  // of kChannel: how it behaves
  int32_t partition = 0;
  int64_t at = 0;  // a step, or the number of a call
  int64_t count = 1;
  Span span = Span(0);
  friend bool operator==(const Fault&, const Fault&) = default;
};

std::string Print(const Fault& fault);
// INVALID_ARGUMENT lists what there is.
absl::StatusOr<Fault> ParseFault(std::string_view text);

// What a run is like, as far as faults depend on it.
struct FaultBounds {
  int64_t steps = 0;
  int32_t partitions = 1;
  int projectors = 1;
  // Others may write to the log: there are gaps and several owners.
  bool shared = true;
  // Stamps have to stay where they are.
  bool steady_clock = false;
};
// None for one seed in six.
std::vector<Fault> DrawFaults(uint64_t seed, const FaultBounds& bounds);

}  // namespace tallywire::sim

#endif  // TALLYWIRE_TESTS_SIM_FAULTS_H_
