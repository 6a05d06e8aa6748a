// SPDX-License-Identifier: Apache-2.0

// Consumer groups, against a real broker.

#include <chrono>
#include <cstdlib>
#include <set>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ledger/kafka/group.h"
#include "ledger/kafka/kafka_log.h"
#include "tests/log/kafka_testing.h"

namespace tallywire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

using Place = KafkaGroup::Place;
using Clock = std::chrono::steady_clock;

class KafkaGroupTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string why_not;
    brokers_ = TestBrokers(why_not);
    if (brokers_.empty()) GTEST_SKIP() << "skipped: " << why_not;
    auto log = KafkaLog::Open({.connection = {.brokers = brokers_}});
    ASSERT_TRUE(log.ok()) << log.status();
    log_ = *std::move(log);
    const TopicSpec spec{topic_, 4};
    ASSERT_TRUE(log_->CreateTopics({&spec, 1}).ok());
  }

  std::unique_ptr<KafkaGroup> Join(bool member = true, KafkaConnection connection = {}) {
    connection.brokers = brokers_;
    connection.properties.emplace_back("session.timeout.ms", "6000");
    connection.properties.emplace_back("heartbeat.interval.ms", "500");
    auto group =
        KafkaGroup::Open({.connection = connection,
                          .group = topic_ + ".group",
                          .topics = member ? std::vector{topic_} : std::vector<std::string>()});
    EXPECT_TRUE(group.ok()) << group.status();
    return group.ok() ? *std::move(group) : nullptr;
  }
  Place At(int p) const { return {topic_, Partition(p)}; }

  // A member and what it owns.
  struct Member {
    std::unique_ptr<KafkaGroup> group;
    std::set<Place> owned;
    bool lost = false;
    KafkaGroup::Change Step(bool confirm = true) {
      auto change = group->Poll(Milliseconds(50));
      EXPECT_TRUE(change.ok()) << change.status();
      if (!change.ok()) return {};
      for (const Place& one : change->assigned) EXPECT_TRUE(owned.insert(one).second);
      for (const Place& one : change->revoked) EXPECT_EQ(owned.erase(one), 1u);
      lost = lost || change->lost;
      if (confirm && !change->revoked.empty()) {
        const absl::Status status = group->ConfirmRevoked();
        EXPECT_TRUE(status.ok()) << status;
      }
      return *change;
    }
  };
  template <class Done>
  static bool Until(Done done, int seconds = 20) {
    const auto until = Clock::now() + std::chrono::seconds(seconds);
    while (Clock::now() < until) {
      if (done()) return true;
    }
    return false;
  }

  std::string brokers_;
  const std::string topic_ = UniqueKafkaName();
  std::unique_ptr<KafkaLog> log_;
};

TEST_F(KafkaGroupTest, PartitionsAreSharedOutAndGivenBack) {
  Member a{Join(), {}};
  ASSERT_TRUE(Until([&] {
    a.Step();
    return a.owned.size() == 4;
  }));
  EXPECT_THAT(a.owned, ElementsAre(At(0), At(1), At(2), At(3)));
  Member b{Join(), {}};
  ASSERT_TRUE(Until([&] {
    a.Step();
    b.Step();
    return a.owned.size() == 2 && b.owned.size() == 2;
  }));
  // By ranges, and none twice.
  std::set<Place> both = a.owned;
  both.insert(b.owned.begin(), b.owned.end());
  EXPECT_THAT(both, SizeIs(4));
  EXPECT_EQ(std::abs(a.owned.begin()->partition.value() - a.owned.rbegin()->partition.value()), 1);
  EXPECT_FALSE(a.lost);
  // Who leaves is not waited for.
  const auto began = Clock::now();
  EXPECT_TRUE(b.group->Close().ok());
  ASSERT_TRUE(Until([&] {
    a.Step();
    return a.owned.size() == 4;
  }));
  EXPECT_LT(Clock::now() - began, std::chrono::seconds(5));
}

TEST_F(KafkaGroupTest, WhatIsNotConfirmedIsNobodyElses) {
  Member a{Join(), {}};
  ASSERT_TRUE(Until([&] {
    a.Step();
    return a.owned.size() == 4;
  }));
  Member b{Join(), {}};
  std::vector<Place> revoked;
  ASSERT_TRUE(Until([&] {
    revoked = a.Step(/*confirm=*/false).revoked;
    b.Step();
    return !revoked.empty();
  }));
  EXPECT_THAT(revoked, SizeIs(4));
  // Longer than the session: the heart goes on beating while it closes its folders.
  EXPECT_FALSE(Until(
      [&] {
        b.Step();
        return !b.owned.empty();
      },
      8));
  EXPECT_EQ(a.group->Poll(Span(0)).status().code(), absl::StatusCode::kFailedPrecondition);
  // What it has done until now still counts.
  const KafkaGroup::Position position{At(1), Offset(0)};
  EXPECT_TRUE(a.group->Commit({&position, 1}, true).ok());
  ASSERT_TRUE(a.group->ConfirmRevoked().ok());
  EXPECT_TRUE(Until([&] {
    a.Step();
    b.Step();
    return a.owned.size() == 2 && b.owned.size() == 2;
  }));
}

