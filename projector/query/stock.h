// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_PROJECTOR_QUERY_STOCK_H_
#define TALLYWIRE_PROJECTOR_QUERY_STOCK_H_

// Rows of one SKU, or of all in the order of their names.

#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "projector/projector.h"
#include "projector/run/partition.h"
#include "tallywire/v1/api.pb.h"

namespace tallywire {

// With `location`: rows of that and inside it, without the TOTAL. NOT_FOUND: no such SKU.
absl::Status StockOf(PartitionLoop& loop, std::string_view sku, std::string_view location,
                     v1::GetStockResponse* out);

absl::Status StockOfAll(const std::vector<PartitionLoop*>& loops,
                        const Projector::StockQuery& query, v1::GetStockResponse* out);

}  // namespace tallywire

#endif  // TALLYWIRE_PROJECTOR_QUERY_STOCK_H_
