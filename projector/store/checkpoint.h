// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_PROJECTOR_STORE_CHECKPOINT_H_
#define TALLYWIRE_PROJECTOR_STORE_CHECKPOINT_H_

// All rows of one checkpoint, in the order of their keys.
//
//   rows.Gather(state, marks);
//   rocks.Ingest(rows.rows());
//   rows.Clear();
//
// Tables are gathered one after another, each in the order of its own numbers, so no row's bytes
// are ever compared. Thread-compatible.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "ledger/rocks.h"
#include "projector/fold/arena.h"
#include "projector/fold/state.h"
#include "projector/store/store.h"

namespace tallywire::store {

class CheckpointRows {
 public:
  // What is dirty in `state`, its next_offset and times, and the marks.
  void Gather(const FoldState& state, const StoreMarks& marks);
  // Views that live until the next Gather or Clear.
  std::span<const Rocks::Row> rows() const { return rows_; }
  void Clear();

 private:
  void Put();     // key_ and value_
  void Delete();  // key_

  void RankSkus(const FoldState& state);
  void RankLocations(const FoldState& state);
  uint32_t RankOf(LocationId location) const {
    return ranks_[static_cast<size_t>(location.value())];
  }
  void GatherSkus();
  void GatherPlaces(const FoldState& state);
  void GatherPlacesOf(const FoldState& state, uint32_t sku_rank);
  void GatherTrees();
  void GatherTransfers(const FoldState& state);
  void GatherTimers(const FoldState& state);
  void GatherIdentities(const FoldState& state);
  void GatherSources(const FoldState& state);
  void GatherLocations(const FoldState& state);
  void GatherJournal(const FoldState& state);

  Arena arena_;
  std::vector<Rocks::Row> rows_;
  std::string key_;
  std::string value_;

  // Of the Gather that runs.
  std::vector<const SkuState*> skus_;  // dirty, by name
  absl::flat_hash_map<const SkuState*, uint32_t> sku_ranks_;
  // By LocationId: the place of its name among those that have rows here.
  std::vector<uint32_t> ranks_;
  // By first level, then ranks of SKUs that are new inside it.
  std::map<std::string_view, std::vector<uint32_t>> trees_;
  std::vector<std::vector<uint32_t>*> tree_of_;  // by rank of a location
  // Of one SKU.
  std::vector<const Place*> places_;
  std::vector<const PlaceRule*> rules_;
};

}  // namespace tallywire::store

#endif  // TALLYWIRE_PROJECTOR_STORE_CHECKPOINT_H_
