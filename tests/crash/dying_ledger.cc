// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/dying_ledger.h"

#include <cstdio>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tallywire::crash {

using ::testing::IsEmpty;

DyingLedger DyingLedger::InMemory(const Story* story, int partitions, size_t batch) {
  DyingLedger ledger(story, {.partitions = partitions, .batch = batch, .folder = "ledger"});
  ledger.in_memory_ = true;
  return ledger;
}

scenarios::RunConfig DyingLedger::Config(Death* death) {
  scenarios::RunConfig config = config_;
  if (in_memory_) {
    // The world's clock is there only once a world is.
    auto clock = std::make_shared<std::function<Time()>>();
    cluster_ = std::make_unique<sim::MemoryCluster>(sim::MemoryCluster::Options{
        .id = "memory", .shared = true, .clock = [clock] { return (*clock)(); }});
    disk_ = std::make_unique<sim::MemoryDisk>();
    config.open_log = [this, clock](std::function<Time()> now) {
      *clock = std::move(now);
      return cluster_->OpenView("ledger");
    };
    config.open_rocks = DyingRocks(death, disk_->Opener());
    config.wrap_log = DyingLog(death);
    return config;
  }
  if (!config.brokers.empty()) absl::StrAppend(&config.prefix, runs_, ".");
  config.open_rocks = DyingRocks(death);
  config.wrap_log = DyingLog(death);
  return config;
}

void DyingLedger::PlayUndisturbed() {
  Death none;
  Client client(&story_);
  auto world = scenarios::World::Create(Config(&none), kStoryBegins);
  ++runs_;
  ASSERT_TRUE(world.ok()) << world.status();
  const absl::Status played = client.Play(**world);
  ASSERT_TRUE(played.ok()) << played;
  points_ = none.points;
  auto ending = Look(**world, client, false, true);
  ASSERT_TRUE(ending.ok()) << ending.status();
  ending_ = *std::move(ending);
  EXPECT_THAT(ending_.findings, IsEmpty());
}

void DyingLedger::Play(const std::vector<When>& whens, bool thorough) {
  Death death;
  Client client(&story_);
  auto world = scenarios::World::Make(Config(&death), kStoryBegins);
  ++runs_;
  ASSERT_TRUE(world.ok()) << world.status();
  bool half = false;
  for (const When& when : whens) {
    death = Death();
    death.at = when.at;
    death.how = when.how;
    half = half || when.how == Death::How::kHalf;
    absl::Status status = (*world)->Open();
    if (status.ok()) status = client.Play(**world);
    (*world)->Stop();
    // A later one may come after the end.
    if (!death.dead) {
      EXPECT_TRUE(status.ok()) << status;
    }
  }
  death = Death();
  absl::Status status = (*world)->Open();
  ASSERT_TRUE(status.ok()) << status;
  status = client.Play(**world);
  ASSERT_TRUE(status.ok()) << status;
  const auto ending = Look(**world, client, half, thorough);
  ASSERT_TRUE(ending.ok()) << ending.status();
  ExpectSame(*ending, ending_);
}

void DyingLedger::PlayEveryDeath(bool thorough) {
  const std::vector<When> deaths = EveryDeath();
  for (const When& when : deaths) {
    SCOPED_TRACE(absl::StrCat("dies ", std::string(Name(when.how)), " call ", when.at, ": ",
                              points_[static_cast<size_t>(when.at)].what));
    Play({when}, thorough);
    if (::testing::Test::HasFailure()) return;
  }
  std::printf("%zu calls, %zu deaths\n", points_.size(), deaths.size());
}

std::vector<DyingLedger::When> DyingLedger::EveryDeath() const {
  std::vector<When> whens;
  for (size_t i = 0; i < points_.size(); ++i) {
    const auto at = static_cast<int64_t>(i);
    whens.push_back({at, Death::How::kNothing});
    if (points_[i].has_half) whens.push_back({at, Death::How::kHalf});
    if (absl::StartsWith(points_[i].what, "append")) whens.push_back({at, Death::How::kAll});
  }
  return whens;
}

void ExpectSame(const Ending& ending, const Ending& undisturbed) {
  EXPECT_EQ(ending.digest, undisturbed.digest);
  EXPECT_EQ(ending.rows, undisturbed.rows);
  EXPECT_EQ(ending.updates, undisturbed.updates);
  EXPECT_THAT(ending.findings, IsEmpty());
}

}  // namespace tallywire::crash
