// SPDX-License-Identifier: Apache-2.0
#include "publishers/store.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/names.h"
#include "ledger/status.h"
#include "ledger/topics.h"

namespace tallywire {
namespace {

constexpr uint32_t kFormatVersion = 1;

// First byte of each key.
constexpr char kIdentity = 'I';
constexpr char kNext = 'N';
constexpr char kRule = 'R';
constexpr char kStock = 'S';
constexpr char kUpdate = 'U';

constexpr uint8_t kRemovedBit = 1;
constexpr uint8_t kAlertedBit = 1;

template <class Int>
void PutInt(std::string& out, Int value) {
  for (size_t i = sizeof(Int); i-- > 0;) {
    out.push_back(static_cast<char>(static_cast<uint64_t>(value) >> (8 * i) & 0xff));
  }
}

// Takes a row apart; what is missing reads as 0 and is told at the end.
class Taker {
 public:
  explicit Taker(std::string_view bytes) : rest_(bytes) {}

  template <class Int>
  Int Take() {
    uint64_t value = 0;
    if (rest_.size() < sizeof(Int)) {
      short_ = true;
      rest_ = {};
      return 0;
    }
    for (size_t i = 0; i < sizeof(Int); ++i) {
      value = value << 8 | static_cast<unsigned char>(rest_[i]);
    }
    rest_.remove_prefix(sizeof(Int));
    return static_cast<Int>(value);
  }

