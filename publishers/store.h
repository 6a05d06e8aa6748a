// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_PUBLISHERS_STORE_H_
#define TALLYWIRE_PUBLISHERS_STORE_H_

// What a publisher keeps in its folder, so that it goes on where it stopped: how far it has read,
// the rows of stock.availability of every SKU, the rules in force and the last update of each
// listing. publishers/FORMAT.md says the bytes. All of it can be built again from the log.
//
// Threads: one at a time.
// Errors: as Rocks. DATA_LOSS also for a row that is not what the format says. FAILED_PRECONDITION
// of Open: the folder belongs to another log, or was written by another version; the text says what
// to do.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ledger/rocks.h"
#include "ledger/types.h"
#include "publishers/listing_book.h"
#include "publishers/rule.h"

namespace tallywire {

class PublisherStore {
 public:
  // What a folder belongs to.
  struct Identity {
    std::string log_id;
    int32_t stock_partitions = 0;
    int32_t update_partitions = 0;
    friend bool operator==(const Identity&, const Identity&) = default;
  };
  // The topics whose reading is remembered; values are part of the format.
  enum class Topic : char { kRules = 'r', kStock = 's', kUpdates = 'u' };

  // Changes that go in together.
  class Batch {
   public:
    // By partition.
    void PutNext(Topic topic, std::span<const Offset> next);
    void PutRule(std::string_view listing, const RuleInForce& rule);
    void PutUpdate(std::string_view listing, const LastUpdate& last,
                   std::optional<int64_t> alerted);
    // `key` and `value` of the record in stock.availability.
    void PutStockRow(std::string_view key, std::string_view value);

   private:
    friend class PublisherStore;
    RocksBatch batch_;
  };

  static absl::StatusOr<std::unique_ptr<PublisherStore>> Open(
      const std::string& folder, const Identity& identity, const OpenRocks& open_rocks = nullptr);

  // Nothing: it was never read.
  [[nodiscard]] absl::StatusOr<std::optional<Offset>> Next(Topic topic, Partition partition) const;
  // Rules and last updates of all listings.
  [[nodiscard]] absl::Status LoadListings(ListingBook& book) const;
  // Every row of one SKU.
  [[nodiscard]] absl::StatusOr<StockPicture> LoadPicture(std::string_view sku) const;

  // All of it durably, or nothing.
  [[nodiscard]] absl::Status Write(const Batch& batch);

  const std::string& folder() const { return rocks_->folder(); }

 private:
  explicit PublisherStore(std::unique_ptr<Rocks> rocks) : rocks_(std::move(rocks)) {}
  absl::Status CheckIdentity(const Identity& identity);

  const std::unique_ptr<Rocks> rocks_;
};

}  // namespace tallywire

#endif  // TALLYWIRE_PUBLISHERS_STORE_H_
