// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_API_FOLDER_LOCK_H_
#define TALLYWIRE_TOOLS_API_FOLDER_LOCK_H_

// One process at a time has a ledger's folder: an advisory lock on DIR/lock that ends with the
// process, however it ends.

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace tallywire {

class FolderLock {
 public:
  // Makes the folder if it is missing. UNAVAILABLE: somebody has it.
  static absl::StatusOr<std::unique_ptr<FolderLock>> Take(const std::string& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  explicit FolderLock(int fd) : fd_(fd) {}
  const int fd_;
};

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_API_FOLDER_LOCK_H_
