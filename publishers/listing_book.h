// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_PUBLISHERS_LISTING_BOOK_H_
#define TALLYWIRE_PUBLISHERS_LISTING_BOOK_H_

// Every listing: the rule in force as stock.listing-rules says it, and the last update of it in
// stock.listing-updates.
//
// Threads: one thread, the publisher's own, changes it; Get, List, Exists, NotePending and WaitRead
// are for any thread. A ListingState lives as long as the book.

#include <compare>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "ledger/log.h"
#include "ledger/types.h"
#include "publishers/rule.h"
#include "tallywire/v1/listing.pb.h"

namespace tallywire::v1 {
class ListListingsResponse;
}

namespace tallywire {

// What makes one update newer than another, compared in this order.
struct UpdateVersions {
  int64_t rules = 0;
  int64_t stock = kNoStockVersion;
  friend auto operator<=>(const UpdateVersions&, const UpdateVersions&) = default;
};
UpdateVersions VersionsOf(const v1::ListingUpdate& update);

// A listing's last record in stock.listing-updates: where it lies, and what it says but for trace
// and time.
struct LastUpdate {
  Offset offset;
  UpdateVersions versions;
  std::string sku;
  v1::ListingState state = v1::LISTING_STATE_UNSPECIFIED;
  std::optional<int64_t> quantity;

  LastUpdate() = default;
  LastUpdate(Offset at, const v1::ListingUpdate& update);
  // Whether `update` says the same of the same rule, on whatever stock.
  bool SaysTheSameAs(const v1::ListingUpdate& update) const;
};

struct ListingState {
  std::string key;  // of its records: JoinKey(channel, listing id)
  // None: only an update of it was seen.
  std::optional<RuleInForce> rule;
  std::optional<LastUpdate> last;
  // Somebody else wrote an update with these versions: it is to be written again, whatever it says,
  // as soon as ours are at least as new.
  std::optional<UpdateVersions> foreign;
  // Rules version of the last NEEDS_CAP alert.
  std::optional<int64_t> alerted;

  bool queued = false;        // to be looked at again
  bool rule_changed = false;  // since the store was written
  bool update_changed = false;
};

class ListingBook {
 public:
  ListingBook() = default;
  ListingBook(const ListingBook&) = delete;
  ListingBook& operator=(const ListingBook&) = delete;

  // The publisher's thread.

  // Made if missing.
  ListingState& At(std::string_view key);
  // As a store says it.
  void LoadRule(std::string_view key, RuleInForce rule);
  // A record of stock.listing-rules. The listing if its rule changed: what is not well formed, is
  // no change, or removes what is not there, changes nothing.
  ListingState* ApplyRule(const Record& record);
  // Listings of a SKU, removed ones too.
  const std::vector<ListingState*>& OfSku(std::string_view sku) const;
  bool HasListingsOf(std::string_view sku) const { return !OfSku(sku).empty(); }
  // All, by key.
  std::vector<ListingState*> All();
  // Every rule below `next` has taken effect.
  void SetRead(Offset next);

  // Any thread.

  // NOT_FOUND.
  absl::Status Get(std::string_view channel, std::string_view listing_id, v1::Listing* out) const;
  void List(v1::ListListingsResponse* out) const;
  // Whether the listing is there, counting what was appended and not read yet.
  bool Exists(std::string_view key) const;
  void NotePending(std::string_view key, Offset offset, bool put);
  // DEADLINE_EXCEEDED.
  absl::Status WaitRead(Offset offset, Span timeout) const;

 private:
  // A rule that was appended and is not read yet.
  struct Pending {
    Offset offset;
    bool put = false;
  };
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  ListingState* Find(std::string_view key);
  // The listing, if `change` is one.
  ListingState* Change(const std::string& key, const v1::ListingRule& change, const Record& record);
  void SetRule(ListingState& state, RuleInForce rule);

  // Owned by the publisher's thread.
  std::unordered_map<std::string, std::vector<ListingState*>, Hash, std::equal_to<>> by_sku_;

  mutable std::mutex mu_;
  mutable std::condition_variable read_cv_;
  // Guarded by mu_: the map and each state's `rule`, for changing them and for reading them on
  // another thread than the publisher's.
  std::map<std::string, std::unique_ptr<ListingState>, std::less<>> listings_;
  std::map<std::string, Pending, std::less<>> pending_;
  Offset applied_;  // as ApplyRule has come
  Offset read_;     // as SetRead was told
};

}  // namespace tallywire

#endif  // TALLYWIRE_PUBLISHERS_LISTING_BOOK_H_
