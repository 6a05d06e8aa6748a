// SPDX-License-Identifier: Apache-2.0
#include "tools/signals.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "ledger/check.h"

namespace tallywire {
namespace {

std::atomic<bool> g_stop{false};
int g_pipe[2] = {-1, -1};

static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler writes it");

void OnSignal(int signal) {
  if (g_stop.exchange(true) && signal == SIGINT) _exit(128 + SIGINT);
  const int saved = errno;
  const char byte = 0;
  // A full pipe wakes whoever waits just as well.
  if (::write(g_pipe[1], &byte, 1) < 0) errno = saved;
}

}  // namespace

void InstallSignalHandlers() {
  TW_CHECK(::pipe2(g_pipe, O_CLOEXEC | O_NONBLOCK) == 0, "a process has two descriptors");
  struct sigaction action {};
  action.sa_handler = OnSignal;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, nullptr);
}

bool StopRequested() { return g_stop.load(); }

void WaitForStop(int milliseconds) {
  if (StopRequested()) return;
  // Nobody reads the pipe: once written it stays ready.
  pollfd ready{.fd = g_pipe[0], .events = POLLIN, .revents = 0};
  ::poll(&ready, 1, milliseconds);
}

}  // namespace tallywire
