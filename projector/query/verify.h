// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_PROJECTOR_QUERY_VERIFY_H_
#define TALLYWIRE_PROJECTOR_QUERY_VERIFY_H_

// Is what the ledger says right? Folds the log anew beside the live state and compares them row by
// row; checks that every SKU's accounts sum to zero, that every partition has each location's
// newest definition, and that stock.availability ends with what the state says. The live partitions
// go on meanwhile; each stands still only while its rows are read.

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "ledger/log.h"
#include "projector/run/partition.h"
#include "projector/run/replay.h"
#include "tallywire/v1/api.pb.h"

namespace tallywire {

// `scratch`: a folder is made inside it. `now` is what a checkpoint would be given.
absl::Status VerifyAll(Log* log, const std::vector<PartitionLoop*>& loops, const Scratch& scratch,
                       Time now, const std::function<void(int64_t, int64_t)>& progress,
                       v1::VerifyResponse* out);

}  // namespace tallywire

#endif  // TALLYWIRE_PROJECTOR_QUERY_VERIFY_H_
