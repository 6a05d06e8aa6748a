// SPDX-License-Identifier: Apache-2.0
#include "tools/api/loop.h"

#include <algorithm>
#include <utility>

namespace tallywire {

Loop::Loop(Options options) : options_(std::move(options)), thread_([this] { Run(); }) {}

Loop::~Loop() { Stop(); }

void Loop::Wake() {
  {
    std::lock_guard lock(mu_);
    if (woken_) return;
    woken_ = true;
  }
  changed_.notify_all();
}

void Loop::Stop() {
  {
    std::lock_guard lock(mu_);
    stop_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

absl::Status Loop::Trouble() const {
  std::lock_guard lock(mu_);
  return trouble_;
}

bool Loop::GivenUp() const {
  std::lock_guard lock(mu_);
  return given_up_;
}

void Loop::Rest(std::chrono::milliseconds time, bool wakeable) {
  std::unique_lock lock(mu_);
  changed_.wait_for(lock, time, [&] { return stop_ || (wakeable && woken_); });
}

void Loop::Run() {
  std::chrono::milliseconds backoff = options_.backoff;
  while (true) {
    {
      std::lock_guard lock(mu_);
      if (stop_) return;
      // Taken before the step: what is appended while it runs must be looked for again.
      woken_ = false;
    }
    const absl::StatusOr<bool> more = options_.step();
    {
      std::lock_guard lock(mu_);
      trouble_ = more.status();
      const bool passing = absl::IsUnavailable(trouble_) || absl::IsResourceExhausted(trouble_);
      given_up_ = !trouble_.ok() && !passing;
      if (given_up_) return;
    }
    if (!more.ok()) {
      Rest(backoff, false);
      backoff = std::min(backoff * 2, options_.max_backoff);
      continue;
    }
    backoff = options_.backoff;
    if (!*more) {
      Rest(options_.idle, true);
    } else if (options_.after_work) {
      options_.after_work();
    }
  }
}

}  // namespace tallywire
