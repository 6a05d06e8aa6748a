// SPDX-License-Identifier: Apache-2.0

// What holds of the log in Kafka alone, against a real broker: other people's records, settings,
// transactions, and what a broker does not take.

#include "ledger/kafka/kafka_log.h"

#include <chrono>
#include <map>
#include <mutex>
#include <thread>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ledger/kafka/control.h"
#include "ledger/topics.h"
#include "tests/log/kafka_testing.h"

namespace tallywire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class KafkaLogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string why_not;
    brokers_ = TestBrokers(why_not);
    if (brokers_.empty()) GTEST_SKIP() << "skipped: " << why_not;
    auto log = KafkaLog::Open({.connection = {.brokers = brokers_}});
    ASSERT_TRUE(log.ok()) << log.status();
    log_ = *std::move(log);
  }

  std::string Create(int32_t partitions = 1, Cleanup cleanup = Cleanup::kForever) {
    const TopicSpec spec{topic_, partitions, cleanup};
    const absl::Status status = log_->CreateTopics({&spec, 1});
    EXPECT_TRUE(status.ok()) << status;
    return topic_;
  }
  absl::StatusOr<Appended> Append(std::string_view value, std::string_view key = "k") {
    const NewRecord record{topic_, Partition(0), key, value, {}};
    auto appended = log_->Append({&record, 1});
    if (!appended.ok()) return appended.status();
    return appended->front();
  }
  std::unique_ptr<LogReader> Reader(Offset from = Offset(0), Partition partition = Partition(0)) {
    auto reader = log_->OpenReader(topic_, partition, from);
    EXPECT_TRUE(reader.ok()) << reader.status();
    return reader.ok() ? *std::move(reader) : nullptr;
  }
  Offset End() {
    const auto bounds = log_->Bounds(topic_, Partition(0));
    EXPECT_TRUE(bounds.ok()) << bounds.status();
    return bounds.ok() ? bounds->end : Offset(-1);
  }
  // Reads until the position is at `end`, for some seconds at most.
  static std::vector<std::string> ReadTo(LogReader& reader, Offset end) {
    std::vector<std::string> values;
    RecordBatch batch;
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (reader.Position() < end && std::chrono::steady_clock::now() < until) {
      const absl::Status status = reader.Poll(100, Seconds(1), batch);
      EXPECT_TRUE(status.ok()) << status;
      if (!status.ok()) break;
      for (const Record& record : batch.records) values.emplace_back(record.value);
    }
    EXPECT_EQ(reader.Position(), end);
    return values;
  }
  // Polls until it fails, for some seconds at most.
  static absl::Status PollUntilItFails(LogReader& reader) {
    RecordBatch batch;
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (std::chrono::steady_clock::now() < until) {
      if (absl::Status status = reader.Poll(100, Milliseconds(200), batch); !status.ok()) {
        return status;
      }
    }
    return absl::OkStatus();
  }

  std::string brokers_;
  const std::string topic_ = UniqueKafkaName();
  std::unique_ptr<KafkaLog> log_;
};

TEST_F(KafkaLogTest, TheIdIsTheClustersAndAllClientsSeeTheSame) {
  EXPECT_THAT(log_->Id(), SizeIs(22));
  EXPECT_EQ((*KafkaLog::Open({.connection = {.brokers = brokers_}}))->Id(), log_->Id());
}

TEST_F(KafkaLogTest, ForeignRecordsWithoutKeyValueAndHeaderBytesReadAsEmpty) {
  Create();
  ForeignProducer foreign(brokers_);
  foreign.Send(topic_, 0, "", "", /*null_parts=*/true);
  foreign.Flush();
  RecordBatch batch;
  const auto reader = Reader();
  ASSERT_TRUE(reader->Poll(1, Seconds(10), batch).ok());
  ASSERT_THAT(batch.records, SizeIs(1));
  EXPECT_EQ(batch.records[0].key, "");
  EXPECT_EQ(batch.records[0].value, "");
  EXPECT_THAT(batch.records[0].headers, ElementsAre(Header{"null", ""}));
  EXPECT_GT(batch.records[0].stamp, Time(0));
}

