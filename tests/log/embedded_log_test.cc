// SPDX-License-Identifier: Apache-2.0

// What holds of the embedded log alone: its folder, its clock, its cleaning.

#include "ledger/embedded_log.h"

#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ledger/log_rows.h"
#include "ledger/mark.h"
#include "ledger/rocks.h"
#include "tests/small_disk.h"

namespace tallywire {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class EmbeddedLogTest : public ::testing::Test {
 protected:
  EmbeddedLogTest()
      : folder_(
            (fs::path(::testing::TempDir()) / absl::StrCat("embedded-log-", getpid(), "-", n_++))
                .string()) {}
  ~EmbeddedLogTest() override {
    log_.reset();
    fs::remove_all(folder_);
  }

  absl::StatusOr<std::unique_ptr<EmbeddedLog>> TryOpen(int64_t compact_after = 100'000) {
    return EmbeddedLog::Open({.folder = folder_,
                              .clock = [this] { return Time(now_.load()); },
                              .compact_after = compact_after});
  }
  void Open(int64_t compact_after = 100'000) {
    log_.reset();
    auto log = TryOpen(compact_after);
    ASSERT_TRUE(log.ok()) << log.status();
    log_ = *std::move(log);
  }
  void Create(TopicSpec spec) {
    const absl::Status status = log_->CreateTopics({&spec, 1});
    ASSERT_TRUE(status.ok()) << status;
  }
  absl::StatusOr<Appended> TryAppend(std::string_view key, std::string_view value,
                                     std::string_view topic = "t") {
    const NewRecord record{topic, Partition(0), key, value, {}};
    auto appended = log_->Append({&record, 1});
    if (!appended.ok()) return appended.status();
    return appended->front();
  }
  Appended Append(std::string_view key, std::string_view value, std::string_view topic = "t") {
    const auto appended = TryAppend(key, value, topic);
    EXPECT_TRUE(appended.ok()) << appended.status();
    return appended.ok() ? *appended : Appended{};
  }
  std::unique_ptr<LogReader> Reader(Offset from, std::string_view topic = "t") {
    auto reader = log_->OpenReader(topic, Partition(0), from);
    EXPECT_TRUE(reader.ok()) << reader.status();
    return reader.ok() ? *std::move(reader) : nullptr;
  }
  std::vector<std::string> Values(std::string_view topic = "t") {
    std::vector<std::string> values;
    const auto reader = Reader(log_->Bounds(topic, Partition(0))->begin, topic);
    RecordBatch batch;
    do {
      const absl::Status status = reader->Poll(7, Span(0), batch);
      EXPECT_TRUE(status.ok()) << status;
      for (const Record& record : batch.records) values.emplace_back(record.value);
    } while (!batch.records.empty());
    return values;
  }

  const std::string folder_;
  std::atomic<int64_t> now_ = 1'000'000'000'000'000;
  std::unique_ptr<EmbeddedLog> log_;

