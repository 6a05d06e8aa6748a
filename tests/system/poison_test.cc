// SPDX-License-Identifier: Apache-2.0
// A thousand bad records among good ones, past the appender and straight into the log: every good
// one is applied, every bad one lies in the dead letters with its reason and where it came from.

#include <gtest/gtest.h>

#include <iostream>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "ledger/limits.h"
#include "ledger/topics.h"
#include "tallywire/v1/api.pb.h"
#include "tallywire/v1/event.pb.h"
#include "tests/scenarios/world.h"

namespace tallywire {
namespace {

constexpr int kPoison = 1'000;
constexpr int kGoodForEachBad = 5;
constexpr int kPartitions = 3;
constexpr size_t kZeros = 600 * 1024;

struct Sent {
  std::string value;
  std::set<std::string> reasons;  // any of these; empty: whichever
};

class Poison {
 public:
  explicit Poison(scenarios::World& world) : world_(world) {}

  void Good() {
    const std::string sku = absl::StrCat("GOOD-", random_() % 40);
    const int64_t quantity = static_cast<int64_t>(random_() % 9 + 1);
    v1::StockEvent event = Event(sku);
    if (random_() % 2 == 0) {
      event.mutable_received()->set_location("WH1");
      event.mutable_received()->set_quantity(quantity);
      on_hand_[sku] += quantity;
    } else {
      event.mutable_sold()->set_location("WH1");
      event.mutable_sold()->set_quantity(quantity);
      on_hand_[sku] -= quantity;
    }
    Put(sku, PartitionOf(sku, kPartitions), event.SerializeAsString());
  }

