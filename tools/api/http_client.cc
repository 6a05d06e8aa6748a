// SPDX-License-Identifier: Apache-2.0
#include "tools/api/http_client.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "ledger/status.h"
#include "tallywire/v1/api.pb.h"
#include "tools/api/calls.h"
#include "tools/api/json.h"
#include "tools/api/problem.h"
#include "tools/api/sse.h"
#include "tools/api/url.h"

namespace tallywire {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
namespace net = boost::asio;
using boost::system::error_code;
using net::ip::tcp;
using std::chrono::milliseconds;
using HttpRequestMessage = http::request<http::string_body>;
using ResponseParser = http::response_parser<http::string_body>;

constexpr size_t kIdleConnections = 8;
constexpr milliseconds kStopPeriod{100};
constexpr milliseconds kReconnectPause{200};

// One connection with a loop of its own, run by whoever uses it: every wait has an end.
class Connection {
 public:
  error_code Connect(const HostPort& address, milliseconds timeout) {
    error_code error;
    const auto host = net::ip::make_address(address.host, error);
    if (error) return error;
    stream_.expires_after(timeout);
    stream_.async_connect(tcp::endpoint(host, address.port),
                          [&](error_code result) { error = result; });
    Run();
    if (!error) {
      stream_.socket().set_option(tcp::no_delay(true), error);
      error = {};
    }
    return error;
  }

  // Timeout 0: for ever. `begun`: something of the answer has come.
  error_code Exchange(HttpRequestMessage& request, ResponseParser& parser, milliseconds timeout,
                      bool head_only, bool* begun) {
    error_code error;
    if (timeout.count() > 0) {
      stream_.expires_after(timeout);
    } else {
      stream_.expires_never();
    }
    http::async_write(stream_, request, [&](error_code result, size_t) { error = result; });
    Run();
    if (error) return error;
    http::async_read_header(stream_, buffer_, parser,
                            [&](error_code result, size_t) { error = result; });
    Run();
    *begun = parser.got_some();
    if (error || head_only) return error;
    http::async_read(stream_, buffer_, parser, [&](error_code result, size_t) { error = result; });
    Run();
    return error;
  }

  // The next bytes of a body, into parser.get().body(). Asks `stop` while it waits; true from it:
  // operation_aborted.
  error_code ReadSome(ResponseParser& parser, milliseconds timeout,
                      const std::function<bool()>& stop) {
    std::optional<error_code> result;
    stream_.expires_after(timeout);
    http::async_read_some(stream_, buffer_, parser,
                          [&](error_code error, size_t) { result = error; });
    io_.restart();
    bool stopped = false;
    while (!result) {
      io_.run_for(kStopPeriod);
      if (!result && !stopped && stop()) {
        stopped = true;
        stream_.cancel();
      }
    }
    return stopped ? error_code(net::error::operation_aborted) : *result;
  }

 private:
  void Run() {
    io_.restart();
    io_.run();
  }

  net::io_context io_{1};
  beast::tcp_stream stream_{io_};
  beast::flat_buffer buffer_;
};

std::string_view View(beast::string_view text) { return {text.data(), text.size()}; }

HttpRequestMessage MakeRequest(const ApiRequest& asked, const std::string& address,
                               std::string_view accept) {
  Target target{{"v1"}, asked.query};
  target.path.insert(target.path.end(), asked.path.begin(), asked.path.end());
  HttpRequestMessage request;
  request.version(11);
  request.method_string(asked.method);
  request.target(FormatTarget(target));
  request.set(http::field::host, address);
  request.set(http::field::accept, beast::string_view(accept.data(), accept.size()));
  request.set(http::field::user_agent, "tallywire");
  if (asked.body != nullptr) {
    request.set(http::field::content_type,
                beast::string_view(kProtobufType.data(), kProtobufType.size()));
    request.body() = asked.body->SerializeAsString();
  }
  request.prepare_payload();
  return request;
}

// What the server answered instead of what was asked for.
absl::Status ProblemOf(const http::response<http::string_body>& response) {
  v1::Problem problem;
  if (MediaType(View(response[http::field::content_type])) == kProblemType &&
      FromJson(response.body(), &problem).ok() && problem.status() >= 400) {
    return FromProblem(problem);
  }
  problem.set_status(static_cast<int32_t>(response.result_int()));
  problem.set_detail(absl::StrCat("HTTP ", response.result_int(),
                                  " from something that does not answer as a ledger"));
  return FromProblem(problem);
}

// Waits, but not past what `stop` says.
void Pause(milliseconds time, const std::function<bool()>& stop) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end && !stop()) {
    std::this_thread::sleep_for(std::min(time, kStopPeriod));
  }
}

