// SPDX-License-Identifier: Apache-2.0
#include "ledger/rocks.h"

#include <signal.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/rocks_conformance.h"
#include "tests/small_disk.h"

namespace tallywire {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Bytes that do not compress.
std::string Noise(size_t size) {
  std::mt19937 random(7);
  std::string noise(size, ' ');
  for (char& c : noise) c = static_cast<char>(random());
  return noise;
}

std::string NameOfWay(const ::testing::TestParamInfo<Rocks::Writes>& way) {
  return way.param == Rocks::Writes::kBatches ? "Batches" : "SortedFiles";
}

// What this program does when it is started as `rocks_test --open FOLDER b|s`. A process of its
// own, started anew: a forked one would lack the threads that may have held a lock at that moment.
constexpr char kOpen[] = "--open";
constexpr int kItWasRefused = 42;
constexpr int kItWasOpened = 43;

int OpenAndTell(const std::string& folder, const std::string& way) {
  const auto store = Rocks::Open(
      folder, {.writes = way == "b" ? Rocks::Writes::kBatches : Rocks::Writes::kSortedFiles});
  return store.status().code() == absl::StatusCode::kFailedPrecondition ? kItWasRefused
                                                                        : kItWasOpened;
}

int ExitOfAnotherProcessThatOpens(std::string folder, Rocks::Writes writes) {
  std::string program = "/proc/self/exe";
  std::string open = kOpen;
  std::string way = writes == Rocks::Writes::kBatches ? "b" : "s";
  char* const arguments[] = {program.data(), open.data(), folder.data(), way.data(), nullptr};
  pid_t child = 0;
  EXPECT_EQ(posix_spawn(&child, program.c_str(), nullptr, nullptr, arguments, environ), 0);
  int result = -1;
  EXPECT_EQ(waitpid(child, &result, 0), child);
  return WIFEXITED(result) ? WEXITSTATUS(result) : -1;
}

class RocksTest : public ::testing::TestWithParam<Rocks::Writes> {
 protected:
  RocksTest()
      : folder_(fs::path(::testing::TempDir()) / absl::StrCat("rocks-", getpid(), "-", n_++)) {}
  ~RocksTest() override { fs::remove_all(folder_); }

  std::unique_ptr<Rocks> Open(Rocks::Writes writes = GetParam()) {
    auto store = Rocks::Open(Folder(), {.writes = writes});
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *std::move(store) : nullptr;
  }
  std::string Folder() const { return folder_.string(); }

 private:
  static inline int n_ = 0;
  fs::path folder_;
};

class DiskWorld : public RocksWorld {
 public:
  DiskWorld() : folder_(fs::path(::testing::TempDir()) / absl::StrCat("rocks-world-", getpid())) {}
  ~DiskWorld() override { fs::remove_all(folder_); }
  absl::StatusOr<std::unique_ptr<Rocks>> Open(Rocks::Options options) override {
    return Rocks::Open(Folder(), options);
  }
  std::string Folder() const override { return folder_.string(); }
  bool FolderExists() const override { return fs::exists(folder_); }

