// SPDX-License-Identifier: Apache-2.0
#include "publishers/publisher.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <unordered_set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ledger/check.h"
#include "ledger/mark.h"
#include "ledger/names.h"
#include "ledger/status.h"
#include "ledger/topics.h"
#include "publishers/listing_book.h"
#include "publishers/listing_check.h"
#include "publishers/rule.h"
#include "publishers/stock_book.h"
#include "publishers/store.h"
#include "publishers/topic_input.h"
#include "publishers/update_sender.h"
#include "tallywire/v1/listing.pb.h"

namespace tallywire {
namespace {

using Topic = PublisherStore::Topic;

constexpr Partition kRulesPartition(0);
// For RunToEnd only: how long it waits for records that are said to be there.
constexpr Span kEndWait = Milliseconds(10);

absl::StatusOr<int32_t> PartitionsOf(Log& log, std::string_view topic) {
  TW_ASSIGN_OR_RETURN(const TopicSpec spec, log.Describe(topic));
  return spec.partitions;
}

// Where to go on with one partition: where the store has come, or the oldest record kept. A log
// that keeps all has no business to begin later, and none to end sooner.
absl::StatusOr<Offset> StartOf(Log& log, std::string_view topic, Partition partition,
                               std::optional<Offset> stored, const std::string& folder) {
  TW_ASSIGN_OR_RETURN(const LogBounds bounds, log.Bounds(topic, partition));
  const Offset wanted = stored.value_or(Offset(0));
  const bool compacted = topic != kListingRules;
  if (wanted > bounds.end || (wanted < bounds.begin && !compacted)) {
    return absl::DataLossError(absl::StrCat(
        std::string(topic), " partition ", partition.value(), " holds offsets ",
        bounds.begin.value(), " to ", bounds.end.value(), ", but ", folder, " goes on at ",
        wanted.value(), ": the log has lost records. Restore it; or, to go on with what is left, ",
        "delete that folder"));
  }
  return std::max(wanted, bounds.begin);
}

absl::StatusOr<std::vector<Offset>> StartsOf(Log& log, std::string_view topic, int32_t partitions,
                                             const PublisherStore& store, Topic tag) {
  std::vector<Offset> starts;
  for (int32_t p = 0; p < partitions; ++p) {
    TW_ASSIGN_OR_RETURN(const auto stored, store.Next(tag, Partition(p)));
    TW_ASSIGN_OR_RETURN(const Offset start,
                        StartOf(log, topic, Partition(p), stored, store.folder()));
    starts.push_back(start);
  }
  return starts;
}

// An offset for each partition of the three topics that are read.
struct Positions {
  std::vector<Offset> rules;
  std::vector<Offset> stock;
  std::vector<Offset> updates;
  friend bool operator==(const Positions&, const Positions&) = default;
};

absl::StatusOr<Positions> StartsOf(Log& log, const PublisherStore& store,
                                   const PublisherStore::Identity& identity) {
  Positions starts;
  TW_ASSIGN_OR_RETURN(starts.rules, StartsOf(log, kListingRules, 1, store, Topic::kRules));
  TW_ASSIGN_OR_RETURN(starts.stock, StartsOf(log, kStockAvailability, identity.stock_partitions,
                                             store, Topic::kStock));
  TW_ASSIGN_OR_RETURN(starts.updates, StartsOf(log, kListingUpdates, identity.update_partitions,
                                               store, Topic::kUpdates));
  return starts;
}

class PublisherImpl : public Publisher {
 public:
  PublisherImpl(Log* log, Options options, std::unique_ptr<PublisherStore> store, Positions starts)
      : log_(log),
        options_(std::move(options)),
        store_(std::move(store)),
        stock_(store_.get()),
        rules_input_(log, std::string(kListingRules), std::move(starts.rules)),
        stock_input_(log, std::string(kStockAvailability), std::move(starts.stock)),
        sender_(log, static_cast<int32_t>(starts.updates.size())),
        updates_input_(log, std::string(kListingUpdates), std::move(starts.updates)) {}

  // Before anything else.
  absl::Status Load() {
    TW_RETURN_IF_ERROR(store_->LoadListings(listings_));
    listings_.SetRead(rules_input_.next()[0]);
    TW_ASSIGN_OR_RETURN(start_ends_, NowEnds());
    return absl::OkStatus();
  }

  absl::StatusOr<bool> RunOnce(Time now) override { return Step(now, Span(0)); }
  absl::Status RunToEnd(Time now) override;
  absl::Status Close() override;

