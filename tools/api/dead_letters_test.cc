// SPDX-License-Identifier: Apache-2.0
#include "tools/api/dead_letters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ledger/dead_letters.h"
#include "ledger/forwarding_log.h"
#include "ledger/limits.h"
#include "ledger/topics.h"
#include "tools/api/ledger.h"
#include "tools/api/problem.h"
#include "tools/api/router.h"

namespace tallywire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Request = v1::RedriveDeadLettersRequest;
using Response = v1::RedriveDeadLettersResponse;

constexpr int32_t kPartitions = 3;
constexpr int64_t kStart = 1'772'359'200'000'000;  // 2026-03-01T10:00:00Z

v1::StockEvent Received(const std::string& sku, const std::string& id, int64_t quantity) {
  v1::StockEvent event;
  event.set_event_id(id);
  event.set_source("pos-17");
  event.set_sku(sku);
  event.mutable_received()->set_location("WH1");
  event.mutable_received()->set_quantity(quantity);
  return event;
}

// A log that takes nothing into the topic that a test names.
class FailingLog : public ForwardingLog {
 public:
  using ForwardingLog::ForwardingLog;
  std::string fails;

  absl::StatusOr<std::vector<Appended>> Append(std::span<const NewRecord> records) override {
    for (const NewRecord& record : records) {
      if (record.topic == fails) return absl::UnavailableError("no broker");
    }
    return ForwardingLog::Append(records);
  }
};

class DeadLettersTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "tallywire-letters-XXXXXX");
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    auto ledger = Ledger::Open(
        {.folder = folder_, .partitions = kPartitions, .clock = [this] { return now_; }});
    ASSERT_TRUE(ledger.ok()) << ledger.status();
    ledger_ = *std::move(ledger);
    Again({});
  }
  void TearDown() override {
    api_.reset();
    letters_.reset();
    ledger_.reset();
    std::filesystem::remove_all(folder_);
  }

  // As another process would begin: nothing is known of marks.
  void Again(DeadLetters::Options options) {
    api_ = std::make_unique<LedgerApi>(ledger_.get());
    letters_ = std::make_unique<DeadLetters>(&ledger_->log(), &ledger_->appender(), options);
  }

  // Past the appender; gives its place.
  std::string Put(Partition partition, const std::string& key, const std::string& value,
                  const std::vector<Header>& headers = {}) {
    now_ = now_ + Seconds(60);
    const NewRecord record{.topic = kStockEvents,
                           .partition = partition,
                           .key = key,
                           .value = value,
                           .headers = headers};
    const auto appended = ledger_->log().Append({&record, 1});
    EXPECT_TRUE(appended.ok()) << appended.status();
    return ToText({partition, (*appended)[0].offset});
  }
  std::string PutHome(const v1::StockEvent& event) {
    return Put(Home(event.sku()), event.sku(), event.SerializeAsString());
  }
  std::string PutWrong(const v1::StockEvent& event) {
    const int32_t wrong = (Home(event.sku()).value() + 1) % kPartitions;
    return Put(Partition(wrong), event.sku(), event.SerializeAsString());
  }
  static Partition Home(const std::string& sku) { return PartitionOf(sku, kPartitions); }

  void Settle() { ASSERT_TRUE(ledger_->SettleNow().ok()); }

  Response Redrive(const Request& request) {
    Response response;
    const absl::Status status = letters_->Redrive(request, &response);
    EXPECT_TRUE(status.ok()) << status;
    Settle();
    return response;
  }
  absl::Status Fails(const Request& request) {
    Response response;
    absl::Status status = letters_->Redrive(request, &response);
    EXPECT_FALSE(status.ok());
    return status;
  }

  int64_t OnHand(const std::string& sku) {
    v1::GetStockResponse stock;
    if (!ledger_->projector().GetStock(sku, "", &stock).ok()) return -1;
    return stock.rows(stock.rows_size() - 1).on_hand();
  }

  std::vector<v1::DeadLetter> List(
      const std::vector<std::pair<std::string, std::string>>& query = {}) {
    ApiRequest request;
    request.path = {"deadletters"};
    request.query = query;
    v1::ListDeadLettersResponse response;
    const absl::Status status = api_->Call(request, &response);
    EXPECT_TRUE(status.ok()) << status;
    return {response.dead_letters().begin(), response.dead_letters().end()};
  }
  std::vector<std::string> Ids(const std::vector<std::pair<std::string, std::string>>& query) {
    std::vector<std::string> ids;
    for (const v1::DeadLetter& letter : List(query)) ids.push_back(letter.event_id());
    return ids;
  }

  // Records in a topic.
  int64_t Count(std::string_view topic) {
    int64_t count = 0;
    for (int32_t p = 0; p < kPartitions; ++p) {
      count += ledger_->log().Bounds(topic, Partition(p))->end.value();
    }
    return count;
  }
  std::vector<Header> HeadersAt(const v1::RedrivenLetter& letter) {
    auto reader = ledger_->log().OpenReader(kStockEvents, Partition(letter.partition()),
                                            Offset(letter.offset()));
    RecordBatch batch;
    EXPECT_TRUE((*reader)->Poll(1, Span(0), batch).ok());
    EXPECT_EQ(batch.records.size(), 1u);
    return {batch.records[0].headers.begin(), batch.records[0].headers.end()};
  }

  Time now_{kStart};
  std::string folder_;
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<LedgerApi> api_;
  std::unique_ptr<DeadLetters> letters_;
};

