// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_LEDGER_SYNCED_NOTE_H_
#define TALLYWIRE_LEDGER_SYNCED_NOTE_H_

// Remembers, in a file beside a write-ahead log, up to which write that log has been synced. The
// end of a log that was torn by a crash looks like one that was damaged later; but a crash takes
// only what nobody was told of, and what somebody was told of is below the number noted here.
//
// It is written behind each sync and is not synced itself: a killed process leaves it exact, a
// power cut may leave an older number or none, never a newer one.
//
// Threads: any.

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

namespace tallywire {

class SyncedNote {
 public:
  explicit SyncedNote(const std::string& folder);
  ~SyncedNote();
  SyncedNote(const SyncedNote&) = delete;
  SyncedNote& operator=(const SyncedNote&) = delete;

  // What the file says; nothing if there is none, or it does not read back.
  std::optional<uint64_t> Read() const;
  // If it is more than was noted before. A failure is not told: without a note nothing is noticed,
  // and nothing else is worse.
  void Write(uint64_t number);

  const std::string& path() const { return path_; }

 private:
  const std::string path_;
  std::mutex mu_;
  int fd_ = -1;           // guarded by mu_; -1: not open yet
  uint64_t written_ = 0;  // guarded by mu_
};

}  // namespace tallywire

#endif  // TALLYWIRE_LEDGER_SYNCED_NOTE_H_
