// SPDX-License-Identifier: Apache-2.0

// The conformance suite on the log in memory, and what it can do that others cannot.

#include "tests/sim/memory_log.h"

#include <chrono>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ledger/embedded_log.h"
#include "tests/log_conformance.h"
#include "tests/sim/memory_rocks.h"

namespace tallywire::sim {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Time MachineTime() {
  return Time(std::chrono::duration_cast<std::chrono::microseconds>(
                  std::chrono::system_clock::now().time_since_epoch())
                  .count());
}

class MemoryWorld : public LogWorld {
 public:
  explicit MemoryWorld(bool shared)
      : cluster_({.id = "m", .shared = shared, .clock = MachineTime, .waits = true}) {
    Open();
  }
  Log& log() override { return *log_; }
  void Close() override { log_.reset(); }
  void Open() override { log_ = cluster_.OpenView("test"); }
  bool ForceCleanup(const std::string& topic) override {
    cluster_.Clean(topic);
    return true;
  }

 private:
  MemoryCluster cluster_;
  std::unique_ptr<Log> log_;
};

// The real embedded log, on a disk in memory.
class EmbeddedOnMemoryWorld : public LogWorld {
 public:
  EmbeddedOnMemoryWorld() { Open(); }
  Log& log() override { return *log_; }
  void Close() override { log_.reset(); }
  void Open() override {
    auto log = EmbeddedLog::Open({.folder = "log", .open_rocks = disk_.Opener()});
    ASSERT_TRUE(log.ok()) << log.status();
    log_ = *std::move(log);
  }
  bool ForceCleanup(const std::string&) override {
    const absl::Status status = log_->Compact();
    EXPECT_TRUE(status.ok()) << status;
    return true;
  }

 private:
  MemoryDisk disk_;
  std::unique_ptr<EmbeddedLog> log_;
};

INSTANTIATE_TEST_SUITE_P(Shared, LogConformance, ::testing::Values([](std::string&) {
                           return std::make_unique<MemoryWorld>(true);
                         }));
INSTANTIATE_TEST_SUITE_P(Alone, LogConformance, ::testing::Values([](std::string&) {
                           return std::make_unique<MemoryWorld>(false);
                         }));
INSTANTIATE_TEST_SUITE_P(EmbeddedOnMemory, LogConformance, ::testing::Values([](std::string&) {
                           return std::make_unique<EmbeddedOnMemoryWorld>();
                         }));

class MemoryClusterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::vector<TopicSpec> topics = {
        {"t", 2}, {"c", 1, Cleanup::kCompact}, {"r", 1, Cleanup::kRetention, Seconds(10)}};
    ASSERT_TRUE(a_->CreateTopics(topics).ok());
  }

  static absl::StatusOr<std::vector<Appended>> Append(Log& log, std::string_view topic,
                                                      std::vector<std::string> values) {
    std::vector<NewRecord> records;
    for (const std::string& value : values) records.push_back({topic, Partition(0), value, value});
    return log.Append(records);
  }
  std::vector<std::string> Values(std::string_view topic) const {
    std::vector<std::string> values;
    for (const Record& record : cluster_.Records(topic, Partition(0))) {
      values.push_back(absl::StrCat(record.offset.value(), "=", std::string(record.value)));
    }
    return values;
  }

  Time now_{1'000'000};
  MemoryCluster cluster_{{.clock = [this] { return now_; }}};
  std::unique_ptr<Log> a_ = cluster_.OpenView("a");
  std::unique_ptr<Log> b_ = cluster_.OpenView("b");
};

TEST_F(MemoryClusterTest, ViewsShareTheRecordsAndTheClockIsTheTests) {
  ASSERT_TRUE(Append(*a_, "t", {"1"}).ok());
  now_ = Time(7);
  const auto appended = Append(*b_, "t", {"2", "3"});
  ASSERT_TRUE(appended.ok());
  EXPECT_EQ((*appended)[1].offset, Offset(2));
  EXPECT_EQ((*appended)[1].stamp, Time(7));
  a_.reset();
  EXPECT_THAT(Values("t"), ElementsAre("0=1", "1=2", "2=3"));
  EXPECT_EQ(b_->Bounds("t", Partition(0))->end, Offset(3));
  EXPECT_TRUE(b_->IsShared());
}

TEST_F(MemoryClusterTest, APollDoesNotSleep) {
  const auto reader = *a_->OpenReader("t", Partition(0), Offset(0));
  RecordBatch batch;
  const auto before = std::chrono::steady_clock::now();
  ASSERT_TRUE(reader->Poll(1, Seconds(3600), batch).ok());
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(60));
  EXPECT_THAT(batch.records, IsEmpty());
}

