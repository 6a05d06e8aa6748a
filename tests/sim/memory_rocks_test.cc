// SPDX-License-Identifier: Apache-2.0

// The conformance suite on stores in memory, and what they can do that a disk cannot.

#include "tests/sim/memory_rocks.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/rocks_conformance.h"

namespace tallywire::sim {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using What = MemoryDisk::Call::What;

class MemoryRocksWorld : public RocksWorld {
 public:
  absl::StatusOr<std::unique_ptr<Rocks>> Open(Rocks::Options options) override {
    return open_(Folder(), options);
  }
  std::string Folder() const override { return "folder/store"; }
  bool FolderExists() const override { return !disk_.Folders().empty(); }

 private:
  MemoryDisk disk_;
  const OpenRocks open_ = disk_.Opener();
};

std::unique_ptr<RocksWorld> MakeMemoryWorld() { return std::make_unique<MemoryRocksWorld>(); }
INSTANTIATE_TEST_SUITE_P(Memory, RocksConformance, BothWays(MakeMemoryWorld), NameOfRocks);
INSTANTIATE_TEST_SUITE_P(Memory, RocksFilesConformance,
                         Way(MakeMemoryWorld, Rocks::Writes::kSortedFiles), NameOfRocks);
INSTANTIATE_TEST_SUITE_P(Memory, RocksBatchesConformance,
                         Way(MakeMemoryWorld, Rocks::Writes::kBatches), NameOfRocks);

std::unique_ptr<Rocks> Open(MemoryDisk& disk, const std::string& folder,
                            Rocks::Options options = {}) {
  auto store = disk.Opener()(folder, options);
  EXPECT_TRUE(store.ok()) << store.status();
  return store.ok() ? *std::move(store) : nullptr;
}

absl::Status Write(Rocks& store, std::string_view key, std::string_view value, bool sync) {
  RocksBatch batch;
  batch.Put(key, value);
  return store.Write(batch, sync);
}

TEST(MemoryDisk, ACrashKeepsWhatWasWrittenAndAPowerCutWhatWasSynced) {
  MemoryDisk disk;
  {
    const auto store = Open(disk, "a/log");
    const auto other = Open(disk, "b/log");
    ASSERT_TRUE(Write(*store, "k", "1", true).ok());
    ASSERT_TRUE(Write(*store, "gone", "1", true).ok());
    ASSERT_TRUE(Write(*store, "k", "2", false).ok());
    RocksBatch batch;
    batch.Delete("gone");
    batch.Put("new", "1");
    ASSERT_TRUE(store->Write(batch, false).ok());
    ASSERT_TRUE(Write(*store, "k", "3", false).ok());
    ASSERT_TRUE(Write(*other, "k", "1", false).ok());
  }
  EXPECT_THAT(RowsOf(Open(disk, "a/log")->Forward("")), ElementsAre("k=3", "new=1"));
  disk.LoseUnsynced("a/");
  EXPECT_THAT(RowsOf(Open(disk, "a/log")->Forward("")), ElementsAre("gone=1", "k=1"));
  EXPECT_THAT(RowsOf(Open(disk, "b/log")->Forward("")), ElementsAre("k=1"));
  disk.LoseUnsynced("");
  EXPECT_THAT(RowsOf(Open(disk, "b/log")->Forward("")), IsEmpty());
}

TEST(MemoryDisk, ASyncedWriteMakesDurableWhatCameBeforeIt) {
  MemoryDisk disk;
  {
    const auto store = Open(disk, "s");
    ASSERT_TRUE(Write(*store, "a", "1", false).ok());
    ASSERT_TRUE(Write(*store, "b", "1", true).ok());
    ASSERT_TRUE(Write(*store, "c", "1", false).ok());
  }
  disk.LoseUnsynced("");
  EXPECT_THAT(RowsOf(Open(disk, "s")->Forward("")), ElementsAre("a=1", "b=1"));
}

TEST(MemoryDisk, TheFirstHookKeepsACallFromHappeningAndTheSecondHidesThatItDid) {
  MemoryDisk disk;
  const auto store = Open(disk, "s");
  std::vector<What> seen;
  disk.before = [&](const MemoryDisk::Call& call) {
    seen.push_back(call.what);
    EXPECT_EQ(call.folder, "s");
    EXPECT_EQ(call.rows, 1u);
    EXPECT_EQ(call.number, 1 + static_cast<int64_t>(seen.size()) - 1);
    return absl::ResourceExhaustedError("full");
  };
  EXPECT_EQ(Write(*store, "a", "1", true).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(*store->Get("a"), std::nullopt);
  disk.before = nullptr;
  disk.after = [](const MemoryDisk::Call&) { return absl::UnavailableError("lost"); };
  EXPECT_EQ(Write(*store, "a", "2", true).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(*store->Get("a"), "2");
  EXPECT_FALSE(disk.Opener()("t", {}).ok());
  EXPECT_FALSE(disk.IsOpen("t"));
  EXPECT_TRUE(disk.IsOpen("s"));
  EXPECT_THAT(disk.Folders(), ElementsAre("s", "t"));
  EXPECT_THAT(seen, ElementsAre(What::kWrite));
}

TEST(MemoryDisk, AReadThatFailsIsNotTakenForAnEmptyStore) {
  MemoryDisk disk;
  const auto store = Open(disk, "s");
  ASSERT_TRUE(Write(*store, "a", "1", true).ok());
  disk.read = [](std::string_view) { return absl::UnavailableError("no answer"); };
  EXPECT_EQ(store->Get("a").status().code(), absl::StatusCode::kUnavailable);
  const RocksIterator it = store->Forward("");
  EXPECT_FALSE(it.Valid());
  EXPECT_EQ(it.status().code(), absl::StatusCode::kUnavailable);
}

TEST(MemoryDisk, FoldersAreCopiedAndRemovedByPrefix) {
  MemoryDisk disk;
  ASSERT_TRUE(Write(*Open(disk, "a/1"), "k", "1", true).ok());
  ASSERT_TRUE(Write(*Open(disk, "a/2"), "k", "2", true).ok());
  disk.Copy("a/", "b/");
  disk.Remove("a/");
  EXPECT_THAT(disk.Folders(), ElementsAre("b/1", "b/2"));
  ASSERT_TRUE(Write(*Open(disk, "b/1"), "k", "3", true).ok());
  disk.Copy("b/2", "b/1");
  EXPECT_THAT(RowsOf(Open(disk, "b/1")->Forward("")), ElementsAre("k=2"));
}

}  // namespace
}  // namespace tallywire::sim
