// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_LEDGER_DEAD_LETTERS_H_
#define TALLYWIRE_LEDGER_DEAD_LETTERS_H_

// The headers of stock.events-dlt and of what is redriven from it.
//
// A dead letter is a refused record as it came, with headers that say where it stands in
// stock.events and why it was refused; that place, PARTITION/OFFSET, is its name. A *mark* is a
// record of stock.events-dlt without a value and without a code: it says that a letter was
// redriven, and where to. It stands in the letter's partition, after it, under the same key. Who
// reads the topic and knows nothing of marks can tell them by the missing code.

#include <string_view>

namespace tallywire {

// Of a dead letter; the code is one of ledger/refused.h.
inline constexpr std::string_view kDltOriginalTopic = "kafka_dlt-original-topic";
inline constexpr std::string_view kDltOriginalPartition = "kafka_dlt-original-partition";
inline constexpr std::string_view kDltOriginalOffset = "kafka_dlt-original-offset";
inline constexpr std::string_view kDltOriginalTimestamp = "kafka_dlt-original-timestamp";
inline constexpr std::string_view kDltMessage = "kafka_dlt-exception-message";
inline constexpr std::string_view kDltCode = "stock-error-code";

// Of a redriven record in stock.events: `stock.events-dlt/3/12`, the letter of record 3/12.
inline constexpr std::string_view kRedrivenFrom = "tallywire-redriven-from";

// Of a mark: the letter, `3/12`, and where in stock.events it was appended, `1/45`.
inline constexpr std::string_view kRedriven = "tallywire-redriven";
inline constexpr std::string_view kRedrivenTo = "tallywire-redriven-to";

}  // namespace tallywire

#endif  // TALLYWIRE_LEDGER_DEAD_LETTERS_H_
