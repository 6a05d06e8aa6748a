// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "tools/bench/event_mix.h"
#include "tools/bench/fold_bench.h"
#include "tools/bench/meter.h"
#include "tools/bench/statistics.h"

namespace tallywire {
namespace {

TEST(ZipfTest, LowRanksComeOftenAndAllStayInRange) {
  const Zipf zipf(1'000, 0.99);
  std::map<int64_t, int> seen;
  constexpr int kDraws = 100'000;
  for (int i = 0; i < kDraws; ++i) {
    const int64_t rank = zipf.Rank((i + 0.5) / kDraws);
    ASSERT_GE(rank, 0);
    ASSERT_LT(rank, 1'000);
    ++seen[rank];
  }
  // 1 / sum of r^-0.99 over 1,000 ranks is 0.131.
  EXPECT_NEAR(seen[0], 0.131 * kDraws, 0.01 * kDraws);
  EXPECT_NEAR(seen[1], 0.066 * kDraws, 0.01 * kDraws);
  EXPECT_GT(seen[10], seen[500]);
}

TEST(EventMixTest, OneSeedIsOneMix) {
  EncodedEvents a;
  EncodedEvents b;
  EncodedEvents other;
  EventMix(1'000, 20, 7).Next(500, &a);
  EventMix(1'000, 20, 7).Next(500, &b);
  EventMix(1'000, 20, 8).Next(500, &other);
  EXPECT_EQ(a.bytes, b.bytes);
  EXPECT_NE(a.bytes, other.bytes);
}

TEST(EventMixTest, BodiesHaveTheirShares) {
  EncodedEvents events;
  EventMix(1'000, 20, 1).Next(20'000, &events);
  std::map<int, int> bodies;
  for (size_t i = 0; i < events.size(); ++i) {
    v1::StockEvent event;
    const std::string_view value = events.value(i);
    ASSERT_TRUE(event.ParseFromArray(value.data(), static_cast<int>(value.size())));
    EXPECT_EQ(event.event_id().size(), 16u);
    EXPECT_EQ(event.sku(), events.keys[i]);
    EXPECT_FALSE(event.has_occurred_at());
    ++bodies[event.body_case()];
  }
  EXPECT_NEAR(bodies[v1::StockEvent::kSold], 14'000, 400);
  EXPECT_NEAR(bodies[v1::StockEvent::kReceived], 3'000, 300);
  EXPECT_NEAR(bodies[v1::StockEvent::kCounted], 2'000, 300);
  EXPECT_NEAR(bodies[v1::StockEvent::kTransferred], 1'000, 200);
}

TEST(FoldBenchTest, EveryEventIsAppliedAndTheNumbersAreThere) {
  Output out;
  Output err;
  Host host;
  host.out = &out;
  host.err = &err;
  host.stop = [] { return false; };
  Context context(&host, v1::Config());
  BenchFoldOptions options;
  options.events = 30'000;
  options.skus = 1'000;
  const Result result = RunBenchFold(context, options);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_THAT(out.text(), ::testing::StartsWith("events/s a core"));
  EXPECT_THAT(out.text(), ::testing::HasSubstr("30000 applied, 0 not"));
  EXPECT_THAT(out.text(), ::testing::HasSubstr("ratio to the floor"));
}

TEST(FoldBenchTest, WhereThereIsStockNothingIsOversold) {
  Output out;
  Output err;
  Host host;
  host.out = &out;
  host.err = &err;
  host.stop = [] { return false; };
  v1::Config config;
  config.set_output("json");
  Context context(&host, config);
  BenchFoldOptions options;
  options.events = 20'000;
  options.skus = 10'000;
  options.stocked = true;
  ASSERT_TRUE(RunBenchFold(context, options).ok());
  EXPECT_THAT(out.text(), ::testing::HasSubstr(R"("applied":20000,"not_applied":0)"));
  // Only counts that differ from the books: one of ten of one of ten.
  const size_t at = out.text().find(R"("alerts":)");
  ASSERT_NE(at, std::string::npos);
  EXPECT_NEAR(std::stoi(out.text().substr(at + 9)), 200, 80);
}

TEST(StatisticsTest, PercentilesAreValuesThatWereThere) {
  std::vector<double> hundred;
  for (int i = 100; i >= 1; --i) hundred.push_back(i);
  EXPECT_EQ(Percentile(hundred, 0.5), 50);
  EXPECT_EQ(Percentile(hundred, 0.99), 99);
  EXPECT_EQ(Percentile(hundred, 1), 100);
  EXPECT_EQ(Percentile(hundred, 0), 1);
  hundred.push_back(1'000);
  EXPECT_EQ(Percentile(hundred, 0.99), 100);
  EXPECT_EQ(Percentile({7}, 0.99), 7);
  EXPECT_EQ(Percentile({3, 1, 2}, 0.5), 2);
  EXPECT_EQ(Percentile({}, 0.5), 0);
}

TEST(StatisticsTest, MedianOfOddAndEven) {
  EXPECT_EQ(Median({9, 1, 5}), 5);
  EXPECT_EQ(Median({9, 1, 5, 2}), 3.5);
  EXPECT_EQ(Median({}), 0);
}

TEST(StatisticsTest, RatiosAreTakenInPairs) {
  EXPECT_EQ(Ratio(3, 4), 0.75);
  EXPECT_EQ(Ratio(3, 0), 0);
  // A slow moment for both changes nothing, though it changes both medians.
  EXPECT_EQ(MedianRatio({100, 10, 100}, {200, 20, 250}), 0.5);
  EXPECT_EQ(MedianRatio({}, {}), 0);
}

TEST(StatisticsTest, WhatIsDueAtARate) {
  EXPECT_EQ(DueBy(-1, 1), 0);
  EXPECT_EQ(DueBy(0, 1), 1);
  EXPECT_EQ(DueBy(999'999, 1), 1);
  EXPECT_EQ(DueBy(1'000'000, 1), 2);
  EXPECT_EQ(DueBy(50, 20'000), 2);
  for (const double rate : {0.5, 1.0, 3.0, 1'000.0, 20'000.0, 333'333.0}) {
    for (const int64_t n : {0, 1, 2, 17, 100'000}) {
      EXPECT_GE(DueBy(DueAt(n, rate), rate), n + 1) << rate << " " << n;
      EXPECT_LE(DueBy(DueAt(n, rate) - 1, rate), n) << rate << " " << n;
    }
  }
}

TEST(MeterTest, AProcessCountsWhatItBurns) {
  const ProcessMeter meter;
  while (meter.Cost().cpu_seconds < 0.02) {
  }
  const ProcessCost cost = meter.Cost();
  EXPECT_GE(cost.wall_seconds, 0.015);
  EXPECT_LT(cost.cpu_seconds, 10);
  const Resident memory = ResidentMemory();
  EXPECT_GT(memory.bytes, 1'000'000);
  EXPECT_GE(memory.peak_bytes, memory.bytes * 9 / 10);
}

}  // namespace
}  // namespace tallywire
