// SPDX-License-Identifier: Apache-2.0
#include "tests/log_conformance.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "ledger/topics.h"

namespace tallywire {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

namespace {

constexpr Span kPatience = Seconds(10);

Time Now() {
  return Time(std::chrono::duration_cast<std::chrono::microseconds>(
                  std::chrono::system_clock::now().time_since_epoch())
                  .count());
}

std::vector<std::string> Values(const std::vector<ReadRecord>& records) {
  std::vector<std::string> values;
  for (const ReadRecord& record : records) values.push_back(record.value);
  return values;
}

}  // namespace

void LogConformance::SetUp() {
  std::string why_not;
  world_ = GetParam()(why_not);
  if (!world_) GTEST_SKIP() << "skipped: " << why_not;
}

std::string LogConformance::Create(std::string_view name, int32_t partitions, Cleanup cleanup,
                                   Span retention) {
  const TopicSpec spec{world_->Topic(name), partitions, cleanup, retention};
  const absl::Status status = log().CreateTopics({&spec, 1});
  EXPECT_TRUE(status.ok()) << status;
  return spec.name;
}

Appended LogConformance::Append(const std::string& topic, Partition partition, std::string_view key,
                                std::string_view value, std::span<const Header> headers) {
  const NewRecord record{topic, partition, key, value, headers};
  const auto appended = log().Append({&record, 1});
  EXPECT_TRUE(appended.ok()) << appended.status();
  if (!appended.ok() || appended->size() != 1) return {Offset(-1), Time(0)};
  return appended->front();
}

std::unique_ptr<LogReader> LogConformance::Reader(const std::string& topic, Partition partition,
                                                  Offset from) {
  auto reader = log().OpenReader(topic, partition, from);
  EXPECT_TRUE(reader.ok()) << reader.status();
  return reader.ok() ? *std::move(reader) : nullptr;
}

std::vector<ReadRecord> LogConformance::Read(LogReader& reader, size_t count) {
  std::vector<ReadRecord> records;
  RecordBatch batch;
  while (records.size() < count) {
    const absl::Status status = reader.Poll(count - records.size(), kPatience, batch);
    EXPECT_TRUE(status.ok()) << status;
    if (!status.ok() || batch.records.empty()) break;
    EXPECT_LE(batch.records.size(), count - records.size());
    for (const Record& r : batch.records) {
      records.push_back({r.partition,
                         r.offset,
                         r.stamp,
                         std::string(r.key),
                         std::string(r.value),
                         {r.headers.begin(), r.headers.end()}});
    }
    EXPECT_EQ(reader.Position(), records.back().offset.Next());
  }
  return records;
}

std::vector<ReadRecord> LogConformance::ReadAll(const std::string& topic, Partition partition) {
  const auto bounds = log().Bounds(topic, partition);
  EXPECT_TRUE(bounds.ok()) << bounds.status();
  if (!bounds.ok()) return {};
  const auto reader = Reader(topic, partition, bounds->begin);
  std::vector<ReadRecord> records;
  while (reader && reader->Position() < bounds->end) {
    const std::vector<ReadRecord> some = Read(*reader, 1);
    if (some.empty()) break;
    records.push_back(some.front());
  }
  return records;
}

TEST_P(LogConformance, ReadsWhatWasAppendedInOrderAtConsecutiveOffsets) {
  const std::string topic = Create("t", 1);
  std::vector<std::string> values;
  for (int i = 0; i < 250; ++i) values.push_back(absl::StrCat("value ", i));
  std::vector<NewRecord> records;
  for (const std::string& value : values)
    records.push_back({topic, Partition(0), value, value, {}});
  const auto first = log().Append(std::span(records).first(100));
  const auto second = log().Append(std::span(records).subspan(100));
  ASSERT_TRUE(first.ok() && second.ok()) << first.status() << second.status();
  ASSERT_EQ(first->size(), 100u);
  ASSERT_EQ(second->size(), 150u);
  EXPECT_EQ((*second)[149].offset, Offset(249));
  const std::vector<ReadRecord> read = ReadAll(topic, Partition(0));
  EXPECT_EQ(Values(read), values);
  for (size_t i = 0; i < read.size(); ++i) {
    const Appended& appended = i < 100 ? (*first)[i] : (*second)[i - 100];
    EXPECT_EQ(read[i].offset, Offset(static_cast<int64_t>(i)));
    EXPECT_EQ(read[i].offset, appended.offset);
    EXPECT_EQ(read[i].stamp, appended.stamp);
    EXPECT_EQ(read[i].key, values[i]);
    EXPECT_EQ(read[i].partition, Partition(0));
  }
}

TEST_P(LogConformance, StampsAreTheLogsOwnAndNearTheClock) {
  const std::string topic = Create("t", 1);
  const Time before = Now() - Seconds(2);
  const Appended appended = Append(topic, Partition(0), "k", "v");
  EXPECT_GT(appended.stamp, before);
  EXPECT_LT(appended.stamp, Now() + Seconds(2));
  EXPECT_EQ(ReadAll(topic, Partition(0)).at(0).stamp, appended.stamp);
}

TEST_P(LogConformance, AppendingNothingIsFine) {
  Create("t", 1);
  const auto appended = log().Append({});
  ASSERT_TRUE(appended.ok()) << appended.status();
  EXPECT_THAT(*appended, IsEmpty());
}

TEST_P(LogConformance, PartitionsAndTopicsAreApart) {
  const std::string a = Create("a", 3);
  const std::string b = Create("b", 2);
  const std::vector<NewRecord> records = {
      {a, Partition(2), "k", "a2-0", {}}, {b, Partition(0), "k", "b0-0", {}},
      {a, Partition(0), "k", "a0-0", {}}, {a, Partition(2), "k", "a2-1", {}},
      {b, Partition(0), "k", "b0-1", {}}, {a, Partition(2), "k", "a2-2", {}}};
  const auto appended = log().Append(records);
  ASSERT_TRUE(appended.ok()) << appended.status();
  std::vector<int64_t> offsets;
  for (const Appended& one : *appended) offsets.push_back(one.offset.value());
  EXPECT_THAT(offsets, ElementsAre(0, 0, 0, 1, 1, 2));
  EXPECT_THAT(Values(ReadAll(a, Partition(0))), ElementsAre("a0-0"));
  EXPECT_THAT(Values(ReadAll(a, Partition(1))), IsEmpty());
  EXPECT_THAT(Values(ReadAll(a, Partition(2))), ElementsAre("a2-0", "a2-1", "a2-2"));
  EXPECT_THAT(Values(ReadAll(b, Partition(0))), ElementsAre("b0-0", "b0-1"));
  EXPECT_THAT(Values(ReadAll(b, Partition(1))), IsEmpty());
}

TEST_P(LogConformance, BytesComeBackAsTheyWent) {
  const std::string topic = Create("t", 1);
  std::string all;
  for (int c = 0; c < 256; ++c) all.push_back(static_cast<char>(c));
  const std::vector<Header> headers = {{"ce_id", "4711"},
                                       {"ce_type", "tallywire.v1.StockEvent"},
                                       {"ce_type", "another.type"},
                                       {"content-type", "application/protobuf"},
                                       {"empty", ""},
                                       {"twice", "1"},
                                       {"twice", all},
                                       {std::string(300, 'n'), "long name"}};
  Append(topic, Partition(0), all, all, headers);
  Append(topic, Partition(0), "", "", {});
  Append(topic, Partition(0), "", "no key");
  Append(topic, Partition(0), "no value", "", std::span(headers).first(1));
  const std::vector<ReadRecord> read = ReadAll(topic, Partition(0));
  ASSERT_EQ(read.size(), 4u);
  EXPECT_EQ(read[0].key, all);
  EXPECT_EQ(read[0].value, all);
  EXPECT_EQ(read[0].headers, headers);
  EXPECT_EQ(read[1].key, "");
  EXPECT_EQ(read[1].value, "");
  EXPECT_THAT(read[1].headers, IsEmpty());
  EXPECT_EQ(read[2].value, "no key");
  EXPECT_EQ(read[3].key, "no value");
  EXPECT_EQ(read[3].value, "");
  EXPECT_THAT(read[3].headers, ElementsAre(headers[0]));
}

TEST_P(LogConformance, ValuesOfTwoMegabytesAreTaken) {
  const std::string topic = Create("big", 1);
  std::string value(size_t{2} << 20, ' ');
  uint32_t state = 1;
  for (char& c : value) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  Append(topic, Partition(0), "k", "small");
  Append(topic, Partition(0), "k", value);
  Append(topic, Partition(0), "k", value + "2");
  const std::vector<ReadRecord> read = ReadAll(topic, Partition(0));
  ASSERT_EQ(read.size(), 3u);
  EXPECT_TRUE(read[1].value == value);
  EXPECT_TRUE(read[2].value == value + "2");
}

TEST_P(LogConformance, ARecordBeyondAllLimitsIsRefused) {
  const std::string topic = Create("t", 1);
  const std::string value(size_t{32} << 20, 'x');
  const NewRecord record{topic, Partition(0), "k", value, {}};
  EXPECT_EQ(log().Append({&record, 1}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Append(topic, Partition(0), "k", "v").offset, Offset(0));
}

TEST_P(LogConformance, BoundsFollowWhatIsAppended) {
  const std::string topic = Create("t", 2);
  auto bounds = log().Bounds(topic, Partition(0));
  ASSERT_TRUE(bounds.ok()) << bounds.status();
  EXPECT_EQ(bounds->begin, Offset(0));
  EXPECT_EQ(bounds->end, Offset(0));
  for (int i = 0; i < 3; ++i) Append(topic, Partition(0), "k", "v");
  bounds = log().Bounds(topic, Partition(0));
  EXPECT_EQ(bounds->begin, Offset(0));
  EXPECT_EQ(bounds->end, Offset(3));
  EXPECT_EQ(log().Bounds(topic, Partition(1))->end, Offset(0));
}

TEST_P(LogConformance, WhatIsNotThereIsNotFound) {
  const std::string topic = Create("t", 2);
  const std::string none = world_->Topic("none");
  const auto expect = [](const absl::Status& status, const std::string& name) {
    EXPECT_EQ(status.code(), absl::StatusCode::kNotFound) << status;
    EXPECT_THAT(status.ToString(), HasSubstr(name));
  };
  const NewRecord no_topic{none, Partition(0), "k", "v", {}};
  const NewRecord no_partition{topic, Partition(2), "k", "v", {}};
  const NewRecord below{topic, Partition(-1), "k", "v", {}};
  expect(log().Append({&no_topic, 1}).status(), none);
  expect(log().Append({&no_partition, 1}).status(), topic);
  expect(log().Append({&below, 1}).status(), topic);
  expect(log().Bounds(none, Partition(0)).status(), none);
  expect(log().Bounds(topic, Partition(2)).status(), topic);
  expect(log().OpenReader(none, Partition(0), Offset(0)).status(), none);
  expect(log().OpenReader(topic, Partition(7), Offset(0)).status(), topic);
  expect(log().Describe(none).status(), none);
}

TEST_P(LogConformance, OffsetsOutsideTheBoundsAreOutOfRange) {
  const std::string topic = Create("t", 1);
  const auto code = [&](int64_t offset) {
    return log().OpenReader(topic, Partition(0), Offset(offset)).status().code();
  };
  EXPECT_EQ(code(0), absl::StatusCode::kOk);
  EXPECT_EQ(code(1), absl::StatusCode::kOutOfRange);
  Append(topic, Partition(0), "k", "v");
  EXPECT_EQ(code(1), absl::StatusCode::kOk);
  EXPECT_EQ(code(2), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(code(-1), absl::StatusCode::kOutOfRange);
}

TEST_P(LogConformance, TopicsAreCreatedOnceAndStayAsTheyAre) {
  const std::string forever = Create("forever", 4);
  const std::string compact = Create("compact", 2, Cleanup::kCompact);
  const std::string retention = Create("retention", 1, Cleanup::kRetention, Seconds(3600));
  const std::vector<TopicSpec> specs = {{forever, 4, Cleanup::kForever, Span(0)},
                                        {compact, 2, Cleanup::kCompact, Span(0)},
                                        {retention, 1, Cleanup::kRetention, Seconds(3600)}};
  EXPECT_TRUE(log().CreateTopics(specs).ok());
  for (const TopicSpec& spec : specs) {
    const auto described = log().Describe(spec.name);
    ASSERT_TRUE(described.ok()) << described.status();
    EXPECT_EQ(*described, spec);
  }
  const auto differs = [&](TopicSpec spec) {
    const absl::Status status = log().CreateTopics({&spec, 1});
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    EXPECT_THAT(status.ToString(), HasSubstr(spec.name));
  };
  differs({forever, 5, Cleanup::kForever, Span(0)});
  differs({forever, 4, Cleanup::kCompact, Span(0)});
  differs({retention, 1, Cleanup::kRetention, Seconds(60)});
  EXPECT_EQ(*log().Describe(forever), specs[0]);
}

TEST_P(LogConformance, TopicsThatCannotBeAreRefused) {
  const auto code = [&](TopicSpec spec) { return log().CreateTopics({&spec, 1}).code(); };
  EXPECT_EQ(code({world_->Topic("t"), 0, Cleanup::kForever, Span(0)}),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code({"", 1, Cleanup::kForever, Span(0)}), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code({std::string(250, 't'), 1, Cleanup::kForever, Span(0)}),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code({world_->Topic("t"), 1, Cleanup::kRetention, Span(0)}),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(log().Describe(world_->Topic("t")).status().code(), absl::StatusCode::kNotFound);
}

TEST_P(LogConformance, TheGivenPartitionIsKeptEvenIfTheKeyBelongsElsewhere) {
  const std::string topic = Create("t", 3);
  const std::string key = "RED-TEE";
  const Partition right = PartitionOf(key, 3);
  const Partition wrong((right.value() + 1) % 3);
  const Partition third((right.value() + 2) % 3);
  Append(topic, wrong, key, "astray");
  Append(topic, right, key, "at home");
  EXPECT_THAT(Values(ReadAll(topic, right)), ElementsAre("at home"));
  const std::vector<ReadRecord> astray = ReadAll(topic, wrong);
  ASSERT_THAT(Values(astray), ElementsAre("astray"));
  EXPECT_EQ(astray[0].partition, wrong);
  EXPECT_EQ(astray[0].key, key);
  EXPECT_THAT(ReadAll(topic, third), IsEmpty());
}

TEST_P(LogConformance, EverythingIsThereAfterARestart) {
  const std::string topic = Create("t", 2);
  const std::string compact = Create("c", 1, Cleanup::kCompact);
  const std::vector<Header> headers = {{"ce_id", "1"}, {"other", "2"}};
  const Appended appended = Append(topic, Partition(1), "k", "before", headers);
  Append(compact, Partition(0), "k", "v");
  const std::string id = log().Id();
  EXPECT_FALSE(id.empty());
  for (int restart = 0; restart < 3; ++restart) {
    world_->Close();
    world_->Open();
    EXPECT_EQ(log().Id(), id);
    const std::vector<ReadRecord> read = ReadAll(topic, Partition(1));
    ASSERT_EQ(read.size(), 1u + restart);
    EXPECT_EQ(read[0].value, "before");
    EXPECT_EQ(read[0].headers, headers);
    EXPECT_EQ(read[0].stamp, appended.stamp);
    EXPECT_EQ(read[0].offset, Offset(0));
    EXPECT_EQ(log().Describe(compact)->cleanup, Cleanup::kCompact);
    EXPECT_EQ(log().Bounds(topic, Partition(0))->end, Offset(0));
    EXPECT_EQ(log().Bounds(compact, Partition(0))->end, Offset(1));
    EXPECT_EQ(Append(topic, Partition(1), "k", "after").offset, Offset(1 + restart));
  }
}

TEST_P(LogConformance, CompactionKeepsTheLastOfEachKey) {
  const std::string topic = Create("c", 1, Cleanup::kCompact);
  std::map<std::string, ReadRecord> last;
  for (int i = 0; i < 60; ++i) {
    const std::string key = i < 10 ? absl::StrCat("once ", i) : absl::StrCat("often ", i % 7);
    const std::string value = absl::StrCat(i);
    const Appended appended = Append(topic, Partition(0), key, value);
    last[key] = {Partition(0), appended.offset, appended.stamp, key, value, {}};
  }
  const auto check = [&](bool all_gone) {
    const std::vector<ReadRecord> read = ReadAll(topic, Partition(0));
    std::map<std::string, ReadRecord> seen;
    int64_t before = -1;
    for (const ReadRecord& record : read) {
      EXPECT_GT(record.offset.value(), before);
      before = record.offset.value();
      seen[record.key] = record;
    }
    if (all_gone) {
      EXPECT_EQ(read.size(), last.size());
    }
    ASSERT_EQ(seen.size(), last.size());
    for (const auto& [key, record] : last) {
      EXPECT_EQ(seen[key].value, record.value);
      EXPECT_EQ(seen[key].offset, record.offset);
      EXPECT_EQ(seen[key].stamp, record.stamp);
    }
    EXPECT_EQ(log().Bounds(topic, Partition(0))->end, Offset(60));
    EXPECT_TRUE(log().OpenReader(topic, Partition(0), Offset(60)).ok());
  };
  const bool all_gone = world_->ForceCleanup(topic);
  check(all_gone);
  world_->Close();
  world_->Open();
  check(all_gone);
  EXPECT_EQ(Append(topic, Partition(0), "once 0", "new").offset, Offset(60));
}

TEST_P(LogConformance, AReaderGoesOnOverTheGapsOfACompaction) {
  const std::string topic = Create("c", 1, Cleanup::kCompact);
  for (int i = 0; i < 40; ++i) Append(topic, Partition(0), i % 4 == 0 ? "k" : absl::StrCat(i), "v");
  const auto reader = Reader(topic, Partition(0), Offset(0));
  ASSERT_EQ(Read(*reader, 5).size(), 5u);
  world_->ForceCleanup(topic);
  // A position from before is good, read on or opened anew.
  const auto again = Reader(topic, Partition(0), Offset(4));
  for (LogReader* one : {reader.get(), again.get()}) {
    std::set<int64_t> seen;
    while (one->Position() < Offset(40)) {
      const std::vector<ReadRecord> some = Read(*one, 1);
      ASSERT_EQ(some.size(), 1u);
      EXPECT_TRUE(seen.insert(some[0].offset.value()).second);
    }
    for (int64_t offset = 5; offset < 40; ++offset) {
      EXPECT_TRUE(seen.contains(offset) || (offset % 4 == 0 && offset < 36)) << offset;
    }
  }
  Append(topic, Partition(0), "k", "new");
  EXPECT_THAT(Values(Read(*reader, 1)), ElementsAre("new"));
}

}  // namespace tallywire