TEST_F(KafkaGroupTest, OffsetsAreCommittedByMembers) {
  Member a{Join(), {}};
  ASSERT_TRUE(Until([&] {
    a.Step();
    return a.owned.size() == 4;
  }));
  const std::vector<Place> places = {At(0), At(3), At(1)};
  auto committed = a.group->Committed(places);
  ASSERT_TRUE(committed.ok()) << committed.status();
  EXPECT_THAT(*committed, ElementsAre(std::nullopt, std::nullopt, std::nullopt));
  const std::vector<KafkaGroup::Position> positions = {{At(0), Offset(7)}, {At(3), Offset(9)}};
  ASSERT_TRUE(a.group->Commit(positions, true).ok());
  EXPECT_THAT(*a.group->Committed(places), ElementsAre(Offset(7), Offset(9), std::nullopt));
  const KafkaGroup::Position later{At(1), Offset(11)};
  ASSERT_TRUE(a.group->Commit({&later, 1}, false).ok());
  EXPECT_TRUE(Until([&] { return a.group->Committed(places)->at(2) == Offset(11); }));
}

TEST_F(KafkaGroupTest, AFixedOwnerCommitsWithoutMembership) {
  auto owner = Join(/*member=*/false);
  const std::vector<KafkaGroup::Position> positions = {{At(2), Offset(3)}, {At(3), Offset(0)}};
  const absl::Status status = owner->Commit(positions, true);
  ASSERT_TRUE(status.ok()) << status;
  owner.reset();
  const std::vector<Place> places = {At(2), At(3)};
  auto other = Join(/*member=*/false);
  EXPECT_THAT(*other->Committed(places), ElementsAre(Offset(3), Offset(0)));
  EXPECT_TRUE(other->Commit({}, true).ok());
  EXPECT_EQ(other->Poll(Span(0)).status().code(), absl::StatusCode::kFailedPrecondition);
  // A group that has members does not take it.
  Member member{Join(), {}};
  ASSERT_TRUE(Until([&] {
    member.Step();
    return member.owned.size() == 4;
  }));
  EXPECT_EQ(other->Commit(positions, true).code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(KafkaGroupTest, AMemberThatDoesNotPollLosesItsPartitions) {
  KafkaConnection connection;
  connection.properties = {{"max.poll.interval.ms", "6000"}};
  Member a{Join(true, connection), {}};
  ASSERT_TRUE(Until([&] {
    a.Step();
    return a.owned.size() == 4;
  }));
  Member b{Join(), {}};
  // The one hangs, the other gets all.
  ASSERT_TRUE(Until(
      [&] {
        b.Step();
        return b.owned.size() == 4;
      },
      30));
  ASSERT_TRUE(Until([&] {
    a.Step();
    return a.owned.empty();
  }));
  EXPECT_TRUE(a.lost);
  // It comes back as a member like any.
  EXPECT_TRUE(Until([&] {
    a.Step();
    b.Step();
    return a.owned.size() == 2 && b.owned.size() == 2;
  }));
}

TEST_F(KafkaGroupTest, ATopicThatIsNotThereIsNotFound) {
  auto group = KafkaGroup::Open({.connection = {.brokers = brokers_},
                                 .group = topic_ + ".other",
                                 .topics = {topic_ + ".none"}});
  ASSERT_TRUE(group.ok()) << group.status();
  absl::Status status;
  ASSERT_TRUE(Until([&] {
    status = (*group)->Poll(Milliseconds(100)).status();
    return !status.ok();
  }));
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound) << status;
  EXPECT_THAT(status.ToString(), HasSubstr(topic_ + ".none"));
}

TEST_F(KafkaGroupTest, WhatIsWrongIsSaidAtOnce) {
  const auto open = [&](KafkaGroup::Options options) {
    options.connection.brokers = brokers_;
    return KafkaGroup::Open(std::move(options)).status().code();
  };
  EXPECT_EQ(open({.connection = {}, .group = ""}), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(open({.connection = {}, .group = "g", .topics = {"^t"}}),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(open({.connection = {.brokers = "", .properties = {{"enable.auto.commit", "true"}}},
                  .group = "g"}),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace tallywire