  void Bad(int kind) {
    const std::string sku = absl::StrCat("BAD-", kind);
    v1::StockEvent event = Event(sku);
    event.mutable_sold()->set_location("WH1");
    event.mutable_sold()->set_quantity(1);
    const Partition home = PartitionOf(sku, kPartitions);
    switch (kind) {
      case 0:
        return Send(sku, home, Noise(), {});
      case 1: {
        std::string bytes = event.SerializeAsString();
        bytes.resize(1 + random_() % (bytes.size() - 1));
        return Send(sku, home, bytes, {"UNDECODABLE", "UNKNOWN_BODY", "MISSING_FIELD"});
      }
      case 2:
        event.mutable_sold()->set_pool(static_cast<v1::Pool>(90 + random_() % 9));
        return Send(sku, home, event.SerializeAsString(), {"UNKNOWN_ENUM"});
      case 3:
        event.mutable_sold()->set_quantity(-static_cast<int64_t>(random_() % 1'000) - 1);
        return Send(sku, home, event.SerializeAsString(), {"BAD_QUANTITY"});
      case 4:
        event.mutable_sold()->set_quantity(kMaxQuantity + 1 +
                                           static_cast<int64_t>(random_() % 1'000));
        return Send(sku, home, event.SerializeAsString(), {"BAD_QUANTITY"});
      case 5:
        return Send("another", PartitionOf("another", kPartitions), event.SerializeAsString(),
                    {"WRONG_KEY"});
      case 6:
        return Send(sku, Partition((home.value() + 1) % kPartitions), event.SerializeAsString(),
                    {"WRONG_PARTITION"});
      case 7:
        // Each of them is sound; no account may hold two.
        event.clear_sold();
        event.mutable_received()->set_location("WH1");
        event.mutable_received()->set_quantity(kMaxQuantity);
        if (!std::exchange(full_, true)) {
          on_hand_[sku] += kMaxQuantity;
          return Put(sku, home, event.SerializeAsString());
        }
        return Send(sku, home, event.SerializeAsString(), {"OVERFLOW"});
      default:
        return Send(sku, home, std::string(kZeros, '\0'), {"TOO_LARGE"});
    }
  }

  const std::map<std::string, int64_t>& on_hand() const { return on_hand_; }
  const std::map<std::pair<int32_t, int64_t>, Sent>& sent() const { return sent_; }
  std::mt19937_64& random() { return random_; }

 private:
  v1::StockEvent Event(const std::string& sku) {
    v1::StockEvent event;
    event.set_event_id(absl::StrCat("e", ++events_));
    event.set_source("poison");
    event.set_sku(sku);
    return event;
  }

  std::string Noise() {
    std::string bytes(1 + random_() % 200, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random_());
    return bytes;
  }

  void Send(const std::string& key, Partition partition, std::string value,
            std::set<std::string> reasons) {
    const Offset offset = Append(key, partition, value);
    sent_[{partition.value(), offset.value()}] = {std::move(value), std::move(reasons)};
  }

  void Put(const std::string& key, Partition partition, const std::string& value) {
    Append(key, partition, value);
  }

  Offset Append(const std::string& key, Partition partition, const std::string& value) {
    const NewRecord record{
        .topic = kStockEvents, .partition = partition, .key = key, .value = value};
    const auto appended = world_.log().Append({&record, 1});
    EXPECT_TRUE(appended.ok()) << appended.status();
    return appended.ok() ? (*appended)[0].offset : Offset(-1);
  }

  scenarios::World& world_;
  std::mt19937_64 random_{20'260'301};
  int events_ = 0;
  bool full_ = false;
  std::map<std::string, int64_t> on_hand_;
  std::map<std::pair<int32_t, int64_t>, Sent> sent_;
};

std::string HeaderOf(const scenarios::OwnedRecord& record, std::string_view name) {
  for (const Header& header : record.headers) {
    if (header.name == name) return header.value;
  }
  return "";
}

TEST(PoisonTest, GoodRecordsAreAppliedAndBadOnesAreKeptWithTheirReason) {
  const auto world = scenarios::World::Create({.partitions = kPartitions, .batch = 100},
                                              Time(1'772'359'200'000'000));
  ASSERT_TRUE(world.ok()) << world.status();
  Poison poison(**world);
  for (int i = 0; i < kPoison; ++i) {
    for (int g = 0; g < kGoodForEachBad; ++g) poison.Good();
    // Zeros are large: one in fifty is enough of them.
    poison.Bad(i % 50 == 0 ? 8 : i % 8);
  }
  ASSERT_TRUE((*world)->Settle().ok());
  ASSERT_GE(poison.sent().size(), kPoison - 1u);

  for (const auto& [sku, on_hand] : poison.on_hand()) {
    v1::GetStockResponse stock;
    ASSERT_TRUE((*world)->projector().GetStock(sku, "", &stock).ok()) << sku;
    EXPECT_EQ(stock.rows(stock.rows_size() - 1).on_hand(), on_hand) << sku;
  }

  const auto letters = (*world)->ReadAll(kStockDeadLetters);
  ASSERT_TRUE(letters.ok()) << letters.status();
  EXPECT_EQ(letters->size(), poison.sent().size());
  std::map<std::string, int> by_reason;
  for (const scenarios::OwnedRecord& letter : *letters) {
    int64_t offset = -1;
    ASSERT_TRUE(absl::SimpleAtoi(HeaderOf(letter, "kafka_dlt-original-offset"), &offset));
    const auto sent = poison.sent().find({letter.partition.value(), offset});
    ASSERT_NE(sent, poison.sent().end()) << letter.partition.value() << "/" << offset;
    const std::string reason = HeaderOf(letter, "stock-error-code");
    ++by_reason[reason];
    EXPECT_FALSE(reason.empty());
    EXPECT_FALSE(HeaderOf(letter, "kafka_dlt-exception-message").empty());
    if (!sent->second.reasons.empty()) {
      EXPECT_TRUE(sent->second.reasons.contains(reason)) << reason << " at " << offset;
    }
    EXPECT_EQ(letter.value, reason == "TOO_LARGE" ? "" : sent->second.value);
  }
  for (const auto& [reason, count] : by_reason) {
    std::cout << count << " dead letters: " << reason << "\n";
  }
  EXPECT_GE(by_reason.size(), 8u);
}

}  // namespace
}  // namespace tallywire
