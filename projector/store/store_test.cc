// SPDX-License-Identifier: Apache-2.0
#include "projector/store/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "ledger/rocks.h"
#include "projector/store/checkpoint.h"
#include "projector/store/keys.h"
#include "projector/store/rows.h"
#include "projector/store/testing.h"

namespace tallywire::store {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::unique_ptr<Store> OpenStore(const TestFolder& folder) {
  auto store = Store::Open(folder.path(), TestIdentity());
  EXPECT_TRUE(store.ok()) << store.status();
  return store.ok() ? *std::move(store) : nullptr;
}

void Write(Store& store, FoldState& state, const StoreMarks& marks = {}) {
  ASSERT_TRUE(store.WriteCheckpoint(state, marks).ok());
  ClearDirty(state);
}

// Puts a row where the store finds it, behind its back.
void PutRow(const TestFolder& folder, std::string_view key, std::string_view row) {
  auto rocks = Rocks::Open(folder.path(), {.writes = Rocks::Writes::kSortedFiles});
  ASSERT_TRUE(rocks.ok());
  const Rocks::Row one{.key = key, .value = row};
  ASSERT_TRUE((*rocks)->Ingest({&one, 1}).ok());
}

std::vector<std::string> Inside(const Store& store, std::string_view root,
                                std::string_view after = {}, size_t max = 100) {
  std::vector<std::string> skus;
  EXPECT_TRUE(store.ListSkusInside(root, after, max, &skus).ok());
  return skus;
}

// Offsets and ordinals of WalkJournal, which ends after `max`.
std::vector<std::string> Walk(Store& store, std::string_view sku, std::string_view location,
                              size_t max = 100) {
  struct Context {
    size_t left;
    std::vector<std::string> seen;
  } context{max, {}};
  store.WalkJournal(
      sku, location,
      [](void* to, const JournalEntry& entry) {
        auto& c = *static_cast<Context*>(to);
        c.seen.push_back(std::to_string(entry.offset.value()) + "." +
                         std::to_string(entry.ordinal));
        return --c.left > 0;
      },
      &context);
  return context.seen;
}

TEST(Store, ANewFolderHoldsNothing) {
  TestFolder folder;
  auto store = OpenStore(folder);
  FoldState state;
  StoreMarks marks;
  ASSERT_TRUE(store->Restore(&state, &marks).ok());
  EXPECT_EQ(state.next_offset, Offset(0));
  EXPECT_FALSE(marks.settle);
  EXPECT_THAT(marks.sweeps, IsEmpty());
  SkuState sku;
  sku.sku = "A";
  EXPECT_FALSE(store->LoadSku(state.locations, &sku));
  TransferState transfer;
  EXPECT_FALSE(store->LoadTransfer({"A", "t"}, &transfer));
  SequenceState source;
  EXPECT_FALSE(store->LoadSource("pos", &source));
  EXPECT_EQ(store->FindIdentity({1, 2}), std::nullopt);
  EXPECT_TRUE(store->TakeReadError().ok());
}

TEST(Store, MetaAndMarksComeBack) {
  TestFolder folder;
  {
    auto store = OpenStore(folder);
    FoldState state;
    state.next_offset = Offset(1000);
    state.log_time = Time(50);
    state.max_log_time = Time(70);
    state.counts = {900, 60, 40};
    Write(*store, state,
          {.sweeps = {{"WH1", Offset(7), ""}, {"WH2/B", Offset(9), "sku"}}, .settle = true});
  }
  auto store = OpenStore(folder);
  FoldState state;
  StoreMarks marks;
  ASSERT_TRUE(store->Restore(&state, &marks).ok());
  EXPECT_EQ(state.next_offset, Offset(1000));
  EXPECT_EQ(state.log_time, Time(50));
  EXPECT_EQ(state.max_log_time, Time(70));
  EXPECT_EQ(state.counts.applied, 900);
  EXPECT_EQ(state.counts.duplicates, 60);
  EXPECT_EQ(state.counts.refused, 40);
  EXPECT_TRUE(marks.settle);
  ASSERT_EQ(marks.sweeps.size(), 2u);
  EXPECT_EQ(marks.sweeps[0].location, "WH1");
  EXPECT_EQ(marks.sweeps[1].cursor, "sku");
  EXPECT_EQ(marks.sweeps[1].offset, Offset(9));
  // And are replaced, not added to.
  state.next_offset = Offset(1001);
  Write(*store, state);
  FoldState second;
  ASSERT_TRUE(store->Restore(&second, &marks).ok());
  EXPECT_FALSE(marks.settle);
  EXPECT_THAT(marks.sweeps, IsEmpty());
}

TEST(Store, SkusComeBackWithPlacesAndRules) {
  TestFolder folder;
  FoldState state;
  PlaceOf(state, "A", "WH1").pools = {5, 0, -2, 0, 0, 0, -1};
  PlaceOf(state, "A", "WH1/B").pools = {-3, 0, 0, 0, 0, 0, 0};
  PlaceOf(state, "A1", "WH1").pools[0] = 8;
  RuleOf(state, "A", "WH1").rule.safety_stock = 4;
  SkuOf(state, "A").counters[0] = -9;
  Write(*OpenStore(folder), state);

  auto store = OpenStore(folder);
  Locations locations;
  locations.Intern("other");  // numbers differ from those of the state
  SkuState sku;
  sku.sku = "A";
  ASSERT_TRUE(store->LoadSku(locations, &sku));
  EXPECT_EQ(sku.places.size(), 2u);
  EXPECT_EQ(sku.rules.size(), 1u);
  EXPECT_EQ(sku.negative_pools, 3);
  EXPECT_FALSE(sku.dirty || sku.places[0].dirty || sku.places[0].is_new || sku.rules[0].dirty);
  EXPECT_EQ(sku.places[0].newest_pending, -1);
  EXPECT_EQ(Words(locations, sku), Words(state.locations, *state.skus.at("A")));
}

TEST(Store, LocationsTimersAndMisplacingAreRestored) {
  TestFolder folder;
  FoldState state;
  LocationDefinition warehouse;
  warehouse.kind = SiteKind::kWarehouse;
  state.locations.ApplyCopy("WH1/B", warehouse, Partition(2), Offset(5), Offset(6), Time(60));
  state.locations.ApplyCopy("WH1", warehouse, Partition(2), Offset(7), Offset(8), Time(80));
  state.dirty_homes["HOME"] = {warehouse, Offset(4)};
  ArmTimer(state, {Time(10), "B", Offset(1)}, {"WH1", Pool::kUsed, 3});
  ArmTimer(state, {Time(9), "C", Offset(2)}, {"WH1", Pool::kAvailable, 4});
  state.misplacing.insert("web");
  state.dirty_misplacing.push_back("web");
  Write(*OpenStore(folder), state);

  auto store = OpenStore(folder);
  FoldState got;
  StoreMarks marks;
  ASSERT_TRUE(store->Restore(&got, &marks).ok());
  const LocationId bin = got.locations.Find("WH1/B");
  ASSERT_NE(bin, kNoLocation);
  EXPECT_EQ(got.locations.at(bin).definition, warehouse);
  EXPECT_EQ(got.locations.at(bin).cause_offset, Offset(5));
  EXPECT_EQ(got.locations.NewestTouch(bin).offset, Offset(8));
  EXPECT_THAT(got.locations.dirty(), IsEmpty());
  ASSERT_EQ(got.timers.size(), 2u);
  EXPECT_EQ(got.timers.begin()->first.sku, "C");
  EXPECT_EQ(got.timers.rbegin()->second.quantity, 3);
  EXPECT_THAT(got.misplacing, ElementsAre("web"));
  std::vector<std::string> homes;
  ASSERT_TRUE(store
                  ->ReadHomes([&](std::string_view name, const HomeLocation& home) {
                    homes.emplace_back(name);
                    EXPECT_EQ(home.offset, Offset(4));
                  })
                  .ok());
  EXPECT_THAT(homes, ElementsAre("HOME"));
}

TEST(Store, TimersAndTransfersAreDeleted) {
  TestFolder folder;
  auto store = OpenStore(folder);
  FoldState state;
  ArmTimer(state, {Time(10), "A", Offset(1)}, {"WH1", Pool::kUsed, 3});
  ArmTimer(state, {Time(10), "A", Offset(2)}, {"WH1", Pool::kUsed, 3});
  TransferOf(state, "A", "t1").outstanding["WH1"] = 2;
  TransferOf(state, "A", "t2").unexpected["WH1"] = 2;
  Write(*store, state);
  EndTimer(state, {Time(10), "A", Offset(1)});
  TransferOf(state, "A", "t1").outstanding.clear();
  TransferOf(state, "A", "t2").unexpected.clear();
  TransferOf(state, "A", "t2").closed = true;
  // Armed and fired between two checkpoints: named twice, never there.
  ArmTimer(state, {Time(11), "A", Offset(3)}, {"WH1", Pool::kUsed, 3});
  EndTimer(state, {Time(11), "A", Offset(3)});
  Write(*store, state);

  FoldState got;
  StoreMarks marks;
  ASSERT_TRUE(store->Restore(&got, &marks).ok());
  ASSERT_EQ(got.timers.size(), 1u);
  EXPECT_EQ(got.timers.begin()->first.armed, Offset(2));
  TransferState transfer;
  EXPECT_FALSE(store->LoadTransfer({"A", "t1"}, &transfer));
  ASSERT_TRUE(store->LoadTransfer({"A", "t2"}, &transfer));
  EXPECT_TRUE(transfer.closed);
  std::vector<std::string> ids;
  ASSERT_TRUE(store
                  ->ReadTransfers(
                      "A", [&](std::string_view id, const TransferState&) { ids.emplace_back(id); })
                  .ok());
  EXPECT_THAT(ids, ElementsAre("t2"));
}

TEST(Store, SourcesAndIdentitiesAreFound) {
  TestFolder folder;
  auto store = OpenStore(folder);
  FoldState state;
  NumberSource(state, "pos", 5, {1, 1});
  NumberSource(state, "pos", 5 + kSequenceSlots, {2, 2});
  NumberSource(state, "pos", 6, {3, 3});
  NumberSource(state, "pos", 6, {3, 3});
  NumberSource(state, "pos2", 9, {4, 4});
  state.identities[{10, 20}] = 77;
  state.identities[{10, 21}] = 78;
  Write(*store, state);
  SequenceState source;
  ASSERT_TRUE(store->LoadSource("pos", &source));
  EXPECT_EQ(source.highest, 5 + kSequenceSlots);
  EXPECT_EQ(source.slots.size(), 2u);
  EXPECT_EQ(source.slots.at(5).sequence, 5 + kSequenceSlots);
  EXPECT_EQ(source.slots.at(5).identity, (Identity{2, 2}));
  EXPECT_THAT(source.dirty, IsEmpty());
  EXPECT_EQ(store->FindIdentity({10, 20}), 77u);
  EXPECT_EQ(store->FindIdentity({10, 21}), 78u);
  EXPECT_EQ(store->FindIdentity({10, 22}), std::nullopt);
}

TEST(Store, SkusAreListedByPages) {
  TestFolder folder;
  auto store = OpenStore(folder);
  FoldState state;
  for (const char* sku : {"B", "A/2", "A", "C", "A 1"}) SkuOf(state, sku);
  Write(*store, state);
  std::vector<std::string> skus;
  ASSERT_TRUE(store->ListSkus("", 2, &skus).ok());
  EXPECT_THAT(skus, ElementsAre("A", "A 1"));
  ASSERT_TRUE(store->ListSkus("A 1", 2, &skus).ok());
  EXPECT_THAT(skus, ElementsAre("A/2", "B"));
  ASSERT_TRUE(store->ListSkus("Aa", 9, &skus).ok());
  EXPECT_THAT(skus, ElementsAre("B", "C"));
  ASSERT_TRUE(store->ListSkus("C", 9, &skus).ok());
  EXPECT_THAT(skus, IsEmpty());
}

TEST(Store, SkusInsideATreeAreListedOnce) {
  TestFolder folder;
  auto store = OpenStore(folder);
  FoldState state;
  PlaceOf(state, "b", "WH1");
  PlaceOf(state, "b", "WH1/B1");
  PlaceOf(state, "b", "WH1/B2");
  PlaceOf(state, "c", "WH1/B1/x");
  PlaceOf(state, "d", "WH11");
  PlaceOf(state, "e", "WH1 annex");
  PlaceOf(state, "f", "WH");
  RuleOf(state, "g", "WH1");  // a rule makes no row
  Write(*store, state);
  PlaceOf(state, "b", "WH1/B3");
  PlaceOf(state, "a", "WH1");
  PlaceOf(state, "d", "WH1/B1");
  Write(*store, state);
  EXPECT_THAT(Inside(*store, "WH1"), ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(Inside(*store, "WH1", "", 2), ElementsAre("a", "b"));
  EXPECT_THAT(Inside(*store, "WH1", "b", 1), ElementsAre("c"));
  EXPECT_THAT(Inside(*store, "WH1", "c"), ElementsAre("d"));
  EXPECT_THAT(Inside(*store, "WH11"), ElementsAre("d"));
  EXPECT_THAT(Inside(*store, "WH1 annex"), ElementsAre("e"));
  EXPECT_THAT(Inside(*store, "nowhere"), IsEmpty());
}

TEST(Store, JournalIsWalkedBackAndReadForward) {
  TestFolder folder;
  auto store = OpenStore(folder);
  FoldState state;
  AddEntry(state, "A", "WH1", Offset(255));
  AddEntry(state, "A", "WH1/B", Offset(1));
  AddEntry(state, "A1", "WH1", Offset(300));
  Write(*store, state);
  AddEntry(state, "A", "WH1", Offset(256));
  AddEntry(state, "A", "WH1", Offset(257));
  AddEntry(state, "A", "WH1", Offset(257)).ordinal = 1;
  Write(*store, state);
  EXPECT_THAT(Walk(*store, "A", "WH1"), ElementsAre("257.1", "257.0", "256.0", "255.0"));
  EXPECT_THAT(Walk(*store, "A", "WH1", 2), ElementsAre("257.1", "257.0"));
  EXPECT_THAT(Walk(*store, "A", "WH2"), IsEmpty());
  EXPECT_THAT(Walk(*store, "A1", "WH1"), ElementsAre("300.0"));
  std::vector<std::string> read;
  const auto visit = [&](std::string_view location, const JournalEntry& entry) {
    read.push_back(std::string(location) + " " + std::to_string(entry.offset.value()));
  };
  ASSERT_TRUE(store->ReadJournal("A", "", visit).ok());
  EXPECT_THAT(read, ElementsAre("WH1 255", "WH1 256", "WH1 257", "WH1 257", "WH1/B 1"));
  read.clear();
  ASSERT_TRUE(store->ReadJournal("A", "WH1/B", visit).ok());
  EXPECT_THAT(read, ElementsAre("WH1/B 1"));
}

TEST(Store, WithoutACheckpointNothingHasChanged) {
  TestFolder folder;
  FoldState state;
  PlaceOf(state, "A", "WH1").pools[0] = 1;
  state.next_offset = Offset(10);
  std::string digest;
  {
    auto store = OpenStore(folder);
    Write(*store, state);
    digest = *store->StateDigest();
    PlaceOf(state, "A", "WH1").pools[0] = 2;
    AddEntry(state, "A", "WH1", Offset(10));
    state.next_offset = Offset(11);
  }
  auto store = OpenStore(folder);
  EXPECT_EQ(*store->StateDigest(), digest);
  FoldState got;
  StoreMarks marks;
  ASSERT_TRUE(store->Restore(&got, &marks).ok());
  EXPECT_EQ(got.next_offset, Offset(10));
}

TEST(Store, DigestLeavesMarksOutAndSeesAllElse) {
  TestFolder folder;
  auto store = OpenStore(folder);
  FoldState state;
  PlaceOf(state, "A", "WH1").pools[0] = 1;
  Write(*store, state);
  const std::string digest = *store->StateDigest();
  EXPECT_EQ(digest.size(), 32u);
  Write(*store, state, {.sweeps = {{"WH1", Offset(1), ""}}, .settle = true});
  EXPECT_EQ(*store->StateDigest(), digest);
  state.next_offset = Offset(1);
  Write(*store, state);
  const std::string moved = *store->StateDigest();
  EXPECT_NE(moved, digest);
  PlaceOf(state, "A", "WH1").pools[0] = 2;
  Write(*store, state);
  EXPECT_NE(*store->StateDigest(), moved);
}

TEST(Store, ComparisonNamesWhatDiffers) {
  TestFolder here_folder;
  TestFolder there_folder;
  auto here = OpenStore(here_folder);
  auto there = OpenStore(there_folder);
  FoldState a;
  FoldState b;
  for (FoldState* state : {&a, &b}) PlaceOf(*state, "A", "WH1").pools[0] = 5;
  PlaceOf(b, "A", "WH1").pools[0] = 4;
  SkuOf(a, "only-a");
  SkuOf(b, "z-only-b");
  Write(*here, a, {.sweeps = {}, .settle = true});
  Write(*there, b);
  std::vector<std::string> differences;
  ASSERT_TRUE(here->Compare(*there, 10, &differences).ok());
  ASSERT_EQ(differences.size(), 3u);
  EXPECT_THAT(differences[0], HasSubstr("SKU only-a is only here"));
  EXPECT_THAT(differences[1], HasSubstr("SKU z-only-b is only there"));
  EXPECT_THAT(differences[2], AllOf(HasSubstr("place of A at WH1 differs: here AVAILABLE 5"),
                                    HasSubstr("there AVAILABLE 4")));
  ASSERT_TRUE(here->Compare(*there, 1, &differences).ok());
  EXPECT_EQ(differences.size(), 1u);
  ASSERT_TRUE(here->Compare(*here, 10, &differences).ok());
  EXPECT_THAT(differences, IsEmpty());
}

TEST(Store, AForeignFolderIsRefused) {
  TestFolder folder;
  OpenStore(folder).reset();
  const auto refused = [&](auto change, const std::string& says) {
    StoreIdentity identity = TestIdentity();
    change(identity);
    const absl::Status status = Store::Open(folder.path(), identity).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr(folder.path()), HasSubstr(says),
                                                     HasSubstr("move the folder away")));
  };
  refused([](StoreIdentity& i) { i.log_id = "log-b"; }, "belongs to log log-a, this is log log-b");
  refused([](StoreIdentity& i) { i.topic = "other"; }, "belongs to topic stock.events");
  refused([](StoreIdentity& i) { i.partition = Partition(2); }, "belongs to partition 3");
  refused([](StoreIdentity& i) { i.partitions = 6; }, "had 4 partitions, it has 6 now");
  EXPECT_NE(OpenStore(folder), nullptr);
}

