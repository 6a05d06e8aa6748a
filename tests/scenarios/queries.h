// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_SCENARIOS_QUERIES_H_
#define TALLYWIRE_TESTS_SCENARIOS_QUERIES_H_

// What a scenario may ask of a world, each as text, a line for each thing found. The world is at
// rest when they are called.

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/scenarios/world.h"

namespace tallywire::v1 {
class StockEvent;
}

namespace tallywire::scenarios {

// `SKU [LOCATION] [--versions] [--full]`: its rows, TOTAL last.
absl::StatusOr<std::string> Stock(World& world, const std::vector<std::string>& words);

// `SKU [LOCATION]`: its journal.
absl::StatusOr<std::string> Journal(World& world, const std::vector<std::string>& words);

// `[KIND]`: every alert so far, once each, sorted by its text.
absl::StatusOr<std::string> Alerts(World& world, const std::vector<std::string>& words);

// Every dead letter so far, once each, sorted: reason, key, event.
absl::StatusOr<std::string> DeadLetters(World& world);

// `[--trace] [--versions]`: the last update of each listing, sorted.
absl::StatusOr<std::string> Updates(World& world, const std::vector<std::string>& words);

absl::StatusOr<std::string> Listings(World& world);

// Rows of every SKU, full, without versions.
absl::StatusOr<std::string> AllRows(World& world);

// The SKUs that have rows.
absl::StatusOr<std::vector<std::string>> AllSkus(World& world);

// What lies at an offset of stock.events: the event's name, `copy:NAME` of the definition that a
// linked record copies, or `tick`. It is the same on every number of partitions.
std::string RecordName(World& world, int32_t partition, int64_t offset);

// A header's value; empty without it.
std::string_view HeaderValue(const OwnedRecord& record, std::string_view name);
// A header's number: decimal digits, or big-endian bytes.
int64_t HeaderNumber(const OwnedRecord& record, std::string_view name);

}  // namespace tallywire::scenarios

#endif  // TALLYWIRE_TESTS_SCENARIOS_QUERIES_H_
