// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_IMPORT_INPUT_FILE_H_
#define TALLYWIRE_TOOLS_IMPORT_INPUT_FILE_H_

// A file read from its beginning to its end, unpacked on the way: plain, gzip or zstd, told by its
// first bytes and never by its name. Several packed members or frames in a row are one file.
//
// Threads: none; one owner.
// Units: position() and size() are bytes of the file as it lies on the disk, for a progress bar.
// Errors: NOT_FOUND and FAILED_PRECONDITION when it cannot be opened or is no file; DATA_LOSS when
// it is damaged or ends in the middle; INTERNAL when the disk fails.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace tallywire {

class InputFile {
 public:
  static absl::StatusOr<std::unique_ptr<InputFile>> Open(const std::string& path);
  ~InputFile();

  // Up to `size` unpacked bytes into `buffer`; 0 at the end.
  [[nodiscard]] absl::StatusOr<size_t> Read(char* buffer, size_t size);

  int64_t position() const;
  int64_t size() const;

 private:
  struct Impl;
  explicit InputFile(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_IMPORT_INPUT_FILE_H_
