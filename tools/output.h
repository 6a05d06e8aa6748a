// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_OUTPUT_H_
#define TALLYWIRE_TOOLS_OUTPUT_H_

// Bytes on their way to a file descriptor, with every write looked at: a full disk or a reader that
// has gone is noticed, and nothing is written after it.
//
// One thread.

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace tallywire {

class Output {
 public:
  // Does not own `fd`.
  explicit Output(int fd);
  // Gathers into text() only; for tests.
  Output();
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  void Write(std::string_view text);
  // Hands on all that was written. CANCELLED: the reader has closed its end, which needs no words.
  // UNKNOWN: it could not be written, the text says why. The first error stays.
  [[nodiscard]] absl::Status Flush();
  const absl::Status& status() const { return status_; }

  bool IsTerminal() const;
  // Columns of the terminal; 0 where it is none.
  int Width() const;
  const std::string& text() const { return buffer_; }

 private:
  const int fd_;  // -1: none
  std::string buffer_;
  absl::Status status_;
};

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_OUTPUT_H_
