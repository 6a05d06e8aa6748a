// SPDX-License-Identifier: Apache-2.0
#include "tools/api/http_server.h"

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/check.h"
#include "tools/api/http_handler.h"
#include "tools/api/http_read.h"
#include "tools/api/problem.h"
#include "tools/api/url.h"
#include "tools/api/workers.h"

namespace tallywire {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
namespace net = boost::asio;
using boost::system::error_code;
using net::ip::tcp;

// Connections beyond the limit that are still told so; further ones are just closed.
constexpr size_t kTurnedAway = 64;
// How long a client may go on sending what nobody reads any more, so that it sees the answer.
constexpr std::chrono::seconds kLinger{2};
constexpr std::chrono::milliseconds kAcceptPause{100};

constexpr char kStreamHead[] =
    "HTTP/1.1 200 OK\r\n"
    "Content-Type: text/event-stream\r\n"
    "Cache-Control: no-store\r\n"
    "X-Accel-Buffering: no\r\n"
    "Connection: close\r\n\r\n";

class Session;

// What the sessions of one server share. Its io thread owns everything but where said.
struct Shared {
  Shared(Api* api, HttpServer::Options o, HttpHandler::Options handler_options)
      : options(std::move(o)),
        limits{options.max_header_bytes, options.max_body_bytes},
        handler(api, handler_options) {}

  // Constant.
  const HttpServer::Options options;
  const HttpLimits limits;
  const HttpHandler handler;

  net::io_context io{1};
  Workers workers;

  bool stopping = false;
  size_t streams = 0;
  size_t pending_body_bytes = 0;

  // Guarded by mu; changed by the io thread only.
  std::mutex mu;
  std::condition_variable ended;
  std::set<std::shared_ptr<Session>> sessions;
};

// One connection. Everything runs on the io thread but StreamSink's functions, which a worker
// calls.
class Session : public StreamSink, public std::enable_shared_from_this<Session> {
 public:
  Session(Shared& shared, tcp::socket socket) : shared_(shared), stream_(std::move(socket)) {}

  void Begin() {
    error_code ignored;
    stream_.socket().set_option(tcp::no_delay(true), ignored);
    ReadHead(shared_.options.header_timeout);
  }

  void TurnAway() {
    close_after_ = unread_ = true;
    Reply(HttpHandler::HttpProblem(503, "too many connections"));
  }

  // Takes no further request; what is being answered goes on.
  void EndSoon() {
    close_after_ = true;
    if (idle_) Close();
    MarkClosed();
  }

  void Close() {
    error_code ignored;
    stream_.socket().close(ignored);
    MarkClosed();
  }

  bool Write(std::string bytes) override {
    {
      std::lock_guard lock(mu_);
      if (closed_) return false;
      writing_ = true;
    }
    net::post(shared_.io, [self = shared_from_this(), bytes = std::move(bytes)]() mutable {
      self->WritePiece(std::move(bytes));
    });
    std::unique_lock lock(mu_);
    written_.wait(lock, [&] { return !writing_; });
    return !closed_;
  }

  bool Closed() override {
    std::lock_guard lock(mu_);
    return closed_;
  }

 private:
  void ReadHead(std::chrono::milliseconds timeout) {
    BeginRequest(shared_.limits, parser_);
    idle_ = true;
    stream_.expires_after(timeout);
    http::async_read_header(stream_, buffer_, *parser_,
                            [self = shared_from_this()](error_code error, size_t) {
                              self->idle_ = false;
                              self->OnHead(error);
                            });
  }

  void OnHead(error_code error) {
    if (error) return OnBadRequest(error);
    HttpHead head = ReadHttpHead(*parser_);
    request_ = std::move(head.request);
    const bool has_body = head.has_body;
    // What follows such an answer on the connection is a body that nobody has read.
    auto answer = shared_.handler.CheckHead(request_, has_body, head.body_bytes);
    if (!answer && has_body) answer = ReserveBody(head.body_bytes);
    if (answer) {
      unread_ = has_body;
      close_after_ = close_after_ || has_body || !parser_->keep_alive();
      return Reply(*std::move(answer));
    }
    if (has_body && head.expects_continue) return SayContinue();
    ReadBody();
  }

  std::optional<HttpResponse> ReserveBody(std::optional<uint64_t> bytes) {
    const size_t wanted = bytes.value_or(shared_.options.max_body_bytes);
    if (shared_.pending_body_bytes + wanted > shared_.options.max_pending_body_bytes) {
      return HttpHandler::HttpProblem(503, "too many bytes are being taken in at once");
    }
    reserved_ = wanted;
    shared_.pending_body_bytes += wanted;
    return std::nullopt;
  }

  void ReleaseBody() { shared_.pending_body_bytes -= std::exchange(reserved_, 0); }

