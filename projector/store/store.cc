// SPDX-License-Identifier: Apache-2.0
#include "projector/store/store.h"

#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "ledger/check.h"
#include "ledger/status.h"
#include "projector/store/describe.h"
#include "projector/store/rows.h"
#include "projector/store/store_impl.h"

namespace tallywire {
namespace store {
namespace {

template <class T>
uint64_t HashOf(const T& value) {
  return absl::Hash<T>()(value);
}

constexpr char kMoveAway[] = "move the folder away, it is rebuilt from the log";

absl::Status Foreign(const Rocks& rocks, const std::string& what) {
  return absl::FailedPreconditionError(absl::StrCat(rocks.folder(), " ", what));
}

// OK if a folder made for `made` is the one asked for.
absl::Status CheckSame(const Rocks& rocks, const IdentityRow& made, const StoreIdentity& asked) {
  const auto newer_or_older = [&](const char* what, int there, int here) {
    if (there > here) {
      return Foreign(rocks,
                     absl::StrCat("was written by a newer program (", what, " ", there,
                                  ", this one has ", here, "): run that one, or ", kMoveAway));
    }
    return Foreign(rocks, absl::StrCat("was written by an older program (", what, " ", there,
                                       ", this one has ", here, "): ", kMoveAway));
  };
  if (made.format_version != kFormatVersion) {
    return newer_or_older("format", made.format_version, kFormatVersion);
  }
  if (made.fold_version != kFoldVersion) {
    return newer_or_older("fold", made.fold_version, kFoldVersion);
  }
  const StoreIdentity& of = made.identity;
  if (of.log_id != asked.log_id) {
    return Foreign(rocks, absl::StrCat("belongs to log ", of.log_id, ", this is log ", asked.log_id,
                                       ": ", kMoveAway));
  }
  if (of.topic != asked.topic) {
    return Foreign(rocks, absl::StrCat("belongs to topic ", of.topic, ", asked for is ",
                                       asked.topic, ": ", kMoveAway));
  }
  if (of.partition != asked.partition) {
    return Foreign(rocks, absl::StrCat("belongs to partition ", of.partition.value(),
                                       ", asked for is ", asked.partition.value(),
                                       ": was it renamed or copied? Else ", kMoveAway));
  }
  if (of.partitions != asked.partitions) {
    return Foreign(rocks, absl::StrCat("was made when ", of.topic, " had ", of.partitions,
                                       " partitions, it has ", asked.partitions,
                                       " now: a log's partitions are fixed for life; if this is "
                                       "another log, ",
                                       kMoveAway));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status StoreImpl::CheckIdentity(const StoreIdentity& identity) {
  MetaKey(Meta::kIdentity, &key_);
  TW_ASSIGN_OR_RETURN(const bool found, Find());
  if (found) {
    IdentityRow made;
    if (!GetIdentity(value_, &made)) return Damaged(key_);
    return CheckSame(*rocks_, made, identity);
  }
  RocksIterator any = rocks_->Forward({});
  if (any.Valid()) {
    return Foreign(*rocks_, absl::StrCat("holds rows, but not whose they are: it is no state of a "
                                         "partition, or has lost a part of it; ",
                                         kMoveAway));
  }
  TW_RETURN_IF_ERROR(any.status());
  PutIdentity({.identity = identity}, &value_);
  const Rocks::Row row{.key = key_, .value = value_};
  TW_RETURN_IF_ERROR(rocks_->Ingest({&row, 1}));
  seen_.emplace();
  return absl::OkStatus();
}

absl::Status StoreImpl::Damaged(std::string_view key) const {
  return DamagedRow(rocks_->folder(), key);
}

absl::StatusOr<bool> StoreImpl::Find() { return rocks_->Get(key_, value_); }

absl::Status StoreImpl::Restore(FoldState* state, StoreMarks* marks) {
  TW_CHECK(state->next_offset == Offset(0) && state->skus.empty() && state->timers.empty(),
           "a state is restored when it is empty");
  TW_RETURN_IF_ERROR(RestoreMeta(state, marks));
  return RestoreTables(state);
}

absl::Status StoreImpl::RestoreMeta(FoldState* state, StoreMarks* marks) {
  MetaKey(Meta::kCheckpoint, &key_);
  TW_ASSIGN_OR_RETURN(const bool has_checkpoint, Find());
  if (has_checkpoint && !GetCheckpoint(value_, state)) return Damaged(key_);
  MetaKey(Meta::kMarks, &key_);
  TW_ASSIGN_OR_RETURN(const bool has_marks, Find());
  if (has_marks && !GetMarks(value_, marks)) return Damaged(key_);
  return absl::OkStatus();
}

absl::Status StoreImpl::RestoreTables(FoldState* state) {
  TableKey(Table::kLocations, &key_);
  TW_RETURN_IF_ERROR(Scan(key_, [&](const ParsedKey& key, std::string_view row) {
    LocationEntry entry;
    entry.name = key.location;
    if (!GetLocation(row, &entry)) return false;
    state->locations.Restore(std::move(entry));
    return true;
  }));
  TableKey(Table::kTimers, &key_);
  TW_RETURN_IF_ERROR(Scan(key_, [&](const ParsedKey& key, std::string_view row) {
    Timer timer;
    if (!GetTimer(row, &timer)) return false;
    state->timers.emplace_hint(
        state->timers.end(),
        TimerKey{.due = key.due, .sku = std::string(key.sku), .armed = key.offset},
        std::move(timer));
    return true;
  }));
  TableKey(Table::kMisplacing, &key_);
  return Scan(key_, [&](const ParsedKey& key, std::string_view row) {
    state->misplacing.emplace(key.name);
    return row.empty();
  });
}

absl::Status StoreImpl::WriteCheckpoint(const FoldState& state, const StoreMarks& marks) {
  if (seen_.has_value()) {
    // Before they are there: what fails half-way may have put them in.
    for (const auto& [identity, fingerprint] : state.identities) {
      seen_->identities.Add(HashOf(identity));
    }
    for (const SkuState* sku : state.dirty_skus) seen_->skus.Add(HashOf(sku->sku));
  }
  rows_.Gather(state, marks);
  absl::Status status = rocks_->Ingest(rows_.rows());
  rows_.Clear();
  return status;
}

bool StoreImpl::Noted(absl::Status status) {
  if (status.ok()) return true;
  if (read_error_.ok()) read_error_ = std::move(status);
  return false;
}

absl::Status StoreImpl::TakeReadError() { return std::exchange(read_error_, absl::OkStatus()); }

bool StoreImpl::LoadSku(Locations& locations, SkuState* state) {
  bool found = false;
  if (Noted(ReadSku(locations, state, &found))) return found;
  // Nothing of what was read before it failed.
  std::string sku = std::move(state->sku);
  *state = SkuState();
  state->sku = std::move(sku);
  return false;
}

absl::Status StoreImpl::ReadSku(Locations& locations, SkuState* state, bool* found) {
  if (seen_.has_value() && !seen_->skus.MayHave(HashOf(state->sku))) return absl::OkStatus();
  SkuKey(state->sku, &key_);
  TW_ASSIGN_OR_RETURN(*found, Find());
  if (!*found) return absl::OkStatus();
  if (!GetSku(value_, state)) return Damaged(key_);
  return ReadPlaces(locations, state);
}

absl::Status StoreImpl::ReadPlaces(Locations& locations, SkuState* state) {
  PlacesKey(state->sku, &key_);
  RocksIterator it = rocks_->Forward(key_);
  for (; it.Valid(); it.Next()) {
    ParsedKey parsed;
    if (!ParseKey(it.key(), &parsed)) return Damaged(it.key());
    if (parsed.place == PlaceRow::kRule) {
      PlaceRule& rule = state->rules.emplace_back();
      if (!GetRule(it.value(), &rule)) return Damaged(it.key());
      rule.location = locations.Intern(parsed.location);
      continue;
    }
    Place& place = state->places.Add(locations.Intern(parsed.location));
    if (!GetPlace(it.value(), &place)) return Damaged(it.key());
    for (const Quantity quantity : place.pools) state->negative_pools += quantity < 0;
  }
  return it.status();
}

bool StoreImpl::LoadTransfer(const TransferKey& key, TransferState* state) {
  TransferRowKey(key.sku, key.id, &key_);
  const absl::StatusOr<bool> found = Find();
  if (!Noted(found.status()) || !*found) return false;
  if (GetTransfer(value_, state)) return true;
  *state = TransferState();
  return Noted(Damaged(key_));
}

bool StoreImpl::LoadSource(std::string_view source, SequenceState* state) {
  bool found = false;
  if (Noted(ReadSource(source, state, &found))) return found;
  *state = SequenceState();
  return false;
}

absl::Status StoreImpl::ReadSource(std::string_view source, SequenceState* state, bool* found) {
  SourceKey(source, &key_);
  // A source that was never seen, and each is asked for once, ends here by a filter.
  TW_ASSIGN_OR_RETURN(*found, Find());
  if (!*found) return absl::OkStatus();
  return Scan(key_, [state](const ParsedKey& key, std::string_view row) {
    if (key.is_slot) return GetSlot(row, &state->slots[key.slot]);
    uint64_t highest = 0;
    if (!GetHighest(row, &highest)) return false;
    state->highest = highest;
    return true;
  });
}

std::optional<uint64_t> StoreImpl::FindIdentity(const Identity& identity) {
  if (seen_.has_value() && !seen_->identities.MayHave(HashOf(identity))) {
    return std::nullopt;
  }
  IdentityKey(identity, &key_);
  const absl::StatusOr<bool> found = Find();
  if (!Noted(found.status()) || !*found) return std::nullopt;
  uint64_t fingerprint = 0;
  if (GetFingerprint(value_, &fingerprint)) return fingerprint;
  Noted(Damaged(key_));
  return std::nullopt;
}

void StoreImpl::WalkJournal(std::string_view sku, std::string_view location, Visit visit,
                            void* context) {
  JournalPlaceKey(sku, location, &key_);
  Noted(ReadJournalBackwards(visit, context));
}

absl::Status StoreImpl::ReadJournalBackwards(Visit visit, void* context) {
  RocksIterator it = rocks_->Backward(key_);
  for (; it.Valid(); it.Next()) {
    ParsedKey parsed;
    if (!ParseKey(it.key(), &parsed) || !GetJournalEntry(it.value(), &entry_)) {
      return Damaged(it.key());
    }
    entry_.offset = parsed.offset;
    entry_.ordinal = parsed.ordinal;
    if (!visit(context, entry_)) return absl::OkStatus();
  }
  return it.status();
}

}  // namespace store

absl::StatusOr<std::unique_ptr<Store>> Store::Open(const std::string& folder,
                                                   const StoreIdentity& identity,
                                                   const OpenRocks& open_rocks, bool scratch) {
  auto rocks =
      OpenRocksBy(open_rocks, folder, {.writes = Rocks::Writes::kSortedFiles, .scratch = scratch});
  if (absl::IsDataLoss(rocks.status())) {
    return absl::DataLossError(
        absl::StrCat(rocks.status().message(), "; ", store::kMoveAway, " (", folder, ")"));
  }
  TW_RETURN_IF_ERROR(rocks.status());
  auto opened = std::make_unique<store::StoreImpl>(*std::move(rocks));
  TW_RETURN_IF_ERROR(opened->CheckIdentity(identity));
  return opened;
}

void ClearDirty(FoldState& state) {
  for (SkuState* sku : state.dirty_skus) {
    sku->dirty = false;
    sku->touch.cause.Keep();
    sku->definition_touch.cause.Keep();
    for (Place& place : sku->places) {
      if (place.dirty) place.touch.cause.Keep();
      place.dirty = false;
      place.is_new = false;
      place.newest_pending = -1;
    }
    for (PlaceRule& rule : sku->rules) {
      rule.touch.cause.Keep();
      rule.dirty = false;
    }
  }
  state.dirty_skus.clear();
  for (const TransferKey& key : state.dirty_transfers) {
    const auto found = state.transfers.find(key);
    if (found != state.transfers.end()) found->second.dirty = false;
  }
  state.dirty_transfers.clear();
  state.dirty_timers.clear();
  for (const std::string& source : state.dirty_sources) {
    const auto found = state.sources.find(source);
    if (found != state.sources.end()) found->second.dirty.clear();
  }
  state.dirty_sources.clear();
  state.dirty_misplacing.clear();
  state.dirty_homes.clear();
  state.journal.clear();
  state.causes.Clear();
  // A large one gives its memory back when it is cleared, and will be as large again.
  const size_t identities = state.identities.size();
  state.identities.clear();
  state.identities.reserve(identities);
  state.locations.ClearDirty();
}

}  // namespace tallywire
