// SPDX-License-Identifier: Apache-2.0
#include "projector/store/checkpoint.h"

#include <algorithm>
#include <cstring>
#include <tuple>
#include <utility>

#include "ledger/check.h"
#include "projector/store/keys.h"
#include "projector/store/rows.h"

namespace tallywire::store {
namespace {

constexpr uint32_t kNoRank = UINT32_MAX;

// The first 16 bytes of a name as two numbers, which compare as they do: most comparisons of a sort
// end with those, and touch no other memory.
struct Prefix {
  uint64_t first = 0;
  uint64_t second = 0;
  friend auto operator<=>(const Prefix&, const Prefix&) = default;
};

Prefix PrefixOf(std::string_view name) {
  Prefix prefix;
  for (size_t i = 0; i < 16; ++i) {
    const uint64_t byte = i < name.size() ? static_cast<uint8_t>(name[i]) : 0;
    uint64_t& half = i < 8 ? prefix.first : prefix.second;
    half = half << 8 | byte;
  }
  return prefix;
}

// Rows ahead that memory is asked for.
constexpr size_t kAhead = 12;

template <class T>
void Prefetch(const T& value) {
  const auto* bytes = reinterpret_cast<const char*>(&value);
  for (size_t at = 0; at < sizeof(T); at += 64) __builtin_prefetch(bytes + at);
}

// Sorted, each once.
template <class T>
std::vector<const T*> Ordered(const std::vector<T>& values) {
  std::vector<const T*> ordered;
  ordered.reserve(values.size());
  for (const T& value : values) ordered.push_back(&value);
  std::sort(ordered.begin(), ordered.end(), [](const T* a, const T* b) { return *a < *b; });
  ordered.erase(
      std::unique(ordered.begin(), ordered.end(), [](const T* a, const T* b) { return *a == *b; }),
      ordered.end());
  return ordered;
}

}  // namespace

void CheckpointRows::Clear() {
  arena_.Clear();
  rows_ = {};
  skus_ = {};
  sku_ranks_ = {};
  ranks_ = {};
  trees_ = {};
  tree_of_ = {};
}

void CheckpointRows::Put() {
  const std::string_view key = arena_.Keep(key_);
  rows_.push_back({.key = key, .value = arena_.Keep(value_)});
}

void CheckpointRows::Delete() {
  rows_.push_back({.key = arena_.Keep(key_), .value = std::nullopt});
}

void CheckpointRows::Gather(const FoldState& state, const StoreMarks& marks) {
  Clear();
  rows_.reserve(state.journal.size() + state.identities.size() + 4 * state.dirty_skus.size());
  MetaKey(Meta::kCheckpoint, &key_);
  PutCheckpoint(state, &value_);
  Put();
  MetaKey(Meta::kMarks, &key_);
  PutMarks(marks, &value_);
  Put();

  RankSkus(state);
  RankLocations(state);
  GatherSkus();
  GatherPlaces(state);
  GatherTrees();
  GatherTransfers(state);
  GatherTimers(state);
  GatherIdentities(state);
  GatherSources(state);
  GatherLocations(state);
  GatherJournal(state);
}

void CheckpointRows::RankSkus(const FoldState& state) {
  struct Named {
    Prefix prefix;
    const SkuState* sku;
  };
  std::vector<Named> skus;
  skus.reserve(state.dirty_skus.size());
  for (const SkuState* sku : state.dirty_skus) skus.push_back({PrefixOf(sku->sku), sku});
  std::sort(skus.begin(), skus.end(), [](const Named& a, const Named& b) {
    if (a.prefix != b.prefix) return a.prefix < b.prefix;
    return a.sku->sku < b.sku->sku;
  });
  skus_.reserve(skus.size());
  sku_ranks_.reserve(skus.size());
  for (const Named& named : skus) {
    if (sku_ranks_.try_emplace(named.sku, static_cast<uint32_t>(skus_.size())).second) {
      skus_.push_back(named.sku);
    }
  }
}

void CheckpointRows::RankLocations(const FoldState& state) {
  // A few rows do not pay for sorting very many locations.
  const size_t all = state.locations.size();
  std::vector<LocationId> used;
  ranks_.assign(all, kNoRank);
  const auto use = [&](LocationId location) {
    uint32_t& rank = ranks_[static_cast<size_t>(location.value())];
    if (std::exchange(rank, 0) == kNoRank) used.push_back(location);
  };
  if (all <= 4 * (state.journal.size() + skus_.size())) {
    for (size_t i = 0; i < all; ++i) use(LocationId(static_cast<int32_t>(i)));
  } else {
    for (const SkuState* sku : skus_) {
      for (const Place& place : sku->places) use(place.location);
      for (const PlaceRule& rule : sku->rules) use(rule.location);
    }
  }
  std::sort(used.begin(), used.end(), [&](LocationId a, LocationId b) {
    return state.locations.at(a).name < state.locations.at(b).name;
  });
  tree_of_.assign(used.size(), nullptr);
  for (size_t i = 0; i < used.size(); ++i) {
    ranks_[static_cast<size_t>(used[i].value())] = static_cast<uint32_t>(i);
    tree_of_[i] = &trees_[RootOf(state.locations.at(used[i]).name)];
  }
}

void CheckpointRows::GatherSkus() {
  for (size_t i = 0; i < skus_.size(); ++i) {
    if (i + kAhead < skus_.size()) Prefetch(*skus_[i + kAhead]);
    const SkuState& sku = *skus_[i];
    SkuKey(sku.sku, &key_);
    PutSku(sku, &value_);
    Put();
  }
}

void CheckpointRows::GatherPlaces(const FoldState& state) {
  for (size_t i = 0; i < skus_.size(); ++i) {
    if (i + 2 * kAhead < skus_.size()) Prefetch(*skus_[i + 2 * kAhead]);
    if (i + kAhead < skus_.size() && !skus_[i + kAhead]->places.empty()) {
      Prefetch(skus_[i + kAhead]->places.front());
    }
    GatherPlacesOf(state, static_cast<uint32_t>(i));
  }
}

void CheckpointRows::GatherPlacesOf(const FoldState& state, uint32_t sku_rank) {
  const SkuState& sku = *skus_[sku_rank];
  const auto by_name = [this](const auto* a, const auto* b) {
    return RankOf(a->location) < RankOf(b->location);
  };
  places_.clear();
  for (const Place& place : sku.places) {
    if (!place.dirty && !place.is_new) continue;
    places_.push_back(&place);
    if (!place.is_new) continue;
    // Ranks rise, so each list is sorted, and doubles stand side by side.
    std::vector<uint32_t>& tree = *tree_of_[RankOf(place.location)];
    if (tree.empty() || tree.back() != sku_rank) tree.push_back(sku_rank);
  }
  std::sort(places_.begin(), places_.end(), by_name);
  for (const Place* place : places_) {
    PlaceKey(sku.sku, PlaceRow::kBalances, state.locations.at(place->location).name, &key_);
    PutPlace(*place, &value_);
    Put();
  }
  rules_.clear();
  for (const PlaceRule& rule : sku.rules) {
    if (rule.dirty) rules_.push_back(&rule);
  }
  std::sort(rules_.begin(), rules_.end(), by_name);
  for (const PlaceRule* rule : rules_) {
    PlaceKey(sku.sku, PlaceRow::kRule, state.locations.at(rule->location).name, &key_);
    PutRule(*rule, &value_);
    Put();
  }
}

void CheckpointRows::GatherTrees() {
  value_.clear();
  for (const auto& [root, skus] : trees_) {
    for (size_t i = 0; i < skus.size(); ++i) {
      if (i + kAhead < skus.size()) Prefetch(skus_[skus[i + kAhead]]->sku);
      TreeKey(root, skus_[skus[i]]->sku, &key_);
      Put();
    }
  }
}

void CheckpointRows::GatherTransfers(const FoldState& state) {
  for (const TransferKey* key : Ordered(state.dirty_transfers)) {
    TransferRowKey(key->sku, key->id, &key_);
    const auto found = state.transfers.find(*key);
    if (found == state.transfers.end() || found->second.empty()) {
      Delete();
      continue;
    }
    PutTransfer(found->second, &value_);
    Put();
  }
}

void CheckpointRows::GatherTimers(const FoldState& state) {
  for (const TimerKey* key : Ordered(state.dirty_timers)) {
    TimerRowKey(*key, &key_);
    const auto found = state.timers.find(*key);
    if (found == state.timers.end()) {
      Delete();
      continue;
    }
    PutTimer(found->second, &value_);
    Put();
  }
}

void CheckpointRows::GatherIdentities(const FoldState& state) {
  std::vector<std::pair<Identity, uint64_t>> identities(state.identities.begin(),
                                                        state.identities.end());
  std::sort(identities.begin(), identities.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [identity, fingerprint] : identities) {
    IdentityKey(identity, &key_);
    PutFingerprint(fingerprint, &value_);
    Put();
  }
}

void CheckpointRows::GatherSources(const FoldState& state) {
  for (const std::string* name : Ordered(state.dirty_sources)) {
    const auto found = state.sources.find(*name);
    if (found == state.sources.end()) continue;
    const SequenceState& source = found->second;
    if (source.highest.has_value()) {
      SourceKey(*name, &key_);
      PutHighest(*source.highest, &value_);
      Put();
    }
    for (const uint32_t* slot : Ordered(source.dirty)) {
      SlotKey(*name, *slot, &key_);
      const auto held = source.slots.find(*slot);
      if (held == source.slots.end()) {
        Delete();
        continue;
      }
      PutSlot(held->second, &value_);
      Put();
    }
  }
  value_.clear();
  for (const std::string* name : Ordered(state.dirty_misplacing)) {
    MisplacingKey(*name, &key_);
    Put();
  }
}

void CheckpointRows::GatherLocations(const FoldState& state) {
  for (const auto& [name, home] : state.dirty_homes) {
    HomeKey(name, &key_);
    PutHome(home, &value_);
    Put();
  }
  std::vector<const LocationEntry*> entries;
  for (const LocationId id : state.locations.dirty()) entries.push_back(&state.locations.at(id));
  std::sort(entries.begin(), entries.end(),
            [](const LocationEntry* a, const LocationEntry* b) { return a->name < b->name; });
  for (const LocationEntry* entry : entries) {
    LocationKey(entry->name, &key_);
    PutLocation(*entry, &value_);
    Put();
  }
}

void CheckpointRows::GatherJournal(const FoldState& state) {
  struct Position {
    uint64_t ranks;  // of SKU and location
    int64_t offset;
    uint32_t index;
    uint32_t ordinal;
  };
  std::vector<Position> order;
  order.reserve(state.journal.size());
  for (size_t i = 0; i < state.journal.size(); ++i) {
    const PendingEntry& pending = state.journal[i];
    const auto rank = sku_ranks_.find(pending.sku);
    TW_CHECK(rank != sku_ranks_.end(), "what has a journal entry is dirty");
    order.push_back({.ranks = uint64_t{rank->second} << 32 | RankOf(pending.location),
                     .offset = pending.entry.offset.value(),
                     .index = static_cast<uint32_t>(i),
                     .ordinal = pending.entry.ordinal});
  }
  std::sort(order.begin(), order.end(), [](const Position& a, const Position& b) {
    return std::tie(a.ranks, a.offset, a.ordinal) < std::tie(b.ranks, b.offset, b.ordinal);
  });
  // Entries are read far from the order in which they lie, and so are their causes.
  for (size_t i = 0; i < order.size(); ++i) {
    if (i + 2 * kAhead < order.size()) Prefetch(state.journal[order[i + 2 * kAhead].index]);
    if (i + kAhead < order.size()) {
      __builtin_prefetch(state.journal[order[i + kAhead].index].entry.cause.text().data());
    }
    const PendingEntry& pending = state.journal[order[i].index];
    JournalPlaceKey(pending.sku->sku, state.locations.at(pending.location).name, &key_);
    AppendJournalEntry(pending.entry.offset, pending.entry.ordinal, &key_);
    PutJournalEntry(pending.entry, &value_);
    Put();
  }
}

}  // namespace tallywire::store