TEST_F(KafkaLogTest, HeadersOfEachRecordOfABatchAreItsOwn) {
  Create();
  std::vector<std::vector<Header>> headers(50);
  std::vector<NewRecord> records;
  for (size_t i = 0; i < headers.size(); ++i) {
    for (size_t n = 0; n < i % 4; ++n) {
      headers[i].push_back({absl::StrCat("name ", n), absl::StrCat(i, "/", n)});
    }
    records.push_back({topic_, Partition(0), "k", "v", headers[i]});
  }
  ASSERT_TRUE(log_->Append(records).ok());
  const auto reader = Reader();
  RecordBatch batch;
  size_t seen = 0;
  while (seen < headers.size()) {
    ASSERT_TRUE(reader->Poll(20, Seconds(10), batch).ok());
    ASSERT_FALSE(batch.records.empty());
    for (const Record& record : batch.records) {
      EXPECT_EQ(record.offset, Offset(static_cast<int64_t>(seen)));
      EXPECT_EQ(std::vector<Header>(record.headers.begin(), record.headers.end()), headers[seen++]);
    }
  }
}

// What Kafka's clients call murmur2_random is what PartitionOf computes; librdkafka has it too.
TEST_F(KafkaLogTest, KeysLieWhereOtherClientsPutThem) {
  constexpr int32_t kPartitions = 7;
  Create(kPartitions);
  ForeignProducer foreign(brokers_, {{"partitioner", "murmur2_random"}});
  for (int i = 0; i < 50; ++i) foreign.SendByKey(topic_, absl::StrCat("SKU-", i), "v");
  foreign.Flush();
  int seen = 0;
  for (int p = 0; p < kPartitions; ++p) {
    const auto reader = Reader(Offset(0), Partition(p));
    const Offset end = log_->Bounds(topic_, Partition(p))->end;
    RecordBatch batch;
    while (reader->Position() < end) {
      ASSERT_TRUE(reader->Poll(100, Seconds(10), batch).ok());
      for (const Record& record : batch.records) {
        EXPECT_EQ(PartitionOf(record.key, kPartitions), Partition(p)) << record.key;
        ++seen;
      }
    }
  }
  EXPECT_EQ(seen, 50);
}

TEST_F(KafkaLogTest, AbortedTransactionsAreUnseenAndTheEndIsReached) {
  Create();
  ASSERT_TRUE(Append("before").ok());
  ForeignProducer foreign(brokers_, {{"transactional.id", topic_}});
  foreign.Begin();
  for (const char* value : {"no", "no", "no"}) foreign.Send(topic_, 0, "k", value);
  foreign.Flush();
  // What is not decided yet is not there yet.
  EXPECT_EQ(End(), Offset(1));
  foreign.End(/*commit=*/false);
  foreign.Begin();
  foreign.Send(topic_, 0, "k", "yes");
  foreign.End(/*commit=*/true);
  foreign.Begin();
  foreign.Send(topic_, 0, "k", "no");
  foreign.Flush();
  foreign.End(/*commit=*/false);
  // One, three and a mark, one and a mark, one and a mark. Marks are written behind the answer.
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (End() < Offset(9) && std::chrono::steady_clock::now() < until) {
  }
  ASSERT_EQ(End(), Offset(9));
  const auto reader = Reader();
  EXPECT_THAT(ReadTo(*reader, Offset(9)), ElementsAre("before", "yes"));
  const auto missing = log_->MissingOffsets();
  ASSERT_THAT(missing, SizeIs(1));
  EXPECT_EQ(missing[0].topic, topic_);
  EXPECT_EQ(missing[0].first, Offset(1));
  EXPECT_EQ(missing[0].count, 7);
  // And on from there, also in the midst of what is not seen.
  ASSERT_TRUE(Append("after").ok());
  EXPECT_THAT(ReadTo(*reader, Offset(10)), ElementsAre("after"));
  EXPECT_THAT(ReadTo(*Reader(Offset(2)), Offset(10)), ElementsAre("yes", "after"));
}

TEST_F(KafkaLogTest, NothingIsMissingInALogThatHasAll) {
  Create();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Append("v").ok());
  ReadTo(*Reader(), Offset(3));
  EXPECT_THAT(log_->MissingOffsets(), IsEmpty());
}

TEST_F(KafkaLogTest, ABatchMayOutliveItsReaderAndTheLog) {
  Create();
  ASSERT_TRUE(Append("still here").ok());
  RecordBatch batch;
  ASSERT_TRUE(Reader()->Poll(1, Seconds(10), batch).ok());
  log_.reset();
  ASSERT_THAT(batch.records, SizeIs(1));
  EXPECT_EQ(batch.records[0].value, "still here");
}

TEST_F(KafkaLogTest, ReadersComeAndGoOnOnePartition) {
  Create();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(Append(absl::StrCat(i)).ok());
  for (int i = 0; i < 20; ++i) {
    EXPECT_THAT(ReadTo(*Reader(Offset(i)), Offset(20)), SizeIs(20 - i));
  }
}

