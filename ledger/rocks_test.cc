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

  // Writes the rows by the way that the store is written.
  static absl::Status Put(Rocks& store, Rocks::Writes writes, std::vector<Rocks::Row> rows) {
    if (writes == Rocks::Writes::kSortedFiles) return store.Ingest(rows);
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
  static absl::Status Put(Rocks& store, std::vector<Rocks::Row> rows) {
    return Put(store, GetParam(), std::move(rows));
  }

  static std::vector<std::string> Rows(RocksIterator it) {
    std::vector<std::string> rows;
    for (; it.Valid(); it.Next())
      rows.push_back(std::string(it.key()) + "=" + std::string(it.value()));
    EXPECT_TRUE(it.status().ok()) << it.status();
    return rows;
  }

 private:
  static inline int n_ = 0;
  fs::path folder_;
};

INSTANTIATE_TEST_SUITE_P(Both, RocksTest,
                         ::testing::Values(Rocks::Writes::kBatches, Rocks::Writes::kSortedFiles),
                         NameOfWay);

TEST_P(RocksTest, ReadsWhatWasWritten) {
  auto store = Open();
  ASSERT_TRUE(Put(*store, {{"a", "1"}, {"b", ""}, {"c", "3"}}).ok());
  EXPECT_EQ(*store->Get("a"), "1");
  EXPECT_EQ(*store->Get("b"), "");
  EXPECT_EQ(*store->Get("d"), std::nullopt);
  std::string value = "old";
  EXPECT_TRUE(*store->Get("c", value));
  EXPECT_EQ(value, "3");
  EXPECT_FALSE(*store->Get("", value));
}

TEST_P(RocksTest, TheLaterWriteHolds) {
  auto store = Open();
  ASSERT_TRUE(Put(*store, {{"a", "1"}, {"b", "1"}, {"c", "1"}}).ok());
  ASSERT_TRUE(Put(*store, {{"a", "2"}, {"b", std::nullopt}}).ok());
  EXPECT_THAT(Rows(store->Forward("")), ElementsAre("a=2", "c=1"));
  store.reset();
  store = Open();
  EXPECT_THAT(Rows(store->Forward("")), ElementsAre("a=2", "c=1"));
}

TEST_P(RocksTest, WalksWithinAPrefixAndARange) {
  auto store = Open();
  ASSERT_TRUE(
      Put(*store,
          {{"a", "1"}, {"ba", "2"}, {"bb", "3"}, {"b\xff", "4"}, {"c", "5"}, {"\xff\xff", "6"}})
          .ok());
  EXPECT_THAT(Rows(store->Forward("b")), ElementsAre("ba=2", "bb=3", "b\xff=4"));
  EXPECT_THAT(Rows(store->Backward("b")), ElementsAre("b\xff=4", "bb=3", "ba=2"));
  EXPECT_THAT(Rows(store->ForwardRange("ba", "c")), ElementsAre("ba=2", "bb=3", "b\xff=4"));
  EXPECT_THAT(Rows(store->BackwardRange("ba", "bb")), ElementsAre("ba=2"));
  EXPECT_THAT(Rows(store->ForwardRange("c", "b")), IsEmpty());
  EXPECT_THAT(Rows(store->Forward("\xff")), ElementsAre("\xff\xff=6"));
  EXPECT_THAT(Rows(store->Backward("z")), IsEmpty());
  EXPECT_EQ(Rows(store->Backward("")).size(), 6u);
}