 private:
  const fs::path folder_;
};

std::unique_ptr<RocksWorld> MakeDiskWorld() { return std::make_unique<DiskWorld>(); }
INSTANTIATE_TEST_SUITE_P(Disk, RocksConformance, BothWays(MakeDiskWorld), NameOfRocks);
INSTANTIATE_TEST_SUITE_P(Disk, RocksFilesConformance,
                         Way(MakeDiskWorld, Rocks::Writes::kSortedFiles), NameOfRocks);
INSTANTIATE_TEST_SUITE_P(Disk, RocksBatchesConformance, Way(MakeDiskWorld, Rocks::Writes::kBatches),
                         NameOfRocks);

INSTANTIATE_TEST_SUITE_P(Both, RocksTest,
                         ::testing::Values(Rocks::Writes::kBatches, Rocks::Writes::kSortedFiles),
                         NameOfWay);

TEST_P(RocksTest, AnotherProcessIsRefused) {
  auto store = Open();
  EXPECT_EQ(ExitOfAnotherProcessThatOpens(Folder(), GetParam()), kItWasRefused);
}

TEST_P(RocksTest, DamageIsDataLoss) {
  {
    auto store = Open();
    ASSERT_TRUE(PutRows(*store, {{"a", Noise(50'000)}}).ok());
    ASSERT_TRUE(store->CompactRange("", "").ok());
  }
  for (const auto& entry : fs::directory_iterator(Folder())) {
    if (entry.path().extension() != ".sst") continue;
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(20'000);
    file.put('\x5a').put('\xa5').put('\x5a');
  }
  auto store = Open();
  EXPECT_EQ(store->Verify().code(), absl::StatusCode::kDataLoss) << store->Verify();
  EXPECT_EQ(store->Get("a").status().code(), absl::StatusCode::kDataLoss);
  RocksIterator it = store->Forward("");
  EXPECT_FALSE(it.Valid());
  EXPECT_EQ(it.status().code(), absl::StatusCode::kDataLoss);
}

TEST_P(RocksTest, AStoreWithoutItsHeadIsNotTakenForANewOne) {
  Open().reset();
  fs::remove(fs::path(Folder()) / "CURRENT");
  EXPECT_EQ(Rocks::Open(Folder(), {.writes = GetParam()}).status().code(),
            absl::StatusCode::kDataLoss);
}

using RocksFilesTest = RocksTest;
INSTANTIATE_TEST_SUITE_P(Only, RocksFilesTest, ::testing::Values(Rocks::Writes::kSortedFiles));

TEST_P(RocksFilesTest, LeftoversAreRemovedAtOpen) {
  Open().reset();
  const fs::path leftover = fs::path(Folder()) / "ingest-17";
  std::ofstream(leftover) << "half a file";
  auto store = Open();
  EXPECT_FALSE(fs::exists(leftover));
  ASSERT_TRUE(PutRows(*store, {{"a", "1"}}).ok());
  for (const auto& entry : fs::directory_iterator(Folder())) {
    EXPECT_THAT(entry.path().filename().string(), ::testing::Not(HasSubstr("ingest-")));
  }
}

using RocksBatchesTest = RocksTest;
INSTANTIATE_TEST_SUITE_P(Only, RocksBatchesTest, ::testing::Values(Rocks::Writes::kBatches));

// The bytes of the log lie in the write-ahead log until they are flushed.
TEST_P(RocksBatchesTest, DamageInTheWriteAheadLogIsToldATornEndIsNot) {
  const auto log_file = [&] {
    fs::path found;
    for (const auto& entry : fs::directory_iterator(Folder())) {
      if (entry.path().extension() == ".log" && entry.file_size() > 0) found = entry.path();
    }
    return found;
  };
  const fs::path copy = Folder() + "-copy";
  {
    auto store = Open();
    for (int i = 0; i < 100; ++i) {
      ASSERT_TRUE(PutRows(*store, {{absl::StrCat("k", 100 + i), std::string(2000, 'v')}}).ok());
    }
    fs::copy(Folder(), copy);  // as a crash would leave it
  }
  fs::remove_all(Folder());
  fs::copy(copy, Folder());
  {
    std::ofstream file(log_file(), std::ios::binary | std::ios::app);
    file << "\x11\x22\x33";  // less than a record's head
  }
  EXPECT_EQ(RowsOf(Open()->Forward("")).size(), 100u);

  fs::remove_all(Folder());
  fs::copy(copy, Folder());
  {
    std::fstream file(log_file(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(100'000);
    file.put('\x5a');
  }
  const auto damaged = Rocks::Open(Folder(), {});
  EXPECT_EQ(damaged.status().code(), absl::StatusCode::kDataLoss) << damaged.status();
  fs::remove_all(copy);
}

// To RocksDB it looks like the end that a crash has torn.
TEST_P(RocksBatchesTest, AWriteAheadLogThatWasCutIsToldByWhatWasSynced) {
  fs::path log;
  {
    auto store = Open();
    for (const char* key : {"a", "b", "c"}) ASSERT_TRUE(PutRows(*store, {{key, "1"}}).ok());
    for (const auto& entry : fs::directory_iterator(Folder())) {
      if (entry.path().extension() == ".log" && entry.file_size() > 0) log = entry.path();
    }
  }
  const fs::path note = fs::path(Folder()) / "SYNCED";
  const fs::path copy = Folder() + "-copy";
  fs::copy(Folder(), copy);
  const auto again = [&] {
    fs::remove_all(Folder());
    fs::copy(copy, Folder());
    fs::resize_file(log, fs::file_size(log) - 1);
  };
  again();
  const auto cut = Rocks::Open(Folder(), {});
  EXPECT_EQ(cut.status().code(), absl::StatusCode::kDataLoss) << cut.status();
  EXPECT_THAT(cut.status().ToString(), HasSubstr(note.string()));
  // As a power cut leaves it, the note may be old, empty or none: nobody can say.
  for (const size_t left : {size_t{0}, size_t{7}}) {
    again();
    fs::resize_file(note, left);
    EXPECT_THAT(RowsOf(Open()->Forward("")), ElementsAre("a=1", "b=1"));
  }
  again();
  fs::remove(note);
  {
    auto store = Open();
    EXPECT_THAT(RowsOf(store->Forward("")), ElementsAre("a=1", "b=1"));
    ASSERT_TRUE(PutRows(*store, {{"d", "1"}}).ok());
  }
  EXPECT_THAT(RowsOf(Open()->Forward("")), ElementsAre("a=1", "b=1", "d=1"));
  EXPECT_EQ(fs::file_size(note), 16u);
  fs::remove_all(copy);
}

// What was not synced is not noted.
TEST_P(RocksBatchesTest, AnUnsyncedWriteMayBeGone) {
  fs::path log;
  const fs::path copy = Folder() + "-copy";
  {
    auto store = Open();
    ASSERT_TRUE(PutRows(*store, {{"a", "1"}}).ok());
    RocksBatch batch;
    batch.Put("b", "1");
    ASSERT_TRUE(store->Write(batch, false).ok());
    for (const auto& entry : fs::directory_iterator(Folder())) {
      if (entry.path().extension() == ".log" && entry.file_size() > 0) log = entry.path();
    }
    fs::copy(Folder(), copy);
  }
  fs::remove_all(Folder());
  fs::copy(copy, Folder());
  fs::resize_file(log, fs::file_size(log) - 1);
  EXPECT_THAT(RowsOf(Open()->Forward("")), ElementsAre("a=1"));
  fs::remove_all(copy);
}

// A small file system of its own, to be filled up.
class RocksFullTest : public RocksTest {
 protected:
  void SetUp() override {
    fs::create_directories(Folder());
    std::string failure;
    const std::string why_not = MountSmallDisk(Folder(), "40m", failure);
    ASSERT_EQ(failure, "");
    if (!why_not.empty()) GTEST_SKIP() << why_not;
    mounted_ = true;
  }
  void TearDown() override {
    store_.reset();
    if (mounted_) {
      EXPECT_EQ(umount(Folder().c_str()), 0);
    }
  }
  std::string StoreFolder() const { return Folder() + "/store"; }
  void OpenStore() {
    auto store = Rocks::Open(StoreFolder(), {.writes = GetParam()});
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }
  // Takes all room but `leave` bytes.
  void Fill(size_t leave) {
    const size_t room = fs::space(Folder()).available;
    std::ofstream file(Folder() + "/filler", std::ios::binary | std::ios::app);
    const std::string block(4096, 'f');
    for (size_t i = 0; i + leave + block.size() <= room; i += block.size()) file << block;
  }
  void MakeRoom() { fs::remove(Folder() + "/filler"); }

  std::unique_ptr<Rocks> store_;
  bool mounted_ = false;
};
INSTANTIATE_TEST_SUITE_P(Both, RocksFullTest,
                         ::testing::Values(Rocks::Writes::kBatches, Rocks::Writes::kSortedFiles),
                         NameOfWay);

TEST_P(RocksFullTest, NoRoomIsSaidAndTheSameCallWorksOnceThereIsRoom) {
  OpenStore();
  const std::string noise = Noise(100'000);
  std::vector<std::string> keys;
  for (int round = 0; round < 4; ++round) {
    // In round 0 not one row is in the store yet.
    Fill(round % 2 == 0 ? 0 : 5'000'000);
    absl::Status status;
    std::string key;
    for (int i = 0; i < 100 && status.ok(); ++i) {
      key = absl::StrCat("r", round, "-", 100 + i);
      status = PutRows(*store_, {{key, noise}});
      if (status.ok()) keys.push_back(key);
    }
    ASSERT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
    // Reads go on, and nothing of the refused call is seen.
    EXPECT_EQ(*store_->Get(key), std::nullopt);
    for (const std::string& k : keys) ASSERT_EQ(store_->Get(k).value(), noise);
    EXPECT_EQ(PutRows(*store_, {{key, noise}}).code(), absl::StatusCode::kResourceExhausted);
    MakeRoom();
    status = PutRows(*store_, {{key, noise}});
    ASSERT_TRUE(status.ok()) << status;
    keys.push_back(key);
    status = PutRows(*store_, {{key + "+", "small"}});
    ASSERT_TRUE(status.ok()) << status;
    if (round == 2) {
      store_.reset();
      OpenStore();
    }
    for (const std::string& k : keys) ASSERT_EQ(store_->Get(k).value(), noise);
    EXPECT_EQ(*store_->Get(key + "+"), "small");
  }
  store_.reset();
  OpenStore();
  for (const std::string& k : keys) EXPECT_EQ(store_->Get(k).value(), noise);
  EXPECT_TRUE(store_->Verify().ok());
}

// What the look before a write does not see: here a limit of the process, as a quota would be.
TEST_P(RocksFullTest, GoesOnAfterAWriteThatFailedHalfWay) {
  signal(SIGXFSZ, SIG_IGN);
  OpenStore();
  const std::string value(300'000, 'v');
  std::vector<std::string> keys;
  for (int round = 0; round < 4; ++round) {
    rlimit before;
    ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
    rlimit limit = before;
    limit.rlim_cur = round % 2 == 0 ? 1000 : 700'000;
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
    absl::Status status;
    std::string key;
    for (int i = 0; i < 10 && status.ok(); ++i) {
      key = absl::StrCat("r", round, "-", 100 + i);
      const std::string noise = Noise(80'000 * (i + 1));
      status = PutRows(*store_, {{key, value}, {key + "+", noise}});
      if (status.ok()) keys.push_back(key);
    }
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    EXPECT_FALSE(PutRows(*store_, {{"again", Noise(800'000)}}).ok());
    for (const std::string& k : keys) ASSERT_EQ(store_->Get(k).value(), value);
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
    status = PutRows(*store_, {{key, value}});
    ASSERT_TRUE(status.ok()) << status;
    keys.push_back(key);
    for (const std::string& k : keys) ASSERT_EQ(store_->Get(k).value(), value);
  }
  store_.reset();
  OpenStore();
  for (const std::string& k : keys) EXPECT_EQ(store_->Get(k).value(), value);
}

TEST_P(RocksFullTest, OpeningWithoutRoomSaysSo) {
  Fill(0);
  const auto store = Rocks::Open(StoreFolder(), {.writes = GetParam()});
  EXPECT_EQ(store.status().code(), absl::StatusCode::kResourceExhausted) << store.status();
  MakeRoom();
  OpenStore();
}

TEST(PrefixEnd, IsTheLeastKeyAboveAllWithThePrefix) {
  EXPECT_EQ(PrefixEnd("a"), "b");
  EXPECT_EQ(PrefixEnd("a\xff"), "b");
  EXPECT_EQ(PrefixEnd(std::string_view("a\0", 2)), std::string_view("a\1", 2));
  EXPECT_EQ(PrefixEnd("\x7f"), "\x80");
  EXPECT_EQ(PrefixEnd("\xff\xff"), "");
  EXPECT_EQ(PrefixEnd(""), "");
}

}  // namespace
}  // namespace tallywire

int main(int argc, char** argv) {
  if (argc == 4 && std::string(argv[1]) == tallywire::kOpen) {
    return tallywire::OpenAndTell(argv[2], argv[3]);
  }
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
