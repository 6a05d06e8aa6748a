// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tools/commands/fake_api.h"

namespace tallywire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

v1::Availability Row(v1::Level level, const std::string& location, int64_t available) {
  v1::Availability row;
  row.set_sku("RED-TEE");
  row.set_level(level);
  row.set_location(location);
  row.set_available(available);
  row.set_on_hand(available);
  row.set_sellable(true);
  if (level != v1::LEVEL_PLACE) row.set_ats(available);
  return row;
}

v1::GetStockResponse Stock() {
  v1::GetStockResponse stock;
  *stock.add_rows() = Row(v1::LEVEL_PLACE, "WH3/BIN10", 4);
  v1::Availability* shop = stock.add_rows();
  *shop = Row(v1::LEVEL_SITE, "SHOP", 5);
  shop->set_held(2);
  shop->set_on_hand(7);
  shop->set_ats(0);
  shop->set_sellable(false);
  shop->set_not_sellable_because(v1::NOT_SELLABLE_BECAUSE_LOCATION);
  *stock.add_rows() = Row(v1::LEVEL_TOTAL, "", 9);
  return stock;
}

TEST(CliTest, HelpAndVersionGoToStandardOutput) {
  FakeWorld world;
  const CliRun version = world.Run({"--version"});
  EXPECT_EQ(version.code, 0);
  EXPECT_THAT(version.out, StartsWith("tallywire "));
  const CliRun help = world.Run({"--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_THAT(help.out, HasSubstr("append"));
  EXPECT_EQ(help.err, "");
  for (const char* command : {"append", "stock", "explain", "verify", "digest", "health"}) {
    const CliRun one = world.Run({command, "--help"});
    EXPECT_EQ(one.code, 0);
    EXPECT_THAT(one.out, HasSubstr("Example:\n  "));
    EXPECT_THAT(one.out, HasSubstr(command));
  }
}

TEST(CliTest, UsageErrorsAreTwoAndSayNothingOnStandardOutput) {
  FakeWorld world;
  for (const std::vector<const char*>& arguments :
       std::vector<std::vector<const char*>>{{},
                                             {"fold"},
                                             {"stock", "--colour"},
                                             {"stock", "A", "B"},
                                             {"explain"},
                                             {"listing"},
                                             {"listing", "put", "c"},
                                             {"updates", "tail", "--from", "middle"},
                                             {"append", "--batch", "0"},
                                             {"deadletters", "show", "0", "-1"},
                                             {"stock", "-o", "xml"},
                                             {"stock", "--log", "here"},
                                             {"stock", "-X", "a"},
                                             {"--config", "/nowhere.yaml", "stock"}}) {
    const CliRun run = world.Run(arguments);
    EXPECT_EQ(run.code, 2) << run.err;
    EXPECT_EQ(run.out, "");
    EXPECT_THAT(run.err, HasSubstr("tallywire: "));
  }
}

TEST(CliTest, ErrorsOfTheLedgerHaveTheirExitCodes) {
  FakeWorld world;
  EXPECT_EQ(world.Run({"stock", "NONE"}).code, 4);
  world.connect_status = absl::UnavailableError("another process has the folder");
  const CliRun run = world.Run({"stock"});
  EXPECT_EQ(run.code, 5);
  EXPECT_EQ(run.err, "tallywire: another process has the folder\n");
}

TEST(CliTest, SettingsComeFromFlagsAfterTheCommandAndFromTheEnvironment) {
  FakeWorld world;
  world.api.Put("GET stock", Stock());
  world.environment["TALLYWIRE_OUTPUT"] = "jsonl";
  EXPECT_THAT(world.Run({"stock"}).out, StartsWith("{"));
  EXPECT_THAT(world.Run({"stock", "-o", "table"}).out, StartsWith("SKU"));
  EXPECT_THAT(world.Run({"-o", "json", "stock", "-o", "table"}).out, StartsWith("SKU"))
      << "the last one counts";
}

TEST(StockTest, ATableShowsWhatIsThereAndWhyItIsNotSold) {
  FakeWorld world;
  world.api.Put("GET stock/RED-TEE", Stock());
  const CliRun run = world.Run({"stock", "RED-TEE"});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(run.out,
            "SKU      LOCATION   LEVEL  AVAILABLE  HELD  ON HAND  ATS  SELLABLE\n"
            "RED-TEE  WH3/BIN10  PLACE          4              4       yes\n"
            "RED-TEE  SHOP       SITE           5     2        7    0  no: LOCATION\n"
            "RED-TEE  (all)      TOTAL          9              9    9  yes\n");
}

TEST(StockTest, JsonlIsAMessageALineWithZeros) {
  FakeWorld world;
  v1::GetStockResponse stock;
  *stock.add_rows() = Row(v1::LEVEL_SITE, "WH1", 0);
  world.api.Put("GET stock", stock);
  const CliRun run = world.Run({"stock", "-o", "jsonl"});
  EXPECT_THAT(run.out, HasSubstr(R"("level":"LEVEL_SITE","available":"0")"));
  EXPECT_THAT(run.out, HasSubstr(R"("quality_control":"0")"));
  EXPECT_EQ(std::count(run.out.begin(), run.out.end(), '\n'), 1);
}

TEST(StockTest, AllPagesAreOneJsonDocument) {
  FakeWorld world;
  v1::GetStockResponse first;
  *first.add_rows() = Row(v1::LEVEL_TOTAL, "", 1);
  first.set_next_page_token("p2");
  v1::GetStockResponse second;
  *second.add_rows() = Row(v1::LEVEL_TOTAL, "", 2);
  world.api.Put("GET stock?location=WH1", first);
  world.api.Put("GET stock?location=WH1&page_token=p2", second);
  const CliRun run = world.Run({"stock", "--location", "WH1", "-o", "json"});
  EXPECT_EQ(run.code, 0);
  EXPECT_THAT(run.out, StartsWith("{\"rows\":[\n{"));
  EXPECT_THAT(run.out, ::testing::EndsWith("],\"next_page_token\":\"\"}\n"));
  EXPECT_THAT(run.out, HasSubstr(R"("available":"1")"));
  EXPECT_THAT(run.out, HasSubstr(R"("available":"2")"));

  world.api.Put("GET stock", v1::GetStockResponse());
  EXPECT_EQ(world.Run({"stock", "-o", "json"}).out, "{\"rows\":[],\"next_page_token\":\"\"}\n");
  EXPECT_EQ(world.Run({"stock"}).out, "");
}

TEST(StockTest, AServerIsWaitedForUntilItHasFoldedWhatWasThere) {
  FakeWorld world;
  world.served = true;
  world.api.Put("GET stock/RED-TEE", Stock());
  int asked = 0;
  world.api.answers["GET health"] = [&](const ApiRequest&, google::protobuf::Message* out) {
    auto& health = static_cast<v1::HealthResponse&>(*out);
    health.Clear();
    v1::PartitionHealth* partition = health.add_partitions();
    partition->set_log_end(10);
    partition->set_next_offset(++asked < 4 ? 7 : 10);
    return absl::OkStatus();
  };
  EXPECT_EQ(world.Run({"stock", "RED-TEE"}).code, 0);
  EXPECT_GE(asked, 4);
  EXPECT_THAT(world.api.calls.back(), "GET stock/RED-TEE");
}

TEST(StockTest, AServerThatIsFarBehindAnswersAllTheSame) {
  FakeWorld world;
  world.served = true;
  world.api.Put("GET stock/RED-TEE", Stock());
  v1::HealthResponse health;
  health.add_partitions()->set_log_end(5'000);
  world.api.Put("GET health", health);
  const CliRun run = world.Run({"stock", "RED-TEE"});
  EXPECT_EQ(run.code, 0);
  EXPECT_THAT(run.err, HasSubstr("5,000 records behind"));
  EXPECT_THAT(run.out, HasSubstr("WH3/BIN10"));
}

// 10 received, 3 sold.
v1::ExplainResponse Explanation() {
  v1::ExplainResponse response;
  response.set_sku("RED-TEE");
  int64_t balance = 0;
  for (const int64_t delta : {10, -3}) {
    v1::JournalEntry* entry = response.add_entries();
    entry->set_partition(2);
    entry->set_offset(balance);
    entry->set_what(delta > 0 ? "received" : "sold");
    entry->set_location("WH1");
    entry->set_source("pos-17");
    entry->set_actor(delta > 0 ? "" : "till 4");
    entry->mutable_log_time()->set_seconds(1'700'000'000);
    v1::PoolChange* change = entry->add_changes();
    change->set_pool(v1::POOL_AVAILABLE);
    change->set_before(balance);
    change->set_delta(delta);
    change->set_after(balance += delta);
  }
  *response.mutable_row() = Row(v1::LEVEL_TOTAL, "", 7);
  response.set_consistent(true);
  return response;
}

TEST(ExplainTest, EveryChangeAndTheNumberThatStockShows) {
  FakeWorld world;
  world.api.Put("GET explain/RED-TEE?prove=true", Explanation());
  const CliRun run = world.Run({"explain", "RED-TEE", "--prove"});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(
      run.out,
      "LOG TIME              LOCATION  WHAT      POOL       CHANGE  BEFORE     AFTER  WHO     "
      "         RECORD\n"
      "2023-11-14T22:13:20Z  WH1       received  AVAILABLE     +10       0  →     10  pos-17  "
      "         2/0\n"
      "2023-11-14T22:13:20Z  WH1       sold      AVAILABLE      -3      10  →      7  pos-17 "
      "(till 4)  2/10\n"
      "RED-TEE: stock shows available 7, on hand 7, available to sell 7; the journal agrees\n");
}

TEST(ExplainTest, WhatDoesNotAgreeIsLoudAndThree) {
  FakeWorld world;
  v1::ExplainResponse response = Explanation();
  response.set_consistent(false);
  response.add_differences("AVAILABLE: 7 by the journal, 8 by the row");
  response.mutable_row()->set_available(8);
  world.api.Put("GET explain/RED-TEE", response);
  for (const char* format : {"table", "json", "jsonl"}) {
    const CliRun run = world.Run({"explain", "RED-TEE", "-o", format});
    EXPECT_EQ(run.code, 3);
    EXPECT_THAT(run.err, HasSubstr("DO NOT ADD UP"));
    EXPECT_THAT(run.err, HasSubstr("7 by the journal, 8 by the row"));
    EXPECT_THAT(run.err, HasSubstr("the entries come to 7, stock shows 8"));
  }
}

TEST(ExplainTest, ALedgerThatWronglySaysThatAllIsWellIsNotBelieved) {
  FakeWorld world;
  v1::ExplainResponse response = Explanation();
  response.mutable_entries(1)->mutable_changes(0)->set_before(9);
  world.api.Put("GET explain/RED-TEE", response);
  const CliRun run = world.Run({"explain", "RED-TEE"});
  EXPECT_EQ(run.code, 3);
  EXPECT_THAT(run.err, HasSubstr("record 2/10: WH1 AVAILABLE goes from 9 by -3 to 7"));
}

TEST(ListingTest, PutSendsWhatTheFlagsSay) {
  FakeWorld world;
  v1::Listing sent;
  world.api.answers["PUT listings/amazon/A-1"] = [&](const ApiRequest& request,
                                                     google::protobuf::Message* out) {
    sent.CopyFrom(*request.body);
    out->CopyFrom(sent);
    return absl::OkStatus();
  };
  const CliRun run = world.Run({"listing",
                                "put",
                                "amazon",
                                "A-1",
                                "RED-TEE",
                                "--location",
                                "WH1",
                                "--location",
                                "SHOP",
                                "--kind",
                                "store",
                                "--kind",
                                "SITE_KIND_WAREHOUSE",
                                "--pool",
                                "available",
                                "--buffer",
                                "2",
                                "--percent",
                                "90",
                                "--max",
                                "50",
                                "--paused"});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(sent.locations(), ElementsAre("WH1", "SHOP"));
  EXPECT_THAT(sent.kinds(), ElementsAre(v1::SITE_KIND_STORE, v1::SITE_KIND_WAREHOUSE));
  EXPECT_THAT(sent.pools(), ElementsAre(v1::POOL_AVAILABLE));
  EXPECT_EQ(sent.buffer(), 2);
  EXPECT_EQ(sent.percent(), 90);
  EXPECT_EQ(sent.max(), 50);
  EXPECT_FALSE(sent.has_fixed());
  EXPECT_TRUE(sent.paused());
  EXPECT_THAT(run.out, HasSubstr("WH1,SHOP"));
  EXPECT_TRUE(world.connects[0].create);

  EXPECT_EQ(world.Run({"listing", "put", "a", "b", "c", "--kind", "moon"}).code, 2);
  EXPECT_EQ(world.Run({"listing", "get", "a", "b"}).code, 4);
}

TEST(TailTest, WithoutAServerItPrintsWhatIsThereAndSaysWhyItEnds) {
  FakeWorld world;
  v1::ListUpdatesResponse updates;
  for (const int64_t quantity : {7, 5}) {
    v1::ListingUpdate* update = updates.add_updates();
    update->set_channel("ebay");
    update->set_listing_id("E-1");
    update->set_sku("RED-TEE");
    update->set_quantity(quantity);
    v1::TraceStep* step = update->add_trace();
    step->set_step("base");
    step->set_result(quantity);
  }
  world.api.Put("GET updates", updates);
  CliRun run = world.Run({"updates", "tail"});
  EXPECT_EQ(run.code, 0);
  EXPECT_THAT(run.out, HasSubstr("base 7"));
  EXPECT_THAT(run.out, HasSubstr("base 5"));
  EXPECT_THAT(run.err, HasSubstr("no server runs"));

  run = world.Run({"updates", "tail", "-n", "1", "-o", "jsonl"});
  EXPECT_THAT(run.out, HasSubstr(R"("quantity":"7")"));
  EXPECT_THAT(run.out, Not(HasSubstr(R"("quantity":"5")")));
  EXPECT_EQ(run.err, "");

  EXPECT_EQ(world.Run({"updates", "tail", "--from", "end", "--no-follow"}).out, "");
}

TEST(TailTest, AServerIsFollowedUntilItIsEnough) {
  FakeWorld world;
  world.served = true;
  for (const char* sku : {"A", "B", "C"}) {
    world.api.stream.push_back(
        [sku](google::protobuf::Message* out) { static_cast<v1::Alert*>(out)->set_sku(sku); });
  }
  int rounds = 0;
  world.api.after = [&] { world.stop = ++rounds == 3; };
  CliRun run = world.Run({"alerts", "tail", "-o", "jsonl"});
  EXPECT_EQ(run.code, 0) << "^C is how a tail ends";
  EXPECT_EQ(std::count(run.out.begin(), run.out.end(), '\n'), 3);

  world.stop = false;
  run = world.Run({"alerts", "tail", "-n", "2"});
  EXPECT_EQ(run.code, 0);
  EXPECT_THAT(run.out, HasSubstr("B"));
  EXPECT_THAT(run.out, Not(HasSubstr("C\n")));
}

TEST(DeadLettersTest, ListAndShow) {
  FakeWorld world;
  v1::ListDeadLettersResponse letters;
  v1::DeadLetter* letter = letters.add_dead_letters();
  letter->set_reason(v1::REFUSED_REASON_UNDECODABLE);
  letter->set_detail("not a StockEvent");
  letter->set_partition(3);
  letter->set_offset(12);
  letter->set_key("K\x01");
  letter->set_value(std::string("\xff\x00poison", 8));
  world.api.Put("GET deadletters", letters);
  world.api.Put("GET deadletters/3/12", *letter);
  const CliRun list = world.Run({"deadletters", "list"});
  EXPECT_THAT(list.out, HasSubstr("3/12"));
  EXPECT_THAT(list.out, HasSubstr("UNDECODABLE"));
  EXPECT_THAT(list.out, HasSubstr("K\\x01"));
  const CliRun show = world.Run({"deadletters", "show", "3", "12"});
  EXPECT_EQ(show.code, 0) << show.err;
  EXPECT_THAT(show.out, HasSubstr("ff 00 70 6f 69 73 6f 6e"));
  EXPECT_THAT(show.out, HasSubstr("|..poison|"));
  EXPECT_EQ(world.Run({"deadletters", "show", "3", "13"}).code, 4);
}

TEST(InspectTest, VerifyTellsFindingsByItsExitCode) {
  FakeWorld world;
  v1::VerifyResponse response;
  response.set_ok(true);
  response.set_records(1'234);
  response.add_checks("balances");
  world.api.Put("POST verify", response);
  EXPECT_EQ(world.Run({"verify"}).out, "checked  balances\nclean: 1,234 records, 0 findings\n");
  response.set_ok(false);
  response.add_findings("RED-TEE: 7 is not 8");
  world.api.Put("POST verify", response);
  const CliRun run = world.Run({"verify"});
  EXPECT_EQ(run.code, 3);
  EXPECT_THAT(run.out, HasSubstr("FINDING  RED-TEE: 7 is not 8\n"));
}

TEST(InspectTest, DigestAndHealth) {
  FakeWorld world;
  v1::DigestResponse digest;
  digest.set_content("00ff");
  digest.add_state("aa");
  digest.set_skus(2);
  world.api.Put("GET digest?state=true", digest);
  const CliRun run = world.Run({"digest", "--state"});
  EXPECT_EQ(run.out, "00ff  content of 2 SKUs\naa  state of partition 0\n");
  EXPECT_THAT(run.err, HasSubstr("not at rest"));

  v1::HealthResponse health;
  health.set_state("failing");
  health.set_problem("the disk is gone");
  world.api.Put("GET health", health);
  const CliRun failing = world.Run({"health"});
  EXPECT_EQ(failing.code, 1);
  EXPECT_THAT(failing.out, HasSubstr("failing: the disk is gone"));
}

TEST(InspectTest, TopicsOfNoLedgerAreAPlan) {
  FakeWorld world;
  world.connect_status = absl::NotFoundError("no ledger");
  const CliRun run = world.Run({"topics", "plan", "--partitions", "6"});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("stock.events"));
  EXPECT_THAT(run.out, HasSubstr("to be created"));
  EXPECT_THAT(run.err, HasSubstr("no ledger yet"));

  world.connect_status = absl::OkStatus();
  v1::ListTopicsResponse topics;
  v1::Topic* topic = topics.add_topics();
  topic->set_name("stock.events");
  topic->set_exists(true);
  topic->set_difference("3 partitions, not 4");
  world.api.Put("GET topics", topics);
  EXPECT_EQ(world.Run({"topics", "plan"}).code, 3);
}

}  // namespace
}  // namespace tallywire