  void SayContinue() {
    static constexpr char kContinue[] = "HTTP/1.1 100 Continue\r\n\r\n";
    net::async_write(stream_, net::buffer(kContinue, sizeof(kContinue) - 1),
                     [self = shared_from_this()](error_code error, size_t) {
                       if (error) return self->Finish();
                       self->ReadBody();
                     });
  }

  void ReadBody() {
    stream_.expires_after(shared_.options.body_timeout);
    http::async_read(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](error_code error, size_t) { self->OnBody(error); });
  }

  void OnBody(error_code error) {
    if (error) return OnBadRequest(error);
    stream_.expires_never();
    request_.body = std::move(parser_->get().body());
    close_after_ = close_after_ || !parser_->keep_alive() || shared_.stopping;
    if (shared_.handler.IsStream(request_)) return BeginStream();
    const bool taken = shared_.workers.Run([self = shared_from_this()] {
      HttpResponse answer = self->AnswerSafely();
      net::post(self->shared_.io,
                [self, answer = std::move(answer)]() mutable { self->Reply(std::move(answer)); });
    });
    if (!taken) Reply(HttpHandler::HttpProblem(503, "no thread is free"));
  }

  // On a worker. Our code does not throw; memory that runs out does.
  HttpResponse AnswerSafely() {
    try {
      return shared_.handler.Answer(request_);
    } catch (const std::exception& e) {
      return HttpHandler::HttpProblem(500, absl::StrCat("the answer cannot be made: ", e.what()));
    }
  }

  // A request that cannot be read, or a connection that has ended.
  void OnBadRequest(error_code error) {
    close_after_ = unread_ = true;
    if (auto answer = WhyUnreadable(error, shared_.limits)) return Reply(*std::move(answer));
    Finish();
  }

  void Reply(HttpResponse answer) {
    ReleaseBody();
    request_.body = std::string();
    close_after_ = close_after_ || shared_.stopping;
    response_ = {};
    response_.version(11);
    response_.result(static_cast<unsigned>(answer.status));
    response_.reason(beast::string_view(HttpStatusText(answer.status).data(),
                                        HttpStatusText(answer.status).size()));
    response_.keep_alive(!close_after_);
    response_.set(http::field::content_type, answer.content_type);
    for (const auto& [name, value] : answer.headers) response_.set(name, value);
    if (request_.method != "HEAD") response_.body() = std::move(answer.body);
    response_.prepare_payload();
    stream_.expires_after(shared_.options.write_timeout);
    http::async_write(stream_, response_, [self = shared_from_this()](error_code error, size_t) {
      if (error) return self->Finish();
      if (self->close_after_) return self->Linger();
      self->ReadHead(self->shared_.options.idle_timeout);
    });
  }

  void BeginStream() {
    if (shared_.streams >= shared_.options.max_streams) {
      return Reply(HttpHandler::HttpProblem(503, "too many streams"));
    }
    ReleaseBody();
    ++shared_.streams;
    WatchClient();
    const bool taken = shared_.workers.Run([self = shared_from_this()] {
      std::optional<HttpResponse> answer;
      try {
        answer = self->shared_.handler.Stream(self->request_, *self);
      } catch (const std::exception& e) {
        answer = HttpHandler::HttpProblem(500, absl::StrCat("the stream has ended: ", e.what()));
      }
      net::post(self->shared_.io, [self, answer = std::move(answer)]() mutable {
        self->EndStream(std::move(answer));
      });
    });
    if (!taken) EndStream(HttpHandler::HttpProblem(503, "no thread is free"));
  }

  void EndStream(std::optional<HttpResponse> answer) {
    --shared_.streams;
    close_after_ = true;
    if (answer && !stream_begun_) return Reply(*std::move(answer));
    Linger();
  }

  // A client of a stream says nothing more: what can be read is its end.
  void WatchClient() {
    stream_.async_read_some(net::buffer(scratch_),
                            [self = shared_from_this()](error_code error, size_t) {
                              if (error) return self->MarkClosed();
                              self->WatchClient();
                            });
  }

  void WritePiece(std::string bytes) {
    piece_ = std::exchange(stream_begun_, true) ? std::move(bytes) : kStreamHead + bytes;
    stream_.expires_after(shared_.options.write_timeout);
    net::async_write(stream_, net::buffer(piece_),
                     [self = shared_from_this()](error_code error, size_t) {
                       if (error) self->MarkClosed();
                       {
                         std::lock_guard lock(self->mu_);
                         self->writing_ = false;
                       }
                       self->written_.notify_all();
                     });
  }

  void MarkClosed() {
    std::lock_guard lock(mu_);
    closed_ = true;
  }

  // Says that no more comes. Reads a little while what may still be on its way: closing at once
  // would take the answer away from a client that is still sending.
  void Linger() {
    error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    if (!unread_) return Finish();
    stream_.expires_after(kLinger);
    Discard();
  }

