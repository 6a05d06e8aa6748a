// SPDX-License-Identifier: Apache-2.0

// Appends that fail, against the broker that the client library itself pretends to be: it can be
// told to refuse, to hang and to be away.

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <chrono>
#include <set>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ledger/check.h"
#include "ledger/kafka/kafka_log.h"

namespace tallywire {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr int16_t kProduce = 0;  // the request's number in Kafka's protocol
constexpr char kTopic[] = "t";

class KafkaFaultsTest : public ::testing::Test {
 protected:
  KafkaFaultsTest() {
    char error[256];
    rd_kafka_conf_t* const conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, nullptr);
    handle_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof(error));
    TW_CHECK(handle_ != nullptr, error);
    cluster_ = rd_kafka_mock_cluster_new(handle_, 1);
    rd_kafka_mock_topic_create(cluster_, kTopic, 2, 1);
    auto log = KafkaLog::Open({.connection = {.brokers = rd_kafka_mock_cluster_bootstraps(cluster_),
                                              .properties = {{"reconnect.backoff.max.ms", "200"}}},
                               .append_timeout = Milliseconds(1'500),
                               .patience = Seconds(2)});
    TW_CHECK(log.ok(), log.status().ToString().c_str());
    log_ = *std::move(log);
  }
  ~KafkaFaultsTest() override {
    log_.reset();
    rd_kafka_mock_cluster_destroy(cluster_);
    rd_kafka_destroy(handle_);
  }

  absl::StatusOr<std::vector<Appended>> Append(size_t count = 1, int partition = 0) {
    return log_->Append(
        std::vector<NewRecord>(count, {kTopic, Partition(partition), "k", "v", {}}));
  }
  template <class... Errors>
  void Answer(Errors... errors) {
    rd_kafka_mock_push_request_errors(cluster_, kProduce, sizeof...(errors), errors...);
  }

  rd_kafka_t* handle_ = nullptr;
  rd_kafka_mock_cluster_t* cluster_ = nullptr;
  std::unique_ptr<KafkaLog> log_;
};

TEST_F(KafkaFaultsTest, WhatPassesIsTriedAgain) {
  ASSERT_TRUE(Append().ok());
  Answer(RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
         RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT);
  // One request: of several the pretended broker takes a later one before an earlier.
  const auto appended = Append();
  ASSERT_TRUE(appended.ok()) << appended.status();
  EXPECT_EQ(appended->back().offset, Offset(1));
}

TEST_F(KafkaFaultsTest, ABrokerThatIsAwayIsUnavailableAndAfterThatAllIsWell) {
  ASSERT_TRUE(Append().ok());
  rd_kafka_mock_broker_set_down(cluster_, 1);
  const auto began = std::chrono::steady_clock::now();
  const absl::Status status = Append(3).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_THAT(status.ToString(), HasSubstr("t/0"));
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5));
  EXPECT_EQ(log_->Bounds(kTopic, Partition(0)).status().code(), absl::StatusCode::kUnavailable);
  rd_kafka_mock_broker_set_up(cluster_, 1);
  // Nothing of it came late.
  const auto appended = Append(2);
  ASSERT_TRUE(appended.ok()) << appended.status();
  EXPECT_EQ(appended->front().offset, Offset(1));
  EXPECT_EQ(log_->Bounds(kTopic, Partition(0))->end, Offset(3));
}

TEST_F(KafkaFaultsTest, ABrokerThatComesBackInTimeIsNotNoticed) {
  ASSERT_TRUE(Append().ok());
  rd_kafka_mock_broker_set_down(cluster_, 1);
  std::thread up([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    rd_kafka_mock_broker_set_up(cluster_, 1);
  });
  EXPECT_TRUE(Append().ok());
  up.join();
}

TEST_F(KafkaFaultsTest, AProducerThatIsPastMendingIsReplaced) {
  ASSERT_TRUE(Append().ok());
  for (const auto error :
       {RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID,
        RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, RD_KAFKA_RESP_ERR_PRODUCER_FENCED}) {
    Answer(error);
    const absl::Status status = Append().status();
    // Some of them the library mends by itself.
    EXPECT_TRUE(status.ok() || status.code() == absl::StatusCode::kUnavailable) << status;
    EXPECT_TRUE(Append().ok()) << rd_kafka_err2name(error);
  }
}

TEST_F(KafkaFaultsTest, WhatFailsForGoodSaysWhy) {
  ASSERT_TRUE(Append().ok());
  Answer(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
  EXPECT_EQ(Append().status().code(), absl::StatusCode::kPermissionDenied);
  Answer(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
  EXPECT_EQ(Append().status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(Append().ok());
}

TEST_F(KafkaFaultsTest, FailuresOfOneThreadLeaveTheOthersTheirs) {
  ASSERT_TRUE(Append().ok());
  constexpr int kThreads = 4;
  std::vector<std::vector<int64_t>> offsets(kThreads);
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      int refused = 0;
      for (int done = 0; done < 40;) {
        if (t == 0 && done == 10 * (refused + 1)) {
          Answer(RD_KAFKA_RESP_ERR_INVALID_RECORD);
          ++refused;
        }
        const auto appended = Append(3, t % 2);
        if (!appended.ok()) {
          // The refused one, or one that was under way with it.
          EXPECT_TRUE(absl::IsInvalidArgument(appended.status()) ||
                      absl::IsUnavailable(appended.status()))
              << appended.status();
          continue;
        }
        for (const Appended& one : *appended) {
          offsets[static_cast<size_t>(t)].push_back(one.offset.value());
        }
        ++done;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  // Nobody was told of a place that is another's.
  for (int p = 0; p < 2; ++p) {
    std::set<int64_t> places;
    for (int t = p; t < kThreads; t += 2) {
      places.insert(offsets[static_cast<size_t>(t)].begin(), offsets[static_cast<size_t>(t)].end());
      EXPECT_THAT(offsets[static_cast<size_t>(t)], SizeIs(120));
    }
    EXPECT_THAT(places, SizeIs(240));
  }
}

}  // namespace
}  // namespace tallywire