Request All(bool execute = false) {
  Request request;
  request.set_all(true);
  request.set_execute(execute);
  return request;
}

TEST_F(DeadLettersTest, TheListIsFilteredByReasonSourceAndTime) {
  v1::StockEvent other = Received("B", "other", 0);
  other.set_source("shop");
  PutWrong(Received("A", "wrong", 1));
  PutHome(Received("A", "zero", 0));
  PutHome(other);
  // The body has no source: the header says it.
  Put(Partition(0), "C", "\xff\xff", {{"ce_source", "pos-9"}, {"ce_id", "noise"}});
  Settle();
  EXPECT_EQ(List().size(), 4u);
  EXPECT_THAT(Ids({{"reason", "wrong_partition"}}), ElementsAre("wrong"));
  EXPECT_THAT(Ids({{"reason", "REFUSED_REASON_UNDECODABLE"}}), ElementsAre("noise"));
  EXPECT_THAT(Ids({{"source", "shop"}}), ElementsAre("other"));
  EXPECT_THAT(Ids({{"source", "pos-9"}}), ElementsAre("noise"));
  // One came each minute, the first at 10:01.
  EXPECT_THAT(Ids({{"until", "2026-03-01T10:02:00Z"}}), ElementsAre("wrong"));
  EXPECT_THAT(Ids({{"since", "2026-03-01T10:02:00Z"}, {"until", "2026-03-01T10:03:00Z"}}),
              ElementsAre("zero"));
  for (const auto& [name, value] :
       std::vector<std::pair<std::string, std::string>>{{"reason", "RAIN"}, {"since", "today"}}) {
    ApiRequest request;
    request.path = {"deadletters"};
    request.query = {{name, value}};
    v1::ListDeadLettersResponse response;
    const absl::Status status = api_->Call(request, &response);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(FieldOf(status), name);
    EXPECT_THAT(status.message(), HasSubstr(name == "reason" ? "WRONG_PARTITION" : "RFC 3339"));
  }
}

TEST_F(DeadLettersTest, AListIsReadInPagesHoweverFewOfThemFit) {
  for (int i = 0; i < 10; ++i) PutHome(Received("A", absl::StrCat("e", i), i == 9 ? -1 : 0));
  Settle();
  Again({.list_records = 3});
  std::vector<std::string> ids;
  std::string token;
  int pages = 0;
  do {
    ApiRequest request;
    request.query = {{"since", "2026-03-01T10:10:00Z"}};
    if (!token.empty()) request.query.emplace_back("page_token", token);
    v1::ListDeadLettersResponse page;
    ASSERT_TRUE(letters_->List(Parameters(request), &page).ok());
    for (const v1::DeadLetter& letter : page.dead_letters()) ids.push_back(letter.event_id());
    token = page.next_page_token();
    ++pages;
  } while (!token.empty());
  EXPECT_THAT(ids, ElementsAre("e9"));
  EXPECT_GE(pages, 4);
}

