// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_PROJECTOR_STORE_SEEN_FILTER_H_
#define TALLYWIRE_PROJECTOR_STORE_SEEN_FILTER_H_

// Says of a hash that it was surely never added, in one look at memory for each doubling of what
// was added: a store that was filled from nothing need not be asked for what it never had. About
// 2 bytes a hash; one in some hundreds is taken for one that was added.
//
// Thread-compatible.

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tallywire::store {

class SeenFilter {
 public:
  // Well mixed in all its bits.
  void Add(uint64_t hash) {
    if (MayHave(hash)) return;
    if (left_ == 0) Grow();
    --left_;
    Block& block = parts_.back()[BlockOf(hash, parts_.back().size())];
    for (int i = 0; i < kBits; ++i) block[Word(hash, i)] |= Bit(hash, i);
  }
  bool MayHave(uint64_t hash) const {
    for (const std::vector<Block>& part : parts_) {
      const Block& block = part[BlockOf(hash, part.size())];
      bool all = true;
      for (int i = 0; i < kBits; ++i) all = all && (block[Word(hash, i)] & Bit(hash, i)) != 0;
      if (all) return true;
    }
    return false;
  }

 private:
  // A cache line.
  using Block = std::array<uint64_t, 8>;
  static constexpr int kBits = 5;
  static constexpr size_t kHashesPerBlock = 32;
  static constexpr size_t kFirstBlocks = 2'048;

  // The upper half chooses the block, nine bits of the lower half each of the bits.
  static size_t BlockOf(uint64_t hash, size_t blocks) {
    return static_cast<size_t>((hash >> 45) % blocks);
  }
  static size_t Word(uint64_t hash, int i) { return (hash >> (9 * i + 6)) & 7; }
  static uint64_t Bit(uint64_t hash, int i) { return uint64_t{1} << ((hash >> (9 * i)) & 63); }

  void Grow() {
    const size_t blocks = parts_.empty() ? kFirstBlocks : parts_.back().size() * 2;
    parts_.emplace_back(blocks, Block{});
    left_ = blocks * kHashesPerBlock;
  }

  std::vector<std::vector<Block>> parts_;  // each twice as large as the one before
  size_t left_ = 0;                        // hashes that the last has room for
};

}  // namespace tallywire::store

#endif  // TALLYWIRE_PROJECTOR_STORE_SEEN_FILTER_H_
