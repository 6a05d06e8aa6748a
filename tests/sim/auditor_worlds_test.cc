// SPDX-License-Identifier: Apache-2.0
// Worlds that chance has made, small ones of the real parts: what goes out is what the auditor
// says.
//
//   auditor_worlds_test [--seeds=N] [--first=SEED] [gtest flags]

#include <gtest/gtest.h>

#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "ledger/topics.h"
#include "tallywire/v1/event.pb.h"
#include "tallywire/v1/listing.pb.h"
#include "tests/scenarios/world.h"
#include "tests/sim/outside.h"

namespace tallywire::sim {
namespace {

uint64_t first_seed = 1;
uint64_t seeds = 120;

constexpr int64_t kMinute = 60'000'000;
constexpr int64_t kStart = 1'772'359'200'000'000;

class WorldOfChance {
 public:
  explicit WorldOfChance(uint64_t seed) : random_(seed) {
    config_.partitions = Pick(std::vector<int>{1, 1, 2, 3, 6});
    config_.batch = OneIn(2) ? 1 : 1000;
    lively_ = OneIn(2);
  }

  absl::Status Play() {
    auto created = scenarios::World::Create(config_, Time(kStart));
    if (!created.ok()) return created.status();
    world_ = *std::move(created);
    const int64_t steps = Below(120) + 10;
    for (int64_t i = 0; i < steps; ++i) {
      if (const absl::Status status = Step(); !status.ok()) return status;
    }
    return world_->Settle();
  }

  absl::StatusOr<Findings> Audit() {
    return AuditLog(world_->log(),
                    {.one_life = !world_->restarted(), .acknowledged = acknowledged_});
  }

 private:
  int64_t Below(int64_t n) { return static_cast<int64_t>(random_() % static_cast<uint64_t>(n)); }
  bool OneIn(int64_t n) { return Below(n) == 0; }
  template <class T>
  T Pick(const std::vector<T>& from) {
    return from[static_cast<size_t>(Below(static_cast<int64_t>(from.size())))];
  }

  absl::Status Step() {
    if (OneIn(5)) MoveClock();
    if (OneIn(25)) return world_->Restart(OneIn(2));
    if (OneIn(10)) return world_->Turn().status();
    if (OneIn(25)) return world_->Settle();
    if (OneIn(12)) return ChangeListing();
    v1::StockEvent event = Event();
    if (OneIn(12)) return AppendSpoilt(std::move(event));
    const std::string key =
        event.has_location_defined() ? event.location_defined().location() : event.sku();
    return Append(PartitionOf(key, config_.partitions), key, event.SerializeAsString(), {});
  }

  void MoveClock() {
    int64_t by = Below(40 * kMinute);
    if (lively_ && OneIn(4)) by = -Below(50 * kMinute);
    if (lively_ && OneIn(8)) by = -Below(26 * 60 * kMinute);
    if (lively_ && OneIn(12)) by = Below(26 * 60 * kMinute);
    world_->SetClock(Time(world_->now().value() + by));
  }

  absl::Status Append(Partition partition, const std::string& key, const std::string& value,
                      const std::vector<Header>& headers) {
    const NewRecord record{.topic = kStockEvents,
                           .partition = partition,
                           .key = key,
                           .value = value,
                           .headers = headers};
    const auto appended = world_->log().Append({&record, 1});
    if (!appended.ok()) return appended.status();
    acknowledged_.push_back({partition.value(), (*appended)[0].offset.value(), key, value});
    return absl::OkStatus();
  }

  // Past the appender, and seldom right.
  absl::Status AppendSpoilt(v1::StockEvent event) {
    std::string key =
        event.has_location_defined() ? event.location_defined().location() : event.sku();
    std::vector<Header> headers;
    if (OneIn(4)) {
      event.clear_event_id();
      event.clear_source();
      headers = {{"ce_id", Id()}, {"ce_source", Pick<std::string>({"ce", "\xff"})}};
      if (OneIn(2))
        headers.push_back({"ce_time", Pick<std::string>({"2026-03-01T10:00:00Z", "x"})});
    }
    std::string value = event.SerializeAsString();
    if (OneIn(4)) value = std::string("\0\0\0\0\7\2\0", 7) + value;
    if (OneIn(4) && !value.empty())
      value[static_cast<size_t>(Below(value.size()))] ^= char(1 + Below(127));
    if (OneIn(8)) value.resize(static_cast<size_t>(Below(value.size() + 1)));
    if (OneIn(8)) key = Sku();
    Partition partition = PartitionOf(key, config_.partitions);
    if (OneIn(4)) partition = Partition(static_cast<int32_t>(Below(config_.partitions)));
    return Append(partition, key, value, headers);
  }

