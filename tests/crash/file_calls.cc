// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/file_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdarg>
#include <filesystem>
#include <map>
#include <mutex>
#include <system_error>
#include <vector>

namespace tallywire::crash {
namespace {

namespace fs = std::filesystem;

// Held to the very end by the thread that dies, so that nothing happens after.
class Disk {
 public:
  static Disk& Get() {
    // Never destroyed: threads may outlive statics.
    static Disk* const disk = new Disk;
    return *disk;
  }

  void Arm(const std::string& folder, int64_t at, EndOfPower end) {
    const std::lock_guard lock(mu_);
    folder_ = folder;
    at_ = at;
    end_ = end;
    armed_ = true;
  }
  bool armed() const { return armed_; }
  int64_t count() const { return count_; }
  std::recursive_mutex& mu() { return mu_; }

  bool Mine(const std::string& path) const {
    return path.starts_with(folder_) &&
           (path.size() == folder_.size() || path[folder_.size()] == '/');
  }
  const std::string* PathOf(int fd) const {
    const auto found = open_.find(fd);
    return found == open_.end() ? nullptr : &found->second;
  }

  // Counts a call. True: the process ends with it; the caller does its half and then calls Die.
  bool IsLast() { return count_++ == at_; }
  [[noreturn]] void Die() {
    if (end_ != EndOfPower::kStays) LosePower();
    syscall(SYS_exit_group, kDiedOfFileCalls);
    for (;;) {
    }
  }
  EndOfPower end() const { return end_; }

  void Opened(int fd, const std::string& path, bool made, bool truncated) {
    open_[fd] = path;
    if (made) changes_.push_back({Change::What::kMade, path, ""});
    if (made || truncated) {
      synced_[path] = 0;
    } else {
      synced_.try_emplace(path, SizeOf(path));
    }
  }
  void Closed(int fd) { open_.erase(fd); }
  void MadeFolder(const std::string& path) { changes_.push_back({Change::What::kMade, path, ""}); }
  void Synced(const std::string& path) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      synced_[path] = SizeOf(path);
      return;
    }
    std::erase_if(changes_, [&](const Change& change) {
      if (fs::path(change.path).parent_path() != path) return false;
      if (!change.kept.empty()) syscall(SYS_unlink, change.kept.c_str());
      return true;
    });
  }
  // Before the name changes: what had the new one is kept until the folder is synced.
  void Renames(const std::string& from, const std::string& to) {
    std::string kept;
    if (access(to.c_str(), F_OK) == 0) {
      kept = to + ".kept-" + std::to_string(count_);
      if (syscall(SYS_link, to.c_str(), kept.c_str()) != 0) kept.clear();
    }
    changes_.push_back({Change::What::kRenamed, to, kept, from});
    synced_[to] = synced_[from];
    for (auto& [fd, path] : open_) {
      if (path == from) path = to;
    }
  }
  void Linked(const std::string& from, const std::string& to) {
    changes_.push_back({Change::What::kMade, to, ""});
    synced_[to] = synced_[from];
  }
  void Removed(const std::string& path) {
    synced_.erase(path);
    std::erase_if(changes_, [&](const Change& c) { return c.path == path && c.kept.empty(); });
  }

 private:
  struct Change {
    enum class What { kMade, kRenamed };
    What what;
    std::string path;
    std::string kept;  // what had the name before, or empty
    std::string from = {};
  };

  static int64_t SizeOf(const std::string& path) {
    struct stat stat;
    return ::stat(path.c_str(), &stat) == 0 ? stat.st_size : 0;
  }

  void LosePower() {
    armed_ = false;
    for (const auto& [path, synced] : synced_) {
      const int64_t size = SizeOf(path);
      if (size <= synced) continue;
      if (end_ == EndOfPower::kZeroesUnsynced) {
        syscall(SYS_truncate, path.c_str(), synced);
        syscall(SYS_truncate, path.c_str(), size);
      } else {
        const int64_t torn = end_ == EndOfPower::kTearsUnsynced ? (size - synced) / 2 : 0;
        syscall(SYS_truncate, path.c_str(), synced + torn);
      }
    }
    // A file system that journals its names keeps them, in their order; else the newest go first.
    if (end_ != EndOfPower::kLosesUnsynced) return Forget();
    for (auto change = changes_.rbegin(); change != changes_.rend(); ++change) {
      std::error_code ignored;
      if (change->what == Change::What::kRenamed) {
        fs::rename(change->path, change->from, ignored);
        if (!change->kept.empty()) fs::rename(change->kept, change->path, ignored);
      } else {
        fs::remove_all(change->path, ignored);
      }
    }
  }
  void Forget() {
    for (const Change& change : changes_) {
      if (!change.kept.empty()) syscall(SYS_unlink, change.kept.c_str());
    }
  }

  std::recursive_mutex mu_;
  std::atomic<bool> armed_ = false;
  std::string folder_;
  int64_t at_ = -1;
  EndOfPower end_ = EndOfPower::kStays;
  std::atomic<int64_t> count_ = 0;
  std::map<int, std::string> open_;
  std::map<std::string, int64_t> synced_;  // bytes, by file
  std::vector<Change> changes_;            // of names, since the sync of their folder
};

