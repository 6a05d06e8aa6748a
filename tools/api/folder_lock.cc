// SPDX-License-Identifier: Apache-2.0
#include "tools/api/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace tallywire {

absl::StatusOr<std::unique_ptr<FolderLock>> FolderLock::Take(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    return absl::FailedPreconditionError(
        absl::StrCat("the folder ", folder, " cannot be made: ", error.message()));
  }
  const std::string path = folder + "/lock";
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, " cannot be opened: ", std::system_category().message(errno)));
  }
  int taken = 0;
  do {
    taken = flock(fd, LOCK_EX | LOCK_NB);
  } while (taken != 0 && errno == EINTR);
  if (taken != 0) {
    const int why = errno;
    close(fd);
    if (why == EWOULDBLOCK) {
      return absl::UnavailableError(
          absl::StrCat("another process has the folder ", folder, " open"));
    }
    return absl::FailedPreconditionError(
        absl::StrCat(path, " cannot be locked: ", std::system_category().message(why)));
  }
  return std::unique_ptr<FolderLock>(new FolderLock(fd));
}

FolderLock::~FolderLock() { close(fd_); }

}  // namespace tallywire
