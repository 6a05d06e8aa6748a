// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_COMMANDS_APPEND_INPUT_H_
#define TALLYWIRE_TOOLS_COMMANDS_APPEND_INPUT_H_

// The events of a file or a pipe, one after the other, in bounded memory whatever comes.
//
//   auto input = OpenLines(fd);        // or OpenFrames(fd)
//   while (*(got = input->Next(200)) != Got::kEnd) …
//
// One thread. Does not own the descriptor.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace tallywire {

// A line of JSON has at most this; 512 KiB of event fit in even if every byte is an escape.
inline constexpr size_t kMaxLineBytes = 4 << 20;

class AppendInput {
 public:
  enum class Got {
    kItem,   // the next item: payload() and raw() are all of it
    kHuge,   // the next item is beyond every limit: payload() and raw() are its beginning …
    kMore,   // … and this is more of it, until `item_ends()`
    kQuiet,  // nothing within the time given
    kEnd,
  };

  virtual ~AppendInput() = default;

  // Waits at most so long. UNKNOWN: it cannot be read. DATA_LOSS: from here on it makes no sense,
  // or it ends within an item; what came before it stands. CANCELLED: `stop` said so.
  virtual absl::StatusOr<Got> Next(int wait_milliseconds) = 0;

  // Of what Next got; live until it is called again.
  std::string_view payload() const { return payload_; }
  // The bytes as they came, with what frames them.
  std::string_view raw() const { return raw_; }
  bool item_ends() const { return item_ends_; }
  // Line or record, from 1.
  int64_t number() const { return number_; }
  // Bytes read so far.
  int64_t consumed() const { return consumed_; }

 protected:
  std::string_view payload_;
  std::string_view raw_;
  bool item_ends_ = true;
  int64_t number_ = 0;
  int64_t consumed_ = 0;
};

using StopQuestion = std::function<bool()>;

// Lines; an empty one is an item too. A byte order mark at the start is left out.
std::unique_ptr<AppendInput> OpenLines(int fd, StopQuestion stop, size_t max_bytes = kMaxLineBytes);
// Messages with their length before them as a varint.
std::unique_ptr<AppendInput> OpenFrames(int fd, StopQuestion stop);

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_COMMANDS_APPEND_INPUT_H_