  absl::StatusOr<Offset> PutListing(const v1::Listing& listing) override;
  absl::StatusOr<Offset> RemoveListing(std::string_view channel,
                                       std::string_view listing_id) override;
  absl::Status GetListing(std::string_view channel, std::string_view listing_id,
                          v1::Listing* out) override {
    return listings_.Get(channel, listing_id, out);
  }
  absl::Status ListListings(v1::ListListingsResponse* out) override {
    listings_.List(out);
    return absl::OkStatus();
  }
  absl::Status WaitRule(Offset offset, Span timeout) override {
    return listings_.WaitRead(offset, timeout);
  }

 private:
  absl::StatusOr<Positions> NowEnds() const;
  Positions Next() const;
  bool Reached(const Positions& ends) const;

  absl::StatusOr<bool> Step(Time now, Span wait);
  absl::StatusOr<bool> ReadInputs(Span wait);
  absl::Status ReadUpdate(const Record& record);
  void Queue(ListingState& listing);
  void MarkUpdateChanged(ListingState& listing);

  absl::StatusOr<bool> SendDue();
  absl::Status CollectDue(std::vector<ListingState*>& looked_at, std::vector<DueUpdate>& due);
  absl::StatusOr<std::optional<DueUpdate>> Decide(ListingState& listing);

  bool HasChanges() const;
  absl::Status MaybeWriteStore(Time now);
  absl::Status WriteStore();

  absl::StatusOr<Offset> AppendRule(const std::string& key, const v1::ListingRule& rule);

  Log* const log_;
  const Options options_;

  // Used by any thread.
  ListingBook listings_;