TEST_F(KafkaLogTest, ARecordTooLargeForItsTopicIsNamedWithSizeAndLimit) {
  Create();
  const auto control = KafkaControl::Make({.brokers = brokers_}, Seconds(10));
  ASSERT_TRUE((*control)->Alter(topic_, {{"max.message.bytes", "100000"}}).ok());
  std::string value(150'000, ' ');
  uint32_t state = 1;
  for (char& c : value) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  const absl::Status status = Append(value).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_THAT(status.ToString(), HasSubstr("150001 bytes"));
  EXPECT_THAT(status.ToString(), HasSubstr("is 100000"));
  EXPECT_THAT(status.ToString(), HasSubstr(topic_));
  // The next one is not in its way.
  EXPECT_EQ(Append("small")->offset, Offset(0));
}

TEST_F(KafkaLogTest, NoBrokerIsUnavailableSoonWithNamesAndReason) {
  const auto began = std::chrono::steady_clock::now();
  // A port that nobody listens on.
  const auto log =
      KafkaLog::Open({.connection = {.brokers = "127.0.0.1:1"}, .patience = Seconds(2)});
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(6));
  EXPECT_EQ(log.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(log.status().ToString(), HasSubstr("127.0.0.1:1"));
  EXPECT_THAT(log.status().ToString(), HasSubstr("refused"));
}

TEST_F(KafkaLogTest, PropertiesPassThroughAndWhatTheLogNeedsStays) {
  const auto open = [&](const std::string& name, const std::string& value) {
    return KafkaLog::Open({.connection = {.brokers = brokers_, .properties = {{name, value}}}})
        .status();
  };
  EXPECT_TRUE(open("linger.ms", "5").ok());
  EXPECT_TRUE(open("acks", "all").ok());
  for (const auto& [name, value] :
       std::map<std::string, std::string>{{"enable.idempotence", "false"},
                                          {"acks", "1"},
                                          {"isolation.level", "read_uncommitted"},
                                          {"enable.auto.commit", "true"},
                                          {"no.such.property", "1"},
                                          {"linger.ms", "soon"}}) {
    const absl::Status status = open(name, value);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_THAT(status.ToString(), HasSubstr(name));
  }
  // A small limit is in force before anything is sent.
  auto log = KafkaLog::Open(
      {.connection = {.brokers = brokers_, .properties = {{"message.max.bytes", "2000"}}}});
  Create();
  const std::string value(1'600, 'v');
  const NewRecord record{topic_, Partition(0), "k", value, {}};
  const absl::Status status = (*log)->Append({&record, 1}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_THAT(status.ToString(), HasSubstr("1601"));
}

TEST_F(KafkaLogTest, LinesOfTheLibraryGoWhereTheCallerSays) {
  std::mutex mu;
  std::vector<std::string> lines;
  const auto on_log = [&](KafkaLogLevel level, std::string_view text) {
    const std::lock_guard lock(mu);
    if (level == KafkaLogLevel::kError) lines.emplace_back(text);
  };
  EXPECT_FALSE(KafkaLog::Open({.connection = {.brokers = "127.0.0.1:1", .on_log = on_log},
                               .patience = Seconds(3)})
                   .ok());
  const std::lock_guard lock(mu);
  ASSERT_FALSE(lines.empty());
  EXPECT_THAT(lines.front(), HasSubstr("refused"));
  // Tried many times, said a few times at most.
  EXPECT_LE(lines.size(), 3u);
}

TEST_F(KafkaLogTest, ATopicWithDangerousSettingsStopsTheStartAndIsMendedByApply) {
  Create(2, Cleanup::kCompact);
  const auto control = KafkaControl::Make({.brokers = brokers_}, Seconds(10));
  ASSERT_TRUE((*control)
                  ->Alter(topic_, {{"cleanup.policy", "delete"},
                                   {"retention.ms", "86400000"},
                                   {"message.timestamp.type", "CreateTime"},
                                   {"segment.bytes", "1048576"}})
                  .ok());
  const TopicSpec wanted{topic_, 2, Cleanup::kForever};
  const absl::Status status = log_->CreateTopics({&wanted, 1});
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(status.ToString(), HasSubstr("retention.ms is 86400000, not -1"));
  EXPECT_THAT(status.ToString(), HasSubstr("CreateTime"));
  const auto plan = log_->Plan({&wanted, 1});
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_THAT(plan->missing, IsEmpty());
  EXPECT_THAT(plan->differences, SizeIs(2));
  ASSERT_TRUE(log_->Apply(*plan).ok());
  EXPECT_TRUE(log_->CreateTopics({&wanted, 1}).ok());
  EXPECT_EQ(*log_->Describe(topic_), wanted);
  // Settings that are nobody's business stay.
  EXPECT_EQ((*(*control)->Settings(topic_, /*own=*/true))["segment.bytes"], "1048576");
}

TEST_F(KafkaLogTest, APlanSaysWhatIsMissingAndNeverAltersPartitions) {
  Create(2);
  const std::vector<TopicSpec> wanted = {{topic_, 3}, {topic_ + ".new", 1, Cleanup::kCompact}};
  auto plan = log_->Plan(wanted);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_THAT(plan->missing, ElementsAre(wanted[1]));
  EXPECT_THAT(plan->Dangers(), HasSubstr("partitions is 2, not 3"));
  // Nothing is created beside something that is wrong.
  EXPECT_EQ(log_->CreateTopics(wanted).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(log_->Describe(wanted[1].name).status().code(), absl::StatusCode::kNotFound);
  ASSERT_TRUE(log_->Apply(*plan).ok());
  EXPECT_EQ(log_->Describe(topic_)->partitions, 2);
  EXPECT_EQ(*log_->Describe(wanted[1].name), wanted[1]);
}

TEST_F(KafkaLogTest, AnOffsetThatIsGoneIsOutOfRangeWithTheBounds) {
  Create();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(Append(absl::StrCat(i)).ok());
  DeleteKafkaRecords(brokers_, topic_, 0, 3);
  EXPECT_EQ(log_->Bounds(topic_, Partition(0))->begin, Offset(3));
  const absl::Status status = log_->OpenReader(topic_, Partition(0), Offset(2)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(status.ToString(), HasSubstr("3 to 5"));
  EXPECT_THAT(ReadTo(*Reader(Offset(3)), Offset(5)), ElementsAre("3", "4"));
}

TEST_F(KafkaLogTest, ATopicMadeAnewUnderAReaderStopsIt) {
  Create();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(Append(absl::StrCat(i)).ok());
  const auto reader = Reader();
  EXPECT_THAT(ReadTo(*reader, Offset(5)), SizeIs(5));
  DeleteKafkaTopic(brokers_, topic_);
  const absl::Status status = PollUntilItFails(*reader);
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound) << status;
  EXPECT_THAT(status.ToString(), HasSubstr(topic_));
  const absl::Status append = Append("into nothing").status();
  EXPECT_EQ(append.code(), absl::StatusCode::kNotFound) << append;
  // For good, even if there is such a topic again.
  Create();
  RecordBatch batch;
  EXPECT_EQ(reader->Poll(1, Span(0), batch).code(), absl::StatusCode::kNotFound);
  // The log itself sees the new one.
  EXPECT_EQ(End(), Offset(0));
  EXPECT_EQ(Append("first")->offset, Offset(0));
}

TEST_F(KafkaLogTest, AppendsBeyondTheQueueWaitAndLoseNothing) {
  auto log =
      KafkaLog::Open({.connection = {.brokers = brokers_,
                                     .properties = {{"queue.buffering.max.messages", "100"}}}});
  ASSERT_TRUE(log.ok()) << log.status();
  Create(2);
  std::vector<std::string> values;
  values.reserve(3'000);
  for (int i = 0; i < 3'000; ++i) values.push_back(absl::StrCat(i));
  const std::vector<Header> headers = {{"n", "v"}};
  std::vector<std::thread> threads;
  threads.reserve(2);
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      std::vector<NewRecord> records;
      for (const std::string& value : values) {
        records.push_back({topic_, Partition(t), "k", value, {}});
        if (records.size() % 7 == 0) records.back().headers = headers;
      }
      const auto appended = (*log)->Append(records);
      ASSERT_TRUE(appended.ok()) << appended.status();
      for (size_t i = 0; i < values.size(); ++i) {
        ASSERT_EQ((*appended)[i].offset, Offset(static_cast<int64_t>(i)));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int t = 0; t < 2; ++t) {
    EXPECT_EQ(ReadTo(*Reader(Offset(0), Partition(t)), Offset(3'000)), values);
  }
}

TEST_F(KafkaLogTest, AnAppendOfAThreadStaysTogether) {
  Create();
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const std::string value = absl::StrCat(t);
      for (int n = 0; n < 20; ++n) {
        const std::vector<NewRecord> records(50, {topic_, Partition(0), "k", value, {}});
        const auto appended = log_->Append(records);
        ASSERT_TRUE(appended.ok()) << appended.status();
        EXPECT_EQ(appended->back().offset.value() - appended->front().offset.value(), 49);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace tallywire