  bool ok() const { return !short_; }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
  bool short_ = false;
};

std::string Key(char tag, std::string_view rest) {
  std::string key(1, tag);
  key += rest;
  return key;
}

std::string NextKey(PublisherStore::Topic topic, Partition partition) {
  std::string key = {kNext, static_cast<char>(topic)};
  PutInt(key, partition.value());
  return key;
}

std::string EncodeIdentity(const PublisherStore::Identity& identity) {
  std::string value;
  PutInt(value, kFormatVersion);
  PutInt(value, identity.stock_partitions);
  PutInt(value, identity.update_partitions);
  return value + identity.log_id;
}

template <class Message>
bool Parse(std::string_view bytes, Message& message) {
  return message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

absl::Status Damaged(const std::string& folder, std::string_view key) {
  return absl::DataLossError(absl::StrCat("reading ", folder, ": the row ", Quoted(key),
                                          " does not read back; delete the folder, it is built ",
                                          "again from the log"));
}

bool LoadRule(std::string_view listing, std::string_view bytes, ListingBook& book) {
  Taker row(bytes);
  RuleInForce rule;
  rule.version = row.Take<int64_t>();
  rule.stamp = Time(row.Take<int64_t>());
  rule.removed = (row.Take<uint8_t>() & kRemovedBit) != 0;
  if (!row.ok() || !Parse(row.rest(), rule.listing)) return false;
  book.LoadRule(listing, std::move(rule));
  return true;
}

bool LoadUpdate(std::string_view listing, std::string_view bytes, ListingBook& book) {
  Taker row(bytes);
  const Offset offset(row.Take<int64_t>());
  const bool alerted = (row.Take<uint8_t>() & kAlertedBit) != 0;
  const int64_t alerted_version = row.Take<int64_t>();
  v1::ListingUpdate update;
  if (!row.ok() || !Parse(row.rest(), update)) return false;
  ListingState& state = book.At(listing);
  state.last = LastUpdate(offset, update);
  if (alerted) state.alerted = alerted_version;
  return true;
}

}  // namespace

void PublisherStore::Batch::PutNext(Topic topic, std::span<const Offset> next) {
  for (size_t i = 0; i < next.size(); ++i) {
    std::string value;
    PutInt(value, next[i].value());
    batch_.Put(NextKey(topic, Partition(static_cast<int32_t>(i))), value);
  }
}

void PublisherStore::Batch::PutRule(std::string_view listing, const RuleInForce& rule) {
  std::string value;
  PutInt(value, rule.version);
  PutInt(value, rule.stamp.value());
  PutInt(value, static_cast<uint8_t>(rule.removed ? kRemovedBit : 0));
  rule.listing.AppendToString(&value);
  batch_.Put(Key(kRule, listing), value);
}

void PublisherStore::Batch::PutUpdate(std::string_view listing, const LastUpdate& last,
                                      std::optional<int64_t> alerted) {
  std::string value;
  PutInt(value, last.offset.value());
  PutInt(value, static_cast<uint8_t>(alerted ? kAlertedBit : 0));
  PutInt(value, alerted.value_or(0));
  v1::ListingUpdate update;
  update.set_sku(last.sku);
  update.set_state(last.state);
  if (last.quantity) update.set_quantity(*last.quantity);
  update.set_rules_version(last.versions.rules);
  update.set_stock_version(last.versions.stock);
  update.AppendToString(&value);
  batch_.Put(Key(kUpdate, listing), value);
}

void PublisherStore::Batch::PutStockRow(std::string_view key, std::string_view value) {
  batch_.Put(Key(kStock, key), value);
}

absl::StatusOr<std::unique_ptr<PublisherStore>> PublisherStore::Open(const std::string& folder,
                                                                     const Identity& identity,
                                                                     const OpenRocks& open_rocks) {
  TW_ASSIGN_OR_RETURN(auto rocks,
                      OpenRocksBy(open_rocks, folder, {.writes = Rocks::Writes::kBatches}));
  std::unique_ptr<PublisherStore> store(new PublisherStore(std::move(rocks)));
  TW_RETURN_IF_ERROR(store->CheckIdentity(identity));
  return store;
}

absl::Status PublisherStore::CheckIdentity(const Identity& identity) {
  const std::string key(1, kIdentity);
  TW_ASSIGN_OR_RETURN(const auto held, rocks_->Get(key));
  if (!held) {
    RocksIterator any = rocks_->Forward("");
    TW_RETURN_IF_ERROR(any.status());
    if (any.Valid()) {
      return absl::FailedPreconditionError(
          absl::StrCat(folder(), " holds something else than a publisher's state; give the ",
                       "publisher a folder of its own"));
    }
    RocksBatch batch;
    batch.Put(key, EncodeIdentity(identity));
    return rocks_->Write(batch, /*sync=*/true);
  }
  Taker row(*held);
  const auto format = row.Take<uint32_t>();
  if (row.ok() && format != kFormatVersion) {
    return absl::FailedPreconditionError(absl::StrCat(
        folder(), " is of format ", format, ", this version writes format ", kFormatVersion,
        "; give the publisher a new folder, it is built again from ", "the log"));
  }
  Identity found;
  found.stock_partitions = row.Take<int32_t>();
  found.update_partitions = row.Take<int32_t>();
  found.log_id = row.rest();
  if (!row.ok()) return Damaged(folder(), key);
  if (found == identity) return absl::OkStatus();
  const auto say = [](const Identity& i) {
    return absl::StrCat("log ", i.log_id, " with ", i.stock_partitions, " partitions of stock and ",
                        i.update_partitions, " of updates");
  };
  return absl::FailedPreconditionError(
      absl::StrCat(folder(), " belongs to ", say(found), ", but this is ", say(identity),
                   "; give the publisher another folder, or delete this one: it is built again ",
                   "from the log"));
}

absl::StatusOr<std::optional<Offset>> PublisherStore::Next(Topic topic, Partition partition) const {
  const std::string key = NextKey(topic, partition);
  TW_ASSIGN_OR_RETURN(const auto value, rocks_->Get(key));
  if (!value) return std::optional<Offset>();
  Taker row(*value);
  const Offset next(row.Take<int64_t>());
  if (!row.ok() || !row.rest().empty()) return Damaged(folder(), key);
  return std::optional<Offset>(next);
}

absl::Status PublisherStore::LoadListings(ListingBook& book) const {
  for (const char tag : {kRule, kUpdate}) {
    RocksIterator it = rocks_->Forward(std::string(1, tag));
    for (; it.Valid(); it.Next()) {
      const std::string_view listing = it.key().substr(1);
      const bool good = tag == kRule ? LoadRule(listing, it.value(), book)
                                     : LoadUpdate(listing, it.value(), book);
      if (!good) return Damaged(folder(), it.key());
    }
    TW_RETURN_IF_ERROR(it.status());
  }
  return absl::OkStatus();
}

absl::StatusOr<StockPicture> PublisherStore::LoadPicture(std::string_view sku) const {
  StockPicture picture;
  v1::Availability row;
  RocksIterator it = rocks_->Forward(Key(kStock, JoinKey(sku, "")));
  for (; it.Valid(); it.Next()) {
    if (!Parse(it.value(), row)) return Damaged(folder(), it.key());
    picture.Apply(row.location(), ToStockRow(row));
  }
  TW_RETURN_IF_ERROR(it.status());
  return picture;
}

absl::Status PublisherStore::Write(const Batch& batch) {
  return rocks_->Write(batch.batch_, /*sync=*/true);
}

}  // namespace tallywire
