// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_PROJECTOR_STORE_STORE_H_
#define TALLYWIRE_PROJECTOR_STORE_STORE_H_

// One partition's state on disk: rows that a checkpoint writes all together, with the offset they
// stand for, as one sorted file (projector/store/FORMAT.md says the bytes).
//
//   auto store = Store::Open("state/3", identity);
//   FoldState state;  StoreMarks marks;
//   (*store)->Restore(&state, &marks);      // then fold from state.next_offset on
//   (*store)->WriteCheckpoint(state, marks);
//   ClearDirty(state);
//
// Threads: Restore, WriteCheckpoint and the FoldReader from one thread at a time; the const
// functions from any.
// Errors: those of ledger/rocks.h. DATA_LOSS also where a row does not decode. FAILED_PRECONDITION:
// the folder belongs to another log, partition, partition count or version.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ledger/rocks.h"
#include "ledger/types.h"
#include "projector/fold/reader.h"
#include "projector/fold/state.h"

namespace tallywire {

// What the folder was made for: checked at every open.
struct StoreIdentity {
  std::string log_id;
  std::string topic;
  Partition partition;
  int32_t partitions = 1;
};
// Another one never opens a folder of this one.
inline constexpr int kFoldVersion = 2;
inline constexpr int kFormatVersion = 2;

// Rows of a location's definition that are still to go out.
struct Sweep {
  std::string location;
  Offset offset;       // of the copy that touched them
  std::string cursor;  // SKUs up to here are done; empty: none yet
};

// The record that was folded last, to be known again in the log: where another one lies now, that
// is not the log that the state came from.
struct LastRecord {
  Offset offset{-1};  // -1: none yet
  uint64_t hash = 0;  // of its key, value and stamp
  friend bool operator==(const LastRecord&, const LastRecord&) = default;
};

// What the projector keeps beside the fold, in the same checkpoint. Not part of a digest.
struct StoreMarks {
  LastRecord last = {};
  std::vector<Sweep> sweeps = {};
  // A read-through of what went out has to be done before anything else goes out.
  bool settle = false;
};

class Store : public FoldReader {
 public:
  // Makes the folder if there is none. `scratch`: it begins empty and goes with the store.
  static absl::StatusOr<std::unique_ptr<Store>> Open(const std::string& folder,
                                                     const StoreIdentity& identity,
                                                     const OpenRocks& open_rocks = nullptr,
                                                     bool scratch = false);

  // Fills an empty state: offset, log time, counts, locations, timers, misplacing sources. SKUs,
  // transfers and sources are loaded when they are asked for.
  [[nodiscard]] virtual absl::Status Restore(FoldState* state, StoreMarks* marks) = 0;

  // Writes all that is dirty, next_offset and marks in one: all of it or nothing.
  [[nodiscard]] virtual absl::Status WriteCheckpoint(const FoldState& state,
                                                     const StoreMarks& marks) = 0;

  // The first error that a FoldReader call met since the last call of this; OK: none.
  virtual absl::Status TakeReadError() = 0;

  // SKUs stored, in order of their names, the first above `after`; at most `max`.
  virtual absl::Status ListSkus(std::string_view after, size_t max,
                                std::vector<std::string>* skus) const = 0;
  // SKUs stored that have a row at a location in the tree of `root` (itself or inside it), the
  // first above `after`, at most `max`, in order; each once. `root` is a first level.
  virtual absl::Status ListSkusInside(std::string_view root, std::string_view after, size_t max,
                                      std::vector<std::string>* skus) const = 0;
  // Stored journal entries of a SKU, by location and offset, with the location's name; `location`
  // empty: all.
  virtual absl::Status ReadJournal(
      std::string_view sku, std::string_view location,
      const std::function<void(std::string_view location, const JournalEntry&)>& visit) const = 0;
  // Transfers stored of a SKU, by id.
  virtual absl::Status ReadTransfers(
      std::string_view sku,
      const std::function<void(std::string_view id, const TransferState&)>& visit) const = 0;
  // Definitions whose home this partition is, by name.
  virtual absl::Status ReadHomes(
      const std::function<void(std::string_view location, const HomeLocation&)>& visit) const = 0;
  // A digest of every stored row of the fold, in 32 hexadecimal digits.
  virtual absl::StatusOr<std::string> StateDigest() const = 0;
  // Rows of another store that differ, in words, at most `max` of them.
  virtual absl::Status Compare(const Store& other, size_t max,
                               std::vector<std::string>* differences) const = 0;
};

// Nothing of it is dirty any more: after a checkpoint.
void ClearDirty(FoldState& state);

}  // namespace tallywire

#endif  // TALLYWIRE_PROJECTOR_STORE_STORE_H_
