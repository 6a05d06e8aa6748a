// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_LEDGER_TOPICS_H_
#define TALLYWIRE_LEDGER_TOPICS_H_

// The topics by name, and how each is to be set up.

#include <string_view>
#include <vector>

#include "ledger/log.h"

namespace tallywire {

inline constexpr std::string_view kStockEvents = "stock.events";
inline constexpr std::string_view kStockAvailability = "stock.availability";
inline constexpr std::string_view kStockAlerts = "stock.alerts";
inline constexpr std::string_view kStockDeadLetters = "stock.events-dlt";
inline constexpr std::string_view kStockProgress = "stock.progress";
inline constexpr std::string_view kListingRules = "stock.listing-rules";
inline constexpr std::string_view kListingUpdates = "stock.listing-updates";

// All topics of a ledger whose stock.events has `partitions` partitions.
std::vector<TopicSpec> PlanTopics(int32_t partitions);

// Which of `partitions` a key belongs to: murmur2 as Kafka's Java producer computes it.
Partition PartitionOf(std::string_view key, int32_t partitions);

// Keys of two parts, divided by a zero byte (no name has one): (SKU, location), (channel, listing).
std::string JoinKey(std::string_view first, std::string_view second);

}  // namespace tallywire

#endif  // TALLYWIRE_LEDGER_TOPICS_H_