TEST_F(DeadLettersTest, ByKeyALetterGoesWhereItBelongsOnce) {
  const std::string letter = PutWrong(Received("A", "1", 5));
  Settle();
  const int64_t events = Count(kStockEvents);
  const int64_t dead = Count(kStockDeadLetters);

  Response shown = Redrive(All());
  ASSERT_EQ(shown.results_size(), 1);
  EXPECT_EQ(shown.results(0).letter(), letter);
  EXPECT_EQ(shown.results(0).outcome(), v1::REDRIVE_OUTCOME_TO_APPEND);
  EXPECT_EQ(shown.results(0).key(), "A");
  EXPECT_EQ(shown.results(0).partition(), Home("A").value());
  EXPECT_EQ(shown.results(0).reason(), v1::REFUSED_REASON_WRONG_PARTITION);
  EXPECT_EQ(shown.to_append(), 1);
  EXPECT_EQ(Count(kStockEvents), events) << "a dry run appends nothing";
  EXPECT_EQ(Count(kStockDeadLetters), dead);
  EXPECT_EQ(OnHand("A"), -1);

  const Response done = Redrive(All(true));
  EXPECT_EQ(done.appended(), 1);
  EXPECT_EQ(done.results(0).outcome(), v1::REDRIVE_OUTCOME_APPENDED);
  EXPECT_EQ(OnHand("A"), 5);
  const std::vector<Header> headers = HeadersAt(done.results(0));
  EXPECT_EQ(headers.back().name, kRedrivenFrom);
  EXPECT_EQ(headers.back().value, "stock.events-dlt/" + letter);
  const std::string to = absl::StrCat(done.results(0).partition(), "/", done.results(0).offset());

  for (int i = 0; i < 2; ++i) {
    const Response again = Redrive(All(true));
    EXPECT_EQ(again.appended(), 0);
    EXPECT_EQ(again.done_before(), 1);
    EXPECT_EQ(again.results(0).offset(), done.results(0).offset());
    Again({});  // the marks are in the log, not in the process
  }
  EXPECT_EQ(Count(kStockEvents), events + 1);
  ASSERT_EQ(List().size(), 1u) << "a mark is no letter";
  EXPECT_EQ(List()[0].redriven_to(), to);
}