 private:
  static inline int n_ = 0;
};

TEST_F(EmbeddedLogTest, TheClockStampsEvenBackwards) {
  Open();
  Create({"t", 1});
  EXPECT_EQ(Append("k", "a").stamp, Time(1'000'000'000'000'000));
  now_ += 17;
  EXPECT_EQ(Append("k", "b").stamp, Time(1'000'000'000'000'017));
  now_ -= 1'000'000;
  EXPECT_EQ(Append("k", "c").stamp, Time(999'999'999'000'017));
  RecordBatch batch;
  ASSERT_TRUE(Reader(Offset(0))->Poll(10, Span(0), batch).ok());
  ASSERT_EQ(batch.records.size(), 3u);
  EXPECT_EQ(batch.records[2].stamp, Time(999'999'999'000'017));
}

TEST_F(EmbeddedLogTest, EachLogHasAnIdOfItsOwn) {
  std::set<std::string> ids;
  for (int i = 0; i < 3; ++i) {
    Open();
    ids.insert(log_->Id());
    EXPECT_EQ(log_->Id().size(), 32u);
    log_.reset();
    fs::remove_all(folder_);
  }
  EXPECT_EQ(ids.size(), 3u);
}

TEST_F(EmbeddedLogTest, OneProcessHasTheFolder) {
  Open();
  const auto second = TryOpen();
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(second.status().ToString(), HasSubstr(folder_));
}

TEST_F(EmbeddedLogTest, AnotherFormatIsRefused) {
  Open();
  log_.reset();
  {
    auto store = Rocks::Open(folder_, {});
    RocksBatch batch;
    batch.Put(FormatRowKey(), "2");
    ASSERT_TRUE((*store)->Write(batch, true).ok());
  }
  const auto log = TryOpen();
  EXPECT_EQ(log.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(log.status().ToString(), HasSubstr("format 2"));
}

TEST_F(EmbeddedLogTest, AStoreOfSomethingElseIsRefused) {
  {
    auto store = Rocks::Open(folder_, {});
    RocksBatch batch;
    batch.Put("identity", "a projector's");
    ASSERT_TRUE((*store)->Write(batch, true).ok());
  }
  EXPECT_EQ(TryOpen().status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(EmbeddedLogTest, ARowThatDoesNotDecodeIsDataLoss) {
  Open();
  Create({"t", 1});
  Append("k", "good");
  Append("k", "bad");
  log_.reset();
  {
    auto store = Rocks::Open(folder_, {});
    RocksBatch batch;
    batch.Put(RecordKey(TopicId{1}, Partition(0), Offset(1)), "\x07nonsense");
    ASSERT_TRUE((*store)->Write(batch, true).ok());
  }
  Open();
  const auto reader = Reader(Offset(0));
  RecordBatch batch;
  ASSERT_TRUE(reader->Poll(1, Span(0), batch).ok());
  const absl::Status status = reader->Poll(1, Span(0), batch);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(status.ToString(), HasSubstr("offset 1"));
  EXPECT_EQ(reader->Position(), Offset(1));
}

TEST_F(EmbeddedLogTest, AnAppendLargerThanAWriteIsWhole) {
  Open();
  Create({"t", 2});
  const std::string value(3'000'000, 'v');
  std::vector<NewRecord> records;
  for (int i = 0; i < 30; ++i) records.push_back({"t", Partition(i % 2), "k", value, {}});
  const auto appended = log_->Append(records);
  ASSERT_TRUE(appended.ok()) << appended.status();
  for (size_t i = 0; i < 30; ++i) {
    EXPECT_EQ((*appended)[i].offset, Offset(static_cast<int64_t>(i / 2)));
  }
  EXPECT_EQ(log_->Bounds("t", Partition(1))->end, Offset(15));
  EXPECT_EQ(Values().size(), 15u);
}

TEST_F(EmbeddedLogTest, RetentionDropsFromTheStartAndTheEndStays) {
  Open();
  Create({"t", 1, Cleanup::kRetention, Seconds(60)});
  for (int i = 0; i < 5; ++i) {
    Append("k", absl::StrCat(i));
    now_ += 20'000'000;
  }
  {
    // A reader ends before its log does.
    auto early = Reader(Offset(0));
    RecordBatch batch;
    ASSERT_TRUE(early->Poll(1, Span(0), batch).ok());
    ASSERT_TRUE(log_->Compact().ok());
    EXPECT_THAT(Values(), ElementsAre("2", "3", "4"));
    EXPECT_EQ(log_->Bounds("t", Partition(0))->begin, Offset(2));
    EXPECT_EQ(early->Poll(1, Span(0), batch).code(), absl::StatusCode::kOutOfRange);
  }
  EXPECT_EQ(log_->OpenReader("t", Partition(0), Offset(1)).status().code(),
            absl::StatusCode::kOutOfRange);
  now_ += 1'000'000'000;
  ASSERT_TRUE(log_->Compact().ok());
  for (int restart = 0; restart < 2; ++restart) {
    EXPECT_THAT(Values(), IsEmpty());
    const auto bounds = log_->Bounds("t", Partition(0));
    EXPECT_EQ(bounds->begin, Offset(5));
    EXPECT_EQ(bounds->end, Offset(5));
    Open();
  }
  EXPECT_EQ(Append("k", "new").offset, Offset(5));
  EXPECT_THAT(Values(), ElementsAre("new"));
}

TEST_F(EmbeddedLogTest, RetentionStopsAtTheFirstRecordThatIsYoungEnough) {
  Open();
  Create({"t", 1, Cleanup::kRetention, Seconds(60)});
  Append("k", "young");
  now_ -= 100'000'000;
  Append("k", "stamped by a clock that stepped back");
  now_ += 120'000'000;
  ASSERT_TRUE(log_->Compact().ok());
  EXPECT_EQ(Values().size(), 2u);
}

TEST_F(EmbeddedLogTest, CompactsByItselfOnceEnoughHasComeIn) {
  Open(100);
  Create({"t", 1, Cleanup::kCompact});
  for (int i = 0; i < 99; ++i) Append(absl::StrCat(i % 10), absl::StrCat(i));
  EXPECT_EQ(Values().size(), 99u);
  Append("9", "99");
  EXPECT_EQ(Values().size(), 10u);
  // And not again before so many more.
  for (int i = 0; i < 99; ++i) Append("0", "x");
  EXPECT_EQ(Values().size(), 109u);
  Append("0", "y");
  EXPECT_EQ(Values().size(), 10u);
  EXPECT_EQ(log_->Bounds("t", Partition(0))->begin, Offset(91));
  EXPECT_EQ(log_->Bounds("t", Partition(0))->end, Offset(200));
}

TEST_F(EmbeddedLogTest, BothWaysOfDroppingAreTaken) {
  Open();
  Create({"kept", 1, Cleanup::kCompact});
  Create({"t", 1, Cleanup::kRetention, Seconds(60)});
  for (const char* value : {"old", "new"}) {
    const NewRecord record{.topic = "kept", .partition = Partition(0), .key = "k", .value = value};
    ASSERT_TRUE(log_->Append({&record, 1}).ok());
  }
  Append("k", "v");
  now_ += 100'000'000;
  const int64_t overwritten = MarkCount("log.an-overwritten-record-goes");
  const int64_t expired = MarkCount("log.an-expired-record-goes");
  ASSERT_TRUE(log_->Compact().ok());
  if (!kMarksCount) return;
  EXPECT_EQ(MarkCount("log.an-overwritten-record-goes"), overwritten + 1);
  EXPECT_EQ(MarkCount("log.an-expired-record-goes"), expired + 1);
}

TEST_F(EmbeddedLogTest, NeverByItselfIfToldSo) {
  Open(0);
  Create({"t", 1, Cleanup::kCompact});
  for (int i = 0; i < 300; ++i) Append("k", "v");
  EXPECT_EQ(Values().size(), 300u);
}

TEST_F(EmbeddedLogTest, ForeverIsForever) {
  Open(1);
  Create({"t", 1});
  for (int i = 0; i < 50; ++i) Append("k", "v");
  now_ += 1'000'000'000'000;
  ASSERT_TRUE(log_->Compact().ok());
  EXPECT_EQ(Values().size(), 50u);
}

TEST_F(EmbeddedLogTest, ReadersAndAppendersGoOnWhileItCompacts) {
  Open(50);
  Create({"t", 1, Cleanup::kCompact});
  std::atomic<bool> stop = false;
  std::thread appender([&] {
    for (int i = 0; i < 2000; ++i) Append(absl::StrCat(i % 20), absl::StrCat(i));
    stop = true;
  });
  std::thread compactor([&] {
    while (!stop) EXPECT_TRUE(log_->Compact().ok());
  });
  const auto reader = Reader(Offset(0));
  RecordBatch batch;
  int64_t last = -1;
  while (last < 1999) {
    const absl::Status status = reader->Poll(5, Seconds(10), batch);
    ASSERT_TRUE(status.ok()) << status;
    ASSERT_FALSE(batch.records.empty());
    for (const Record& record : batch.records) {
      ASSERT_GT(record.offset.value(), last);
      last = record.offset.value();
      ASSERT_EQ(record.value, absl::StrCat(last));
    }
  }
  appender.join();
  compactor.join();
  ASSERT_TRUE(log_->Compact().ok());
  EXPECT_EQ(Values().size(), 20u);
}

TEST_F(EmbeddedLogTest, ABatchThatWasSharedIsNotOverwritten) {
  Open();
  Create({"t", 1});
  Append("k", "first");
  Append("k", "second");
  const auto reader = Reader(Offset(0));
  RecordBatch batch;
  ASSERT_TRUE(reader->Poll(1, Span(0), batch).ok());
  const RecordBatch copy = batch;
  ASSERT_TRUE(reader->Poll(1, Span(0), batch).ok());
  EXPECT_EQ(copy.records[0].value, "first");
  EXPECT_EQ(batch.records[0].value, "second");
  // Memory of another implementation.
  batch.memory = std::make_shared<int>(1);
  EXPECT_TRUE(reader->Poll(1, Span(0), batch).ok());
}

// A write that fails half way stops the store until it is opened again inside; readers in the
// middle must not hold it.
TEST_F(EmbeddedLogTest, GoesOnAfterAFailedWriteWithReadersInTheMiddle) {
  signal(SIGXFSZ, SIG_IGN);
  Open();
  Create({"t", 1});
  for (int i = 0; i < 100; ++i) Append("k", absl::StrCat(i));
  auto reader = Reader(Offset(0));
  RecordBatch batch;
  ASSERT_TRUE(reader->Poll(10, Span(0), batch).ok());
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit limit = before;
  limit.rlim_cur = 20'000;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  const std::string big(100'000, 'b');
  EXPECT_EQ(TryAppend("k", big).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(TryAppend("k", big).ok());
  ASSERT_TRUE(reader->Poll(10, Span(0), batch).ok());
  EXPECT_EQ(batch.records.front().value, "10");
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  const auto appended = TryAppend("k", "after");
  ASSERT_TRUE(appended.ok()) << appended.status();
  EXPECT_EQ(appended->offset, Offset(100));
  ASSERT_TRUE(reader->Poll(1000, Span(0), batch).ok());
  EXPECT_EQ(batch.records.size(), 81u);
  EXPECT_EQ(batch.records.back().value, "after");
  reader.reset();  // a reader ends before its log does
  Open();
  EXPECT_EQ(Values().size(), 101u);
}

TEST_F(EmbeddedLogTest, AFullDiskRefusesAppendsAndReadsGoOn) {
  fs::create_directories(folder_);
  std::string failure;
  const std::string why_not = MountSmallDisk(folder_, "40m", failure);
  ASSERT_EQ(failure, "");
  if (!why_not.empty()) GTEST_SKIP() << why_not;
  const auto open = [&] {
    auto log = EmbeddedLog::Open({.folder = folder_ + "/log", .clock = nullptr});
    ASSERT_TRUE(log.ok()) << log.status();
    log_ = *std::move(log);
  };
  open();
  Create({"t", 1});
  const std::string value(50'000, 'v');
  {
    std::ofstream filler(folder_ + "/filler", std::ios::binary);
    const std::string block(1 << 20, 'f');
    while (fs::space(folder_).available > (6u << 20)) filler << block << std::flush;
  }
  int64_t appended = 0;
  absl::Status status;
  while (status.ok() && appended < 2000) {
    status = TryAppend("k", value).status();
    if (status.ok()) ++appended;
  }
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_EQ(Values().size(), static_cast<size_t>(appended));
  EXPECT_EQ(log_->Bounds("t", Partition(0))->end, Offset(appended));
  EXPECT_EQ(TryAppend("k", value).status().code(), absl::StatusCode::kResourceExhausted);
  fs::remove(folder_ + "/filler");
  EXPECT_EQ(Append("k", value).offset, Offset(appended));
  log_.reset();
  open();
  EXPECT_EQ(Values().size(), static_cast<size_t>(appended) + 1);
  log_.reset();
  EXPECT_EQ(umount(folder_.c_str()), 0);
}

}  // namespace
}  // namespace tallywire
