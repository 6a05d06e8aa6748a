// SPDX-License-Identifier: Apache-2.0
#include "projector/fold/arena.h"

namespace tallywire {

char* Arena::TakeAnew(size_t size) {
  if (size > kBlock) {
    return large_.emplace_back(std::make_unique_for_overwrite<char[]>(size)).get();
  }
  if (++block_ == blocks_.size()) {
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(kBlock));
  }
  used_ = size;
  return blocks_[block_].get();
}

void Arena::Clear() {
  large_.clear();
  // What the system gives anew costs more than what is copied into it.
  if (blocks_.size() > kKeptBlocks) blocks_.resize(kKeptBlocks);
  block_ = SIZE_MAX;
  used_ = kBlock;
}

}  // namespace tallywire
