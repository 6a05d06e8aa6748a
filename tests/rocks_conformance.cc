// SPDX-License-Identifier: Apache-2.0
#include "tests/rocks_conformance.h"

#include <map>
#include <random>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"

namespace tallywire {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string NameOfRocks(const ::testing::TestParamInfo<RocksParam>& info) {
  return info.param.writes == Rocks::Writes::kBatches ? "Batches" : "SortedFiles";
}

absl::Status PutRows(Rocks& store, std::vector<Rocks::Row> rows) {
  if (store.options().writes == Rocks::Writes::kSortedFiles) return store.Ingest(rows);
  RocksBatch batch;
  for (const Rocks::Row& row : rows) {
    if (row.value) {
      batch.Put(row.key, *row.value);
    } else {
      batch.Delete(row.key);
    }
  }
  return store.Write(batch, true);
}

std::vector<std::string> RowsOf(RocksIterator it) {
  std::vector<std::string> rows;
  for (; it.Valid(); it.Next()) {
    rows.push_back(std::string(it.key()) + "=" + std::string(it.value()));
  }
  EXPECT_TRUE(it.status().ok()) << it.status();
  return rows;
}

std::unique_ptr<Rocks> RocksConformance::Open(Rocks::Options options) {
  auto store = world_->Open(options);
  EXPECT_TRUE(store.ok()) << store.status();
  return store.ok() ? *std::move(store) : nullptr;
}

TEST_P(RocksConformance, ReadsWhatWasWritten) {
  auto store = Open();
  ASSERT_TRUE(PutRows(*store, {{"a", "1"}, {"b", ""}, {"c", "3"}}).ok());
  EXPECT_EQ(*store->Get("a"), "1");
  EXPECT_EQ(*store->Get("b"), "");
  EXPECT_EQ(*store->Get("d"), std::nullopt);
  std::string value = "old";
  EXPECT_TRUE(*store->Get("c", value));
  EXPECT_EQ(value, "3");
  EXPECT_FALSE(*store->Get("", value));
}

TEST_P(RocksConformance, TheLaterWriteHolds) {
  auto store = Open();
  ASSERT_TRUE(PutRows(*store, {{"a", "1"}, {"b", "1"}, {"c", "1"}}).ok());
  ASSERT_TRUE(PutRows(*store, {{"a", "2"}, {"b", std::nullopt}}).ok());
  EXPECT_THAT(RowsOf(store->Forward("")), ElementsAre("a=2", "c=1"));
  store.reset();
  store = Open();
  EXPECT_THAT(RowsOf(store->Forward("")), ElementsAre("a=2", "c=1"));
}

TEST_P(RocksConformance, WalksWithinAPrefixAndARange) {
  auto store = Open();
  ASSERT_TRUE(
      PutRows(*store,
              {{"a", "1"}, {"ba", "2"}, {"bb", "3"}, {"b\xff", "4"}, {"c", "5"}, {"\xff\xff", "6"}})
          .ok());
  EXPECT_THAT(RowsOf(store->Forward("b")), ElementsAre("ba=2", "bb=3", "b\xff=4"));
  EXPECT_THAT(RowsOf(store->Backward("b")), ElementsAre("b\xff=4", "bb=3", "ba=2"));
  EXPECT_THAT(RowsOf(store->ForwardRange("ba", "c")), ElementsAre("ba=2", "bb=3", "b\xff=4"));
  EXPECT_THAT(RowsOf(store->BackwardRange("ba", "bb")), ElementsAre("ba=2"));
  EXPECT_THAT(RowsOf(store->ForwardRange("c", "b")), IsEmpty());
  EXPECT_THAT(RowsOf(store->Forward("\xff")), ElementsAre("\xff\xff=6"));
  EXPECT_THAT(RowsOf(store->Backward("z")), IsEmpty());
  EXPECT_EQ(RowsOf(store->Backward("")).size(), 6u);
}

TEST_P(RocksConformance, SeeksInBothDirectionsAndStaysWithinTheBounds) {
  auto store = Open();
  ASSERT_TRUE(
      PutRows(*store, {{"a", "1"}, {"b1", "2"}, {"b3", "3"}, {"b5", "4"}, {"c", "5"}}).ok());
  RocksIterator up = store->Forward("b");
  up.Seek("b2");
  EXPECT_EQ(up.key(), "b3");
  up.Seek("a");
  EXPECT_EQ(up.key(), "b1");
  up.Seek("c");
  EXPECT_FALSE(up.Valid());
  EXPECT_TRUE(up.status().ok());
  RocksIterator down = store->Backward("b");
  down.Seek("b4");
  EXPECT_EQ(down.key(), "b3");
  down.Seek("zzz");
  EXPECT_EQ(down.key(), "b5");
  down.Next();
  EXPECT_EQ(down.key(), "b3");
  down.Seek("b0");
  EXPECT_FALSE(down.Valid());
}

TEST_P(RocksConformance, AnIteratorSeesTheStoreAsItWas) {
  auto store = Open();
  ASSERT_TRUE(PutRows(*store, {{"a", "1"}, {"b", "1"}}).ok());
  RocksIterator it = store->Forward("");
  ASSERT_TRUE(PutRows(*store, {{"a", "2"}, {"b", std::nullopt}, {"c", "2"}}).ok());
  EXPECT_THAT(RowsOf(std::move(it)), ElementsAre("a=1", "b=1"));
}

TEST_P(RocksConformance, CompactsAndVerifies) {
  auto store = Open();
  for (int i = 0; i < 3; ++i) {
    const std::string value(100'000, static_cast<char>('a' + i));
    ASSERT_TRUE(PutRows(*store, {{"a", value}, {"b", value}}).ok());
  }
  ASSERT_TRUE(PutRows(*store, {{"a", std::nullopt}}).ok());
  EXPECT_TRUE(store->CompactRange("", "").ok());
  EXPECT_TRUE(store->Verify().ok());
  EXPECT_EQ(*store->Get("a"), std::nullopt);
  EXPECT_EQ(store->Get("b").value()->size(), 100'000u);
  EXPECT_GT(store->ApproximateBytes(), 0u);
}

TEST_P(RocksConformance, TheOtherWayOfWritingIsRefused) {
  const auto store = Open();
  const Rocks::Row row{"a", "1"};
  RocksBatch batch;
  batch.Put(row.key, *row.value);
  const bool batches = GetParam().writes == Rocks::Writes::kBatches;
  const absl::Status status = batches ? store->Ingest({&row, 1}) : store->Write(batch, true);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(RowsOf(store->Forward("")), IsEmpty());
}

TEST_P(RocksConformance, AnotherOpenIsRefusedAndNamesTheFolder) {
  const auto store = Open();
  const auto again = world_->Open({.writes = GetParam().writes});
  EXPECT_EQ(again.status().code(), absl::StatusCode::kFailedPrecondition) << again.status();
  EXPECT_THAT(again.status().ToString(), HasSubstr(world_->Folder()));
}

TEST_P(RocksConformance, OpensOnlyWhatExistsIfToldSo) {
  EXPECT_EQ(world_->Open({.must_exist = true}).status().code(), absl::StatusCode::kNotFound);
  EXPECT_FALSE(world_->FolderExists());
  Open().reset();
  EXPECT_TRUE(world_->Open({.writes = GetParam().writes, .must_exist = true}).ok());
}

TEST_P(RocksConformance, AScratchBeginsEmptyAndLeavesNothing) {
  {
    auto store = Open();
    ASSERT_TRUE(PutRows(*store, {{"a", "1"}}).ok());
  }
  {
    const auto store = Open({.writes = GetParam().writes, .scratch = true});
    EXPECT_EQ(*store->Get("a"), std::nullopt);
    ASSERT_TRUE(PutRows(*store, {{"b", "1"}}).ok());
    EXPECT_THAT(RowsOf(store->Forward("")), ElementsAre("b=1"));
    EXPECT_EQ(store->folder(), world_->Folder());
  }
  EXPECT_FALSE(world_->FolderExists());
}

TEST_P(RocksConformance, IteratorsSeeWhatWasThereWhenTheyWereMade) {
  const auto store = Open();
  std::map<std::string, std::string> rows;
  std::vector<std::pair<RocksIterator, std::vector<std::string>>> seen;
  std::mt19937 random(5);
  const auto lines = [&rows] {
    std::vector<std::string> list;
    for (const auto& [key, value] : rows) list.push_back(key + "=" + value);
    return list;
  };
  for (int i = 0; i < 200; ++i) {
    const std::string key = absl::StrCat("k", random() % 12);
    const std::string value = absl::StrCat(i);
    if (random() % 3 == 0) {
      rows.erase(key);
      ASSERT_TRUE(PutRows(*store, {{key, std::nullopt}}).ok());
    } else {
      rows[key] = value;
      ASSERT_TRUE(PutRows(*store, {{key, value}}).ok());
    }
    if (random() % 10 == 0) seen.emplace_back(store->Forward(""), lines());
    if (random() % 15 == 0 && !seen.empty()) {
      auto [it, expected] = std::move(seen[random() % seen.size()]);
      EXPECT_EQ(RowsOf(std::move(it)), expected);
      seen.clear();
    }
    ASSERT_EQ(*store->Get(key), rows.contains(key) ? std::optional(rows[key]) : std::nullopt);
  }
  EXPECT_EQ(RowsOf(store->Forward("")), lines());
}

TEST_P(RocksConformance, ABatchIsVisitedInItsOrder) {
  RocksBatch batch;
  EXPECT_FALSE(batch.HasDeleteRange());
  batch.Put("a", "1");
  batch.Delete("b");
  batch.DeleteRange("c", "d");
  batch.Put("a", "2");
  struct : RocksBatch::Visitor {
    std::vector<std::string> lines;
    void Put(std::string_view key, std::string_view value) override {
      lines.push_back(std::string(key) + "=" + std::string(value));
    }
    void Delete(std::string_view key) override { lines.push_back("-" + std::string(key)); }
    void DeleteRange(std::string_view begin, std::string_view end) override {
      lines.push_back("-" + std::string(begin) + ".." + std::string(end));
    }
  } visitor;
  batch.Visit(visitor);
  EXPECT_THAT(visitor.lines, ElementsAre("a=1", "-b", "-c..d", "a=2"));
  EXPECT_TRUE(batch.HasDeleteRange());
}

TEST_P(RocksFilesConformance, RowsMustRise) {
  auto store = Open();
  EXPECT_EQ(PutRows(*store, {{"b", "1"}, {"a", "1"}}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(PutRows(*store, {{"a", "1"}, {"a", "2"}}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(PutRows(*store, {}).ok());
  EXPECT_THAT(RowsOf(store->Forward("")), IsEmpty());
}

TEST_P(RocksFilesConformance, ManyOverlappingFilesReadAsTheLastOfEach) {
  auto store = Open();
  std::mt19937 random(3);
  std::map<std::string, std::string> expected;
  for (int file = 0; file < 150; ++file) {
    std::map<std::string, std::string> rows;
    for (int i = 0; i < 200; ++i) rows[absl::StrCat("k", random() % 2000)] = absl::StrCat(file);
    std::vector<Rocks::Row> list;
    for (const auto& [key, value] : rows) {
      if (random() % 5 == 0) {
        list.push_back({key, std::nullopt});
        expected.erase(key);
      } else {
        list.push_back({key, value});
        expected[key] = value;
      }
    }
    ASSERT_TRUE(store->Ingest(list).ok());
    if (file % 50 == 49) {
      store.reset();
      store = Open();
    }
  }
  std::vector<std::string> rows;
  for (const auto& [key, value] : expected) rows.push_back(key + "=" + value);
  EXPECT_EQ(RowsOf(store->Forward("")), rows);
}

TEST_P(RocksBatchesConformance, DeletesARange) {
  auto store = Open();
  ASSERT_TRUE(PutRows(*store, {{"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}}).ok());
  RocksBatch batch;
  batch.DeleteRange("b", "d");
  batch.Put("bb", "5");
  EXPECT_GT(batch.bytes(), 0u);
  ASSERT_TRUE(store->Write(batch, true).ok());
  EXPECT_THAT(RowsOf(store->Forward("")), ElementsAre("a=1", "bb=5", "d=4"));
  batch.Clear();
  ASSERT_TRUE(store->Write(batch, true).ok());
  EXPECT_EQ(RowsOf(store->Forward("")).size(), 3u);
}

TEST_P(RocksBatchesConformance, RisingPrefixesReadTheSameAndRefuseRanges) {
  const auto store = Open({.rising_prefix = 2});
  std::map<std::string, std::string> expected;
  std::mt19937 random(11);
  for (int i = 0; i < 3000; ++i) {
    // Rising, mostly; keys shorter than the prefix too.
    std::string key =
        absl::StrCat("p", random() % 5, random() % 9 == 0 ? random() % 1000 : 10'000 + i);
    if (i % 100 == 0) key = absl::StrCat(i % 7);
    expected[key] = absl::StrCat(i);
    ASSERT_TRUE(PutRows(*store, {{key, absl::StrCat(i)}}).ok());
  }
  std::vector<std::string> rows;
  for (const auto& [key, value] : expected) rows.push_back(key + "=" + value);
  EXPECT_EQ(RowsOf(store->Forward("")), rows);
  RocksBatch batch;
  batch.DeleteRange("a", "b");
  EXPECT_EQ(store->Write(batch, true).code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace tallywire