TEST(Store, AnotherVersionIsRefused) {
  std::string key;
  std::string row;
  MetaKey(Meta::kIdentity, &key);
  const auto refused = [&](const IdentityRow& identity, const std::string& says) {
    TestFolder folder;
    PutIdentity(identity, &row);
    PutRow(folder, key, row);
    const absl::Status status = Store::Open(folder.path(), TestIdentity()).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(says));
  };
  refused({.format_version = kFormatVersion + 1, .identity = TestIdentity()}, "newer program");
  refused({.fold_version = kFoldVersion + 1, .identity = TestIdentity()},
          absl::StrCat("newer program (fold ", kFoldVersion + 1));
  refused({.fold_version = kFoldVersion - 1, .identity = TestIdentity()},
          absl::StrCat("older program (fold ", kFoldVersion - 1));
}

TEST(Store, RowsOfNobodyAreRefused) {
  TestFolder folder;
  PutRow(folder, "key", "value");
  const absl::Status status = Store::Open(folder.path(), TestIdentity()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("move the folder away"));
}

TEST(Store, ADamagedFolderIsDataLoss) {
  TestFolder folder;
  FoldState state;
  PlaceOf(state, "A", "WH1").pools[0] = 5;
  Write(*OpenStore(folder), state);
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    if (entry.path().filename().string().rfind("MANIFEST", 0) != 0) continue;
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(20);
    file << "damaged damaged damaged damaged";
    ++files;
  }
  ASSERT_EQ(files, 1);
  const absl::Status status = Store::Open(folder.path(), TestIdentity()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("move the folder away"));
}

