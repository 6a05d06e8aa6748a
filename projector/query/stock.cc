// SPDX-License-Identifier: Apache-2.0
#include "projector/query/stock.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/status.h"
#include "projector/fold/picture.h"
#include "projector/query/question.h"
#include "projector/run/encode.h"

namespace tallywire {
namespace {

bool IsAtOrInside(std::string_view name, std::string_view location) {
  if (location.empty()) return true;
  return name.starts_with(location) &&
         (name.size() == location.size() || name[location.size()] == '/');
}

// The next SKUs of one partition above `after`: those stored, and those that are not yet.
absl::Status NextSkus(PartitionLoop& loop, std::string_view location, std::string_view after,
                      size_t max, std::vector<std::string>* names) {
  const Question question(loop);
  TW_RETURN_IF_ERROR(loop.Ready());
  if (location.empty()) {
    TW_RETURN_IF_ERROR(loop.store().ListSkus(after, max, names));
  } else {
    TW_RETURN_IF_ERROR(
        loop.store().ListSkusInside(location.substr(0, location.find('/')), after, max, names));
  }
  for (const SkuState* sku : loop.state().dirty_skus) {
    if (sku->sku > after) names->push_back(sku->sku);
  }
  std::sort(names->begin(), names->end());
  names->erase(std::unique(names->begin(), names->end()), names->end());
  if (names->size() > max) names->resize(max);
  return absl::OkStatus();
}

}  // namespace

absl::Status StockOf(PartitionLoop& loop, std::string_view name, std::string_view location,
                     v1::GetStockResponse* out) {
  const Question question(loop);
  TW_RETURN_IF_ERROR(loop.Ready());
  const SkuState* sku = loop.fold().FindSku(name);
  TW_RETURN_IF_ERROR(loop.store().TakeReadError());
  if (sku == nullptr) {
    return absl::NotFoundError(absl::StrCat("nothing is known of SKU ", std::string(name)));
  }
  for (const StockRow& row : RowsOf(*sku, loop.state().locations)) {
    const bool is_total = row.level == Level::kTotal;
    if (is_total ? !location.empty() : !IsAtOrInside(row.name, location)) continue;
    EncodeRow(row, *sku, loop.partition(), out->add_rows());
  }
  return absl::OkStatus();
}

absl::Status StockOfAll(const std::vector<PartitionLoop*>& loops,
                        const Projector::StockQuery& query, v1::GetStockResponse* out) {
  const size_t limit = std::max<size_t>(1, query.limit);
  std::string after = query.page_token;
  while (true) {
    std::vector<std::pair<std::string, PartitionLoop*>> found;
    // Above the least name at which a partition's page ended, others may have more to come.
    std::string complete_to;
    bool cut = false;
    for (PartitionLoop* loop : loops) {
      std::vector<std::string> names;
      TW_RETURN_IF_ERROR(NextSkus(*loop, query.location, after, limit, &names));
      if (names.size() == limit && (!cut || names.back() < complete_to)) {
        complete_to = names.back();
        cut = true;
      }
      for (std::string& name : names) found.emplace_back(std::move(name), loop);
    }
    std::sort(found.begin(), found.end());
    for (const auto& [name, loop] : found) {
      if (cut && name > complete_to) break;
      const absl::Status status = StockOf(*loop, name, query.location, out);
      if (!status.ok() && !absl::IsNotFound(status)) return status;
      after = name;
      if (static_cast<size_t>(out->rows_size()) < limit) continue;
      if (!cut && name == found.back().first) break;
      out->set_next_page_token(name);
      return absl::OkStatus();
    }
    if (!cut) return absl::OkStatus();
  }
}

}  // namespace tallywire
