// SPDX-License-Identifier: Apache-2.0
// Server and client over real sockets, with an Api behind them that answers as it is told.

#include <gmock/gmock.h>

#include <atomic>
#include <future>
#include <memory>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tools/api/fake_api.h"
#include "tools/api/http_client.h"
#include "tools/api/http_server.h"
#include "tools/api/json.h"
#include "tools/api/problem.h"
#include "tools/api/raw_socket.h"

namespace tallywire {
namespace {

using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;
using ::testing::StartsWith;

HttpServer::Options Quick() {
  HttpServer::Options options;
  options.listen = "127.0.0.1:0";
  options.header_timeout = milliseconds(400);
  options.idle_timeout = milliseconds(800);
  options.body_timeout = milliseconds(400);
  options.write_timeout = milliseconds(2'000);
  options.heartbeat = milliseconds(100);
  options.stop_grace = milliseconds(2'000);
  options.max_body_bytes = 100'000;
  return options;
}

class HttpTest : public ::testing::Test {
 protected:
  void Start(HttpServer::Options options = Quick()) {
    auto server = HttpServer::Start(&api_, options);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  HttpApi Client(milliseconds call_timeout = milliseconds(5'000)) const {
    HttpApi::Options options;
    options.address = server_->address();
    options.call_timeout = call_timeout;
    options.reconnect_for = milliseconds(5'000);
    return HttpApi(options);
  }

  // A whole answer to a request without `Host` and `Connection`, which are added.
  std::string Ask(const std::string& request_line, const std::string& headers = "",
                  const std::string& body = "") const {
    RawSocket socket(server_->address());
    std::string length;
    if (!body.empty()) length = absl::StrCat("Content-Length: ", body.size(), "\r\n");
    socket.Send(absl::StrCat(request_line, " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n",
                             headers, length, "\r\n", body));
    return socket.ReadAll();
  }

  FakeApi api_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpTest, ACallGoesThroughAndItsAnswerComesBack) {
  Start();
  api_.AnswerWith([](const ApiRequest&, google::protobuf::Message* out) {
    static_cast<v1::GetStockResponse*>(out)->add_rows()->set_available(7);
    return absl::OkStatus();
  });
  HttpApi client = Client();
  v1::GetStockResponse answer;
  const ApiRequest request{
      .path = {"stock", "A/B?% +\xC3\xA9"},
      .query = {{"location", "WH3/BIN10"}, {"min_version", "1:2"}, {"min_version", "2:9"}}};
  ASSERT_TRUE(client.Call(request, &answer).ok());
  EXPECT_EQ(answer.rows(0).available(), 7);
  const auto asked = api_.asked();
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].method, "GET");
  EXPECT_EQ(asked[0].path, request.path);
  EXPECT_EQ(asked[0].query, request.query);
}

TEST_F(HttpTest, ABodyGoesThrough) {
  Start();
  HttpApi client = Client();
  v1::Listing listing;
  listing.set_sku("RED-TEE");
  listing.set_percent(70);
  v1::Listing answer;
  ASSERT_TRUE(
      client
          .Call({.method = "PUT", .path = {"listings", "amazon", "A/1"}, .body = &listing}, &answer)
          .ok());
  EXPECT_EQ(api_.asked()[0].body, listing.ShortDebugString());
  EXPECT_THAT(api_.asked()[0].path, ElementsAre("listings", "amazon", "A/1"));
}

TEST_F(HttpTest, ErrorsComeBackWithCodeTextFieldAndReason) {
  Start();
  HttpApi client = Client();
  v1::HealthResponse answer;
  for (int code = 1; code <= 16; ++code) {
    const absl::Status sent = WithField(absl::Status(static_cast<absl::StatusCode>(code), "words"),
                                        "some.field", v1::REFUSED_REASON_OVERFLOW);
    api_.AnswerWith([&](const ApiRequest&, google::protobuf::Message*) { return sent; });
    const absl::Status got = client.Call({.path = {"health"}}, &answer);
    EXPECT_EQ(got.code(), sent.code());
    EXPECT_EQ(got.message(), "words");
    EXPECT_EQ(FieldOf(got), "some.field");
    EXPECT_EQ(ReasonOf(got), v1::REFUSED_REASON_OVERFLOW);
  }
}

TEST_F(HttpTest, JsonAndProtobufBothWays) {
  Start();
  api_.AnswerWith([](const ApiRequest& request, google::protobuf::Message* out) {
    out->CopyFrom(*request.body);
    return absl::OkStatus();
  });
  const std::string json = R"({"sku": "RED-TEE", "pools": ["USED"], "max": "5"})";
  const std::string as_json =
      Ask("PUT /v1/listings/a/b", "Content-Type: application/json; charset=utf-8\r\n", json);
  EXPECT_THAT(as_json, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(as_json, HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_THAT(as_json, HasSubstr(R"("max":"5")"));
  EXPECT_THAT(as_json, HasSubstr(R"("pools":["POOL_USED"])"));
  const std::string as_bytes = Ask("PUT /v1/listings/a/b",
                                   "Content-Type: application/json\r\n"
                                   "Accept: application/x-protobuf\r\n",
                                   json);
  v1::Listing read;
  ASSERT_TRUE(read.ParseFromString(as_bytes.substr(as_bytes.find("\r\n\r\n") + 4)));
  EXPECT_EQ(read.max(), 5);
  const std::string back = Ask("PUT /v1/listings/a/b", "Content-Type: application/x-protobuf\r\n",
                               read.SerializeAsString());
  EXPECT_THAT(back, HasSubstr(R"("sku":"RED-TEE")"));
}

TEST_F(HttpTest, WhatCannotBeAnswered) {
  Start();
  const std::string json = "Content-Type: application/json\r\n";
  EXPECT_THAT(Ask("GET /v1/nothing"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(Ask("GET /"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(Ask("GET /v1/stock/"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(Ask("GET /v1/stock/%zz"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(Ask("PATCH /v1/listings/a/b"),
              AllOf(StartsWith("HTTP/1.1 405 "), HasSubstr("Allow: PUT, GET, DELETE\r\n")));
  EXPECT_THAT(Ask("POST /v1/events", "Content-Type: text/plain\r\n", "x"),
              AllOf(StartsWith("HTTP/1.1 415 "), HasSubstr("Accept: application/json, ")));
  EXPECT_THAT(Ask("POST /v1/events", "", "{}"), StartsWith("HTTP/1.1 415 "));
  EXPECT_THAT(Ask("POST /v1/events", json + "Content-Encoding: gzip\r\n", "{}"),
              StartsWith("HTTP/1.1 415 "));
  EXPECT_THAT(Ask("GET /v1/health", "Accept: text/html\r\n"), StartsWith("HTTP/1.1 406 "));
  EXPECT_THAT(Ask("GET /v1/health?follow=true"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(Ask("GET /v1/alerts?follow=maybe"), StartsWith("HTTP/1.1 400 "));
  EXPECT_TRUE(api_.asked().empty());
}

TEST_F(HttpTest, ProblemsAreProblemJson) {
  Start();
  const std::string answer = Ask("POST /v1/events", "Content-Type: application/json\r\n",
                                 R"({"events": [{"colour": 1}]})");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 Bad Request\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Type: application/problem+json\r\n"));
  v1::Problem problem;
  ASSERT_TRUE(FromJson(answer.substr(answer.find("\r\n\r\n") + 4), &problem).ok());
  EXPECT_EQ(problem.status(), 400);
  EXPECT_EQ(problem.reason(), v1::REFUSED_REASON_UNDECODABLE);
  EXPECT_THAT(problem.detail(), HasSubstr("colour"));
}

TEST_F(HttpTest, OneRefusedEventAloneIs422AndABatchIs200) {
  Start();
  api_.AnswerWith([](const ApiRequest& request, google::protobuf::Message* out) {
    EXPECT_EQ(static_cast<const v1::AppendEventsRequest*>(request.body)->events(0).event_id(),
              "key-1");
    auto* answer = static_cast<v1::AppendEventsResponse*>(out);
    answer->set_refused(1);
    answer->add_results()->set_refused(v1::REFUSED_REASON_BAD_QUANTITY);
    answer->mutable_results(0)->set_detail("sold.quantity: -3 is not above 0");
    return absl::OkStatus();
  });
  const std::string headers = "Content-Type: application/json\r\nIdempotency-Key: key-1\r\n";
  const std::string alone = Ask("POST /v1/events", headers, R"({"sku": "A", "sold": {}})");
  EXPECT_THAT(alone, StartsWith("HTTP/1.1 422 Unprocessable Content\r\n"));
  EXPECT_THAT(alone, HasSubstr(R"("reason":"REFUSED_REASON_BAD_QUANTITY")"));
  EXPECT_THAT(alone, HasSubstr(R"("field":"sold.quantity")"));
  const std::string batch =
      Ask("POST /v1/events", headers, R"({"events": [{"event_id": "key-1", "sku": "A"}]})");
  EXPECT_THAT(batch, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(batch, HasSubstr(R"("refused":"1")"));
}

TEST_F(HttpTest, AChunkedBodyMayEndInPieces) {
  Start();
  RawSocket socket(server_->address());
  for (const char* piece : {"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                            "application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
                            "0\r\n", "\r", "\n"}) {
    ASSERT_TRUE(socket.Send(piece));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_THAT(socket.ReadUntil("\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  RawSocket next(server_->address());
  next.Send("GET /v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(next.ReadUntil("\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpTest, BodiesAndHeadersHaveALimit) {
  Start();
  RawSocket told(server_->address());
  told.Send(
      "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Content-Length: 100001\r\n\r\n");
  EXPECT_THAT(told.ReadAll(), StartsWith("HTTP/1.1 413 "));

  RawSocket untold(server_->address());
  untold.Send(
      "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Transfer-Encoding: chunked\r\n\r\n186a1\r\n");
  untold.Send(std::string(100'001, 'x'));
  EXPECT_THAT(untold.ReadUntil("\r\n\r\n"), StartsWith("HTTP/1.1 413 "));

  RawSocket header(server_->address());
  header.Send("GET /v1/health HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(20'000, 'x'));
  EXPECT_THAT(header.ReadUntil("\r\n\r\n"), StartsWith("HTTP/1.1 431 "));
}

TEST_F(HttpTest, BytesThatAreNotHttp) {
  Start();
  RawSocket socket(server_->address());
  socket.Send(std::string("\x16\x03\x01\x02\x00\x01\x00", 7) + "\r\n\r\n");
  EXPECT_THAT(socket.ReadAll(), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(Ask("GET /v1/health"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpTest, SlowClientsAreCutOff) {
  Start();
  RawSocket header(server_->address());
  header.Send("GET /v1/health HTTP/1.1\r\n");
  RawSocket body(server_->address());
  body.Send(
      "PUT /v1/listings/a/b HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Content-Length: 10\r\n\r\n{");
  RawSocket idle(server_->address());
  idle.Send("GET /v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(idle.ReadUntil("}"), StartsWith("HTTP/1.1 200 "));
  header.ReadAll(3'000);
  body.ReadAll(3'000);
  idle.ReadAll(3'000);
  EXPECT_TRUE(header.ended());
  EXPECT_TRUE(body.ended());
  EXPECT_TRUE(idle.ended());
}

TEST_F(HttpTest, TheConnectionIsKeptAndRequestsMayBePipelined) {
  Start();
  RawSocket socket(server_->address());
  const std::string one = "GET /v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n";
  socket.Send(one + one + "GET /v1/nothing HTTP/1.1\r\nHost: localhost\r\n\r\n" + one);
  const std::string got = socket.ReadAll(3'000);
  size_t good = 0;
  for (size_t at = 0; (at = got.find("200 OK", at)) != std::string::npos; ++at) ++good;
  EXPECT_EQ(good, 3U);
  EXPECT_THAT(got, HasSubstr("404 Not Found"));
}

TEST_F(HttpTest, ABodyIsAskedForBeforeItIsSent) {
  Start();
  RawSocket socket(server_->address());
  socket.Send(
      "PUT /v1/listings/a/b HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(socket.ReadUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  socket.Send("{}");
  EXPECT_THAT(socket.ReadUntil("}"), StartsWith("HTTP/1.1 200 OK"));
}

TEST_F(HttpTest, PagesOfOthersAreNotAnswered) {
  Start();
  RawSocket named(server_->address());
  named.Send("GET /v1/health HTTP/1.1\r\nHost: ledger.example.org\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(named.ReadAll(), StartsWith("HTTP/1.1 421 "));
  EXPECT_THAT(Ask("POST /v1/verify", "Origin: http://example.org\r\n"),
              StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(Ask("POST /v1/verify", "Origin: null\r\n"), StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(Ask("POST /v1/verify", "Origin: http://localhost\r\n"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpTest, ASlowAnswerKeepsNobodyWaiting) {
  Start();
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  api_.AnswerWith([released](const ApiRequest& request, google::protobuf::Message*) {
    if (request.path[0] == "verify") released.wait();
    return absl::OkStatus();
  });
  std::vector<std::thread> slow;
  for (int i = 0; i < 20; ++i) {
    slow.emplace_back([this] {
      v1::VerifyResponse answer;
      EXPECT_TRUE(Client().Call({.method = "POST", .path = {"verify"}}, &answer).ok());
    });
  }
  while (api_.asked().size() < 20) std::this_thread::sleep_for(milliseconds(5));
  v1::HealthResponse health;
  EXPECT_TRUE(Client(milliseconds(2'000)).Call({.path = {"health"}}, &health).ok());
  release.set_value();
  for (std::thread& thread : slow) thread.join();
}

TEST_F(HttpTest, ConnectionsBeyondTheLimitAreTurnedAway) {
  HttpServer::Options options = Quick();
  options.max_connections = 2;
  options.header_timeout = milliseconds(3'000);
  Start(options);
  const std::string get = "GET /v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n";
  auto first = std::make_unique<RawSocket>(server_->address());
  RawSocket second(server_->address());
  first->Send(get);
  second.Send(get);
  EXPECT_THAT(first->ReadUntil("}"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(second.ReadUntil("}"), StartsWith("HTTP/1.1 200 "));
  RawSocket third(server_->address());
  third.Send(get);
  EXPECT_THAT(third.ReadAll(), AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("Retry-After: 1")));
  first.reset();
  for (int i = 0; i < 100; ++i) {
    RawSocket next(server_->address());
    next.Send(get);
    if (next.ReadUntil("}").rfind("HTTP/1.1 200 ", 0) == 0) return;
    std::this_thread::sleep_for(milliseconds(20));
  }
  FAIL() << "the place of the connection that ended was not given free";
}

TEST_F(HttpTest, AStreamHasItemsTokensAndHeartbeats) {
  api_.AddAlerts(2);
  Start();
  RawSocket socket(server_->address());
  socket.Send("GET /v1/alerts HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n");
  const std::string begin = socket.ReadUntil(": still here\n\n");
  EXPECT_THAT(begin, StartsWith("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"));
  EXPECT_THAT(begin, HasSubstr("id: 1\ndata: {"));
  EXPECT_THAT(begin, HasSubstr(R"("text":"alert 0\nsecond line")"));
  EXPECT_THAT(begin, HasSubstr("id: 2\n"));
  api_.AddAlerts(1);
  EXPECT_THAT(socket.ReadUntil("alert 2"), HasSubstr("id: 3\n"));
}

TEST_F(HttpTest, AStreamResumesAfterTheLastId) {
  api_.AddAlerts(3);
  Start();
  RawSocket socket(server_->address());
  socket.Send(
      "GET /v1/alerts?follow=true&from=start HTTP/1.1\r\nHost: localhost\r\n"
      "Last-Event-ID: 2\r\n\r\n");
  const std::string got = socket.ReadUntil("alert 2");
  EXPECT_THAT(got, HasSubstr("id: 3\n"));
  EXPECT_THAT(got, Not(HasSubstr("alert 1")));
}

TEST_F(HttpTest, AStreamThatCannotBeginIsAProblem) {
  Start();
  EXPECT_THAT(Ask("GET /v1/alerts?follow=true&from=nowhere"),
              AllOf(StartsWith("HTTP/1.1 400 "), HasSubstr(R"("field":"from")")));
}

TEST_F(HttpTest, TheClientFollows) {
  api_.AddAlerts(3);
  Start();
  HttpApi client = Client();
  v1::Alert alert;
  std::vector<std::string> texts;
  std::vector<std::string> tokens;
  std::atomic<bool> stop = false;
  const absl::Status status = client.Follow(
      {.path = {"alerts"}, .query = {{"from", "1"}}}, &alert,
      [&](const std::string& token) {
        texts.push_back(alert.text());
        tokens.push_back(token);
        if (texts.size() == 2) api_.AddAlerts(1);
        if (texts.size() == 3) stop = true;
        return true;
      },
      [&] { return stop.load(); });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_THAT(tokens, ElementsAre("2", "3", "4"));
  EXPECT_THAT(texts,
              ElementsAre("alert 1\nsecond line", "alert 2\nsecond line", "alert 3\nsecond line"));
}

TEST_F(HttpTest, TheClientGoesOnWhereItWasWhenTheServerComesBack) {
  api_.AddAlerts(2);
  Start();
  const std::string address = server_->address();
  HttpApi client = Client();
  v1::Alert alert;
  std::vector<std::string> tokens;
  std::thread restart;
  const absl::Status status = client.Follow(
      {.path = {"alerts"}}, &alert,
      [&](const std::string& token) {
        tokens.push_back(token);
        if (tokens.size() == 2) {
          restart = std::thread([&] {
            server_->Stop();
            api_.AddAlerts(2);
            HttpServer::Options options = Quick();
            options.listen = address;
            Start(options);
          });
        }
        return tokens.size() < 4;
      },
      [] { return false; });
  restart.join();
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_THAT(tokens, ElementsAre("1", "2", "3", "4"));
}

TEST_F(HttpTest, AStreamsErrorReachesTheClient) {
  Start();
  HttpApi client = Client();
  v1::Alert alert;
  std::thread later([&] {
    std::this_thread::sleep_for(milliseconds(100));
    api_.EndFollowsWith(absl::DataLossError("the log does not read back"));
  });
  const absl::Status status = client.Follow(
      {.path = {"alerts"}}, &alert, [](const std::string&) { return true; }, [] { return false; });
  later.join();
  EXPECT_EQ(status, absl::DataLossError("the log does not read back"));
}

TEST_F(HttpTest, AManyItemsStreamIsWhole) {
  api_.AddAlerts(20'000);
  Start();
  HttpApi client = Client();
  v1::Alert alert;
  size_t seen = 0;
  const absl::Status status = client.Follow(
      {.path = {"alerts"}}, &alert,
      [&](const std::string& token) {
        EXPECT_EQ(token, std::to_string(seen + 1));
        return ++seen < 20'000;
      },
      [] { return false; });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(seen, 20'000U);
}

TEST_F(HttpTest, AClientThatDoesNotReadItsStreamIsCutOff) {
  api_.AddAlerts(400'000);
  HttpServer::Options options = Quick();
  options.write_timeout = milliseconds(300);
  options.max_streams = 1;
  Start(options);
  RawSocket socket(server_->address());
  socket.Send("GET /v1/alerts?follow=true HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto begin = std::chrono::steady_clock::now();
  while (Ask("GET /v1/alerts?follow=true&from=bad").rfind("HTTP/1.1 503 ", 0) != 0) {
    ASSERT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  }
  // The one place for a stream is free again once the client that is stuck was given up.
  while (Ask("GET /v1/alerts?follow=true&from=bad").rfind("HTTP/1.1 503 ", 0) == 0) {
    ASSERT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
    std::this_thread::sleep_for(milliseconds(20));
  }
}

TEST_F(HttpTest, StopAnswersWhatHasComeInAndEndsStreams) {
  Start();
  std::atomic<bool> asked = false;
  api_.AnswerWith([&](const ApiRequest&, google::protobuf::Message*) {
    asked = true;
    std::this_thread::sleep_for(milliseconds(300));
    return absl::OkStatus();
  });
  RawSocket stream(server_->address());
  stream.Send("GET /v1/alerts?follow=true HTTP/1.1\r\nHost: localhost\r\n\r\n");
  stream.ReadUntil(": following");
  RawSocket idle(server_->address());
  RawSocket slow(server_->address());
  slow.Send("GET /v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n");
  while (!asked) std::this_thread::sleep_for(milliseconds(1));
  const auto begin = std::chrono::steady_clock::now();
  server_->Stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(1'500));
  EXPECT_THAT(slow.ReadAll(1'000), AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("close")));
  stream.ReadAll(1'000);
  idle.ReadAll(1'000);
  EXPECT_TRUE(stream.ended());
  EXPECT_TRUE(idle.ended());
  EXPECT_FALSE(RawSocket(server_->address()).connected());
}

TEST_F(HttpTest, AConnectionThatWasClosedWhileIdleIsOpenedAnew) {
  HttpServer::Options options = Quick();
  options.idle_timeout = milliseconds(50);
  Start(options);
  HttpApi client = Client();
  v1::HealthResponse answer;
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(client.Call({.path = {"health"}}, &answer).ok());
    std::this_thread::sleep_for(milliseconds(200));
  }
  EXPECT_EQ(api_.asked().size(), 3U);
}

TEST_F(HttpTest, NobodyThereIsUnavailableAndNoAnswerIsATimeOut) {
  Start();
  api_.AnswerWith([](const ApiRequest&, google::protobuf::Message*) {
    std::this_thread::sleep_for(milliseconds(600));
    return absl::OkStatus();
  });
  HttpApi client = Client(milliseconds(100));
  v1::HealthResponse answer;
  EXPECT_EQ(client.Call({.path = {"health"}}, &answer).code(), absl::StatusCode::kDeadlineExceeded);
  server_->Stop();
  const absl::Status gone = client.Call({.path = {"health"}}, &answer);
  EXPECT_EQ(gone.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(gone.message()), HasSubstr(server_->address()));
}

TEST_F(HttpTest, ManyThreadsMayAsk) {
  Start();
  api_.AnswerWith([](const ApiRequest& request, google::protobuf::Message* out) {
    static_cast<v1::GetStockResponse*>(out)->set_next_page_token(request.path[1]);
    return absl::OkStatus();
  });
  HttpApi client = Client();
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 100; ++i) {
        v1::GetStockResponse answer;
        const std::string sku = absl::StrCat(t, "-", i);
        ASSERT_TRUE(client.Call({.path = {"stock", sku}}, &answer).ok());
        ASSERT_EQ(answer.next_page_token(), sku);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(HttpTest, AnAddressThatIsTakenOrIsNone) {
  Start();
  HttpServer::Options options = Quick();
  options.listen = server_->address();
  EXPECT_EQ(HttpServer::Start(&api_, options).status().code(), absl::StatusCode::kUnavailable);
  options.listen = "nowhere";
  EXPECT_EQ(HttpServer::Start(&api_, options).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace tallywire
