// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_PUBLISHERS_UPDATE_SENDER_H_
#define TALLYWIRE_PUBLISHERS_UPDATE_SENDER_H_

// Appends updates to stock.listing-updates and what is to be said of them to stock.alerts, and
// knows its own records again when it reads them.
//
// Threads: one at a time. `log` outlives it.

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "ledger/log.h"
#include "ledger/types.h"
#include "publishers/listing_book.h"
#include "tallywire/v1/alert.pb.h"
#include "tallywire/v1/listing.pb.h"

namespace tallywire {

// An update that is to be written.
struct DueUpdate {
  ListingState* listing = nullptr;
  v1::ListingUpdate update;
  // Of the SKU, as its TOTAL says; none while there is no TOTAL.
  std::optional<Partition> sku_partition;
};

// What a person should know of a listing that needs a cap: the same bytes for the same rule,
// whatever the stock was when it was raised.
v1::Alert NeedsCapAlert(const RuleInForce& rule, Partition sku_partition);

class UpdateSender {
 public:
  // `partitions` of stock.listing-updates.
  UpdateSender(Log* log, int32_t partitions);

  // Alerts first, so that an update which needs one is never in the log without it. OK: all of it
  // is in the log, and `last` and `alerted` of each listing say so. Otherwise some may be: send
  // again; those that were appended come back as records of somebody else.
  [[nodiscard]] absl::Status Send(std::span<const DueUpdate> due);

  // Whether this one appended the record. To be asked of each record of stock.listing-updates that
  // is read, in order.
  bool IsOwn(const Record& record);

 private:
  [[nodiscard]] absl::Status SendAlerts(std::span<const DueUpdate> due);

  Log* const log_;
  const int32_t partitions_;

  // By partition, offsets of own records that were not read back yet.
  std::vector<std::deque<Offset>> own_;
};

}  // namespace tallywire

#endif  // TALLYWIRE_PUBLISHERS_UPDATE_SENDER_H_
