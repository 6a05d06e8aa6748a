// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_LEDGER_READ_TO_H_
#define TALLYWIRE_LEDGER_READ_TO_H_

// Reads a part of a partition that is known to be there, however long the log takes to hand it
// over.

#include <functional>
#include <string_view>

#include "absl/status/status.h"
#include "ledger/log.h"
#include "ledger/types.h"

namespace tallywire {

// Visits every record from the reader's position up to `end`, which lies within the partition's
// bounds; may read further records and leave them out. Errors: the log's, those of `visit`, and
// UNAVAILABLE if nothing came for half a minute.
[[nodiscard]] absl::Status ReadTo(LogReader& reader, Offset end,
                                  const std::function<absl::Status(const Record&)>& visit);

// The same from `from` on, with a reader of its own.
[[nodiscard]] absl::Status ReadRange(Log& log, std::string_view topic, Partition partition,
                                     Offset from, Offset end,
                                     const std::function<absl::Status(const Record&)>& visit);

}  // namespace tallywire

#endif  // TALLYWIRE_LEDGER_READ_TO_H_
