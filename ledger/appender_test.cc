// SPDX-License-Identifier: Apache-2.0
#include "ledger/appender.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ledger/embedded_log.h"
#include "ledger/limits.h"
#include "ledger/topics.h"
#include "tallywire/v1/event.pb.h"

namespace tallywire {
namespace {

constexpr int32_t kPartitions = 3;

v1::StockEvent Sale(const std::string& sku, const std::string& id, int64_t quantity = 1) {
  v1::StockEvent event;
  event.set_event_id(id);
  event.set_source("test");
  event.set_sku(sku);
  event.mutable_sold()->set_location("WH1");
  event.mutable_sold()->set_quantity(quantity);
  return event;
}

std::vector<const v1::StockEvent*> Pointers(const std::vector<v1::StockEvent>& events) {
  std::vector<const v1::StockEvent*> pointers;
  for (const v1::StockEvent& event : events) pointers.push_back(&event);
  return pointers;
}

class AppenderTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "tallywire-append-XXXXXX");
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    auto log = EmbeddedLog::Open({.folder = folder_, .clock = {}});
    ASSERT_TRUE(log.ok()) << log.status();
    log_ = *std::move(log);
    ASSERT_TRUE(log_->CreateTopics(PlanTopics(kPartitions)).ok());
    Open({});
  }
  void TearDown() override {
    appender_.reset();
    log_.reset();
    std::filesystem::remove_all(folder_);
  }

  void Open(Appender::Options options) {
    auto appender = Appender::Create(log_.get(), options);
    ASSERT_TRUE(appender.ok()) << appender.status();
    appender_ = *std::move(appender);
  }

  // The event ids of a partition, by offset.
  std::vector<std::string> Ids(int32_t partition) {
    const auto reader = log_->OpenReader(kStockEvents, Partition(partition), Offset(0));
    EXPECT_TRUE(reader.ok()) << reader.status();
    std::vector<std::string> ids;
    RecordBatch batch;
    while ((*reader)->Poll(1'000, Span(0), batch).ok() && !batch.records.empty()) {
      for (const Record& record : batch.records) {
        v1::StockEvent event;
        EXPECT_TRUE(event.ParseFromString(std::string(record.value)));
        EXPECT_EQ(record.key, event.sku());
        EXPECT_EQ(PartitionOf(record.key, kPartitions), record.partition);
        ids.push_back(event.event_id());
      }
    }
    return ids;
  }

  std::string folder_;
  std::unique_ptr<EmbeddedLog> log_;
  std::unique_ptr<Appender> appender_;
};

TEST_F(AppenderTest, RefusedOnesAreLeftOutAndTheRestLiesWhereTheResultsSay) {
  std::vector<v1::StockEvent> events = {Sale("A", "1"), Sale("A", "2", -1), Sale("B", "3"),
                                        Sale("", "4"), Sale("A", "5")};
  events.push_back(Sale("A", "6"));
  events.back().set_note(std::string(kMaxEventBytes, 'n'));
  const auto results = appender_->Append(Pointers(events));
  ASSERT_TRUE(results.ok()) << results.status();
  ASSERT_EQ(results->size(), events.size());
  const auto reason = [&](size_t i) { return std::get<Refusal>((*results)[i]).reason; };
  EXPECT_EQ(reason(1), RefusedReason::kBadQuantity);
  EXPECT_EQ(reason(3), RefusedReason::kMissingField);
  EXPECT_EQ(reason(5), RefusedReason::kTooLarge);
  for (const size_t i : {0, 2, 4}) {
    const auto& appended = std::get<AppendedEvent>((*results)[i]);
    const std::vector<std::string> ids = Ids(appended.partition.value());
    ASSERT_GT(ids.size(), static_cast<size_t>(appended.offset.value()));
    EXPECT_EQ(ids[static_cast<size_t>(appended.offset.value())], events[i].event_id());
  }
}

TEST_F(AppenderTest, ALinkedBodyIsNobodysToAppend) {
  v1::StockEvent tick;
  tick.mutable_ticked();
  const auto results = appender_->Append(Pointers({tick}));
  ASSERT_TRUE(results.ok());
  EXPECT_EQ(std::get<Refusal>((*results)[0]).reason, RefusedReason::kNotAllowed);
}

