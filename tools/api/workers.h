// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_API_WORKERS_H_
#define TALLYWIRE_TOOLS_API_WORKERS_H_

// Threads for work that may take long: a task never waits for another one, since there are as many
// threads as there have ever been tasks at once. Whoever hands in tasks bounds them.
//
// Threads: any; Join from one, last.

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace tallywire {

class Workers {
 public:
  Workers() = default;
  ~Workers() { Join(); }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // False: no thread can be had for it, or Join was called. The task is not run then.
  [[nodiscard]] bool Run(std::function<void()> task);
  // Returns when all tasks have ended. Idempotent.
  void Join();

 private:
  void Work();

  std::mutex mu_;
  std::condition_variable changed_;
  // Guarded by mu_.
  std::deque<std::function<void()>> tasks_;
  std::vector<std::thread> threads_;
  size_t idle_ = 0;
  bool stop_ = false;
};

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_API_WORKERS_H_