  std::string Sku() { return Pick<std::string>({"A", "A", "A", "B", "C", "D"}); }
  std::string Id() { return absl::StrCat("e", OneIn(6) ? Below(20) : 1000 + next_id_++); }
  std::string Location() {
    return Pick<std::string>({"W", "W", "W/A", "W/A", "W/A/1", "W/B", "R/S", "R/S/1", "R", "N"});
  }
  v1::Pool Pool() {
    return Pick<v1::Pool>({v1::POOL_UNSPECIFIED, v1::POOL_AVAILABLE, v1::POOL_AVAILABLE,
                           v1::POOL_HELD, v1::POOL_HELD, v1::POOL_DAMAGED, v1::POOL_USED});
  }
  int64_t Quantity() {
    if (OneIn(80)) return (int64_t{1} << 53) - Below(3);
    return 1 + Below(9);
  }
  std::string TransferId() { return Pick<std::string>({"T1", "T2"}); }

  void SetMoment(int64_t at, google::protobuf::Timestamp* out) {
    out->set_seconds(at / 1'000'000);
    out->set_nanos(static_cast<int32_t>(at % 1'000'000) * 1'000);
  }

  v1::StockEvent Event() {
    v1::StockEvent event;
    event.set_event_id(Id());
    event.set_source(Pick<std::string>({"pos", "pos", "shop"}));
    event.set_sku(Sku());
    if (OneIn(2)) {
      SetMoment(world_->now().value() - Below(6) * 20 * kMinute + 30 * kMinute,
                event.mutable_occurred_at());
    }
    if (OneIn(4)) event.set_sequence(static_cast<uint64_t>(next_id_ / 2 + Below(6)));
    if (OneIn(60)) event.set_sequence(static_cast<uint64_t>(next_id_ + 1024 + Below(3)));
    if (OneIn(5)) {
      SetDefinition(&event);
    } else if (OneIn(4)) {
      SetTransfer(&event);
    } else {
      SetMovement(&event);
    }
    return event;
  }

  void SetMovement(v1::StockEvent* event) {
    switch (Below(9)) {
      case 0:
      case 1: {
        auto* body = event->mutable_received();
        body->set_location(Location());
        body->set_quantity(Quantity());
        body->set_pool(Pool());
        if (!OneIn(3)) return;
        body->mutable_unit_cost()->set_amount(Below(1000));
        body->mutable_unit_cost()->set_currency("GBP");
        return;
      }
      case 2: {
        auto* body = event->mutable_sold();
        body->set_location(Location());
        body->set_quantity(Quantity());
        body->set_pool(Pool());
        if (OneIn(3)) body->set_channel("amazon");
        return;
      }
      case 3: {
        auto* body = event->mutable_returned();
        body->set_location(Location());
        body->set_quantity(Quantity());
        body->set_pool(Pool());
        return;
      }
      case 4: {
        auto* body = event->mutable_adjusted();
        body->set_location(Location());
        body->set_delta(OneIn(2) ? Quantity() : -Quantity());
        body->set_pool(Pool());
        body->set_reason("found");
        return;
      }
      case 5:
      case 6: {
        auto* body = event->mutable_moved();
        body->set_location(Location());
        body->set_from_pool(Pool());
        body->set_to_pool(Pool());
        body->set_quantity(Quantity());
        if (OneIn(3)) return;
        body->set_to_pool(v1::POOL_HELD);
        SetMoment(world_->now().value() + (Below(9) - 2) * 20 * kMinute, body->mutable_until());
        return;
      }
      default: {
        auto* body = event->mutable_counted();
        body->set_location(Location());
        body->set_quantity(OneIn(4) ? 0 : Quantity());
        body->set_set(static_cast<v1::CountSet>(OneIn(2) ? 0 : Below(4)));
      }
    }
  }

  void SetTransfer(v1::StockEvent* event) {
    switch (Below(6)) {
      case 0: {
        auto* body = event->mutable_transferred();
        body->set_from(Location());
        body->set_to(Location());
        body->set_quantity(Quantity());
        body->set_pool(Pool());
        return;
      }
      case 1:
      case 2: {
        auto* body = event->mutable_transfer_shipped();
        body->set_transfer_id(TransferId());
        body->set_from(Location());
        body->set_to(Location());
        body->set_quantity(Quantity());
        body->set_pool(Pool());
        return;
      }
      case 3:
        return event->mutable_transfer_closed()->set_transfer_id(TransferId());
      default: {
        auto* body = event->mutable_transfer_received();
        body->set_transfer_id(TransferId());
        body->set_to(Location());
        body->set_quantity(Quantity());
        body->set_pool(Pool());
      }
    }
  }

  void SetDefinition(v1::StockEvent* event) {
    switch (Below(4)) {
      case 0: {
        auto* body = event->mutable_sku_defined();
        if (OneIn(3)) body->set_tracking(v1::TRACKING_NON_INVENTORY);
        if (OneIn(3)) body->set_sellable(OneIn(2));
        body->set_discontinued(OneIn(5));
        body->set_safety_stock(Below(3));
        return;
      }
      case 1: {
        auto* body = event->mutable_sku_location_set();
        body->set_location(Location());
        if (OneIn(2)) body->set_sellable(OneIn(2));
        if (OneIn(2)) body->set_safety_stock(Below(4));
        return;
      }
      default: {
        event->clear_sku();
        auto* body = event->mutable_location_defined();
        body->set_location(Location());
        body->set_kind(static_cast<v1::SiteKind>(OneIn(2) ? 0 : Below(5)));
        if (OneIn(3)) body->set_sellable(OneIn(2));
        if (OneIn(3)) body->set_priority(static_cast<int32_t>(Below(5)));
        if (OneIn(4)) body->mutable_lead_time()->set_nanos(static_cast<int32_t>(Below(9'999)));
      }
    }
  }

  absl::Status ChangeListing() {
    const std::string channel = Pick<std::string>({"amazon", "ebay"});
    const std::string id = Pick<std::string>({"L1", "L2"});
    if (OneIn(6)) {
      const absl::Status removed = world_->publisher().RemoveListing(channel, id).status();
      return absl::IsNotFound(removed) ? absl::OkStatus() : removed;
    }
    v1::Listing listing;
    listing.set_channel(channel);
    listing.set_listing_id(id);
    listing.set_sku(Sku());
    while (OneIn(3)) listing.add_locations(Location());
    while (OneIn(4)) listing.add_kinds(static_cast<v1::SiteKind>(1 + Below(4)));
    while (OneIn(3)) listing.add_pools(static_cast<v1::Pool>(Below(7)));
    if (OneIn(3)) listing.set_buffer(Below(4));
    if (OneIn(3)) listing.set_percent(static_cast<int32_t>(Below(101)));
    if (OneIn(3)) listing.set_max(Below(6));
    if (OneIn(8)) listing.set_fixed(Below(6));
    listing.set_paused(OneIn(8));
    return world_->publisher().PutListing(listing).status();
  }

  std::mt19937_64 random_;
  scenarios::RunConfig config_;
  bool lively_ = false;  // a clock that steps both ways
  int64_t next_id_ = 0;
  std::unique_ptr<scenarios::World> world_;
  std::vector<Acknowledged> acknowledged_;
};

TEST(AuditorWorldsTest, WhatGoesOutIsWhatTheAuditorSays) {
  for (uint64_t seed = first_seed; seed < first_seed + seeds; ++seed) {
    SCOPED_TRACE(absl::StrCat("auditor_worlds_test --seeds=1 --first=", seed));
    WorldOfChance world(seed);
    const absl::Status played = world.Play();
    ASSERT_TRUE(played.ok()) << played;
    const auto findings = world.Audit();
    ASSERT_TRUE(findings.ok()) << findings.status();
    for (const std::string& finding : *findings) ADD_FAILURE() << finding;
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace tallywire::sim

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    const bool read =
        (arg.starts_with("--seeds=") && absl::SimpleAtoi(arg.substr(8), &tallywire::sim::seeds)) ||
        (arg.starts_with("--first=") &&
         absl::SimpleAtoi(arg.substr(8), &tallywire::sim::first_seed));
    if (read) continue;
    std::cerr << "--seeds=N --first=SEED, not `" << arg << "`\n";
    return 2;
  }
  return RUN_ALL_TESTS();
}
