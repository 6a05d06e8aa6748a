// SPDX-License-Identifier: Apache-2.0
// Several owners of one partition: an old number never stays behind, and a log that is not the one
// that was folded is not believed.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/json_util.h"
#include "ledger/appender.h"
#include "ledger/embedded_log.h"
#include "ledger/forwarding_log.h"
#include "ledger/read_to.h"
#include "ledger/topics.h"
#include "projector/projector.h"
#include "projector/run/output_watch.h"
#include "tallywire/v1/api.pb.h"
#include "tallywire/v1/availability.pb.h"
#include "tallywire/v1/event.pb.h"
#include "tests/sim/failing_rocks.h"

namespace tallywire {
namespace {

using ::testing::HasSubstr;

constexpr Partition kOnly{0};
constexpr Time kNoon{1'772'366'400'000'000};

// An embedded log that says that others write to it too, and goes by a name that it is given. Rows
// are refused while `no_rows` says so.
class SharedLog : public ForwardingLog {
 public:
  SharedLog(std::unique_ptr<Log> below, std::string id, const bool* no_rows)
      : ForwardingLog(std::move(below)), id_(std::move(id)), no_rows_(*no_rows) {}
  absl::StatusOr<std::vector<Appended>> Append(std::span<const NewRecord> records) override {
    if (no_rows_ && !records.empty() && records.front().topic == kStockAvailability) {
      return absl::UnavailableError("no rows now");
    }
    return ForwardingLog::Append(records);
  }
  std::string Id() const override { return id_; }
  bool IsShared() const override { return true; }

 private:
  const std::string id_;
  const bool& no_rows_;
};

struct Row {
  std::string key;
  std::string value;
  v1::Availability message;
};

class SettleTest : public ::testing::Test {
 protected:
  SettleTest()
      : folder_((std::filesystem::path(::testing::TempDir()) / absl::StrCat("settle-", getpid()))
                    .string()) {
    std::filesystem::remove_all(folder_);
    log_ = OpenLog("log");
    EXPECT_TRUE(OpenProjector().ok());
    Append(R"({"event_id":"d","source":"t","location_defined":{"location":"WH1",)"
           R"("kind":"SITE_KIND_WAREHOUSE"}})");
    Receive("1", 10);
  }
  ~SettleTest() override {
    projector_.reset();
    log_.reset();
    std::filesystem::remove_all(folder_);
  }

  std::unique_ptr<Log> OpenLog(const std::string& name) {
    auto embedded = EmbeddedLog::Open(
        {.folder = folder_ + "/" + name, .clock = [this] { return now_; }, .compact_after = 0});
    EXPECT_TRUE(embedded.ok()) << embedded.status();
    auto log = std::make_unique<SharedLog>(*std::move(embedded), "the-log", &no_rows_);
    EXPECT_TRUE(log->CreateTopics(PlanTopics(1)).ok());
    return log;
  }
  absl::Status OpenProjector() {
    projector_.reset();
    Projector::Options options;
    options.folder = folder_ + "/state";
    auto opened = Projector::Open(log_.get(), std::move(options));
    if (!opened.ok()) return opened.status();
    projector_ = *std::move(opened);
    return absl::OkStatus();
  }
  void Append(const std::string& json) {
    v1::StockEvent event;
    ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(json, &event).ok()) << json;
    auto appender = Appender::Create(log_.get());
    ASSERT_TRUE(appender.ok());
    const v1::StockEvent* const events[] = {&event};
    const auto appended = (*appender)->Append(events);
    ASSERT_TRUE(appended.ok()) << appended.status();
  }
  // Received, folded, and out.
  void Receive(const std::string& id, int quantity) {
    Append(absl::StrCat(R"({"event_id":")", id, R"(","source":"t","sku":"A","received":{)",
                        R"("location":"WH1","quantity":)", quantity, "}}"));
    ASSERT_TRUE(projector_->RunToEnd(now_).ok());
  }

  std::vector<Row> Rows() {
    std::vector<Row> rows;
    const auto bounds = log_->Bounds(kStockAvailability, kOnly);
    EXPECT_TRUE(ReadRange(*log_, kStockAvailability, kOnly, bounds->begin, bounds->end,
                          [&rows](const Record& record) {
                            Row row{std::string(record.key), std::string(record.value), {}};
                            EXPECT_TRUE(row.message.ParseFromString(row.value));
                            rows.push_back(std::move(row));
                            return absl::OkStatus();
                          })
                    .ok());
    return rows;
  }
  // What an owner writes that does not know yet that it is none any more.
  void WriteForeign(const Row& row) {
    const NewRecord record{
        .topic = kStockAvailability, .partition = kOnly, .key = row.key, .value = row.value};
    ASSERT_TRUE(log_->Append({&record, 1}).ok());
  }
  // Of each key the last: its quantity is that of the newest, and the TOTAL's record is the last.
  void ExpectNewest(int64_t available) {
    const std::vector<Row> rows = Rows();
    std::map<std::string, int64_t> last;
    for (const Row& row : rows) last[row.key] = row.message.available();
    EXPECT_EQ(last.size(), 2u);
    for (const auto& [key, quantity] : last) EXPECT_EQ(quantity, available) << key;
    EXPECT_EQ(rows.back().message.level(), v1::LEVEL_TOTAL);
  }
  absl::Status Turn(Span later) {
    now_ = now_ + later;
    return projector_->RunOnce(now_).status();
  }

  const std::string folder_;
  Time now_ = kNoon;
  bool no_rows_ = false;
  std::unique_ptr<Log> log_;
  std::unique_ptr<Projector> projector_;
};

TEST_F(SettleTest, ALateRowIsAnsweredWhileNothingElseHappens) {
  const Row old = Rows().front();
  Receive("2", 5);
  ExpectNewest(15);
  WriteForeign(old);
  ASSERT_TRUE(Turn(Milliseconds(10)).ok());
  EXPECT_EQ(Rows().back().message.available(), 10) << "looked at too often for this test";
  ASSERT_TRUE(Turn(Seconds(10)).ok());
  ExpectNewest(15);
}

TEST_F(SettleTest, AHoleBetweenOwnRowsIsAnsweredAtOnce) {
  const Row old = Rows().front();
  Receive("2", 5);
  WriteForeign(old);
  Append(R"({"event_id":"3","source":"t","sku":"B","received":{"location":"WH1","quantity":1}})");
  ASSERT_TRUE(Turn(Milliseconds(10)).ok());
  std::map<std::string, int64_t> last;
  for (const Row& row : Rows()) last[row.key] = row.message.available();
  EXPECT_EQ(last.at(old.key), 15);
}

TEST_F(SettleTest, ARowOfTheSameVersionNeedsNoAnswer) {
  Receive("2", 5);
  const std::vector<Row> before = Rows();
  WriteForeign(before.back());
  ASSERT_TRUE(Turn(Seconds(10)).ok());
  EXPECT_EQ(Rows().size(), before.size() + 1);
}

TEST_F(SettleTest, WhatIsNoRowIsAnsweredToo) {
  Row junk = Rows().front();
  junk.value = "\xff\xff";
  const NewRecord record{
      .topic = kStockAvailability, .partition = kOnly, .key = junk.key, .value = junk.value};
  ASSERT_TRUE(log_->Append({&record, 1}).ok());
  ASSERT_TRUE(Turn(Seconds(10)).ok());
  const auto bounds = log_->Bounds(kStockAvailability, kOnly);
  v1::Availability last;
  ASSERT_TRUE(ReadRange(*log_, kStockAvailability, kOnly, Offset(bounds->end.value() - 1),
                        bounds->end,
                        [&last](const Record& r) {
                          EXPECT_TRUE(last.ParseFromArray(r.value.data(),
                                                          static_cast<int>(r.value.size())));
                          return absl::OkStatus();
                        })
                  .ok());
  EXPECT_EQ(last.available(), 10);
  EXPECT_EQ(last.level(), v1::LEVEL_TOTAL);
}

TEST_F(SettleTest, WhoTakesOverMendsWhatIsOut) {
  const Row old = Rows().front();
  Receive("2", 5);
  ASSERT_TRUE(projector_->Close().ok());
  WriteForeign(old);
  ASSERT_TRUE(OpenProjector().ok());
  ASSERT_TRUE(projector_->RunToEnd(now_).ok());
  ExpectNewest(15);
}

// The second definition finds the sweep of the first waiting, which would go over its rows as well;
// but the comparison does what that sweep was to do, and has no eye for what is newer.
TEST_F(SettleTest, ADefinitionBehindOneWhoseRowsAreComparedGoesOut) {
  const auto define = [this](int priority) {
    Append(absl::StrCat(R"({"event_id":"p)", priority, R"(","source":"t","location_defined":{)",
                        R"("location":"WH1","kind":"SITE_KIND_WAREHOUSE","priority":)", priority,
                        "}}"));
  };
  no_rows_ = true;
  define(1);
  EXPECT_TRUE(absl::IsUnavailable(projector_->RunToEnd(now_)));
  define(2);
  // Its copy is in the log, and not folded.
  EXPECT_TRUE(absl::IsUnavailable(Turn(Milliseconds(10))));
  no_rows_ = false;
  ASSERT_TRUE(OpenProjector().ok());
  ASSERT_TRUE(projector_->RunToEnd(now_).ok());
  std::map<std::string, v1::Availability> last;
  for (const Row& row : Rows()) last[row.message.location()] = row.message;
  EXPECT_EQ(last["WH1"].priority(), 2) << last["WH1"].ShortDebugString();
}

TEST_F(SettleTest, AFailedReadWhileItCatchesUpIsNoReasonNotToMend) {
  const Row old = Rows().front();
  Receive("2", 5);
  ASSERT_TRUE(projector_->Close().ok());
  WriteForeign(old);
  Append(R"({"event_id":"3","source":"t","sku":"B","received":{"location":"WH1","quantity":1}})");
  bool fails = false;
  projector_.reset();
  Projector::Options options;
  options.folder = folder_ + "/state";
  options.open_rocks = sim::FailingReads(
      [](const std::string& folder, Rocks::Options rocks) { return Rocks::Open(folder, rocks); },
      [&fails](const std::string&) {
        return fails ? absl::UnavailableError("no read now") : absl::OkStatus();
      });
  auto opened = Projector::Open(log_.get(), std::move(options));
  ASSERT_TRUE(opened.ok()) << opened.status();
  projector_ = *std::move(opened);
  fails = true;
  // The second time there is nothing that it could fold, and nothing to answer with.
  EXPECT_TRUE(absl::IsUnavailable(Turn(Milliseconds(10))));
  EXPECT_TRUE(absl::IsUnavailable(Turn(Milliseconds(10))));
  v1::GetStockResponse stock;
  EXPECT_TRUE(absl::IsUnavailable(projector_->GetStock("A", "", &stock)));
  fails = false;
  ASSERT_TRUE(projector_->GetStock("A", "", &stock).ok());
  ASSERT_TRUE(projector_->RunToEnd(now_).ok());
  std::map<std::string, int64_t> last;
  for (const Row& row : Rows()) last[row.key] = row.message.available();
  EXPECT_EQ(last.at(old.key), 15);
}

TEST_F(SettleTest, WhoTakesOverWithoutAFolderSaysNothingTwice) {
  Receive("2", 5);
  const size_t before = Rows().size();
  ASSERT_TRUE(projector_->Close().ok());
  projector_.reset();
  std::filesystem::remove_all(folder_ + "/state");
  ASSERT_TRUE(OpenProjector().ok());
  ASSERT_TRUE(projector_->RunToEnd(now_).ok());
  EXPECT_EQ(Rows().size(), before);
}

TEST_F(SettleTest, ARowFromBeyondTheLogStopsWithTheRange) {
  Row ahead = Rows().front();
  ahead.message.set_version(1'000);
  ahead.value = ahead.message.SerializeAsString();
  WriteForeign(ahead);
  const absl::Status status = Turn(Seconds(10));
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("to 1000 are lost"));
}

TEST_F(SettleTest, AnotherLogOfThatNameIsNotBelieved) {
  Receive("2", 5);
  ASSERT_TRUE(projector_->Close().ok());
  projector_.reset();
  log_ = OpenLog("other");
  // Nothing in it: it ends before what is folded.
  absl::Status status = OpenProjector();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("records 0 to"));
  // As long as the first, and other records.
  for (int i = 0; i < 20; ++i) {
    Append(absl::StrCat(R"({"event_id":"x)", i, R"(","source":"t","sku":"A","received":{)",
                        R"("location":"WH1","quantity":1}})"));
  }
  status = OpenProjector();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("is another one than the one"));
}

TEST(OutputWatch, SeesHolesOnlyAfterItHasBegun) {
  OutputWatch watch;
  watch.Own(Offset(7));
  watch.End(Offset(9));
  EXPECT_TRUE(watch.holes().empty());
  watch.Begin(Offset(10));
  watch.Own(Offset(10));
  watch.Own(Offset(11));
  watch.End(Offset(12));
  EXPECT_TRUE(watch.holes().empty());
  watch.Own(Offset(14));
  watch.End(Offset(16));
  ASSERT_EQ(watch.holes().size(), 2u);
  EXPECT_EQ(watch.holes()[0].begin, Offset(12));
  EXPECT_EQ(watch.holes()[0].end, Offset(14));
  EXPECT_EQ(watch.holes()[1].begin, Offset(15));
  EXPECT_EQ(watch.holes()[1].end, Offset(16));
  watch.Mended();
  EXPECT_TRUE(watch.holes().empty());
}

}  // namespace
}  // namespace tallywire
