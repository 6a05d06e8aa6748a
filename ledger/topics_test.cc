// SPDX-License-Identifier: Apache-2.0
#include "ledger/topics.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>

namespace tallywire {
namespace {

// Values that Kafka's own test of its client has for murmur2.
TEST(PartitionOfTest, IsMurmur2OfTheJavaClient) {
  const std::pair<const char*, int32_t> known[] = {
      {"21", -973932308},
      {"foobar", -790332482},
      {"a-little-bit-long-string", -985981536},
      {"a-little-bit-longer-string", -1486304829},
      {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
      {"abc", 479470107},
  };
  for (const auto& [key, hash] : known) {
    // Positive as the client makes it: the sign bit off.
    const int32_t positive = hash & 0x7fffffff;
    EXPECT_EQ(PartitionOf(key, INT32_MAX).value(), positive % INT32_MAX) << key;
    for (const int32_t partitions : {1, 2, 3, 6, 7, 24, 1000}) {
      EXPECT_EQ(PartitionOf(key, partitions).value(), positive % partitions) << key;
    }
  }
}

TEST(PartitionOfTest, TakesAnyBytes) {
  EXPECT_EQ(PartitionOf("", 1), Partition(0));
  // 0x9747b28c finalised, by hand: 275646681.
  EXPECT_EQ(PartitionOf("", INT32_MAX), Partition(275646681));
  const std::string high = "\xff\xfe\xfd\xfc\xfb";
  EXPECT_GE(PartitionOf(high, 6).value(), 0);
  EXPECT_LT(PartitionOf(high, 6).value(), 6);
}

TEST(PartitionOfTest, SpreadsKeys) {
  std::map<int32_t, int> counts;
  for (int i = 0; i < 6'000; ++i) ++counts[PartitionOf("SKU-" + std::to_string(i), 6).value()];
  ASSERT_EQ(counts.size(), 6U);
  for (const auto& [partition, count] : counts) EXPECT_NEAR(count, 1'000, 150) << partition;
}

TEST(PlanTopicsTest, IsTheTableOfTheLaw) {
  std::map<std::string, TopicSpec> topics;
  for (TopicSpec& topic : PlanTopics(6)) topics[topic.name] = topic;
  ASSERT_EQ(topics.size(), 7U);
  const auto expect = [&](std::string_view name, int32_t partitions, Cleanup cleanup, Span kept) {
    const TopicSpec expected{
        .name = std::string(name), .partitions = partitions, .cleanup = cleanup, .retention = kept};
    EXPECT_EQ(topics[expected.name], expected) << name;
  };
  const Span month = Seconds(30 * 86'400);
  expect(kStockEvents, 6, Cleanup::kForever, Span());
  expect(kStockAvailability, 6, Cleanup::kCompact, Span());
  expect(kStockAlerts, 6, Cleanup::kRetention, month);
  expect(kStockDeadLetters, 6, Cleanup::kRetention, month);
  expect(kStockProgress, 6, Cleanup::kCompact, Span());
  expect(kListingRules, 1, Cleanup::kForever, Span());
  expect(kListingUpdates, 6, Cleanup::kCompact, Span());
}

TEST(JoinKeyTest, DividesByZero) {
  EXPECT_EQ(JoinKey("A", "WH1"), std::string("A\0WH1", 5));
  EXPECT_EQ(JoinKey("A", ""), std::string("A\0", 2));
  EXPECT_NE(JoinKey("AB", "C"), JoinKey("A", "BC"));
}

}  // namespace
}  // namespace tallywire
