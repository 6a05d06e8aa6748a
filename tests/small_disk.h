// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_SMALL_DISK_H_
#define TALLYWIRE_TESTS_SMALL_DISK_H_

// A small file system in memory, to be filled up. For tests.

#include <sys/mount.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace tallywire {

// Mounts one of `size` (as mount takes it: `40m`) at `folder`, which is there. Empty: it is
// mounted. Else why it may not be here, and the test is skipped with that line. What goes wrong
// otherwise is told in `failure`, and no reason to skip anything.
inline std::string MountSmallDisk(const std::string& folder, const std::string& size,
                                  std::string& failure) {
  if (mount("tmpfs", folder.c_str(), "tmpfs", 0, ("size=" + size).c_str()) == 0) return "";
  const std::string why = std::strerror(errno);
  if (errno == EPERM || errno == EACCES) return "skipped: no right to mount a small tmpfs: " + why;
  failure = "cannot mount a tmpfs at " + folder + ": " + why;
  return "";
}

}  // namespace tallywire

#endif  // TALLYWIRE_TESTS_SMALL_DISK_H_
