// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_IMPORT_TESTING_H_
#define TALLYWIRE_TOOLS_IMPORT_TESTING_H_

// Files for the tests of this folder.

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <string>

#include "gtest/gtest.h"

namespace tallywire {

// A file with this content, gone with the object.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& content, const std::string& suffix = "") {
    static std::atomic<int> next{0};
    path_ = testing::TempDir() + "tallywire-import-" + std::to_string(getpid()) + "-" +
            std::to_string(next++) + suffix;
    std::ofstream(path_, std::ios::binary) << content;
  }
  ~TemporaryFile() { unlink(path_.c_str()); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_IMPORT_TESTING_H_
