// SPDX-License-Identifier: Apache-2.0
#include "tools/api/workers.h"

#include <system_error>
#include <utility>

namespace tallywire {

bool Workers::Run(std::function<void()> task) {
  {
    std::lock_guard lock(mu_);
    if (stop_) return false;
    if (tasks_.size() >= idle_) {
      try {
        threads_.emplace_back([this] { Work(); });
      } catch (const std::system_error&) {
        return false;
      }
    }
    tasks_.push_back(std::move(task));
  }
  changed_.notify_one();
  return true;
}

void Workers::Join() {
  {
    std::lock_guard lock(mu_);
    stop_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void Workers::Work() {
  std::unique_lock lock(mu_);
  while (true) {
    ++idle_;
    changed_.wait(lock, [&] { return stop_ || !tasks_.empty(); });
    --idle_;
    if (tasks_.empty()) return;
    const std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    lock.lock();
  }
}

}  // namespace tallywire
