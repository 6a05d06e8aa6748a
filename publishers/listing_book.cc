// SPDX-License-Identifier: Apache-2.0
#include "publishers/listing_book.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/check.h"
#include "ledger/names.h"
#include "ledger/topics.h"
#include "publishers/listing_check.h"
#include "tallywire/v1/api.pb.h"

namespace tallywire {
namespace {

// A change of a rule as a record has it, if it is one that the rules allow.
std::optional<v1::ListingRule> ReadRule(const Record& record) {
  v1::ListingRule rule;
  if (!rule.ParseFromArray(record.value.data(), static_cast<int>(record.value.size()))) {
    return std::nullopt;
  }
  if (rule.has_put() && CheckListing(rule.put()).ok()) return rule;
  const auto& key = rule.remove();
  if (rule.has_remove() && CheckListingKey(key.channel(), key.listing_id()).ok()) return rule;
  return std::nullopt;
}

std::string KeyOf(const v1::ListingRule& rule) {
  return rule.has_put() ? JoinKey(rule.put().channel(), rule.put().listing_id())
                        : JoinKey(rule.remove().channel(), rule.remove().listing_id());
}

bool SameListing(const v1::Listing& a, const v1::Listing& b) {
  return a.SerializeAsString() == b.SerializeAsString();
}

bool IsThere(const std::optional<RuleInForce>& rule) { return rule && !rule->removed; }

}  // namespace

UpdateVersions VersionsOf(const v1::ListingUpdate& update) {
  return {.rules = update.rules_version(), .stock = update.stock_version()};
}

LastUpdate::LastUpdate(Offset at, const v1::ListingUpdate& update)
    : offset(at), versions(VersionsOf(update)), sku(update.sku()), state(update.state()) {
  if (update.has_quantity()) quantity = update.quantity();
}

bool LastUpdate::SaysTheSameAs(const v1::ListingUpdate& update) const {
  const LastUpdate other(offset, update);
  return versions.rules == other.versions.rules && sku == other.sku && state == other.state &&
         quantity == other.quantity;
}

ListingState& ListingBook::At(std::string_view key) {
  std::lock_guard lock(mu_);
  const auto found = listings_.find(key);
  if (found != listings_.end()) return *found->second;
  auto state = std::make_unique<ListingState>();
  state->key = key;
  return *listings_.emplace(key, std::move(state)).first->second;
}

void ListingBook::LoadRule(std::string_view key, RuleInForce rule) {
  SetRule(At(key), std::move(rule));
}

ListingState* ListingBook::Find(std::string_view key) {
  std::lock_guard lock(mu_);
  const auto found = listings_.find(key);
  return found == listings_.end() ? nullptr : found->second.get();
}

ListingState* ListingBook::ApplyRule(const Record& record) {
  const std::optional<v1::ListingRule> change = ReadRule(record);
  const std::string key = change ? KeyOf(*change) : "";
  ListingState* const changed = change ? Change(key, *change, record) : nullptr;
  std::lock_guard lock(mu_);
  applied_ = record.offset.Next();
  const auto pending = pending_.find(key);
  if (pending != pending_.end() && pending->second.offset <= record.offset) {
    pending_.erase(pending);
  }
  return changed;
}

ListingState* ListingBook::Change(const std::string& key, const v1::ListingRule& change,
                                  const Record& record) {
  const ListingState* const before = Find(key);
  const bool there = before != nullptr && IsThere(before->rule);
  if (change.has_remove() && !there) return nullptr;
  if (change.has_put() && there && SameListing(before->rule->listing, change.put())) return nullptr;
  RuleInForce rule;
  rule.listing = change.has_put() ? change.put() : before->rule->listing;
  rule.removed = change.has_remove();
  rule.version = record.offset.value();
  rule.stamp = record.stamp;
  ListingState& state = At(key);
  SetRule(state, std::move(rule));
  return &state;
}

void ListingBook::SetRule(ListingState& state, RuleInForce rule) {
  const std::string& sku = rule.listing.sku();
  if (state.rule && state.rule->listing.sku() != sku) {
    auto& before = by_sku_[state.rule->listing.sku()];
    before.erase(std::find(before.begin(), before.end(), &state));
    if (before.empty()) by_sku_.erase(state.rule->listing.sku());
  }
  if (!state.rule || state.rule->listing.sku() != sku) by_sku_[sku].push_back(&state);
  std::lock_guard lock(mu_);
  state.rule = std::move(rule);
}

const std::vector<ListingState*>& ListingBook::OfSku(std::string_view sku) const {
  static const std::vector<ListingState*>* const kNone = new std::vector<ListingState*>();
  const auto found = by_sku_.find(sku);
  return found == by_sku_.end() ? *kNone : found->second;
}

std::vector<ListingState*> ListingBook::All() {
  std::vector<ListingState*> all;
  std::lock_guard lock(mu_);
  all.reserve(listings_.size());
  for (const auto& [key, state] : listings_) all.push_back(state.get());
  return all;
}

void ListingBook::SetRead(Offset next) {
  {
    std::lock_guard lock(mu_);
    if (next == read_) return;
    read_ = next;
    applied_ = std::max(applied_, next);
  }
  read_cv_.notify_all();
}

absl::Status ListingBook::Get(std::string_view channel, std::string_view listing_id,
                              v1::Listing* out) const {
  std::lock_guard lock(mu_);
  const auto found = listings_.find(JoinKey(channel, listing_id));
  if (found == listings_.end() || !IsThere(found->second->rule)) {
    return absl::NotFoundError(
        absl::StrCat("no listing ", Quoted(listing_id), " on channel ", Quoted(channel)));
  }
  *out = found->second->rule->listing;
  return absl::OkStatus();
}

void ListingBook::List(v1::ListListingsResponse* out) const {
  out->Clear();
  std::lock_guard lock(mu_);
  for (const auto& [key, state] : listings_) {
    if (IsThere(state->rule)) *out->add_listings() = state->rule->listing;
  }
}

bool ListingBook::Exists(std::string_view key) const {
  std::lock_guard lock(mu_);
  const auto pending = pending_.find(key);
  if (pending != pending_.end()) return pending->second.put;
  const auto found = listings_.find(key);
  return found != listings_.end() && IsThere(found->second->rule);
}

void ListingBook::NotePending(std::string_view key, Offset offset, bool put) {
  std::lock_guard lock(mu_);
  if (offset < applied_) return;
  Pending& pending = pending_.try_emplace(std::string(key)).first->second;
  if (pending.offset <= offset) pending = {.offset = offset, .put = put};
}

absl::Status ListingBook::WaitRead(Offset offset, Span timeout) const {
  std::unique_lock lock(mu_);
  const bool read = read_cv_.wait_for(lock, std::chrono::microseconds(timeout.value()),
                                      [&] { return read_ > offset; });
  if (read) return absl::OkStatus();
  return absl::DeadlineExceededError(
      absl::StrCat("the rule at offset ", offset.value(), " has not taken effect yet"));
}

}  // namespace tallywire
