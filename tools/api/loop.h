// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_API_LOOP_H_
#define TALLYWIRE_TOOLS_API_LOOP_H_

// A thread that takes one step after the other until it is stopped: waits a little when a step had
// nothing to do, backs off when the world is in the way, gives up when it cannot go on.
//
// Threads: Stop from one; the rest from any.

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tallywire {

class Loop {
 public:
  struct Options {
    std::string name = {};
    // True: there may be more to do. UNAVAILABLE and RESOURCE_EXHAUSTED: try again later; any other
    // error: give up.
    std::function<absl::StatusOr<bool>()> step = {};
    // Called after a step that did something.
    std::function<void()> after_work = {};
    // After a step that had nothing to do, unless woken.
    std::chrono::milliseconds idle{20};
    // After the first failure, doubled with each further one.
    std::chrono::milliseconds backoff{100};
    std::chrono::milliseconds max_backoff{5'000};
  };

  explicit Loop(Options options);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // An idle loop takes its next step now.
  void Wake();
  // Ends after the step that is being taken. Idempotent.
  void Stop();

  // Why the last step failed, or OK.
  absl::Status Trouble() const;
  // It takes no more steps, though nobody has stopped it.
  bool GivenUp() const;

 private:
  void Run();
  void Rest(std::chrono::milliseconds time, bool wakeable);

  const Options options_;
  mutable std::mutex mu_;
  std::condition_variable changed_;
  // Guarded by mu_.
  bool stop_ = false;
  bool woken_ = false;
  bool given_up_ = false;
  absl::Status trouble_;

  std::thread thread_;
};

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_API_LOOP_H_