enum class StreamEnd {
  kStopped,  // by who follows
  kFailed,   // the status says why; do not try again
  kLost,     // the connection
};

struct StreamResult {
  StreamEnd end;
  absl::Status status;
};

}  // namespace

struct HttpApi::Impl {
  explicit Impl(Options o) : options(std::move(o)), address(ParseHostPort(options.address)) {}

  absl::StatusOr<std::unique_ptr<Connection>> Open() {
    if (!address) {
      return absl::InvalidArgumentError(absl::StrCat(options.address, " is not HOST:PORT"));
    }
    auto connection = std::make_unique<Connection>();
    const error_code error = connection->Connect(*address, options.connect_timeout);
    if (!error) return connection;
    return absl::UnavailableError(
        absl::StrCat("no server answers at ", options.address, ": ", error.message()));
  }

  std::unique_ptr<Connection> TakeIdle() {
    std::lock_guard lock(mu);
    if (idle.empty()) return nullptr;
    auto connection = std::move(idle.back());
    idle.pop_back();
    return connection;
  }

  void Keep(std::unique_ptr<Connection> connection) {
    std::lock_guard lock(mu);
    if (idle.size() < kIdleConnections) idle.push_back(std::move(connection));
  }

  absl::Status Failed(error_code error) const {
    if (error == beast::error::timeout) {
      return absl::DeadlineExceededError(absl::StrCat(options.address, " has not answered within ",
                                                      options.call_timeout.count(), " ms"));
    }
    return absl::UnavailableError(
        absl::StrCat("the connection to ", options.address, " broke: ", error.message()));
  }

  absl::Status Call(const ApiRequest& asked, google::protobuf::Message* out) {
    const ApiCall* call = FindCall(asked.method, asked.path);
    const milliseconds timeout =
        call != nullptr && call->slow ? milliseconds(0) : options.call_timeout;
    HttpRequestMessage request =
        MakeRequest(asked, options.address, "application/x-protobuf, application/problem+json");
    // A second try is harmless for everything but a removal, which would not find its listing.
    auto connection = asked.method == "DELETE" ? nullptr : TakeIdle();
    bool fresh = connection == nullptr;
    while (true) {
      if (connection == nullptr) {
        TW_ASSIGN_OR_RETURN(connection, Open());
        fresh = true;
      }
      ResponseParser parser;
      parser.body_limit(boost::none);
      bool begun = false;
      const error_code error = connection->Exchange(request, parser, timeout, false, &begun);
      if (!error) {
        const bool keep = parser.keep_alive();
        const http::response<http::string_body> response = parser.release();
        if (keep) Keep(std::move(connection));
        return Read(response, out);
      }
      if (fresh || begun || error == beast::error::timeout) return Failed(error);
      connection.reset();
    }
  }

  static absl::Status Read(const http::response<http::string_body>& response,
                           google::protobuf::Message* out) {
    if (response.result() != http::status::ok) return ProblemOf(response);
    if (MediaType(View(response[http::field::content_type])) != kProtobufType ||
        !out->ParseFromString(response.body())) {
      return absl::InternalError(
          absl::StrCat("the answer is not a ", std::string(out->GetDescriptor()->full_name())));
    }
    return absl::OkStatus();
  }

