// SPDX-License-Identifier: Apache-2.0
// A definition that makes a site with 300,000 SKUs unsellable takes effect at once and its rows go
// out beside the running fold: sales of other SKUs go on meanwhile, and in the end every row is
// right. Prints the longest that a sale had to wait for its row.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ledger/topics.h"
#include "tallywire/v1/api.pb.h"
#include "tallywire/v1/availability.pb.h"
#include "tallywire/v1/event.pb.h"
#include "tests/scenarios/world.h"

namespace tallywire {
namespace {

constexpr int kSkus = 300'000;
constexpr int kPartitions = 2;

using Clock = std::chrono::steady_clock;

Time Now() {
  return Time(std::chrono::duration_cast<std::chrono::microseconds>(
                  std::chrono::system_clock::now().time_since_epoch())
                  .count());
}

int64_t MicrosSince(Clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start).count();
}

class SweepTest : public testing::Test {
 protected:
  void SetUp() override {
    auto world = scenarios::World::Create({.partitions = kPartitions, .batch = 1'000}, Now());
    ASSERT_TRUE(world.ok()) << world.status();
    world_ = *std::move(world);
  }

  v1::StockEvent Event(const std::string& sku) {
    v1::StockEvent event;
    event.set_event_id(absl::StrCat("e", ++events_));
    event.set_source("sweep");
    event.set_sku(sku);
    return event;
  }

  AppendedEvent Append(const std::vector<v1::StockEvent>& events) {
    std::vector<const v1::StockEvent*> pointers;
    for (const v1::StockEvent& event : events) pointers.push_back(&event);
    world_->SetClock(Now());
    const auto results = world_->appender().Append(pointers);
    EXPECT_TRUE(results.ok()) << results.status();
    return std::get<AppendedEvent>(results->back());
  }

  void Define(const std::string& location, std::optional<bool> sellable) {
    v1::StockEvent event = Event("");
    event.mutable_location_defined()->set_location(location);
    event.mutable_location_defined()->set_kind(v1::SITE_KIND_WAREHOUSE);
    if (sellable.has_value()) event.mutable_location_defined()->set_sellable(*sellable);
    Append({event});
  }

  void Receive(const std::string& location, const std::string& prefix, int count) {
    std::vector<v1::StockEvent> events;
    for (int i = 0; i < count; ++i) {
      v1::StockEvent event = Event(absl::StrCat(prefix, i));
      event.mutable_received()->set_location(location);
      event.mutable_received()->set_quantity(1 + i % 7);
      events.push_back(event);
      if (events.size() == 10'000 || i + 1 == count) {
        Append(events);
        events.clear();
      }
    }
  }

  std::unique_ptr<scenarios::World> world_;
  int64_t events_ = 0;
};

TEST_F(SweepTest, SalesOfOtherSkusGoOnWhileAMillionRowsAreTouched) {
  Define("BIG", std::nullopt);
  Define("SHOP", std::nullopt);
  ASSERT_TRUE(world_->Settle().ok());
  Receive("BIG", "BIG-", kSkus);
  Receive("SHOP", "SHOP-", 100);
  ASSERT_TRUE(world_->Settle().ok());

  std::atomic<bool> stop = false;
  std::atomic<bool> idle = false;
  std::thread loop([&] {
    while (!stop) {
      const auto more = world_->projector().RunOnce(Now());
      ASSERT_TRUE(more.ok()) << more.status();
      idle = !*more;
      if (!*more) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });

  Define("BIG", false);
  const auto start = Clock::now();
  std::vector<int64_t> waits;
  bool sweeping = true;
  while (sweeping) {
    v1::StockEvent sale = Event(absl::StrCat("SHOP-", waits.size() % 100));
    sale.mutable_sold()->set_location("SHOP");
    sale.mutable_sold()->set_quantity(1);
    const auto asked = Clock::now();
    const AppendedEvent at = Append({sale});
    ASSERT_TRUE(world_->projector().WaitFolded(at.partition, at.offset, Seconds(60)).ok());
    waits.push_back(MicrosSince(asked));
    v1::HealthResponse health;
    ASSERT_TRUE(world_->projector().Health(&health).ok());
    sweeping = std::any_of(health.partitions().begin(), health.partitions().end(),
                           [](const auto& p) { return p.sweeps() > 0; }) ||
               waits.size() < 20;
  }
  const int64_t took = MicrosSince(start);
  stop = true;
  loop.join();
  ASSERT_TRUE(world_->Settle().ok());
  std::sort(waits.begin(), waits.end());
  std::cout << kSkus << " SKUs became unsellable in " << took / 1'000 << " ms; " << waits.size()
            << " sales went on meanwhile, folded after " << waits[waits.size() / 2]
            << " us in the middle and " << waits.back() << " us at the longest\n";

  // What a reader of the topic ends with.
  const auto records = world_->ReadAll(kStockAvailability);
  ASSERT_TRUE(records.ok()) << records.status();
  std::map<std::string, v1::Availability> rows;
  for (const scenarios::OwnedRecord& record : *records) {
    v1::Availability row;
    ASSERT_TRUE(row.ParseFromString(record.value));
    v1::Availability& held = rows[record.key];
    if (held.sku().empty() || row.version() > held.version()) held = row;
  }
  int64_t big_rows = 0;
  for (const auto& [key, row] : rows) {
    if (!row.sku().starts_with("BIG-")) continue;
    ++big_rows;
    EXPECT_EQ(row.ats(), 0) << key;
    if (row.level() == v1::LEVEL_SITE) {
      EXPECT_FALSE(row.sellable()) << key;
      EXPECT_GT(row.available(), 0) << key;
    }
    if (HasFailure()) break;
  }
  EXPECT_EQ(big_rows, 2 * kSkus);
  v1::VerifyResponse verified;
  ASSERT_TRUE(world_->projector().Verify([](int64_t, int64_t) {}, &verified).ok());
  EXPECT_TRUE(verified.ok()) << verified.ShortDebugString();
}

}  // namespace
}  // namespace tallywire
