// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_PROJECTOR_QUERY_EXPLAIN_H_
#define TALLYWIRE_PROJECTOR_QUERY_EXPLAIN_H_

// Why a number is what it is: every entry of a SKU's journal in log order, with what the event
// itself says of actor and document, and whether the entries end at the row that is shown.

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "ledger/log.h"
#include "projector/run/partition.h"
#include "projector/run/replay.h"
#include "tallywire/v1/api.pb.h"

namespace tallywire {

// `location` empty: all of them, against the TOTAL; a site: what belongs to it, against its row.
// `prove`: entries of a fold made anew, in `scratch`. NOT_FOUND: no such SKU, or no row there.
absl::Status ExplainSku(Log* log, PartitionLoop& loop, int32_t partitions, std::string_view sku,
                        std::string_view location, bool prove, const Scratch& scratch,
                        v1::ExplainResponse* out);

}  // namespace tallywire

#endif  // TALLYWIRE_PROJECTOR_QUERY_EXPLAIN_H_
