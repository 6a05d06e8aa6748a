// SPDX-License-Identifier: Apache-2.0
// What goes out, and that all of it does, when one batch touches many rows.

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ledger/appender.h"
#include "ledger/codec.h"
#include "ledger/embedded_log.h"
#include "ledger/read_to.h"
#include "ledger/topics.h"
#include "projector/projector.h"
#include "tallywire/v1/alert.pb.h"
#include "tallywire/v1/api.pb.h"
#include "tallywire/v1/availability.pb.h"
#include "tallywire/v1/event.pb.h"

namespace tallywire {
namespace {

constexpr Partition kOnly{0};
constexpr Time kNoon{1'772'366'400'000'000};
// More SKUs than go out in one append with the rest of a turn, in fewer records than a batch.
constexpr int kMany = 5'000;

class EmitTest : public ::testing::Test {
 protected:
  EmitTest()
      : folder_((std::filesystem::path(::testing::TempDir()) / absl::StrCat("emit-", getpid()))
                    .string()) {
    std::filesystem::remove_all(folder_);
    auto log = EmbeddedLog::Open(
        {.folder = folder_ + "/log", .clock = [this] { return now_; }, .compact_after = 0});
    EXPECT_TRUE(log.ok()) << log.status();
    log_ = *std::move(log);
    EXPECT_TRUE(log_->CreateTopics(PlanTopics(1)).ok());
  }
  ~EmitTest() override {
    projector_.reset();
    log_.reset();
    std::filesystem::remove_all(folder_);
  }

  v1::StockEvent Event(const std::string& sku) {
    v1::StockEvent event;
    event.set_event_id(absl::StrCat("e", ++events_));
    event.set_source("t");
    event.set_sku(sku);
    return event;
  }
  v1::StockEvent Sale(int sku) {
    v1::StockEvent event = Event(absl::StrCat("SKU-", sku));
    event.mutable_sold()->set_location("WH1");
    event.mutable_sold()->set_quantity(1);
    return event;
  }
  void Append(const std::vector<v1::StockEvent>& events) {
    const auto appender = Appender::Create(log_.get());
    ASSERT_TRUE(appender.ok()) << appender.status();
    std::vector<const v1::StockEvent*> pointers;
    for (const v1::StockEvent& event : events) pointers.push_back(&event);
    const auto appended = (*appender)->Append(pointers);
    ASSERT_TRUE(appended.ok()) << appended.status();
  }
  // As the ledger itself tells each partition.
  void AppendCopy(std::string_view location, int64_t cause) {
    const std::string value = EncodeLocationCopied(kOnly, kOnly, Offset(cause), location,
                                                   {.kind = SiteKind::kWarehouse,
                                                    .sellable = true,
                                                    .priority = {},
                                                    .lead_time = {},
                                                    .coordinates = {}});
    const NewRecord record{.topic = kStockEvents, .partition = kOnly, .key = "", .value = value};
    ASSERT_TRUE(log_->Append({&record, 1}).ok());
  }
  void OpenProjector() {
    Projector::Options options;
    options.folder = folder_ + "/state";
    auto opened = Projector::Open(log_.get(), std::move(options));
    ASSERT_TRUE(opened.ok()) << opened.status();
    projector_ = *std::move(opened);
  }
  void Turn() {
    now_ = now_ + Milliseconds(10);
    const auto ran = projector_->RunOnce(now_);
    ASSERT_TRUE(ran.ok()) << ran.status();
  }
  int64_t Sweeps() {
    v1::HealthResponse health;
    EXPECT_TRUE(projector_->Health(&health).ok());
    return health.partitions(0).sweeps();
  }
  void ForEach(std::string_view topic, const std::function<void(const Record&)>& visit) {
    const auto bounds = log_->Bounds(topic, kOnly);
    ASSERT_TRUE(bounds.ok()) << bounds.status();
    const absl::Status read =
        ReadRange(*log_, topic, kOnly, bounds->begin, bounds->end, [&](const Record& record) {
          visit(record);
          return absl::OkStatus();
        });
    ASSERT_TRUE(read.ok()) << read;
  }
  int64_t Count(std::string_view topic) {
    int64_t n = 0;
    ForEach(topic, [&n](const Record&) { ++n; });
    return n;
  }

  const std::string folder_;
  Time now_ = kNoon;
  int64_t events_ = 0;
  std::unique_ptr<Log> log_;
  std::unique_ptr<Projector> projector_;
};

TEST_F(EmitTest, AlertsAndLinksOfABatchWithManyRowsAllGoOut) {
  std::vector<v1::StockEvent> events;
  v1::StockEvent definition = Event("");
  definition.mutable_location_defined()->set_location("WH1");
  definition.mutable_location_defined()->set_kind(v1::SITE_KIND_WAREHOUSE);
  events.push_back(definition);
  // There is nothing to sell: each goes below zero.
  for (int i = 0; i < kMany; ++i) events.push_back(Sale(i));
  Append(events);
  OpenProjector();
  ASSERT_TRUE(projector_->RunToEnd(now_).ok());

  std::set<std::string> oversold;
  ForEach(kStockAlerts, [&](const Record& record) {
    v1::Alert alert;
    ASSERT_TRUE(alert.ParseFromArray(record.value.data(), static_cast<int>(record.value.size())));
    if (alert.id().kind() == v1::ALERT_KIND_OVERSOLD) oversold.insert(alert.sku());
  });
  EXPECT_EQ(oversold.size(), static_cast<size_t>(kMany));
  // The definition's copy stands behind the events.
  EXPECT_EQ(Count(kStockEvents), kMany + 2);
}

TEST_F(EmitTest, ADefinitionBeforeAllRowsSweepsNothing) {
  AppendCopy("WH1", 0);
  std::vector<v1::StockEvent> events;
  for (int i = 0; i < kMany; ++i) events.push_back(Sale(i));
  Append(events);
  OpenProjector();
  Turn();
  EXPECT_EQ(Sweeps(), 0);
  // One for the site, one for all of them.
  EXPECT_EQ(Count(kStockAvailability), 2 * kMany);

  // One touched row is one more, and the SKU's TOTAL: others are not repeated.
  Append({Sale(7)});
  Turn();
  EXPECT_EQ(Count(kStockAvailability), 2 * kMany + 2);
}

TEST_F(EmitTest, ADefinitionSweepsRowsThatAreNotStoredYet) {
  AppendCopy("WH1", 0);
  Append({Sale(1)});
  // Row and definition in one batch, before any checkpoint.
  AppendCopy("WH1/BIN1", 1);
  AppendCopy("WH2", 2);
  std::vector<v1::StockEvent> events;
  for (int i = 2; i < kMany; ++i) events.push_back(Sale(i));
  Append(events);
  OpenProjector();
  Turn();
  // WH1's alone: nobody has anything at WH2. One step may be through it already.
  ASSERT_TRUE(projector_->RunToEnd(now_).ok());
  std::map<std::string, int64_t> versions;
  ForEach(kStockAvailability, [&](const Record& record) {
    v1::Availability row;
    ASSERT_TRUE(row.ParseFromArray(record.value.data(), static_cast<int>(record.value.size())));
    versions[std::string(record.key)] = row.version();
  });
  // The record of the bin's definition is what touched them last.
  EXPECT_EQ(versions[JoinKey("SKU-1", "WH1")], 2);
  EXPECT_EQ(versions[JoinKey("SKU-1", "")], 2);
  EXPECT_EQ(versions[JoinKey("SKU-2", "WH1")], 4);
}

}  // namespace
}  // namespace tallywire