  void Discard() {
    stream_.async_read_some(net::buffer(scratch_),
                            [self = shared_from_this()](error_code error, size_t) {
                              if (error) return self->Finish();
                              self->Discard();
                            });
  }

  void Finish() {
    ReleaseBody();
    Close();
    {
      std::lock_guard lock(shared_.mu);
      shared_.sessions.erase(shared_from_this());
    }
    shared_.ended.notify_all();
  }

  Shared& shared_;
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  std::optional<HttpParser> parser_;
  HttpRequest request_;
  http::response<http::string_body> response_;
  size_t reserved_ = 0;
  bool idle_ = false;
  bool close_after_ = false;
  // Bytes of a request may still come that nobody reads.
  bool unread_ = false;
  bool stream_begun_ = false;
  std::string piece_;
  std::array<char, 4096> scratch_;

  // Guarded by mu_.
  std::mutex mu_;
  std::condition_variable written_;
  bool writing_ = false;
  bool closed_ = false;
};

}  // namespace

struct HttpServer::Impl : Shared {
  using Shared::Shared;

  absl::Status Listen() {
    const auto address = ParseHostPort(options.listen);
    error_code error;
    tcp::endpoint endpoint;
    if (address) {
      endpoint = tcp::endpoint(net::ip::make_address(address->host, error), address->port);
    }
    if (!address || error) {
      return absl::InvalidArgumentError(absl::StrCat(
          "listen: ", options.listen, " is not HOST:PORT with a number of a host, 127.0.0.1:7407"));
    }
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(net::socket_base::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(net::socket_base::max_listen_connections, error);
    if (error) {
      return absl::UnavailableError(
          absl::StrCat("cannot listen on ", options.listen, ": ", error.message()));
    }
    const tcp::endpoint local = acceptor.local_endpoint(error);
    bound = FormatHostPort({local.address().to_string(), local.port()});
    return absl::OkStatus();
  }

  void Accept() {
    acceptor.async_accept([this](error_code error, tcp::socket socket) {
      if (stopping) return;
      if (!error) {
        Take(std::move(socket));
        return Accept();
      }
      // No file descriptor is free, or the like: it passes.
      pause.expires_after(kAcceptPause);
      pause.async_wait([this](error_code) {
        if (!stopping) Accept();
      });
    });
  }

  void Take(tcp::socket socket) {
    size_t open = 0;
    std::shared_ptr<Session> session;
    {
      std::lock_guard lock(mu);
      open = sessions.size();
      if (open >= options.max_connections + kTurnedAway) return;
      session = std::make_shared<Session>(*this, std::move(socket));
      sessions.insert(session);
    }
    if (open >= options.max_connections) {
      session->TurnAway();
    } else {
      session->Begin();
    }
  }

  // On the io thread, for every session that is there now.
  template <class F>
  void OnSessions(F f) {
    net::post(io, [this, f] {
      std::vector<std::shared_ptr<Session>> all;
      {
        std::lock_guard lock(mu);
        all.assign(sessions.begin(), sessions.end());
      }
      for (const auto& session : all) f(*session);
    });
  }

  bool AwaitEnd(std::chrono::milliseconds time) {
    std::unique_lock lock(mu);
    return ended.wait_for(lock, time, [&] { return sessions.empty(); });
  }

  tcp::acceptor acceptor{io};
  net::steady_timer pause{io};
  std::string bound;
  std::optional<net::executor_work_guard<net::io_context::executor_type>> work{io.get_executor()};
  std::thread thread;
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpServer::~HttpServer() { Stop(); }

std::string HttpServer::address() const { return impl_->bound; }

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(Api* api, Options options) {
  HttpHandler::Options handler;
  const auto address = ParseHostPort(options.listen);
  handler.loopback_only = address && IsLoopbackHost(address->host);
  handler.max_body_bytes = options.max_body_bytes;
  handler.heartbeat = options.heartbeat;
  try {
    auto impl = std::make_unique<Impl>(api, std::move(options), handler);
    const absl::Status listening = impl->Listen();
    if (!listening.ok()) return listening;
    impl->Accept();
    impl->thread = std::thread([io = &impl->io] { io->run(); });
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
  } catch (const std::exception& e) {
    return absl::UnavailableError(absl::StrCat("the HTTP server cannot start: ", e.what()));
  }
}

void HttpServer::Stop() {
  Impl& impl = *impl_;
  if (!impl.thread.joinable()) return;
  net::post(impl.io, [&impl] {
    error_code ignored;
    impl.stopping = true;
    impl.acceptor.close(ignored);
    impl.pause.cancel();
  });
  impl.OnSessions([](Session& session) { session.EndSoon(); });
  if (!impl.AwaitEnd(impl.options.stop_grace)) {
    impl.OnSessions([](Session& session) { session.Close(); });
  }
  impl.workers.Join();
  impl.work.reset();
  impl.thread.join();
}

}  // namespace tallywire