template <class... Arguments>
long Call(long number, Arguments... arguments) {
  return syscall(number, arguments...);
}

// A call that changes the file that `fd` has open, all at once or not at all.
template <class Do>
auto Whole(int fd, Do call) {
  Disk& disk = Disk::Get();
  if (!disk.armed()) return call();
  const std::lock_guard lock(disk.mu());
  if (disk.PathOf(fd) == nullptr) return call();
  if (disk.IsLast()) disk.Die();
  return call();
}

template <class Do>
ssize_t Written(int fd, size_t size, Do call) {
  Disk& disk = Disk::Get();
  if (!disk.armed()) return call(size);
  const std::lock_guard lock(disk.mu());
  if (disk.PathOf(fd) == nullptr) return call(size);
  if (!disk.IsLast()) return call(size);
  call(disk.end() == EndOfPower::kStays ? size / 2 : size);
  disk.Die();
}

int SyncedBy(long number, int fd) {
  const int result = Whole(fd, [&] { return static_cast<int>(Call(number, fd)); });
  Disk& disk = Disk::Get();
  if (result != 0 || !disk.armed()) return result;
  const std::lock_guard lock(disk.mu());
  if (const std::string* path = disk.PathOf(fd)) disk.Synced(*path);
  return result;
}

template <class Before, class Do>
int Named(const char* path, Do call, Before then) {
  Disk& disk = Disk::Get();
  if (!disk.armed()) return call();
  const std::lock_guard lock(disk.mu());
  if (!disk.Mine(path)) return call();
  if (disk.IsLast()) disk.Die();
  return then(disk);
}

int Open(const char* path, int flags, mode_t mode) {
  Disk& disk = Disk::Get();
  const auto call = [&] { return static_cast<int>(Call(SYS_openat, AT_FDCWD, path, flags, mode)); };
  if (!disk.armed()) return call();
  const std::lock_guard lock(disk.mu());
  if (!disk.Mine(path)) return call();
  const bool made = (flags & O_CREAT) != 0 && access(path, F_OK) != 0;
  if (made && disk.IsLast()) disk.Die();
  const int fd = call();
  if (fd >= 0) disk.Opened(fd, path, made, (flags & O_TRUNC) != 0);
  return fd;
}

}  // namespace

void DieAtFileCall(const std::string& folder, int64_t at, EndOfPower end) {
  Disk::Get().Arm(folder, at, end);
}
int64_t FileCallsCounted() { return Disk::Get().count(); }

}  // namespace tallywire::crash

// What the C library has under these names is not called any more, by no library either.
extern "C" {

using tallywire::crash::Call;
using tallywire::crash::Disk;

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return tallywire::crash::Open(path, flags, mode);
}

int close(int fd) {
  Disk& disk = Disk::Get();
  if (disk.armed()) {
    const std::lock_guard lock(disk.mu());
    disk.Closed(fd);
    return static_cast<int>(Call(SYS_close, fd));
  }
  return static_cast<int>(Call(SYS_close, fd));
}

ssize_t write(int fd, const void* bytes, size_t size) {
  return tallywire::crash::Written(fd, size,
                                   [&](size_t n) { return Call(SYS_write, fd, bytes, n); });
}

ssize_t pwrite(int fd, const void* bytes, size_t size, off_t offset) {
  return tallywire::crash::Written(
      fd, size, [&](size_t n) { return Call(SYS_pwrite64, fd, bytes, n, offset); });
}

int fsync(int fd) { return tallywire::crash::SyncedBy(SYS_fsync, fd); }
int fdatasync(int fd) { return tallywire::crash::SyncedBy(SYS_fdatasync, fd); }

int ftruncate(int fd, off_t size) noexcept {
  return tallywire::crash::Whole(fd,
                                 [&] { return static_cast<int>(Call(SYS_ftruncate, fd, size)); });
}

int mkdir(const char* path, mode_t mode) noexcept {
  const auto call = [&] { return static_cast<int>(Call(SYS_mkdir, path, mode)); };
  return tallywire::crash::Named(path, call, [&](Disk& disk) {
    const int result = call();
    if (result == 0) disk.MadeFolder(path);
    return result;
  });
}

int unlink(const char* path) noexcept {
  const auto call = [&] { return static_cast<int>(Call(SYS_unlink, path)); };
  return tallywire::crash::Named(path, call, [&](Disk& disk) {
    disk.Removed(path);
    return call();
  });
}

int rename(const char* from, const char* to) noexcept {
  const auto call = [&] { return static_cast<int>(Call(SYS_rename, from, to)); };
  return tallywire::crash::Named(to, call, [&](Disk& disk) {
    disk.Renames(from, to);
    return call();
  });
}

int link(const char* from, const char* to) noexcept {
  const auto call = [&] { return static_cast<int>(Call(SYS_link, from, to)); };
  return tallywire::crash::Named(to, call, [&](Disk& disk) {
    const int result = call();
    if (result == 0) disk.Linked(from, to);
    return result;
  });
}

}  // extern "C"
