// SPDX-License-Identifier: Apache-2.0
#include "ledger/event.h"

#include <array>
#include <cstddef>

namespace tallywire {

std::string_view Name(Body body) {
  static constexpr std::array<std::string_view, kBodies> kNames = {"received",
                                                                   "sold",
                                                                   "returned",
                                                                   "counted",
                                                                   "adjusted",
                                                                   "moved",
                                                                   "transferred",
                                                                   "transfer_shipped",
                                                                   "transfer_received",
                                                                   "transfer_closed",
                                                                   "sku_defined",
                                                                   "sku_location_set",
                                                                   "location_defined",
                                                                   "location_copied",
                                                                   "ticked"};
  const auto index = static_cast<size_t>(body);
  return index < kNames.size() ? kNames[index] : "unknown";
}

}  // namespace tallywire