  // One connection's worth of a stream; `token` moves with the items.
  StreamResult StreamOnce(const ApiRequest& asked, google::protobuf::Message* item,
                          const std::function<bool(const std::string&)>& on_item,
                          const std::function<bool()>& stop, std::string* token) {
    auto opened = Open();
    if (!opened.ok()) {
      const bool lost = absl::IsUnavailable(opened.status());
      return {lost ? StreamEnd::kLost : StreamEnd::kFailed, opened.status()};
    }
    Connection& connection = **opened;
    HttpRequestMessage request =
        MakeRequest(asked, options.address, "text/event-stream, application/problem+json");
    if (!token->empty()) request.set("Last-Event-ID", *token);
    ResponseParser parser;
    parser.body_limit(boost::none);
    bool begun = false;
    error_code error = connection.Exchange(request, parser, options.call_timeout, true, &begun);
    if (error) return {StreamEnd::kLost, Failed(error)};
    const bool good = parser.get().result() == http::status::ok;
    const bool busy = parser.get().result() == http::status::service_unavailable;

    SseReader reader;
    std::vector<SseEvent> events;
    std::string problem;
    while (!parser.is_done()) {
      error = connection.ReadSome(parser, options.stream_timeout, stop);
      const std::string bytes = std::exchange(parser.get().body(), {});
      if (!good) {
        problem += bytes;
      } else {
        events.clear();
        reader.Read(bytes, &events);
        for (const SseEvent& event : events) {
          const auto end = Take(event, item, on_item, token);
          if (end) return *end;
        }
      }
      if (error == net::error::operation_aborted) return {StreamEnd::kStopped, absl::OkStatus()};
      if (error) break;
    }
    if (good) {
      return {StreamEnd::kLost, absl::UnavailableError(absl::StrCat(
                                    "the server at ", options.address, " has ended the stream"))};
    }
    parser.get().body() = problem;
    return {busy ? StreamEnd::kLost : StreamEnd::kFailed, ProblemOf(parser.get())};
  }

  static std::optional<StreamResult> Take(const SseEvent& event, google::protobuf::Message* item,
                                          const std::function<bool(const std::string&)>& on_item,
                                          std::string* token) {
    if (event.type == "problem") {
      v1::Problem problem;
      const absl::Status read = FromJson(event.data, &problem);
      return StreamResult{StreamEnd::kFailed, read.ok() ? FromProblem(problem) : read};
    }
    const absl::Status read = FromJson(event.data, item);
    if (!read.ok()) {
      return StreamResult{StreamEnd::kFailed, absl::InternalError(absl::StrCat(
                                                  "an item that does not read: ", read.message()))};
    }
    *token = event.id;
    if (on_item(event.id)) return std::nullopt;
    return StreamResult{StreamEnd::kStopped, absl::OkStatus()};
  }

  const Options options;
  const std::optional<HostPort> address;

  std::mutex mu;
  // Guarded by mu.
  std::vector<std::unique_ptr<Connection>> idle;
};

HttpApi::HttpApi(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}
HttpApi::~HttpApi() = default;

absl::Status HttpApi::Call(const ApiRequest& request, google::protobuf::Message* out) {
  try {
    return impl_->Call(request, out);
  } catch (const std::exception& e) {
    return absl::UnavailableError(absl::StrCat("cannot ask: ", e.what()));
  }
}

absl::Status HttpApi::Follow(const ApiRequest& request, google::protobuf::Message* item,
                             const std::function<bool(const std::string& token)>& on_item,
                             const std::function<bool()>& stop) {
  using Clock = std::chrono::steady_clock;
  std::string token;
  bool reached = false;
  Clock::time_point reached_at = Clock::now();
  // Whoever is asked by stop() is being answered by the server.
  const auto stop_and_note = [&] {
    reached = true;
    reached_at = Clock::now();
    return stop();
  };
  while (!stop()) {
    StreamResult result{StreamEnd::kLost, absl::OkStatus()};
    try {
      result = impl_->StreamOnce(
          request, item,
          [&](const std::string& next) {
            reached = true;
            reached_at = Clock::now();
            return on_item(next);
          },
          stop_and_note, &token);
    } catch (const std::exception& e) {
      return absl::UnavailableError(absl::StrCat("cannot ask: ", e.what()));
    }
    if (result.end == StreamEnd::kStopped) return absl::OkStatus();
    const bool give_up = !reached || Clock::now() - reached_at > impl_->options.reconnect_for;
    if (result.end == StreamEnd::kFailed || give_up) return result.status;
    Pause(kReconnectPause, stop);
  }
  return absl::OkStatus();
}

}  // namespace tallywire
