// SPDX-License-Identifier: Apache-2.0
#include "tools/output.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "ledger/status.h"

namespace tallywire {
namespace {

constexpr size_t kFlushBytes = 64 << 10;

}  // namespace

Output::Output(int fd) : fd_(fd) {}
Output::Output() : fd_(-1) {}
Output::~Output() { IgnoreError(Flush(), "who cares for it has flushed before"); }

void Output::Write(std::string_view text) {
  if (!status_.ok()) return;
  buffer_.append(text);
  if (fd_ >= 0 && buffer_.size() >= kFlushBytes) IgnoreError(Flush(), "status_ keeps it");
}

absl::Status Output::Flush() {
  if (fd_ < 0) return absl::OkStatus();
  size_t done = 0;
  while (status_.ok() && done < buffer_.size()) {
    const ssize_t n = ::write(fd_, buffer_.data() + done, buffer_.size() - done);
    if (n >= 0) {
      done += static_cast<size_t>(n);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      pollfd ready{.fd = fd_, .events = POLLOUT, .revents = 0};
      ::poll(&ready, 1, 1'000);
    } else if (errno == EPIPE) {
      status_ = absl::CancelledError("the reader of the output has gone");
    } else if (errno != EINTR) {
      status_ = absl::UnknownError(absl::StrCat("cannot write the output: ", strerror(errno)));
    }
  }
  buffer_.clear();
  return status_;
}

bool Output::IsTerminal() const { return fd_ >= 0 && ::isatty(fd_) == 1; }

int Output::Width() const {
  winsize size{};
  if (!IsTerminal() || ::ioctl(fd_, TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_col;
}

}  // namespace tallywire