TEST_F(AppenderTest, ARecordIsWrittenAsItIsAndNotWhereItWouldBeRefused) {
  const std::string value = Sale("A", "1").SerializeAsString();
  v1::StockEvent ticked;
  ticked.mutable_ticked();
  const std::string tick = ticked.SerializeAsString();
  const std::string bad = Sale("A", "2", -1).SerializeAsString();
  const std::vector<Header> headers = {{"traceparent", "00-ab"}};
  const Partition home = PartitionOf("A", kPartitions);
  const Partition elsewhere((home.value() + 1) % kPartitions);
  const auto record = [&](Partition partition, std::string_view key, std::string_view bytes) {
    return NewRecord{
        .topic = "another", .partition = partition, .key = key, .value = bytes, .headers = headers};
  };
  const std::vector<NewRecord> records = {record(elsewhere, "A", value), record(home, "A", value),
                                          record(home, "B", value),      record(home, "A", bad),
                                          record(home, "", tick),        record(home, "A", "\xff")};
  const auto results = appender_->AppendRecords(records);
  ASSERT_TRUE(results.ok()) << results.status();
  ASSERT_EQ(results->size(), records.size());
  const auto reason = [&](size_t i) { return std::get<Refusal>((*results)[i]).reason; };
  EXPECT_EQ(reason(0), RefusedReason::kWrongPartition);
  EXPECT_EQ(reason(2), RefusedReason::kWrongKey);
  EXPECT_EQ(reason(3), RefusedReason::kBadQuantity);
  EXPECT_EQ(reason(4), RefusedReason::kNotAllowed);
  EXPECT_EQ(reason(5), RefusedReason::kUndecodable);
  const auto& appended = std::get<AppendedEvent>((*results)[1]);
  EXPECT_EQ(appended.partition, home);
  const auto reader = log_->OpenReader(kStockEvents, home, Offset(0));
  ASSERT_TRUE(reader.ok()) << reader.status();
  RecordBatch batch;
  ASSERT_TRUE((*reader)->Poll(10, Span(0), batch).ok());
  ASSERT_EQ(batch.records.size(), 1u);
  EXPECT_EQ(batch.records[0].offset, appended.offset);
  EXPECT_EQ(batch.records[0].value, value);
  EXPECT_EQ(std::vector<Header>(batch.records[0].headers.begin(), batch.records[0].headers.end()),
            headers);
}

TEST_F(AppenderTest, ABatchHasALimit) {
  const std::vector<v1::StockEvent> events(kMaxAppendBatch + 1, Sale("A", "1"));
  EXPECT_EQ(appender_->Append(Pointers(events)).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(Ids(PartitionOf("A", kPartitions).value()).empty());
}

TEST_F(AppenderTest, ManyThreadsEachKeepTheirOrderAndNothingIsLost) {
  constexpr int kThreads = 8;
  constexpr int kCalls = 60;
  std::vector<std::thread> threads;
  std::atomic<int> failures = 0;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int c = 0; c < kCalls; ++c) {
        const std::vector<v1::StockEvent> events = {
            Sale(absl::StrCat("SKU-", t), absl::StrCat(t, ".", c, ".a")),
            Sale(absl::StrCat("SKU-", t), absl::StrCat(t, ".", c, ".b"))};
        if (!appender_->Append(Pointers(events)).ok()) ++failures;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  std::set<std::string> seen;
  std::vector<std::vector<std::string>> by_thread(kThreads);
  for (int32_t p = 0; p < kPartitions; ++p) {
    for (const std::string& id : Ids(p)) {
      EXPECT_TRUE(seen.insert(id).second) << id;
      by_thread[static_cast<size_t>(id[0] - '0')].push_back(id);
    }
  }
  for (int t = 0; t < kThreads; ++t) {
    std::vector<std::string> expected;
    for (int c = 0; c < kCalls; ++c) {
      expected.push_back(absl::StrCat(t, ".", c, ".a"));
      expected.push_back(absl::StrCat(t, ".", c, ".b"));
    }
    EXPECT_EQ(by_thread[static_cast<size_t>(t)], expected);
  }
}

TEST_F(AppenderTest, MoreThanMayWaitIsTurnedAwayAndHasAppendedNothing) {
  Open({.max_pending_bytes = 1});
  constexpr int kThreads = 8;
  std::atomic<int> appended = 0;
  std::atomic<int> turned_away = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int c = 0; c < 50; ++c) {
        const auto results = appender_->Append(Pointers({Sale("A", absl::StrCat(t, ".", c))}));
        if (results.ok()) {
          ++appended;
        } else {
          EXPECT_EQ(results.status().code(), absl::StatusCode::kResourceExhausted);
          ++turned_away;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  // One alone is always let in, however little may wait.
  EXPECT_GT(appended, 0);
  EXPECT_EQ(appended + turned_away, kThreads * 50);
  EXPECT_EQ(Ids(PartitionOf("A", kPartitions).value()).size(), static_cast<size_t>(appended));
}

}  // namespace
}  // namespace tallywire
