// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "ledger/embedded_log.h"
#include "ledger/topics.h"
#include "tools/bench/bench_place.h"
#include "tools/bench/latency_bench.h"
#include "tools/bench/mapped_log.h"
#include "tools/bench/project_bench.h"
#include "tools/bench/topic_watch.h"

namespace tallywire {
namespace {

using ::testing::HasSubstr;

class LogBenchTest : public ::testing::Test {
 protected:
  LogBenchTest() {
    host_.out = &out_;
    host_.err = &err_;
    host_.stop = [] { return false; };
    folder_ = ::testing::TempDir() + "log-bench-" +
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
  }
  ~LogBenchTest() override { std::filesystem::remove_all(folder_); }

  v1::Config Json() const {
    v1::Config config;
    config.set_log("embedded:" + folder_ + "/nobody-touches-it");
    config.set_output("json");
    return config;
  }
  // The number behind `name` in the output.
  double Number(const std::string& name) const {
    const size_t at = out_.text().find('"' + name + "\":");
    return at == std::string::npos ? -1 : std::stod(out_.text().substr(at + name.size() + 3));
  }

  Output out_;
  Output err_;
  Host host_;
  std::string folder_;
};

std::unique_ptr<Log> OpenLogIn(const std::string& folder) {
  EmbeddedLog::Options options;
  options.folder = folder;
  options.clock = MachineNow;
  auto log = EmbeddedLog::Open(std::move(options));
  EXPECT_TRUE(log.ok()) << log.status();
  return *std::move(log);
}

TEST_F(LogBenchTest, AMappedLogGoesByOtherNamesAndCounts) {
  const std::unique_ptr<Log> log = OpenLogIn(folder_);
  MappedLog mapped(log.get(), {{"stock.events", "mine.events"}, {"stock.alerts", "mine.alerts"}});
  ASSERT_TRUE(mapped.CreateTopics(PlanTopics(2)).ok());
  EXPECT_TRUE(log->Describe("mine.events").ok());
  EXPECT_FALSE(log->Describe("stock.events").ok());
  EXPECT_FALSE(log->Describe("stock.availability").ok());

  const std::vector<NewRecord> records = {
      {.topic = kStockEvents, .partition = Partition(1), .key = "ab", .value = "xyz"},
      {.topic = kStockAlerts, .partition = Partition(0), .key = "c", .value = ""},
      {.topic = kStockEvents, .partition = Partition(1), .key = "d", .value = "w"}};
  const auto appended = mapped.Append(records);
  ASSERT_TRUE(appended.ok()) << appended.status();
  EXPECT_EQ((*appended)[2].offset, Offset(1));
  EXPECT_EQ(mapped.appended().at("stock.events").records, 2);
  EXPECT_EQ(mapped.appended().at("stock.events").bytes, 7);
  EXPECT_EQ(mapped.appended().at("stock.alerts").records, 1);

  EXPECT_EQ(log->Bounds("mine.events", Partition(1))->end, Offset(2));
  EXPECT_EQ(mapped.Bounds(kStockEvents, Partition(1))->end, Offset(2));
  EXPECT_EQ(mapped.Describe(kStockEvents)->name, "stock.events");
  const NewRecord unknown{
      .topic = kStockProgress, .partition = Partition(0), .key = "", .value = ""};
  EXPECT_TRUE(absl::IsNotFound(mapped.Append({&unknown, 1}).status()));
}

TEST_F(LogBenchTest, AWatchSeesWhatComesAfterIt) {
  const std::unique_ptr<Log> log = OpenLogIn(folder_);
  ASSERT_TRUE(log->CreateTopics(PlanTopics(2)).ok());
  const auto append = [&log](Partition partition, std::string_view key) {
    const NewRecord record{.topic = kStockEvents, .partition = partition, .key = key, .value = "v"};
    ASSERT_TRUE(log->Append({&record, 1}).ok());
  };
  append(Partition(0), "before");
  std::mutex mu;
  std::vector<std::string> keys;
  const auto watch =
      TopicWatch::Open(log.get(), kStockEvents, 2,
                       [&](std::span<const Record> records, TopicWatch::Clock::time_point) {
                         const std::lock_guard lock(mu);
                         for (const Record& record : records) keys.emplace_back(record.key);
                       });
  ASSERT_TRUE(watch.ok()) << watch.status();
  append(Partition(1), "one");
  append(Partition(0), "two");
  for (int i = 0; i < 10'000; ++i) {
    {
      const std::lock_guard lock(mu);
      if (keys.size() >= 2) break;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_TRUE((*watch)->status().ok());
  const std::lock_guard lock(mu);
  EXPECT_THAT(keys, ::testing::UnorderedElementsAre("one", "two"));
}

TEST_F(LogBenchTest, ProjectMeasuresAllThreeAndCleansUp) {
  Context context(&host_, Json());
  BenchProjectOptions options;
  options.events = 20'000;
  options.skus = 2'000;
  options.rounds = 2;
  options.folder = folder_ + "/bench";
  const Result result = RunBenchProject(context, options);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(Number("events"), 20'000);
  EXPECT_EQ(Number("partitions"), 6);
  // At least the TOTAL of each SKU, which is seen once at least.
  EXPECT_GT(Number("outputs"), 1'000);
  EXPECT_LT(Number("outputs"), 100'000);
  EXPECT_GT(Number("output_bytes"), 10 * Number("outputs"));
  EXPECT_THAT(out_.text(), HasSubstr(R"("projector_to_pipe":{"clock":)"));
  EXPECT_GT(Number("clock"), 0);
  EXPECT_GT(Number("cpu"), 0);
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/bench"));
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/nobody-touches-it"));
}

TEST_F(LogBenchTest, LatencySeesEverySale) {
  Context context(&host_, Json());
  BenchLatencyOptions options;
  options.rates = {200, 1'000};
  options.seconds = 1;
  options.skus = 500;
  options.folder = folder_ + "/bench";
  const Result result = RunBenchLatency(context, options);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_THAT(out_.text(), HasSubstr(R"({"events_per_second":200,"events":200,"echo":{)"));
  EXPECT_THAT(out_.text(), HasSubstr(R"({"events_per_second":1000,"events":1000,"echo":{)"));
  EXPECT_GT(Number("p50_ms"), 0);
  EXPECT_GE(Number("p99_ms"), Number("p50_ms"));
  EXPECT_GE(Number("max_ms"), Number("p99_ms"));
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/bench"));
}

TEST_F(LogBenchTest, AFolderWithSomethingInItIsLeftAlone) {
  std::filesystem::create_directories(folder_);
  std::ofstream(folder_ + "/mine") << "kept";
  Context context(&host_, Json());
  BenchProjectOptions options;
  options.folder = folder_;
  const Result result = RunBenchProject(context, options);
  EXPECT_EQ(result.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(std::filesystem::exists(folder_ + "/mine"));
}

TEST_F(LogBenchTest, ATemporaryFolderGoesWithItsOwner) {
  std::string path;
  {
    const auto folder = BenchFolder::Make("");
    ASSERT_TRUE(folder.ok()) << folder.status();
    path = folder->path();
    std::ofstream(path + "/something") << "x";
  }
  EXPECT_FALSE(path.empty());
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace tallywire
