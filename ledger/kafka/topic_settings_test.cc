// SPDX-License-Identifier: Apache-2.0
#include "ledger/kafka/topic_settings.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ledger/topics.h"

namespace tallywire {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

const TopicSpec kEvents{std::string(kStockEvents), 24, Cleanup::kForever, Span(0)};
const TopicSpec kRows{"rows", 24, Cleanup::kCompact, Span(0)};
const TopicSpec kAlerts{"alerts", 24, Cleanup::kRetention, Seconds(3600)};

// A topic that was created as it should be.
KafkaTopicState Good(const TopicSpec& spec, int32_t replication = 3) {
  KafkaTopicState state{spec.name, spec.partitions, replication, {}};
  // What a broker says of its own accord.
  state.settings = {{"retention.ms", "604800000"}, {"retention.bytes", "-1"}};
  for (const auto& [name, value] : KafkaTopicSettings(spec, replication)) {
    state.settings[name] = value;
  }
  return state;
}

// The only difference that the setting makes.
KafkaTopicDifference Only(const TopicSpec& spec, const std::string& setting,
                          const std::string& value, int32_t replication = 3) {
  KafkaTopicState state = Good(spec, replication);
  state.settings[setting] = value;
  const auto found = CompareKafkaTopic(spec, state);
  EXPECT_EQ(found.size(), 1u) << setting << "=" << value;
  if (found.size() != 1) return {};
  EXPECT_EQ(found[0].topic, spec.name);
  EXPECT_EQ(found[0].setting, setting);
  EXPECT_EQ(found[0].is, value);
  EXPECT_THAT(found[0].sentence, HasSubstr(spec.name));
  EXPECT_THAT(found[0].sentence, HasSubstr(value));
  return found[0];
}

TEST(TopicSettings, WhatIsCreatedDoesNotDiffer) {
  for (const TopicSpec& spec : {kEvents, kRows, kAlerts}) {
    for (const int32_t replication : {1, 2, 3, 5}) {
      EXPECT_THAT(CompareKafkaTopic(spec, Good(spec, replication)), IsEmpty());
      EXPECT_EQ(KafkaTopicSpec(Good(spec, replication)), spec);
    }
  }
}

TEST(TopicSettings, EventsAreKeptForEverAndStampedByTheLog) {
  EXPECT_THAT(KafkaTopicSettings(kEvents, 3),
              ::testing::UnorderedElementsAre(
                  Pair("cleanup.policy", "delete"), Pair("retention.ms", "-1"),
                  Pair("retention.bytes", "-1"), Pair("message.timestamp.type", "LogAppendTime"),
                  Pair("max.message.bytes", "2097152"), Pair("min.insync.replicas", "2"),
                  Pair("unclean.leader.election.enable", "false")));
  const TopicSpec letters{std::string(kStockDeadLetters), 1, Cleanup::kRetention, Seconds(1)};
  EXPECT_THAT(KafkaTopicSettings(letters, 1), Contains(Pair("max.message.bytes", "4194304")));
  EXPECT_THAT(KafkaTopicSettings(letters, 1), Contains(Pair("retention.ms", "1000")));
  EXPECT_THAT(KafkaTopicSettings(letters, 1), Contains(Pair("min.insync.replicas", "1")));
}

TEST(TopicSettings, WhatBreaksAPromiseIsDangerous) {
  EXPECT_TRUE(Only(kEvents, "retention.ms", "604800000").dangerous);
  EXPECT_TRUE(Only(kEvents, "retention.bytes", "1000").dangerous);
  EXPECT_TRUE(Only(kEvents, "cleanup.policy", "compact").dangerous);
  EXPECT_TRUE(Only(kEvents, "cleanup.policy", "compact,delete").dangerous);
  EXPECT_TRUE(Only(kRows, "cleanup.policy", "delete").dangerous);
  EXPECT_TRUE(Only(kRows, "cleanup.policy", "compact,delete").dangerous);
  EXPECT_TRUE(Only(kAlerts, "cleanup.policy", "compact").dangerous);
  for (const TopicSpec& spec : {kEvents, kRows, kAlerts}) {
    EXPECT_TRUE(Only(spec, "message.timestamp.type", "CreateTime").dangerous);
    EXPECT_TRUE(Only(spec, "max.message.bytes", "1048588").dangerous);
    EXPECT_TRUE(Only(spec, "min.insync.replicas", "1").dangerous);
    EXPECT_TRUE(Only(spec, "min.insync.replicas", "2", 1).dangerous);
    EXPECT_TRUE(Only(spec, "min.insync.replicas", "3", 2).dangerous);
    EXPECT_TRUE(Only(spec, "unclean.leader.election.enable", "true").dangerous);
  }
}

TEST(TopicSettings, WhatIsOnlyOtherwiseIsNot) {
  EXPECT_FALSE(Only(kAlerts, "retention.ms", "60000").dangerous);
  EXPECT_FALSE(Only(kAlerts, "retention.bytes", "1000").dangerous);
  EXPECT_FALSE(Only(kEvents, "min.insync.replicas", "3").dangerous);
  KafkaTopicState larger = Good(kEvents);
  larger.settings["max.message.bytes"] = "8388608";
  larger.settings["segment.ms"] = "1";
  EXPECT_THAT(CompareKafkaTopic(kEvents, larger), IsEmpty());
}

TEST(TopicSettings, PartitionsAreNeverAltered) {
  for (const int32_t partitions : {23, 25}) {
    KafkaTopicState state = Good(kEvents);
    state.partitions = partitions;
    const auto found = CompareKafkaTopic(kEvents, state);
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].setting, "partitions");
    EXPECT_TRUE(found[0].dangerous);
    EXPECT_FALSE(found[0].alterable);
    EXPECT_THAT(found[0].sentence, HasSubstr("not 24"));
  }
}

TEST(TopicSettings, DangersAreTheSentencesOfTheDangerousOnes) {
  KafkaTopicPlan plan;
  EXPECT_EQ(plan.Dangers(), "");
  plan.differences = {Only(kAlerts, "retention.ms", "60000"),
                      Only(kEvents, "retention.ms", "60000")};
  EXPECT_THAT(plan.Dangers(), HasSubstr("stock.events"));
  EXPECT_THAT(plan.Dangers(), ::testing::Not(HasSubstr("alerts")));
}

TEST(TopicSettings, BoundedByBytesIsNotForEver) {
  KafkaTopicState state = Good(kEvents);
  state.settings["retention.bytes"] = "1000";
  EXPECT_EQ(KafkaTopicSpec(state).cleanup, Cleanup::kRetention);
  state = Good(kRows);
  state.settings["cleanup.policy"] = "compact,delete";
  EXPECT_EQ(KafkaTopicSpec(state).cleanup, Cleanup::kRetention);
}

TEST(TopicSettings, NamesThatKafkaDoesNotTakeAreRefused) {
  for (const std::string name : {"", ".", "..", "a/b", "a b", "\xc3\xa4"}) {
    EXPECT_EQ(CheckKafkaTopicSpec({name, 1}).code(), absl::StatusCode::kInvalidArgument) << name;
  }
  EXPECT_TRUE(CheckKafkaTopicSpec({std::string(249, 'a'), 1}).ok());
  EXPECT_FALSE(CheckKafkaTopicSpec({std::string(250, 'a'), 1}).ok());
  EXPECT_TRUE(CheckKafkaTopicSpec({"A-z_0.9", 1}).ok());
}

}  // namespace
}  // namespace tallywire
