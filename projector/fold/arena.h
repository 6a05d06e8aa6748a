// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_PROJECTOR_FOLD_ARENA_H_
#define TALLYWIRE_PROJECTOR_FOLD_ARENA_H_

// Bytes that are kept one after another and dropped together. Thread-compatible.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tallywire {

class Arena {
 public:
  // A copy that stays where it is until the next Clear.
  std::string_view Keep(std::string_view bytes) {
    if (bytes.empty()) return {};
    char* const kept = Take(bytes.size());
    std::memcpy(kept, bytes.data(), bytes.size());
    return {kept, bytes.size()};
  }
  // Room for so many bytes.
  char* Take(size_t size) {
    if (size > kBlock - used_) return TakeAnew(size);
    char* const room = blocks_[block_].get() + used_;
    used_ += size;
    return room;
  }
  // Keeps some of its memory for what comes next.
  void Clear();

 private:
  static constexpr size_t kBlock = size_t{1} << 20;
  static constexpr size_t kKeptBlocks = 64;

  char* TakeAnew(size_t size);

  std::vector<std::unique_ptr<char[]>> blocks_;
  size_t block_ = SIZE_MAX;  // that is being filled; SIZE_MAX: none yet
  size_t used_ = kBlock;     // of it
  std::deque<std::unique_ptr<char[]>> large_;
};

}  // namespace tallywire

#endif  // TALLYWIRE_PROJECTOR_FOLD_ARENA_H_