TEST_F(DeadLettersTest, ARedrivenEventOccurredWhenItsRecordCame) {
  PutWrong(Received("A", "1", 5));
  v1::StockEvent count;
  count.set_event_id("count");
  count.set_source("me");
  count.set_sku("A");
  count.mutable_counted()->set_location("WH1");
  count.mutable_counted()->set_quantity(5);
  PutHome(count);
  now_ = now_ + Seconds(3'600);
  Redrive(All(true));
  EXPECT_EQ(OnHand("A"), 5) << "the count had seen it";
}

TEST_F(DeadLettersTest, AWrongKeyAndHeadersInsteadOfTheBodyAreMended) {
  v1::StockEvent event = Received("A", "", 5);
  event.clear_source();
  Put(Home("B"), "B", event.SerializeAsString(),
      {{"ce_id", "1"}, {"ce_source", "pos-3"}, {"traceparent", "00-ab"}});
  Settle();
  ASSERT_THAT(Ids({{"reason", "WRONG_KEY"}}), ElementsAre("1"));
  const Response done = Redrive(All(true));
  EXPECT_EQ(done.appended(), 1);
  EXPECT_EQ(OnHand("A"), 5);
  std::vector<std::string> names;
  for (const Header& header : HeadersAt(done.results(0))) names.push_back(header.name);
  EXPECT_THAT(names, ElementsAre("ce_id", "ce_source", "ce_specversion", "ce_type", "content-type",
                                 "traceparent", std::string(kRedrivenFrom)));
}

TEST_F(DeadLettersTest, WhatCannotBeMendedSaysWhyAndStays) {
  PutHome(Received("A", "zero", 0));
  Put(Partition(0), "K", "\xff\xff");
  Put(Partition(0), "K", std::string(kMaxEventBytes + 1, '\0'));
  PutWrong(Received("A", "good", 2));
  Settle();
  const int64_t events = Count(kStockEvents);
  const Response done = Redrive(All(true));
  EXPECT_EQ(done.not_mended(), 3);
  EXPECT_EQ(done.appended(), 1);
  EXPECT_EQ(Count(kStockEvents), events + 1);
  for (const v1::RedrivenLetter& result : done.results()) {
    if (result.outcome() != v1::REDRIVE_OUTCOME_NOT_MENDED) continue;
    EXPECT_EQ(result.refused(), result.reason());
    EXPECT_NE(result.detail(), "");
  }
  EXPECT_EQ(OnHand("A"), 2);
}

TEST_F(DeadLettersTest, AsItIsForWhatWasRefusedByTheState) {
  v1::StockEvent full = Received("A", "full", 0);
  full.mutable_adjusted()->set_location("WH1");
  full.mutable_adjusted()->set_delta(kMaxQuantity);
  full.mutable_adjusted()->set_reason("test");
  PutHome(full);
  const std::string letter = PutHome(Received("A", "more", 7));
  PutWrong(Received("A", "elsewhere", 1));
  Settle();
  ASSERT_THAT(Ids({{"reason", "OVERFLOW"}}), ElementsAre("more"));
  Request request;
  request.set_reason(v1::REFUSED_REASON_OVERFLOW);
  request.set_mode(v1::REDRIVE_MODE_AS_IS);
  request.set_execute(true);
  // Still full: it is refused again, and becomes a letter of its own.
  Response done = Redrive(request);
  ASSERT_EQ(done.appended(), 1);
  EXPECT_EQ(done.results(0).partition(), Home("A").value());
  const std::string second =
      absl::StrCat(done.results(0).partition(), "/", done.results(0).offset());
  ASSERT_EQ(List({{"reason", "OVERFLOW"}}).size(), 2u);
  EXPECT_EQ(List({{"reason", "OVERFLOW"}})[1].redriven_from(), letter);
  EXPECT_EQ(List({{"reason", "OVERFLOW"}})[0].redriven_to(), second);

  v1::StockEvent sale = Received("A", "sale", 0);
  sale.mutable_sold()->set_location("WH1");
  sale.mutable_sold()->set_quantity(100);
  PutHome(sale);
  Settle();
  done = Redrive(request);
  EXPECT_EQ(done.appended(), 1);
  EXPECT_EQ(done.done_before(), 1);
  EXPECT_EQ(OnHand("A"), kMaxQuantity - 100 + 7);
  const std::vector<Header> headers = HeadersAt(done.results(1));
  ASSERT_EQ(headers.size(), 1u) << "its own and no more";
  EXPECT_EQ(headers[0].value, "stock.events-dlt/" + second);

  // What is wrong for ever is not appended again as it is.
  request.set_reason(v1::REFUSED_REASON_WRONG_PARTITION);
  done = Redrive(request);
  EXPECT_EQ(done.not_mended(), 1);
  EXPECT_EQ(done.results(0).refused(), v1::REFUSED_REASON_WRONG_PARTITION);
}

TEST_F(DeadLettersTest, AReplacementFindsItsLetterByIdentityOrByName) {
  PutHome(Received("A", "1", 0));
  const std::string noise = Put(Partition(1), "K", "\xff\xff");
  // Two lines of one order: the key tells them apart.
  PutHome(Received("C", "order", 0));
  PutHome(Received("D", "order", 0));
  PutHome(Received("E", "left", 0));
  Settle();
  Request request = All(true);
  request.set_mode(v1::REDRIVE_MODE_REPLACE);
  *request.add_replacements()->mutable_event() = Received("A", "1", 3);
  v1::DeadLetterReplacement* named = request.add_replacements();
  named->set_letter(noise);
  named->set_name("line 2");
  *named->mutable_event() = Received("B", "noise", 4);
  *request.add_replacements()->mutable_event() = Received("C", "order", 5);
  *request.add_replacements()->mutable_event() = Received("D", "order", 6);
  const Response done = Redrive(request);
  EXPECT_EQ(done.appended(), 4);
  EXPECT_EQ(done.not_mended(), 1);
  for (const auto& [sku, quantity] :
       std::vector<std::pair<std::string, int64_t>>{{"A", 3}, {"B", 4}, {"C", 5}, {"D", 6}}) {
    EXPECT_EQ(OnHand(sku), quantity) << sku;
  }
  for (const v1::RedrivenLetter& result : done.results()) {
    if (result.letter() == noise) {
      EXPECT_EQ(result.replaced_by(), "line 2");
    } else if (result.event_id() == "1") {
      EXPECT_EQ(result.replaced_by(), "replacements[0]");
    }
  }
  EXPECT_EQ(Redrive(request).done_before(), 4);
  EXPECT_EQ(OnHand("A"), 3);
}

TEST_F(DeadLettersTest, AReplacementWhoseKeyWasMendedFindsItsLetterToo) {
  PutHome(Received("", "1", 3));
  Settle();
  Request request = All(true);
  request.set_mode(v1::REDRIVE_MODE_REPLACE);
  *request.add_replacements()->mutable_event() = Received("A", "1", 3);
  EXPECT_EQ(Redrive(request).appended(), 1);
  EXPECT_EQ(OnHand("A"), 3);
}

TEST_F(DeadLettersTest, AReplacementThatFitsNothingOrIsOneTooManyStopsAll) {
  const std::string letter = PutHome(Received("A", "1", 0));
  PutHome(Received("B", "2", 0));
  Settle();
  const int64_t events = Count(kStockEvents);
  Request good = All(true);
  good.set_mode(v1::REDRIVE_MODE_REPLACE);
  *good.add_replacements()->mutable_event() = Received("A", "1", 3);

  Request request = good;
  *request.add_replacements()->mutable_event() = Received("A", "nowhere", 3);
  EXPECT_THAT(Fails(request).message(), HasSubstr("nowhere"));
  request = good;
  *request.add_replacements()->mutable_event() = Received("A", "1", 4);
  EXPECT_THAT(Fails(request).message(), HasSubstr("fits letter " + letter));
  request = good;
  request.mutable_replacements(0)->set_letter("2/999");
  EXPECT_THAT(Fails(request).message(), HasSubstr("2/999"));
  // Chosen is only what fits the choice.
  request = good;
  request.set_source("another");
  EXPECT_EQ(FieldOf(Fails(request)), "replacements[0]");
  request = good;
  request.mutable_replacements(0)->clear_event();
  EXPECT_THAT(Fails(request).message(), HasSubstr("no event"));
  EXPECT_EQ(Count(kStockEvents), events);
  // One that is refused itself is told of, and the letter stays.
  request = good;
  request.mutable_replacements(0)->mutable_event()->mutable_received()->set_quantity(-3);
  const Response done = Redrive(request);
  EXPECT_EQ(done.appended(), 0);
  EXPECT_THAT(done.results(0).detail(), HasSubstr("-3"));
}

TEST_F(DeadLettersTest, WhatIsChosenHasToBeSaidAndToBeThere) {
  const std::string letter = PutWrong(Received("A", "1", 5));
  PutWrong(Received("B", "2", 5));
  Settle();
  EXPECT_EQ(FieldOf(Fails(Request())), "letters");
  Request request;
  request.add_letters("3-4");
  EXPECT_EQ(FieldOf(Fails(request)), "letters");
  request.set_letters(0, "2/999");
  EXPECT_EQ(Fails(request).code(), absl::StatusCode::kNotFound);
  request.set_letters(0, letter);
  request.set_source("another");
  EXPECT_EQ(Redrive(request).results_size(), 0) << "named, but not such";
  request.clear_source();
  request.set_execute(true);
  EXPECT_EQ(Redrive(request).appended(), 1);
  EXPECT_EQ(OnHand("B"), -1);
  request = All();
  *request.add_replacements()->mutable_event() = Received("A", "1", 3);
  EXPECT_EQ(FieldOf(Fails(request)), "replacements");
  request = All();
  request.set_page_token("d0.0");
  EXPECT_EQ(FieldOf(Fails(request)), "page_token");
}

TEST_F(DeadLettersTest, PagesEndWhatIsRefusedAgainIsNotTakenIntoThem) {
  PutHome(Received("A", "full", kMaxQuantity));
  for (int i = 0; i < 7; ++i) PutHome(Received("A", absl::StrCat("more", i), 1));
  for (int i = 0; i < 3; ++i) PutWrong(Received("B", absl::StrCat("wrong", i), 1));
  Settle();
  Again({.page_letters = 2});
  Request request = All(true);
  int64_t appended = 0;
  int pages = 0;
  do {
    const Response page = Redrive(request);  // and folds, so that letters come while it goes on
    EXPECT_LE(page.results_size(), 2);
    appended += page.appended();
    request.set_page_token(page.next_page_token());
    ASSERT_LT(++pages, 20);
  } while (!request.page_token().empty());
  EXPECT_EQ(appended, 10);
  EXPECT_EQ(OnHand("B"), 3);
  EXPECT_EQ(List({{"reason", "OVERFLOW"}}).size(), 14u);
}

TEST_F(DeadLettersTest, WhoDiesBeforeTheMarkAppendsAgainAndItCountsOnce) {
  PutWrong(Received("A", "1", 5));
  Settle();
  FailingLog log(&ledger_->log());
  log.fails = kStockDeadLetters;
  DeadLetters failing(&log, &ledger_->appender());
  Response response;
  const absl::Status status = failing.Redrive(All(true), &response);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("redrive them again"));
  Settle();
  EXPECT_EQ(OnHand("A"), 5);
  EXPECT_EQ(List()[0].redriven_to(), "");

  EXPECT_EQ(Redrive(All(true)).appended(), 1) << "nobody knows that it was";
  EXPECT_EQ(OnHand("A"), 5) << "but the projector does";
  EXPECT_NE(List()[0].redriven_to(), "");
  EXPECT_EQ(Redrive(All(true)).appended(), 0);
  EXPECT_EQ(List().size(), 1u);
  v1::VerifyResponse verified;
  ASSERT_TRUE(ledger_->projector().Verify([](int64_t, int64_t) {}, &verified).ok());
  EXPECT_TRUE(verified.ok()) << verified.ShortDebugString();
}