TEST(Store, ReadErrorsAreRememberedOnce) {
  TestFolder folder;
  FoldState state;
  PlaceOf(state, "A", "WH1").pools[0] = 5;
  PlaceOf(state, "A", "WH2").pools[0] = 6;
  AddEntry(state, "A", "WH1", Offset(3));
  TransferOf(state, "A", "t").outstanding["WH1"] = 1;
  NumberSource(state, "pos", 5, {1, 1});
  state.identities[{1, 2}] = 3;
  Write(*OpenStore(folder), state);
  std::string key;
  PlaceKey("A", PlaceRow::kBalances, "WH2", &key);
  PutRow(folder, key, "\xff");
  TransferRowKey("A", "t", &key);
  PutRow(folder, key, "\xff");
  SlotKey("pos", 5, &key);
  PutRow(folder, key, "");
  IdentityKey({1, 2}, &key);
  PutRow(folder, key, "short");
  JournalPlaceKey("A", "WH1", &key);
  AppendJournalEntry(Offset(3), 0, &key);
  PutRow(folder, key, "");

  auto store = OpenStore(folder);
  const auto error = [&](const std::string& says) {
    const absl::Status status = store->TakeReadError();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
    EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr(folder.path()), HasSubstr(says)));
    EXPECT_TRUE(store->TakeReadError().ok());
  };
  Locations locations;
  SkuState sku;
  sku.sku = "A";
  EXPECT_FALSE(store->LoadSku(locations, &sku));
  EXPECT_EQ(sku.sku, "A");
  EXPECT_THAT(sku.places, IsEmpty());
  EXPECT_EQ(store->FindIdentity({1, 2}), std::nullopt);
  error("table places, place of A at WH2");  // the first of the two

  EXPECT_EQ(store->FindIdentity({1, 2}), std::nullopt);
  error("table identities");
  TransferState transfer;
  EXPECT_FALSE(store->LoadTransfer({"A", "t"}, &transfer));
  EXPECT_TRUE(transfer.empty());
  error("table transfers, transfer t of A");
  SequenceState source;
  EXPECT_FALSE(store->LoadSource("pos", &source));
  EXPECT_EQ(source.highest, std::nullopt);
  error("table sources, source pos slot 5");
  EXPECT_THAT(Walk(*store, "A", "WH1"), IsEmpty());
  error("table journal");
  const absl::Status read =
      store->ReadJournal("A", "", [](std::string_view, const JournalEntry&) { FAIL(); });
  EXPECT_EQ(read.code(), absl::StatusCode::kDataLoss);
}

