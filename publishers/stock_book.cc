// SPDX-License-Identifier: Apache-2.0
#include "publishers/stock_book.h"

#include <utility>

#include "ledger/status.h"
#include "ledger/topics.h"

namespace tallywire {

absl::StatusOr<std::optional<std::string>> StockBook::Apply(const Record& record) {
  const std::optional<std::string> nothing;
  if (!row_.ParseFromArray(record.value.data(), static_cast<int>(record.value.size())) ||
      row_.sku().empty() || record.key != JoinKey(row_.sku(), row_.location()) ||
      row_.partition() != record.partition.value() ||
      (row_.level() == v1::LEVEL_TOTAL) != row_.location().empty()) {
    return nothing;
  }
  TW_ASSIGN_OR_RETURN(Cached* const cached, Load(row_.sku()));
  const size_t before = RowsOf(cached->picture);
  if (!cached->picture.Apply(row_.location(), ToStockRow(row_))) return nothing;
  cached_rows_ += RowsOf(cached->picture) - before;
  cached->changed = true;
  changed_rows_[std::string(record.key)].assign(record.value);
  return std::optional<std::string>(row_.sku());
}

absl::StatusOr<const StockPicture*> StockBook::Find(std::string_view sku) {
  TW_ASSIGN_OR_RETURN(const Cached* const cached, Load(sku));
  return &cached->picture;
}

absl::StatusOr<StockBook::Cached*> StockBook::Load(std::string_view sku) {
  const auto found = pictures_.find(sku);
  if (found != pictures_.end()) return &found->second;
  TW_ASSIGN_OR_RETURN(StockPicture picture, store_->LoadPicture(sku));
  cached_rows_ += RowsOf(picture);
  return &pictures_.emplace(sku, Cached{.picture = std::move(picture)}).first->second;
}

void StockBook::AddChanges(PublisherStore::Batch& batch) const {
  for (const auto& [key, value] : changed_rows_) batch.PutStockRow(key, value);
}

void StockBook::ChangesWritten(const std::function<bool(std::string_view)>& listed) {
  changed_rows_.clear();
  for (auto it = pictures_.begin(); it != pictures_.end();) {
    it->second.changed = false;
    if (listed(it->first)) {
      ++it;
    } else {
      cached_rows_ -= RowsOf(it->second.picture);
      it = pictures_.erase(it);
    }
  }
}

void StockBook::Trim() {
  if (cached_rows_ <= max_cached_rows_) return;
  for (auto it = pictures_.begin(); it != pictures_.end();) {
    if (it->second.changed) {
      ++it;
    } else {
      cached_rows_ -= RowsOf(it->second.picture);
      it = pictures_.erase(it);
    }
  }
}

size_t StockBook::RowsOf(const StockPicture& picture) {
  // A SKU without any takes its place as well.
  return picture.rows.size() + 1;
}

}  // namespace tallywire
