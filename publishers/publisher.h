// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_PUBLISHERS_PUBLISHER_H_
#define TALLYWIRE_PUBLISHERS_PUBLISHER_H_

// Turns stock and listing rules into what each listing is to show: reads stock.listing-rules and
// stock.availability, writes stock.listing-updates.
//
// An update is a pure function of its two versions (rules, stock). It is sent when its
// rules_version or a value differs from the last record of that listing in the topic, and never
// with lower versions than that one.
//
// Threads: RunOnce and Close from one thread; everything else from any, also while RunOnce runs.
// Errors of RunOnce: as for Projector (projector/projector.h).

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ledger/log.h"
#include "ledger/rocks.h"
#include "ledger/types.h"

namespace tallywire::v1 {
class Listing;
class ListListingsResponse;
}  // namespace tallywire::v1

namespace tallywire {

class Publisher {
 public:
  struct Options {
    // Its own small store. Created if missing.
    std::string folder;
    size_t batch = 10'000;
    Span checkpoint_every = Seconds(1);
    OpenRocks open_rocks = nullptr;
  };

  static absl::StatusOr<std::unique_ptr<Publisher>> Open(Log* log, Options options);
  virtual ~Publisher() = default;

  // Reads what is new, sends what differs, writes its store if it is time. True: there may be more
  // to do. Never waits.
  [[nodiscard]] virtual absl::StatusOr<bool> RunOnce(Time now) = 0;
  // Until everything that was in its topics at the call is reflected in stock.listing-updates.
  [[nodiscard]] virtual absl::Status RunToEnd(Time now) = 0;
  [[nodiscard]] virtual absl::Status Close() = 0;

  // Appends to stock.listing-rules; takes effect when RunOnce reads it. Returns its offset.
  // INVALID_ARGUMENT names field and value; NOT_FOUND for the removal of what is not there.
  virtual absl::StatusOr<Offset> PutListing(const v1::Listing& listing) = 0;
  virtual absl::StatusOr<Offset> RemoveListing(std::string_view channel,
                                               std::string_view listing_id) = 0;
  // As RunOnce has read them, by channel and listing id.
  virtual absl::Status GetListing(std::string_view channel, std::string_view listing_id,
                                  v1::Listing* out) = 0;
  virtual absl::Status ListListings(v1::ListListingsResponse* out) = 0;
  // Until the rule at `offset` has taken effect. DEADLINE_EXCEEDED.
  virtual absl::Status WaitRule(Offset offset, Span timeout) = 0;
};

}  // namespace tallywire

#endif  // TALLYWIRE_PUBLISHERS_PUBLISHER_H_
