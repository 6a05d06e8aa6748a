// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_FUZZ_FOLD_PLAYER_H_
#define TALLYWIRE_TESTS_FUZZ_FOLD_PLAYER_H_

// One partition, folded over a store in memory, record by record: codec, fold, rows, store. What
// followed from each record is kept as messages.
//
//   Player player(input, /*calm=*/true);
//   player.Play();
//   player.told()[7].rows;
//
// Dies where a part contradicts itself. Threads: none.

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "ledger/codec.h"
#include "projector/fold/fold.h"
#include "projector/store/store.h"
#include "tallywire/v1/alert.pb.h"
#include "tallywire/v1/availability.pb.h"
#include "tests/fuzz/fold_input.h"
#include "tests/sim/memory_rocks.h"

namespace tallywire::fuzz {

// What followed from a record.
struct ToldOf {
  Outcome outcome = Outcome::kApplied;
  int reason = 0;  // of kRefused
  std::vector<v1::Alert> alerts;
  std::vector<v1::Availability> rows;  // those that it touched; TOTAL last of each SKU
  std::vector<std::string> links;      // locations

  // Equal for equal ones.
  std::string Text() const;
};

class Player {
 public:
  // `calm`: no checkpoint but at the end, nothing is forgotten or folded twice.
  Player(const FoldInput& input, bool calm);

  // Everything, and a checkpoint after it.
  void Play();
  const std::vector<ToldOf>& told() const { return told_; }
  const Store& store() const { return *store_; }
  const FoldState& state() const { return *state_; }

  // What has to hold of the state now: conservation, and that each of its parts says the same.
  void CheckState();

 private:
  void Load();
  void Checkpoint();
  void FoldOne(size_t i);
  ToldOf TakeEffects(size_t i);
  void AddRows(const std::string& sku, int64_t offset, std::vector<v1::Availability>* rows);
  void CheckSku(const std::string& name);
  void CheckJournal(const SkuState& sku);
  void CheckTransfers(const SkuState& sku);

  const FoldInput& input_;
  const bool calm_;
  sim::MemoryDisk disk_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<FoldState> state_;
  std::unique_ptr<Fold> fold_;
  StoreMarks marks_;
  Decoder decoder_;
  std::vector<ToldOf> told_;
  std::set<std::string> skus_;  // that have been heard of
};

}  // namespace tallywire::fuzz

#endif  // TALLYWIRE_TESTS_FUZZ_FOLD_PLAYER_H_