  // Owned by the thread of RunOnce.
  std::unique_ptr<PublisherStore> store_;
  StockBook stock_;
  TopicInput rules_input_;
  TopicInput stock_input_;
  UpdateSender sender_;
  TopicInput updates_input_;
  Positions start_ends_;
  // Its topics have been read to the ends they had when it was opened.
  bool started_ = false;
  std::deque<ListingState*> queue_;
  std::unordered_set<std::string> changed_skus_;
  std::vector<ListingState*> changed_rules_;
  std::vector<ListingState*> changed_updates_;
  // Where the store says the inputs are.
  Positions stored_;
  std::optional<Time> written_at_;
  bool write_failed_ = false;
};

absl::StatusOr<Positions> PublisherImpl::NowEnds() const {
  Positions ends;
  TW_ASSIGN_OR_RETURN(ends.rules, rules_input_.Ends());
  TW_ASSIGN_OR_RETURN(ends.stock, stock_input_.Ends());
  TW_ASSIGN_OR_RETURN(ends.updates, updates_input_.Ends());
  return ends;
}

Positions PublisherImpl::Next() const {
  return {
      .rules = rules_input_.next(), .stock = stock_input_.next(), .updates = updates_input_.next()};
}

bool PublisherImpl::Reached(const Positions& ends) const {
  return rules_input_.Reached(ends.rules) && stock_input_.Reached(ends.stock) &&
         updates_input_.Reached(ends.updates);
}

absl::StatusOr<bool> PublisherImpl::Step(Time now, Span wait) {
  TW_CHECK(store_ != nullptr, "a publisher that was closed is used");
  // With a store that cannot be written, nothing more is taken into memory.
  if (write_failed_) TW_MARK("publisher.writes-before-it-reads");
  if (write_failed_) TW_RETURN_IF_ERROR(MaybeWriteStore(now));
  TW_ASSIGN_OR_RETURN(const bool read, ReadInputs(wait));
  if (!started_ && Reached(start_ends_)) {
    started_ = true;
    for (ListingState* listing : listings_.All()) Queue(*listing);
  }
  bool sent = false;
  if (started_) {
    TW_ASSIGN_OR_RETURN(sent, SendDue());
  }
  listings_.SetRead(rules_input_.next()[0]);
  TW_RETURN_IF_ERROR(MaybeWriteStore(now));
  stock_.Trim();
  return read || sent;
}

absl::StatusOr<bool> PublisherImpl::ReadInputs(Span wait) {
  TW_ASSIGN_OR_RETURN(const bool rules,
                      rules_input_.Read(options_.batch, wait, [this](const Record& record) {
                        if (ListingState* listing = listings_.ApplyRule(record)) {
                          if (!std::exchange(listing->rule_changed, true)) {
                            changed_rules_.push_back(listing);
                          }
                          Queue(*listing);
                        }
                        return absl::OkStatus();
                      }));
  TW_ASSIGN_OR_RETURN(
      const bool stock,
      stock_input_.Read(options_.batch, wait, [this](const Record& record) -> absl::Status {
        TW_ASSIGN_OR_RETURN(const auto sku, stock_.Apply(record));
        if (sku && listings_.HasListingsOf(*sku)) changed_skus_.insert(*sku);
        return absl::OkStatus();
      }));
  TW_ASSIGN_OR_RETURN(const bool updates,
                      updates_input_.Read(options_.batch, wait, [this](const Record& record) {
                        return ReadUpdate(record);
                      }));
  return rules || stock || updates;
}

// What lies below the ends that were there at the start may be its own, of which the store does not
// know; what it says counts as the last word. Later on every record of another's is answered.
absl::Status PublisherImpl::ReadUpdate(const Record& record) {
  if (sender_.IsOwn(record)) return absl::OkStatus();
  const auto index = static_cast<size_t>(record.partition.value());
  const bool at_start = record.offset < start_ends_.updates[index];
  // One that does not decode has no versions and no values.
  v1::ListingUpdate update;
  if (!update.ParseFromArray(record.value.data(), static_cast<int>(record.value.size()))) {
    update.Clear();
  }
  ListingState& listing = listings_.At(record.key);
  const UpdateVersions versions = VersionsOf(update);
  if (!listing.last || record.offset > listing.last->offset) {
    if (update.state() == v1::LISTING_STATE_NEEDS_CAP) listing.alerted = versions.rules;
    listing.last = LastUpdate(record.offset, update);
    MarkUpdateChanged(listing);
  } else if (at_start && versions <= listing.last->versions) {
    return absl::OkStatus();
  }
  if (!at_start || record.offset < listing.last->offset) {
    TW_MARK("publisher.an-update-of-another");
    listing.foreign = versions;
    Queue(listing);
  }
  return absl::OkStatus();
}

void PublisherImpl::Queue(ListingState& listing) {
  if (!std::exchange(listing.queued, true)) queue_.push_back(&listing);
}

void PublisherImpl::MarkUpdateChanged(ListingState& listing) {
  if (!std::exchange(listing.update_changed, true)) changed_updates_.push_back(&listing);
}

absl::StatusOr<bool> PublisherImpl::SendDue() {
  for (const std::string& sku : changed_skus_) {
    for (ListingState* listing : listings_.OfSku(sku)) Queue(*listing);
  }
  changed_skus_.clear();
  if (queue_.empty()) return false;
  std::vector<ListingState*> looked_at;
  std::vector<DueUpdate> due;
  absl::Status status = CollectDue(looked_at, due);
  if (status.ok() && !due.empty()) status = sender_.Send(due);
  if (!status.ok()) {
    TW_MARK("publisher.sending-failed");
    for (ListingState* listing : looked_at) Queue(*listing);
    return status;
  }
  for (const DueUpdate& each : due) MarkUpdateChanged(*each.listing);
  return !due.empty() || !queue_.empty();
}

absl::Status PublisherImpl::CollectDue(std::vector<ListingState*>& looked_at,
                                       std::vector<DueUpdate>& due) {
  while (!queue_.empty() && looked_at.size() < options_.batch) {
    ListingState& listing = *queue_.front();
    queue_.pop_front();
    listing.queued = false;
    looked_at.push_back(&listing);
    TW_ASSIGN_OR_RETURN(auto update, Decide(listing));
    if (update) due.push_back(*std::move(update));
  }
  return absl::OkStatus();
}

// What is to be written of a listing now. A listing that has to wait comes back into the queue with
// the record that it waits for.
absl::StatusOr<std::optional<DueUpdate>> PublisherImpl::Decide(ListingState& listing) {
  std::optional<DueUpdate> due;
  if (!listing.rule) return due;
  const bool gone = listing.rule->removed && listing.last && !listing.foreign &&
                    listing.last->state == v1::LISTING_STATE_REMOVED &&
                    listing.last->versions.rules == listing.rule->version;
  if (gone) {
    TW_MARK("publisher.the-listing-is-gone");
    return due;
  }
  TW_ASSIGN_OR_RETURN(const StockPicture* const picture, stock_.Find(listing.rule->listing.sku()));
  if (!picture->Whole()) {
    TW_MARK("publisher.the-picture-is-not-whole");
    return due;
  }
  const UpdateVersions versions = {.rules = listing.rule->version, .stock = picture->version()};
  if (listing.last && versions < listing.last->versions) {
    TW_MARK("publisher.the-last-update-is-ahead");
    return due;
  }
  if (listing.foreign && versions < *listing.foreign) return due;
  due.emplace();
  due->listing = &listing;
  due->update = MakeUpdate(*listing.rule, *picture);
  if (picture->total) due->sku_partition = picture->total->partition;
  const bool told = listing.last && listing.last->SaysTheSameAs(due->update);
  if (told && !listing.foreign) due.reset();
  return due;
}

bool PublisherImpl::HasChanges() const {
  return stock_.HasChanges() || !changed_rules_.empty() || !changed_updates_.empty() ||
         stored_ != Next();
}

absl::Status PublisherImpl::MaybeWriteStore(Time now) {
  // A clock that was set back does not put it off.
  if (!written_at_ || now < *written_at_) written_at_ = now;
  const bool due = now - *written_at_ >= options_.checkpoint_every || stock_.NeedsWrite();
  if (!due && !write_failed_) return absl::OkStatus();
  TW_RETURN_IF_ERROR(WriteStore());
  written_at_ = now;
  return absl::OkStatus();
}

absl::Status PublisherImpl::WriteStore() {
  if (!HasChanges()) return absl::OkStatus();
  PublisherStore::Batch batch;
  batch.PutNext(Topic::kRules, rules_input_.next());
  batch.PutNext(Topic::kStock, stock_input_.next());
  batch.PutNext(Topic::kUpdates, updates_input_.next());
  for (const ListingState* listing : changed_rules_) batch.PutRule(listing->key, *listing->rule);
  for (const ListingState* listing : changed_updates_) {
    batch.PutUpdate(listing->key, *listing->last, listing->alerted);
  }
  stock_.AddChanges(batch);
  write_failed_ = true;
  TW_RETURN_IF_ERROR(store_->Write(batch));
  write_failed_ = false;
  for (ListingState* listing : changed_rules_) listing->rule_changed = false;
  for (ListingState* listing : changed_updates_) listing->update_changed = false;
  changed_rules_.clear();
  changed_updates_.clear();
  stock_.ChangesWritten([this](std::string_view sku) { return listings_.HasListingsOf(sku); });
  stored_ = Next();
  return absl::OkStatus();
}

absl::Status PublisherImpl::RunToEnd(Time now) {
  TW_ASSIGN_OR_RETURN(const Positions ends, NowEnds());
  Span wait(0);
  for (;;) {
    TW_ASSIGN_OR_RETURN(const bool more, Step(now, wait));
    if (!more && Reached(ends)) return WriteStore();
    wait = more ? Span(0) : kEndWait;
  }
}

absl::Status PublisherImpl::Close() {
  if (!store_) return absl::OkStatus();
  TW_RETURN_IF_ERROR(WriteStore());
  store_.reset();
  return absl::OkStatus();
}

absl::StatusOr<Offset> PublisherImpl::PutListing(const v1::Listing& listing) {
  TW_RETURN_IF_ERROR(CheckListing(listing));
  v1::ListingRule rule;
  *rule.mutable_put() = listing;
  return AppendRule(JoinKey(listing.channel(), listing.listing_id()), rule);
}

absl::StatusOr<Offset> PublisherImpl::RemoveListing(std::string_view channel,
                                                    std::string_view listing_id) {
  TW_RETURN_IF_ERROR(CheckListingKey(channel, listing_id));
  const std::string key = JoinKey(channel, listing_id);
  if (!listings_.Exists(key)) {
    return absl::NotFoundError(
        absl::StrCat("no listing ", Quoted(listing_id), " on channel ", Quoted(channel)));
  }
  v1::ListingRule rule;
  rule.mutable_remove()->set_channel(std::string(channel));
  rule.mutable_remove()->set_listing_id(std::string(listing_id));
  return AppendRule(key, rule);
}

absl::StatusOr<Offset> PublisherImpl::AppendRule(const std::string& key,
                                                 const v1::ListingRule& rule) {
  const std::string value = rule.SerializeAsString();
  const NewRecord record = {
      .topic = kListingRules, .partition = kRulesPartition, .key = key, .value = value};
  TW_ASSIGN_OR_RETURN(const auto appended, log_->Append({&record, 1}));
  TW_CHECK(appended.size() == 1, "the log says where each record lies");
  listings_.NotePending(key, appended[0].offset, rule.has_put());
  return appended[0].offset;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Publisher>> Publisher::Open(Log* log, Options options) {
  PublisherStore::Identity identity;
  identity.log_id = log->Id();
  TW_ASSIGN_OR_RETURN(identity.stock_partitions, PartitionsOf(*log, kStockAvailability));
  TW_ASSIGN_OR_RETURN(identity.update_partitions, PartitionsOf(*log, kListingUpdates));
  TW_ASSIGN_OR_RETURN(const int32_t rule_partitions, PartitionsOf(*log, kListingRules));
  if (rule_partitions != 1) {
    return absl::FailedPreconditionError(
        absl::StrCat(std::string(kListingRules), " has ", rule_partitions, " partitions, not one"));
  }
  options.batch = std::max<size_t>(options.batch, 1);
  TW_ASSIGN_OR_RETURN(auto store,
                      PublisherStore::Open(options.folder, identity, options.open_rocks));
  TW_ASSIGN_OR_RETURN(Positions starts, StartsOf(*log, *store, identity));
  auto publisher =
      std::make_unique<PublisherImpl>(log, std::move(options), std::move(store), std::move(starts));
  TW_RETURN_IF_ERROR(publisher->Load());
  return publisher;
}

}  // namespace tallywire
