// SPDX-License-Identifier: Apache-2.0
// Made-up folds of many seeds: what is stored is what is in memory, however it was cut into
// checkpoints.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "projector/store/store.h"
#include "projector/store/testing.h"

namespace tallywire::store {
namespace {

constexpr int kSteps = 400;

// Folds `seed` into a fresh folder with a checkpoint after each step at `percent`, and at the end.
struct Folded {
  explicit Folded(uint64_t seed, uint64_t percent) : fold(seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 cuts(seed + percent);
    auto store = *Store::Open(folder.path(), TestIdentity());
    for (int i = 0; i < kSteps; ++i) {
      fold.Step(state);
      if (cuts() % 100 >= percent && i + 1 < kSteps) continue;
      EXPECT_TRUE(store->WriteCheckpoint(state, {.sweeps = {}, .settle = i % 2 == 0}).ok());
      ClearDirty(state);
      // Now and then a new life, that must not matter.
      if (cuts() % 4 != 0) continue;
      store.reset();
      store = *Store::Open(folder.path(), TestIdentity());
    }
    digest = *store->StateDigest();
  }
  TestFolder folder;
  RandomFold fold;
  FoldState state;  // all of it, as nothing was ever dropped
  std::string digest;
};

std::vector<std::string> JournalWords(const std::vector<JournalEntry>& entries) {
  std::vector<std::string> words;
  for (const JournalEntry& e : entries) {
    words.push_back(std::to_string(e.offset.value()) + " " + std::to_string(e.what) + " " +
                    std::to_string(e.pools[0].after) + " " + std::to_string(e.log_time.value()) +
                    " " + std::to_string(e.max_log_time.value()) + " " +
                    std::to_string(e.occurred_at.value()) + " " + std::string(e.cause.text()));
  }
  return words;
}

void ExpectJournal(Store& store, const RandomFold& fold) {
  for (const auto& [place, entries] : fold.journal()) {
    const size_t end = place.find('\0');
    std::vector<JournalEntry> back;
    store.WalkJournal(
        place.substr(0, end), place.substr(end + 1),
        [](void* to, const JournalEntry& entry) {
          static_cast<std::vector<JournalEntry>*>(to)->push_back(entry);
          return true;
        },
        &back);
    std::reverse(back.begin(), back.end());
    EXPECT_EQ(JournalWords(back), JournalWords(entries));
  }
}

void ExpectStored(const Folded& run) {
  auto store = *Store::Open(run.folder.path(), TestIdentity());
  FoldState got;
  StoreMarks marks;
  ASSERT_TRUE(store->Restore(&got, &marks).ok());
  EXPECT_EQ(got.next_offset, run.state.next_offset);
  EXPECT_EQ(got.max_log_time, run.state.max_log_time);
  EXPECT_EQ(got.timers.size(), run.state.timers.size());
  EXPECT_TRUE(std::equal(got.timers.begin(), got.timers.end(), run.state.timers.begin(),
                         [](const auto& a, const auto& b) { return a.first == b.first; }));
  EXPECT_EQ(got.misplacing, run.state.misplacing);
  for (const auto& [name, held] : run.state.skus) {
    SkuState sku;
    sku.sku = name;
    ASSERT_TRUE(store->LoadSku(got.locations, &sku));
    EXPECT_EQ(Words(got.locations, sku), Words(run.state.locations, *held));
  }
  for (const auto& [key, held] : run.state.transfers) {
    TransferState transfer;
    EXPECT_EQ(store->LoadTransfer(key, &transfer), !held.empty());
    EXPECT_EQ(transfer.outstanding, held.outstanding);
    EXPECT_EQ(transfer.unexpected, held.unexpected);
  }
  for (const auto& [name, held] : run.state.sources) {
    SequenceState source;
    ASSERT_TRUE(store->LoadSource(name, &source));
    EXPECT_EQ(source.highest, held.highest);
    EXPECT_EQ(source.slots.size(), held.slots.size());
    for (const auto& [slot, value] : held.slots) {
      EXPECT_EQ(source.slots[slot].identity, value.identity);
    }
  }
  for (const auto& [identity, fingerprint] : run.fold.identities()) {
    EXPECT_EQ(store->FindIdentity(identity), fingerprint);
  }
  ExpectJournal(*store, run.fold);
  EXPECT_TRUE(store->TakeReadError().ok());
}

class Property : public testing::TestWithParam<uint64_t> {};

TEST_P(Property, HoweverItIsCut) {
  const uint64_t seed = GetParam();
  const Folded once(seed, 0);
  const Folded seldom(seed, 3);
  const Folded often(seed, 12);
  ExpectStored(once);
  ExpectStored(often);
  EXPECT_EQ(once.digest, seldom.digest);
  EXPECT_EQ(once.digest, often.digest);
  EXPECT_EQ(DumpRows(once.folder.path()), DumpRows(often.folder.path()));
  auto a = *Store::Open(once.folder.path(), TestIdentity());
  auto b = *Store::Open(often.folder.path(), TestIdentity());
  std::vector<std::string> differences;
  ASSERT_TRUE(a->Compare(*b, 10, &differences).ok());
  EXPECT_THAT(differences, testing::IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Seeds, Property, testing::Range<uint64_t>(1, 7));

TEST(PropertyOfSeeds, OtherSeedsGiveOtherDigests) {
  EXPECT_NE(Folded(1, 3).digest, Folded(2, 3).digest);
}

}  // namespace
}  // namespace tallywire::store
