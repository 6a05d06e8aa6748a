// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_PROJECTOR_FOLD_PICTURE_H_
#define TALLYWIRE_PROJECTOR_FOLD_PICTURE_H_

// The rows that the world sees of one SKU, computed from its balances and from what is defined:
// what is available to sell, why not, and which record gave each row its version. A pure function;
// views and pointers live as long as the state they came from is not changed.

#include <string_view>
#include <vector>

#include "projector/fold/locations.h"
#include "projector/fold/state.h"

namespace tallywire {

// Values are those of tallywire.v1.Level and NotSellableBecause.
enum class Level { kTotal = 1, kSite, kPlace };
enum class NotSellable { kNone = 0, kSku = 1, kUndefinedLocation = 3, kLocation = 4 };

struct StockRow {
  Level level = Level::kPlace;
  LocationId location = kNoLocation;  // of the TOTAL none
  std::string_view name;
  Pools pools{};
  bool unlimited = false;
  bool sellable = false;
  NotSellable because = NotSellable::kNone;
  // The record that touched it last; its offset is the version.
  const Touch* touch = nullptr;

  // TOTAL and SITE.
  Quantity ats = 0;
  Quantity shortfall = 0;
  Quantity safety_stock = 0;

  // SITE.
  const LocationDefinition* definition = nullptr;  // null: undefined
  const UnitCost* unit_cost = nullptr;             // null: unknown
  bool own_location_sellable = false;
};

// Places and sites by name, TOTAL last. The SKU has had an applied record.
std::vector<StockRow> RowsOf(const SkuState& sku, const Locations& locations);

// Units of all pools but INCOMING.
Quantity OnHand(const Pools& pools);

}  // namespace tallywire

#endif  // TALLYWIRE_PROJECTOR_FOLD_PICTURE_H_
