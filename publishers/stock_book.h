// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_PUBLISHERS_STOCK_BOOK_H_
#define TALLYWIRE_PUBLISHERS_STOCK_BOOK_H_

// The newest rows of stock.availability of every SKU: in the store those of all SKUs, since a
// listing may come long after its SKU's rows; in memory, bounded, those that are in use.
//
// Threads: one at a time. `store` outlives it.
// Errors: those of the store.

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ledger/log.h"
#include "publishers/rule.h"
#include "publishers/store.h"
#include "tallywire/v1/availability.pb.h"

namespace tallywire {

// Rows changed since the store was written that make it time to write it again.
inline constexpr size_t kMaxChangedStockRows = 200'000;
// Rows of pictures in memory above which those that the store has as well are dropped. Rows that
// the store lacks are always in memory.
inline constexpr size_t kMaxCachedStockRows = 500'000;
static_assert(kMaxChangedStockRows < kMaxCachedStockRows);

class StockBook {
 public:
  explicit StockBook(const PublisherStore* store, size_t max_cached_rows = kMaxCachedStockRows)
      : store_(store), max_cached_rows_(max_cached_rows) {}
  StockBook(const StockBook&) = delete;
  StockBook& operator=(const StockBook&) = delete;

  // A record of stock.availability. Its SKU if it is newer than what is held, which it replaces;
  // what is not well formed or not newer is dropped.
  [[nodiscard]] absl::StatusOr<std::optional<std::string>> Apply(const Record& record);

  // Never null; lives until the next call that is not const.
  [[nodiscard]] absl::StatusOr<const StockPicture*> Find(std::string_view sku);

  bool NeedsWrite() const { return changed_rows_.size() >= kMaxChangedStockRows; }
  bool HasChanges() const { return !changed_rows_.empty(); }
  // What the store lacks.
  void AddChanges(PublisherStore::Batch& batch) const;
  // They are in the store now; pictures of SKUs that are not `listed` are forgotten.
  void ChangesWritten(const std::function<bool(std::string_view)>& listed);
  // Forgets what the store has as well, if there is too much.
  void Trim();
  // A SKU counts as one more than its rows.
  size_t cached_rows() const { return cached_rows_; }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  struct Cached {
    StockPicture picture;
    bool changed = false;  // since the store was written
  };
  template <class Value>
  using ByName = std::unordered_map<std::string, Value, Hash, std::equal_to<>>;

  [[nodiscard]] absl::StatusOr<Cached*> Load(std::string_view sku);
  static size_t RowsOf(const StockPicture& picture);

  const PublisherStore* const store_;
  const size_t max_cached_rows_;

  ByName<Cached> pictures_;
  size_t cached_rows_ = 0;
  // By the record's key.
  ByName<std::string> changed_rows_;
  v1::Availability row_;  // memory for parsing
};

}  // namespace tallywire

#endif  // TALLYWIRE_PUBLISHERS_STOCK_BOOK_H_
