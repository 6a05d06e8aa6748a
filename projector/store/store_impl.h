// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_PROJECTOR_STORE_STORE_IMPL_H_
#define TALLYWIRE_PROJECTOR_STORE_STORE_IMPL_H_

// The one Store there is: rows in RocksDB, each checkpoint one sorted file. Threads and errors as
// for Store.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ledger/rocks.h"
#include "projector/fold/state.h"
#include "projector/store/checkpoint.h"
#include "projector/store/keys.h"
#include "projector/store/seen_filter.h"
#include "projector/store/store.h"

namespace tallywire::store {

class StoreImpl : public Store {
 public:
  explicit StoreImpl(std::unique_ptr<Rocks> rocks) : rocks_(std::move(rocks)) {}

  // Writes the identity row of a new folder; refuses one that is another's.
  absl::Status CheckIdentity(const StoreIdentity& identity);

  absl::Status Restore(FoldState* state, StoreMarks* marks) override;
  absl::Status WriteCheckpoint(const FoldState& state, const StoreMarks& marks) override;
  absl::Status TakeReadError() override;

  bool LoadSku(Locations& locations, SkuState* state) override;
  bool LoadTransfer(const TransferKey& key, TransferState* state) override;
  bool LoadSource(std::string_view source, SequenceState* state) override;
  std::optional<uint64_t> FindIdentity(const Identity& identity) override;
  void WalkJournal(std::string_view sku, std::string_view location, Visit visit,
                   void* context) override;

  absl::Status ListSkus(std::string_view after, size_t max,
                        std::vector<std::string>* skus) const override;
  absl::Status ListSkusInside(std::string_view root, std::string_view after, size_t max,
                              std::vector<std::string>* skus) const override;
  absl::Status ReadJournal(std::string_view sku, std::string_view location,
                           const std::function<void(std::string_view location,
                                                    const JournalEntry&)>& visit) const override;
  absl::Status ReadTransfers(
      std::string_view sku,
      const std::function<void(std::string_view id, const TransferState&)>& visit) const override;
  absl::Status ReadHomes(const std::function<void(std::string_view location, const HomeLocation&)>&
                             visit) const override;
  absl::StatusOr<std::string> StateDigest() const override;
  absl::Status Compare(const Store& other, size_t max,
                       std::vector<std::string>* differences) const override;

 private:
  // What a FoldReader call ended with; false and remembered if it failed.
  bool Noted(absl::Status status);
  // OK and true: the row at key_ is there, and in value_.
  absl::StatusOr<bool> Find();
  absl::Status ReadSku(Locations& locations, SkuState* state, bool* found);
  absl::Status ReadPlaces(Locations& locations, SkuState* state);
  absl::Status ReadSource(std::string_view source, SequenceState* state, bool* found);
  absl::Status ReadJournalBackwards(Visit visit, void* context);
  absl::Status RestoreMeta(FoldState* state, StoreMarks* marks);
  absl::Status RestoreTables(FoldState* state);

  // Visits all rows whose key begins with `prefix`, upwards. `visit` returns whether the row makes
  // sense.
  using RowVisit = std::function<bool(const ParsedKey& key, std::string_view row)>;
  absl::Status Scan(std::string_view prefix, const RowVisit& visit) const;
  absl::Status ListNames(std::string_view prefix, std::string_view after, size_t max,
                         std::vector<std::string>* names) const;
  absl::Status Damaged(std::string_view key) const;

  const std::unique_ptr<Rocks> rocks_;

  // Of the thread that folds.
  // What checkpoints have put in; only of a folder that was made by this object: of another nobody
  // knows all that is there.
  struct Seen {
    SeenFilter identities;
    SeenFilter skus;
  };
  std::optional<Seen> seen_;
  std::string key_;
  std::string value_;
  JournalEntry entry_;
  absl::Status read_error_;
  CheckpointRows rows_;
};

}  // namespace tallywire::store

#endif  // TALLYWIRE_PROJECTOR_STORE_STORE_IMPL_H_