TEST(ClearDirty, LeavesNothingToWrite) {
  FoldState state;
  AddEntry(state, "A", "WH1", Offset(1));
  AddEntry(state, "A", "WH1", Offset(2));
  RuleOf(state, "A", "WH1");
  TransferOf(state, "A", "t").closed = true;
  ArmTimer(state, {Time(1), "A", Offset(1)}, {});
  NumberSource(state, "pos", 1, {1, 1});
  state.dirty_misplacing.push_back("x");
  state.dirty_homes["H"] = {};
  state.identities[{1, 1}] = 1;
  state.locations.ApplyCopy("WH1", {}, Partition(0), Offset(1), Offset(1), Time(1));
  ClearDirty(state);
  CheckpointRows rows;
  rows.Gather(state, {});
  EXPECT_EQ(rows.rows().size(), 2u) << "checkpoint and marks";
  const SkuState& sku = *state.skus.at("A");
  EXPECT_FALSE(sku.dirty || sku.rules[0].dirty || sku.places[0].dirty || sku.places[0].is_new);
  EXPECT_EQ(sku.places[0].newest_pending, -1);
  EXPECT_FALSE(state.transfers.at({"A", "t"}).dirty);
  EXPECT_THAT(state.sources.at("pos").dirty, IsEmpty());
  EXPECT_TRUE(state.journal.empty() && state.identities.empty() && state.dirty_timers.empty() &&
              state.dirty_skus.empty() && state.dirty_transfers.empty() &&
              state.dirty_sources.empty() && state.dirty_misplacing.empty() &&
              state.dirty_homes.empty() && state.locations.dirty().empty());
}

}  // namespace
}  // namespace tallywire::store
