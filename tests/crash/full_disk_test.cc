// SPDX-License-Identifier: Apache-2.0

// No room on the disk of the log, of a state or of the publisher: what needs room stops, questions
// are answered, and all goes on by itself once there is room.

#include <sys/mount.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tallywire/v1/api.pb.h"
#include "tests/crash/dying_ledger.h"
#include "tests/crash/story.h"
#include "tests/small_disk.h"

namespace tallywire::crash {
namespace {

namespace fs = std::filesystem;
using scenarios::World;
using ::testing::IsEmpty;

// The story's steps before the disk is full.
constexpr size_t kStepsBefore = 3;
constexpr int kTries = 5;

class FullDiskTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    base_ = fs::temp_directory_path().string() + "/tallywire-full-XXXXXX";
    ASSERT_NE(mkdtemp(base_.data()), nullptr);
    disk_ = base_ + "/" + GetParam();
    fs::create_directory(disk_);
    std::string failure;
    const std::string why_not = MountSmallDisk(disk_, "24m", failure);
    ASSERT_EQ(failure, "");
    if (!why_not.empty()) GTEST_SKIP() << why_not;
    mounted_ = true;
    auto world = World::Create({.partitions = 2, .batch = 100, .folder = base_}, kStoryBegins);
    ASSERT_TRUE(world.ok()) << world.status();
    world_ = *std::move(world);
    Client first(&before_);
    ASSERT_TRUE(first.Play(*world_).ok());
  }
  void TearDown() override {
    world_.reset();
    if (mounted_) {
      EXPECT_EQ(umount(disk_.c_str()), 0);
    }
    std::error_code ignored;
    fs::remove_all(base_, ignored);
  }

  void Fill() {
    std::ofstream file(disk_ + "/filler", std::ios::binary);
    const std::string block(4096, 'f');
    while (file << block << std::flush) {
    }
  }
  void MakeRoom() { fs::remove(disk_ + "/filler"); }

  // Turns that find no room. None of them takes more in than the one before it.
  absl::Status TryTurns() {
    absl::Status last;
    std::string folded;
    for (int i = 0; i < kTries; ++i) {
      world_->SetClock(world_->now() + Seconds(2));
      last = world_->Turn().status();
      const std::string now = Folded();
      if (i > 0) {
        EXPECT_EQ(now, folded) << "it goes on reading";
      }
      folded = now;
      ExpectAnswers();
    }
    return last;
  }
  std::string Folded() const {
    std::string text;
    for (const Projector::Mark& mark : world_->projector().Marks()) {
      absl::StrAppend(&text, mark.partition.value(), "/", mark.next.value(), " ");
    }
    return text;
  }
  void ExpectAnswers() {
    v1::GetStockResponse stock;
    EXPECT_TRUE(world_->projector().GetStock("TEE", "", &stock).ok());
    EXPECT_GT(stock.rows_size(), 0);
    v1::HealthResponse health;
    EXPECT_TRUE(world_->projector().Health(&health).ok());
    v1::ListListingsResponse listings;
    EXPECT_TRUE(world_->publisher().ListListings(&listings).ok());
    EXPECT_EQ(listings.listings_size(), 1);
  }

  // On from here to the end, which is that of a ledger that always had room.
  void ExpectTheEnd(Client& client) {
    const absl::Status played = client.Play(*world_);
    ASSERT_TRUE(played.ok()) << played;
    const auto ending = Look(*world_, client, false, true);
    ASSERT_TRUE(ending.ok()) << ending.status();
    DyingLedger undisturbed(&story_, {.partitions = 2, .batch = 100});
    undisturbed.PlayUndisturbed();
    ExpectSame(*ending, undisturbed.ending());
    // A second process finds the same.
    ASSERT_TRUE(world_->Restart(false).ok());
    ASSERT_TRUE(world_->Settle().ok());
    const auto again = Look(*world_, client, false, false);
    ASSERT_TRUE(again.ok()) << again.status();
    ExpectSame(*again, undisturbed.ending());
  }

  const Story story_ = ShortStory();
  const Story before_{story_.begin(), story_.begin() + kStepsBefore};
  std::string base_;
  std::string disk_;
  bool mounted_ = false;
  std::unique_ptr<World> world_;
};

INSTANTIATE_TEST_SUITE_P(Of, FullDiskTest, ::testing::Values("log", "state", "publisher"),
                         [](const auto& disk) { return std::string(disk.param); });

// The client is told, and what it then asks for again is done once there is room.
TEST_P(FullDiskTest, StopsAnswersAndGoesOn) {
  Fill();
  Client client(&story_);
  const absl::Status told = client.Tell(*world_);
  ASSERT_TRUE(absl::IsResourceExhausted(told)) << told;
  EXPECT_THAT(told.ToString(), ::testing::HasSubstr(disk_));
  const absl::Status tried = TryTurns();
  if (std::string(GetParam()) != "log") {
    EXPECT_TRUE(absl::IsResourceExhausted(tried)) << tried;
  }
  MakeRoom();
  ExpectTheEnd(client);
}

class FullLogTest : public FullDiskTest {};

INSTANTIATE_TEST_SUITE_P(Of, FullLogTest, ::testing::Values("log"));

// The log runs full between an event and the rows that come of it.
TEST_P(FullLogTest, StopsBetweenAnEventAndItsRows) {
  Story quiet = story_;
  for (Step& step : quiet) step.turns = 0;
  for (Step& step : quiet) step.listing.reset();
  quiet.resize(kStepsBefore + 1);
  Client early(&quiet);
  ASSERT_TRUE(early.Tell(*world_).ok());
  Fill();
  const absl::Status tried = TryTurns();
  EXPECT_TRUE(absl::IsResourceExhausted(tried)) << tried;
  MakeRoom();
  ASSERT_TRUE(world_->Turn().ok());
  Client client(&story_);
  ExpectTheEnd(client);
}

}  // namespace
}  // namespace tallywire::crash