TEST_F(DeadLettersTest, ManyAtTheSameMomentDoNoHarm) {
  for (int i = 0; i < 50; ++i) PutWrong(Received("A", absl::StrCat(i), 1));
  Settle();
  const int64_t events = Count(kStockEvents);
  // Two in one process, and one that knows nothing of them.
  DeadLetters other(&ledger_->log(), &ledger_->appender());
  std::vector<std::thread> threads;
  for (DeadLetters* letters : {letters_.get(), letters_.get(), &other}) {
    threads.emplace_back([letters] {
      Response response;
      EXPECT_TRUE(letters->Redrive(All(true), &response).ok());
    });
  }
  for (std::thread& thread : threads) thread.join();
  Settle();
  EXPECT_EQ(OnHand("A"), 50);
  EXPECT_LE(Count(kStockEvents), events + 100) << "each process at most once";
  EXPECT_EQ(Redrive(All(true)).done_before(), 50);
}

TEST_F(DeadLettersTest, AStreamOfLettersHasNoMarks) {
  PutWrong(Received("A", "1", 5));
  PutWrong(Received("A", "2", 5));
  Settle();
  Redrive(All(true));
  ApiRequest request;
  request.path = {"deadletters"};
  v1::DeadLetter item;
  std::vector<std::string> ids;
  ASSERT_TRUE(api_->Follow(
                      request, &item,
                      [&](const std::string&) {
                        ids.push_back(item.event_id());
                        return true;
                      },
                      [] { return true; })
                  .ok());
  EXPECT_THAT(ids, ElementsAre("1", "2"));
}

TEST_F(DeadLettersTest, OverTheInterfaceALetterKnowsWhereItWent) {
  const std::string letter = PutWrong(Received("A", "1", 5));
  Settle();
  const Request asked = All(true);
  ApiRequest request;
  request.method = "POST";
  request.path = {"deadletters", "redrive"};
  request.body = &asked;
  Response response;
  ASSERT_TRUE(api_->Call(request, &response).ok());
  ASSERT_EQ(response.appended(), 1);
  request = ApiRequest();
  request.path = {"deadletters", letter.substr(0, 1), letter.substr(2)};
  v1::DeadLetter got;
  ASSERT_TRUE(api_->Call(request, &got).ok());
  EXPECT_EQ(got.redriven_to(),
            absl::StrCat(response.results(0).partition(), "/", response.results(0).offset()));
}

}  // namespace
}  // namespace tallywire
