// SPDX-License-Identifier: Apache-2.0

// Conformance of readers that wait, and of appenders side by side.

#include <atomic>
#include <chrono>
#include <map>
#include <thread>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/log_conformance.h"

namespace tallywire {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_P(LogConformance, PollGivesAtMostAsManyAsAskedAndThenNone) {
  const std::string topic = Create("t", 1);
  for (int i = 0; i < 10; ++i) Append(topic, Partition(0), "k", absl::StrCat(i));
  const auto reader = Reader(topic, Partition(0), Offset(3));
  EXPECT_EQ(reader->Position(), Offset(3));
  EXPECT_EQ(Read(*reader, 2).front().value, "3");
  EXPECT_EQ(reader->Position(), Offset(5));
  EXPECT_EQ(Read(*reader, 5).size(), 5u);
  EXPECT_EQ(reader->Position(), Offset(10));
  RecordBatch batch;
  const auto before = std::chrono::steady_clock::now();
  ASSERT_TRUE(reader->Poll(5, Milliseconds(100), batch).ok());
  EXPECT_THAT(batch.records, IsEmpty());
  EXPECT_GE(std::chrono::steady_clock::now() - before, std::chrono::milliseconds(90));
  ASSERT_TRUE(reader->Poll(5, Milliseconds(0), batch).ok());
  EXPECT_THAT(batch.records, IsEmpty());
  EXPECT_EQ(reader->Position(), Offset(10));
}

TEST_P(LogConformance, ABatchKeepsItsRecordsUntilItIsPolledIntoAgain) {
  const std::string topic = Create("t", 1);
  const std::vector<Header> headers = {{"name", "value"}};
  for (int i = 0; i < 4; ++i) {
    Append(topic, Partition(0), absl::StrCat("k", i), absl::StrCat("v", i), headers);
  }
  const auto reader = Reader(topic, Partition(0), Offset(0));
  RecordBatch first;
  RecordBatch second;
  while (reader->Position() < Offset(2)) {
    ASSERT_TRUE(
        reader->Poll(2 - static_cast<size_t>(reader->Position().value()), Seconds(5), first).ok());
  }
  ASSERT_FALSE(first.records.empty());
  ASSERT_TRUE(reader->Poll(2, Seconds(5), second).ok());
  ASSERT_FALSE(second.records.empty());
  EXPECT_EQ(first.records.back().key, "k1");
  EXPECT_EQ(first.records.back().value, "v1");
  ASSERT_EQ(first.records.back().headers.size(), 1u);
  EXPECT_EQ(first.records.back().headers[0], headers[0]);
  EXPECT_EQ(second.records.front().key, "k2");
}

TEST_P(LogConformance, TwoReadersGoEachAtTheirOwnPace) {
  const std::string topic = Create("t", 1);
  for (int i = 0; i < 6; ++i) Append(topic, Partition(0), "k", absl::StrCat(i));
  const auto a = Reader(topic, Partition(0), Offset(0));
  const auto b = Reader(topic, Partition(0), Offset(4));
  EXPECT_EQ(Read(*a, 3).back().value, "2");
  EXPECT_EQ(Read(*b, 1).back().value, "4");
  EXPECT_EQ(Read(*a, 3).back().value, "5");
  EXPECT_EQ(Read(*b, 1).back().value, "5");
}

TEST_P(LogConformance, AWaitingReaderIsWokenByAnAppend) {
  const std::string topic = Create("t", 1);
  const auto reader = Reader(topic, Partition(0), Offset(0));
  std::atomic<bool> waiting = false;
  std::chrono::steady_clock::time_point woken;
  std::vector<std::string> values;
  std::thread thread([&] {
    RecordBatch batch;
    waiting = true;
    EXPECT_TRUE(reader->Poll(10, Seconds(60), batch).ok());
    woken = std::chrono::steady_clock::now();
    for (const Record& record : batch.records) values.emplace_back(record.value);
  });
  while (!waiting) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  Append(topic, Partition(0), "k", "at last");
  const auto appended = std::chrono::steady_clock::now();
  thread.join();
  EXPECT_THAT(values, ElementsAre("at last"));
  EXPECT_LT(woken - appended, std::chrono::seconds(5));
}

TEST_P(LogConformance, AppendersSideBySideDoNotMixUp) {
  constexpr int kThreads = 6;
  constexpr int kAppends = 40;
  const std::string topic = Create("t", 2);
  struct Sent {
    Partition partition;
    Appended appended;
    std::string value;
  };
  std::vector<std::vector<Sent>> sent(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int n = 0; n < kAppends; ++n) {
        std::vector<std::string> values;
        for (int i = 0; i < 3; ++i) values.push_back(absl::StrCat(t, ":", n * 3 + i));
        std::vector<NewRecord> records;
        for (int i = 0; i < 3; ++i) {
          records.push_back(
              {topic, Partition((t + i) % 2), "k", values[static_cast<size_t>(i)], {}});
        }
        const auto appended = log().Append(records);
        ASSERT_TRUE(appended.ok()) << appended.status();
        for (size_t i = 0; i < 3; ++i) {
          sent[static_cast<size_t>(t)].push_back({records[i].partition, (*appended)[i], values[i]});
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  size_t total = 0;
  for (int p = 0; p < 2; ++p) {
    const std::vector<ReadRecord> read = ReadAll(topic, Partition(p));
    total += read.size();
    std::map<std::string, int> highest;
    for (size_t i = 0; i < read.size(); ++i) {
      ASSERT_EQ(read[i].offset, Offset(static_cast<int64_t>(i)));
      const size_t colon = read[i].value.find(':');
      const int n = std::stoi(read[i].value.substr(colon + 1));
      const auto [it, first] = highest.try_emplace(read[i].value.substr(0, colon), -1);
      EXPECT_GT(n, it->second);
      it->second = n;
    }
    for (const auto& list : sent) {
      for (const Sent& one : list) {
        if (one.partition != Partition(p)) continue;
        const ReadRecord& record = read.at(static_cast<size_t>(one.appended.offset.value()));
        EXPECT_EQ(record.value, one.value);
        EXPECT_EQ(record.stamp, one.appended.stamp);
      }
    }
  }
  EXPECT_EQ(total, size_t{kThreads} * kAppends * 3);
}

TEST_P(LogConformance, AReaderBesideAppendersSeesEachRecordOnce) {
  const std::string topic = Create("t", 1);
  constexpr int kRecords = 300;
  std::thread writer([&] {
    for (int i = 0; i < kRecords; ++i) Append(topic, Partition(0), "k", absl::StrCat(i));
  });
  const auto reader = Reader(topic, Partition(0), Offset(0));
  const std::vector<ReadRecord> read = Read(*reader, kRecords);
  writer.join();
  ASSERT_EQ(read.size(), size_t{kRecords});
  for (int i = 0; i < kRecords; ++i) EXPECT_EQ(read[static_cast<size_t>(i)].value, absl::StrCat(i));
}

}  // namespace tallywire
