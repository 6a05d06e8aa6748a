// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_PROJECTOR_RUN_REPLAY_H_
#define TALLYWIRE_PROJECTOR_RUN_REPLAY_H_

// Folds a partition anew into a store of its own, beside the live one and without a word to the
// world: what verify compares with, and what explain proves by.

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "ledger/log.h"
#include "ledger/rocks.h"
#include "ledger/types.h"
#include "projector/store/store.h"

namespace tallywire {

// Where such a store lies: what the folder has before is removed, and it goes with the store.
struct Scratch {
  std::string folder;
  OpenRocks open_rocks;
};

// The state after all records below `end`. `folded` is told how many more, now and then.
absl::StatusOr<std::unique_ptr<Store>> Replay(Log* log, const StoreIdentity& identity, Offset end,
                                              const Scratch& scratch,
                                              const std::function<void(int64_t)>& folded);

}  // namespace tallywire

#endif  // TALLYWIRE_PROJECTOR_RUN_REPLAY_H_