TEST_P(RocksTest, SeeksInBothDirectionsAndStaysWithinTheBounds) {
  auto store = Open();
  ASSERT_TRUE(Put(*store, {{"a", "1"}, {"b1", "2"}, {"b3", "3"}, {"b5", "4"}, {"c", "5"}}).ok());
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

TEST_P(RocksTest, AnIteratorSeesTheStoreAsItWas) {
  auto store = Open();
  ASSERT_TRUE(Put(*store, {{"a", "1"}, {"b", "1"}}).ok());
  RocksIterator it = store->Forward("");
  ASSERT_TRUE(Put(*store, {{"a", "2"}, {"b", std::nullopt}, {"c", "2"}}).ok());
  EXPECT_THAT(Rows(std::move(it)), ElementsAre("a=1", "b=1"));
}

TEST_P(RocksTest, AnotherOpenIsRefusedAndNamesTheFolder) {
  auto store = Open();
  const auto again = Rocks::Open(Folder(), {.writes = GetParam()});
  EXPECT_EQ(again.status().code(), absl::StatusCode::kFailedPrecondition) << again.status();
  EXPECT_THAT(again.status().ToString(), HasSubstr(Folder()));
  EXPECT_EQ(ExitOfAnotherProcessThatOpens(Folder(), GetParam()), kItWasRefused);
}

TEST_P(RocksTest, OpensOnlyWhatExistsIfToldSo) {
  EXPECT_EQ(Rocks::Open(Folder(), {.must_exist = true}).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_FALSE(fs::exists(Folder()));
  Open().reset();
  EXPECT_TRUE(Rocks::Open(Folder(), {.writes = GetParam(), .must_exist = true}).ok());
}

TEST_P(RocksTest, CompactsAndVerifies) {
  auto store = Open();
  for (int i = 0; i < 3; ++i) {
    const std::string value(100'000, static_cast<char>('a' + i));
    ASSERT_TRUE(Put(*store, {{"a", value}, {"b", value}}).ok());
  }
  ASSERT_TRUE(Put(*store, {{"a", std::nullopt}}).ok());
  EXPECT_TRUE(store->CompactRange("", "").ok());
  EXPECT_TRUE(store->Verify().ok());
  EXPECT_EQ(*store->Get("a"), std::nullopt);
  EXPECT_EQ(store->Get("b").value()->size(), 100'000u);
  EXPECT_GT(store->ApproximateBytes(), 0u);
}

TEST_P(RocksTest, TheOtherWayOfWritingIsRefused) {
  auto store = Open();
  const bool batches = GetParam() == Rocks::Writes::kBatches;
  const absl::Status status =
      Put(*store, batches ? Rocks::Writes::kSortedFiles : Rocks::Writes::kBatches, {{"a", "1"}});
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
}

TEST_P(RocksTest, DamageIsDataLoss) {
  {
    auto store = Open();
    ASSERT_TRUE(Put(*store, {{"a", Noise(50'000)}}).ok());
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

TEST_P(RocksFilesTest, RowsMustRise) {
  auto store = Open();
  EXPECT_EQ(Put(*store, {{"b", "1"}, {"a", "1"}}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Put(*store, {{"a", "1"}, {"a", "2"}}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(Put(*store, {}).ok());
  EXPECT_THAT(Rows(store->Forward("")), IsEmpty());
}

TEST_P(RocksFilesTest, LeftoversAreRemovedAtOpen) {
  Open().reset();
  const fs::path leftover = fs::path(Folder()) / "ingest-17";
  std::ofstream(leftover) << "half a file";
  auto store = Open();
  EXPECT_FALSE(fs::exists(leftover));
  ASSERT_TRUE(Put(*store, {{"a", "1"}}).ok());
  for (const auto& entry : fs::directory_iterator(Folder())) {
    EXPECT_THAT(entry.path().filename().string(), ::testing::Not(HasSubstr("ingest-")));
  }
}

TEST_P(RocksFilesTest, ManyOverlappingFilesReadAsTheLastOfEach) {
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
  EXPECT_EQ(Rows(store->Forward("")), rows);
}

using RocksBatchesTest = RocksTest;
INSTANTIATE_TEST_SUITE_P(Only, RocksBatchesTest, ::testing::Values(Rocks::Writes::kBatches));

TEST_P(RocksBatchesTest, DeletesARange) {
  auto store = Open();
  ASSERT_TRUE(Put(*store, {{"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}}).ok());
  RocksBatch batch;
  batch.DeleteRange("b", "d");
  batch.Put("bb", "5");
  EXPECT_GT(batch.bytes(), 0u);
  ASSERT_TRUE(store->Write(batch, true).ok());
  EXPECT_THAT(Rows(store->Forward("")), ElementsAre("a=1", "bb=5", "d=4"));
  batch.Clear();
  ASSERT_TRUE(store->Write(batch, true).ok());
  EXPECT_EQ(Rows(store->Forward("")).size(), 3u);
}

TEST_P(RocksBatchesTest, RisingPrefixesReadTheSameAndRefuseRanges) {
  auto opened = Rocks::Open(Folder(), {.rising_prefix = 2});
  ASSERT_TRUE(opened.ok()) << opened.status();
  auto store = *std::move(opened);
  std::map<std::string, std::string> expected;
  std::mt19937 random(11);
  for (int i = 0; i < 3000; ++i) {
    // Rising, mostly; keys shorter than the prefix too.
    std::string key =
        absl::StrCat("p", random() % 5, random() % 9 == 0 ? random() % 1000 : 10'000 + i);
    if (i % 100 == 0) key = absl::StrCat(i % 7);
    expected[key] = absl::StrCat(i);
    ASSERT_TRUE(Put(*store, {{key, absl::StrCat(i)}}).ok());
  }
  std::vector<std::string> rows;
  for (const auto& [key, value] : expected) rows.push_back(key + "=" + value);
  EXPECT_EQ(Rows(store->Forward("")), rows);
  RocksBatch batch;
  batch.DeleteRange("a", "b");
  EXPECT_EQ(store->Write(batch, true).code(), absl::StatusCode::kInvalidArgument);
}

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
      ASSERT_TRUE(Put(*store, {{absl::StrCat("k", 100 + i), std::string(2000, 'v')}}).ok());
    }
    fs::copy(Folder(), copy);  // as a crash would leave it
  }
  fs::remove_all(Folder());
  fs::copy(copy, Folder());
  {
    std::ofstream file(log_file(), std::ios::binary | std::ios::app);
    file << "\x11\x22\x33";  // less than a record's head
  }
  EXPECT_EQ(Rows(Open()->Forward("")).size(), 100u);

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

// A small file system of its own, to be filled up.
class RocksFullTest : public RocksTest {
 protected:
  void SetUp() override {
    fs::create_directories(Folder());
    mounted_ = mount("tmpfs", Folder().c_str(), "tmpfs", 0, "size=40m") == 0;
    if (!mounted_) GTEST_SKIP() << "skipped: mounting a small tmpfs needs root";
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
      status = Put(*store_, {{key, noise}});
      if (status.ok()) keys.push_back(key);
    }
    ASSERT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
    // Reads go on, and nothing of the refused call is seen.
    EXPECT_EQ(*store_->Get(key), std::nullopt);
    for (const std::string& k : keys) ASSERT_EQ(store_->Get(k).value(), noise);
    EXPECT_EQ(Put(*store_, {{key, noise}}).code(), absl::StatusCode::kResourceExhausted);
    MakeRoom();
    status = Put(*store_, {{key, noise}});
    ASSERT_TRUE(status.ok()) << status;
    keys.push_back(key);
    status = Put(*store_, {{key + "+", "small"}});
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
      status = Put(*store_, {{key, value}, {key + "+", noise}});
      if (status.ok()) keys.push_back(key);
    }
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    EXPECT_FALSE(Put(*store_, {{"again", Noise(800'000)}}).ok());
    for (const std::string& k : keys) ASSERT_EQ(store_->Get(k).value(), value);
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
    status = Put(*store_, {{key, value}});
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
