// SPDX-License-Identifier: Apache-2.0
#include "tools/commands/append_input.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/limits.h"
#include "ledger/status.h"

namespace tallywire {
namespace {

constexpr size_t kReadBytes = 256 << 10;
// A length beyond this is no event that is too large, but not a length at all.
constexpr uint64_t kMaxFrameBytes = 64 << 20;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// Bytes that were read and not taken yet.
class Buffer {
 public:
  enum class Filled { kSome, kQuiet, kEnd };

  Buffer(int fd, StopQuestion stop) : fd_(fd), stop_(std::move(stop)) {}

  // Reads more; views into the buffer die.
  absl::StatusOr<Filled> Fill(int wait_milliseconds) {
    bytes_.erase(0, taken_);
    taken_ = 0;
    const auto until =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(wait_milliseconds);
    for (;;) {
      if (stop_()) return absl::CancelledError("interrupted");
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          until - std::chrono::steady_clock::now());
      pollfd ready{.fd = fd_, .events = POLLIN, .revents = 0};
      const int n = ::poll(&ready, 1, static_cast<int>(std::max<int64_t>(0, left.count())));
      if (n == 0) return Filled::kQuiet;
      if (n < 0 && errno == EINTR) continue;
      const size_t old = bytes_.size();
      bytes_.resize(old + kReadBytes);
      const ssize_t got = ::read(fd_, bytes_.data() + old, kReadBytes);
      bytes_.resize(old + static_cast<size_t>(std::max<ssize_t>(0, got)));
      if (got > 0) return Filled::kSome;
      if (got == 0) return Filled::kEnd;
      if (errno != EINTR && errno != EAGAIN) {
        return absl::UnknownError(absl::StrCat("cannot read the input: ", strerror(errno)));
      }
    }
  }

  std::string_view rest() const { return std::string_view(bytes_).substr(taken_); }
  void Take(size_t n) { taken_ += n; }

 private:
  const int fd_;
  const StopQuestion stop_;
  std::string bytes_;
  size_t taken_ = 0;
};

class Lines : public AppendInput {
 public:
  Lines(int fd, StopQuestion stop, size_t max_bytes)
      : buffer_(fd, std::move(stop)), max_bytes_(max_bytes) {}

  absl::StatusOr<Got> Next(int wait_milliseconds) override {
    for (;;) {
      const std::string_view rest = buffer_.rest();
      const size_t feed = rest.find('\n', searched_);
      if (feed != std::string_view::npos) return Deliver(feed, feed + 1, true);
      searched_ = rest.size();
      if (rest.size() > max_bytes_) return Deliver(rest.size(), rest.size(), false);
      if (at_end_) {
        if (rest.empty() && !inside_) return Got::kEnd;
        return Deliver(rest.size(), rest.size(), true);
      }
      TW_ASSIGN_OR_RETURN(const Buffer::Filled filled, buffer_.Fill(wait_milliseconds));
      if (filled == Buffer::Filled::kQuiet) return Got::kQuiet;
      at_end_ = filled == Buffer::Filled::kEnd;
    }
  }

 private:
  // The first `taken` bytes, `size` of them the line's own.
  Got Deliver(size_t size, size_t taken, bool ends) {
    const std::string_view rest = buffer_.rest();
    const Got got = inside_ ? Got::kMore : ends && size <= max_bytes_ ? Got::kItem : Got::kHuge;
    if (!inside_) ++number_;
    payload_ = rest.substr(0, size);
    if (number_ == 1 && !inside_ && payload_.starts_with(kByteOrderMark)) {
      payload_.remove_prefix(kByteOrderMark.size());
    }
    raw_ = rest.substr(0, taken);
    item_ends_ = ends;
    inside_ = !ends;
    consumed_ += static_cast<int64_t>(taken);
    buffer_.Take(taken);
    searched_ = 0;
    return got;
  }

  Buffer buffer_;
  const size_t max_bytes_;
  size_t searched_ = 0;  // bytes of rest() without a line feed
  bool at_end_ = false;
  bool inside_ = false;  // a line of which only the beginning was delivered
};

class Frames : public AppendInput {
 public:
  Frames(int fd, StopQuestion stop) : buffer_(fd, std::move(stop)) {}

  absl::StatusOr<Got> Next(int wait_milliseconds) override {
    for (;;) {
      const std::string_view rest = buffer_.rest();
      if (left_ > 0) {
        if (!rest.empty()) return More(rest);
      } else if (const std::optional<Head> head = ReadHead(rest)) {
        if (head->length > kMaxFrameBytes) return Broken("is no length of an event");
        if (head->length > kMaxEventBytes) return Begin(*head);
        const size_t size = head->bytes + static_cast<size_t>(head->length);
        if (rest.size() >= size) return Deliver(Got::kItem, head->bytes, size, true);
      } else if (rest.size() >= kMaxVarintBytes) {
        return Broken("is no length of an event");
      }
      if (at_end_) {
        if (rest.empty() && left_ == 0) return Got::kEnd;
        return Broken("is cut off by the end of the input");
      }
      TW_ASSIGN_OR_RETURN(const Buffer::Filled filled, buffer_.Fill(wait_milliseconds));
      if (filled == Buffer::Filled::kQuiet) return Got::kQuiet;
      at_end_ = filled == Buffer::Filled::kEnd;
    }
  }

 private:
  static constexpr size_t kMaxVarintBytes = 10;
  struct Head {
    uint64_t length;
    size_t bytes;
  };

  static std::optional<Head> ReadHead(std::string_view text) {
    uint64_t length = 0;
    for (size_t i = 0; i < text.size() && i < kMaxVarintBytes; ++i) {
      const auto byte = static_cast<uint8_t>(text[i]);
      length |= static_cast<uint64_t>(byte & 0x7F) << (7 * i);
      if (byte < 0x80) return Head{length, i + 1};
    }
    return std::nullopt;
  }

  absl::Status Broken(const char* what) const {
    return absl::DataLossError(
        absl::StrCat("record ", number_ + (left_ > 0 ? 0 : 1), " at byte ", consumed_, " ", what));
  }

  Got Deliver(Got got, size_t head, size_t size, bool ends) {
    const std::string_view rest = buffer_.rest();
    if (got != Got::kMore) ++number_;
    raw_ = rest.substr(0, size);
    payload_ = raw_.substr(head);
    item_ends_ = ends;
    consumed_ += static_cast<int64_t>(size);
    buffer_.Take(size);
    return got;
  }

  Got Begin(const Head& head) {
    left_ = head.length;
    return Deliver(Got::kHuge, head.bytes, head.bytes, false);
  }

  Got More(std::string_view rest) {
    const size_t size = static_cast<size_t>(std::min<uint64_t>(left_, rest.size()));
    left_ -= size;
    return Deliver(Got::kMore, 0, size, left_ == 0);
  }

  Buffer buffer_;
  uint64_t left_ = 0;  // bytes of a huge record that are still to come
  bool at_end_ = false;
};

}  // namespace

std::unique_ptr<AppendInput> OpenLines(int fd, StopQuestion stop, size_t max_bytes) {
  return std::make_unique<Lines>(fd, std::move(stop), max_bytes);
}

std::unique_ptr<AppendInput> OpenFrames(int fd, StopQuestion stop) {
  return std::make_unique<Frames>(fd, std::move(stop));
}

}  // namespace tallywire
