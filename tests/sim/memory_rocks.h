// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_SIM_MEMORY_ROCKS_H_
#define TALLYWIRE_TESTS_SIM_MEMORY_ROCKS_H_

// Stores in memory: the twin of what Rocks::Open makes, for the simulator. The disk outlives the
// stores that are opened on it, so destroying a process's objects is its crash.
//
//   MemoryDisk disk;
//   auto projector = Projector::Open(log, {.folder = "a/state", .open_rocks = disk.Opener()});
//   projector->reset();        // a kill -9: what was written is there
//   disk.LoseUnsynced("a/");   // a power cut: what was written without sync is not
//
// Nothing here has a thread, a clock or an order that differs from run to run. Opening takes as
// long as a look-up by name, and so does making an iterator.
//
// Threads: stores as ledger/rocks.h says, under one lock for the whole disk; hooks are called
// without it, by the thread that calls. Everything else of the disk from one thread. Stores and
// iterators must be gone before the disk.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "ledger/rocks.h"

namespace tallywire::sim {

class MemoryDisk {
 public:
  // A call that changes something, as the hooks see it.
  struct Call {
    enum class What { kOpen, kWrite, kIngest, kCompact };
    What what;
    std::string_view folder;
    size_t rows = 0;  // put or deleted
    size_t bytes = 0;
    bool sync = true;
    int64_t number = 0;  // of this disk, from 0, refused ones too
  };
  using Hook = std::function<absl::Status(const Call& call)>;

  MemoryDisk();
  ~MemoryDisk();
  MemoryDisk(const MemoryDisk&) = delete;
  MemoryDisk& operator=(const MemoryDisk&) = delete;

  // How its stores are opened. They are exclusive: who opens a folder twice gets
  // FAILED_PRECONDITION, as another process would.
  OpenRocks Opener();

  // Asked before a call takes effect. An error is what the caller gets, and nothing has happened.
  Hook before;
  // Asked once it has taken effect. An error is what the caller gets: the call was done, but
  // nobody learns of it.
  Hook after;
  // Asked before each Get and each iterator. An error is what the caller gets.
  std::function<absl::Status(std::string_view folder)> read;

  // What was written without sync since the last write with it is gone, in every folder whose name
  // begins with `prefix`. None of them is open.
  void LoseUnsynced(std::string_view prefix);
  // The folders whose name begins with `prefix` are gone. None of them is open.
  void Remove(std::string_view prefix);
  // Folders of other names with the same rows; what had such a name before is gone. None of those
  // is open.
  void Copy(std::string_view from_prefix, std::string_view to_prefix);

  // Folders that have a store, in order.
  std::vector<std::string> Folders() const;
  bool IsOpen(std::string_view folder) const;

 private:
  friend class MemoryRocks;
  friend class MemoryWalk;
  struct Folder;

  // The hooks, and what to do between them.
  absl::Status Do(Call call, const std::function<absl::Status()>& effect);

  mutable std::mutex mu_;
  // Guarded by mu_. Shared with the stores and iterators that are open.
  std::map<std::string, std::shared_ptr<Folder>, std::less<>> folders_;
  int64_t calls_ = 0;
};

}  // namespace tallywire::sim

#endif  // TALLYWIRE_TESTS_SIM_MEMORY_ROCKS_H_