TEST_F(MemoryClusterTest, ARefusedAppendLeavesWhatTheHookLetsThrough) {
  cluster_.before = [](MemoryCluster::AppendCall& call) {
    EXPECT_EQ(call.view, "b");
    call.through = {2, 0, 2};
    return absl::UnavailableError("cut off");
  };
  EXPECT_EQ(Append(*b_, "t", {"0", "1", "2"}).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(Values("t"), ElementsAre("0=2", "1=0", "2=2"));
}

TEST_F(MemoryClusterTest, AnAcknowledgementCanGetLost) {
  cluster_.after = [](MemoryCluster::AppendCall& call) {
    EXPECT_EQ(call.appended.size(), call.records.size());
    return absl::UnavailableError("lost");
  };
  EXPECT_FALSE(Append(*a_, "t", {"0", "1"}).ok());
  EXPECT_THAT(Values("t"), ElementsAre("0=0", "1=1"));
}

TEST_F(MemoryClusterTest, OffsetsHaveGapsWhenTold) {
  ASSERT_TRUE(Append(*a_, "t", {"a"}).ok());
  cluster_.SkipOffsets("t", Partition(0), 3);
  ASSERT_TRUE(Append(*a_, "t", {"b"}).ok());
  cluster_.SkipOffsets("t", Partition(0));
  EXPECT_THAT(Values("t"), ElementsAre("0=a", "4=b"));
  const auto reader = *a_->OpenReader("t", Partition(0), Offset(2));
  RecordBatch batch;
  ASSERT_TRUE(reader->Poll(10, Span(0), batch).ok());
  EXPECT_THAT(batch.records, SizeIs(1));
  ASSERT_TRUE(reader->Poll(10, Span(0), batch).ok());
  EXPECT_THAT(batch.records, IsEmpty());
  EXPECT_EQ(reader->Position(), Offset(6));
}

TEST_F(MemoryClusterTest, AReaderIsHeldBackAndCutOff) {
  ASSERT_TRUE(Append(*a_, "t", {"0", "1", "2"}).ok());
  const auto reader = *a_->OpenReader("t", Partition(0), Offset(0));
  RecordBatch batch;
  cluster_.other = [](MemoryCluster::OtherCall& call) {
    EXPECT_EQ(call.what, MemoryCluster::OtherCall::What::kPoll);
    if (call.position == Offset(1)) return absl::UnavailableError("away");
    call.max = 1;
    return absl::OkStatus();
  };
  ASSERT_TRUE(reader->Poll(10, Span(0), batch).ok());
  EXPECT_THAT(batch.records, SizeIs(1));
  EXPECT_FALSE(reader->Poll(10, Span(0), batch).ok());
  EXPECT_EQ(reader->Position(), Offset(1));
}

TEST_F(MemoryClusterTest, CleaningSparesTheNewestIfTold) {
  for (int i = 0; i < 3; ++i) {
    const NewRecord record{"c", Partition(0), "k", "v"};
    ASSERT_TRUE(a_->Append({&record, 1}).ok());
  }
  cluster_.Clean("c", 2);
  EXPECT_THAT(Values("c"), ElementsAre("1=v", "2=v"));
  cluster_.Clean("c");
  EXPECT_THAT(Values("c"), ElementsAre("2=v"));
  EXPECT_EQ(a_->Bounds("c", Partition(0))->begin, Offset(2));

  ASSERT_TRUE(Append(*a_, "r", {"old"}).ok());
  now_ = now_ + Seconds(11);
  ASSERT_TRUE(Append(*a_, "r", {"new"}).ok());
  cluster_.Clean("r");
  EXPECT_THAT(Values("r"), ElementsAre("1=new"));
  EXPECT_EQ(a_->OpenReader("r", Partition(0), Offset(0)).status().code(),
            absl::StatusCode::kOutOfRange);
}

TEST_F(MemoryClusterTest, ALogThatLosesRecordsSaysSo) {
  ASSERT_TRUE(Append(*a_, "t", {"0", "1", "2", "3"}).ok());
  const auto reader = *a_->OpenReader("t", Partition(0), Offset(4));
  const auto first = *a_->OpenReader("t", Partition(0), Offset(0));
  cluster_.Truncate("t", Partition(0), Offset(3));
  cluster_.DropBelow("t", Partition(0), Offset(1));
  RecordBatch batch;
  EXPECT_EQ(reader->Poll(1, Span(0), batch).code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(first->Poll(1, Span(0), batch).code(), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(Values("t"), ElementsAre("1=1", "2=2"));
  const LogBounds bounds = cluster_.BoundsOf("t", Partition(0));
  EXPECT_EQ(bounds.begin, Offset(1));
  EXPECT_EQ(bounds.end, Offset(3));
}

TEST_F(MemoryClusterTest, ABatchOutlivesWhatIsCleanedAway) {
  ASSERT_TRUE(Append(*a_, "t", {"kept alive"}).ok());
  RecordBatch batch;
  {
    const auto reader = *a_->OpenReader("t", Partition(0), Offset(0));
    ASSERT_TRUE(reader->Poll(1, Span(0), batch).ok());
  }
  cluster_.Truncate("t", Partition(0), Offset(0));
  ASSERT_THAT(batch.records, SizeIs(1));
  EXPECT_EQ(batch.records[0].value, "kept alive");
}

}  // namespace
}  // namespace tallywire::sim
