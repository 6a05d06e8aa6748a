// SPDX-License-Identifier: Apache-2.0
// HTTP: whatever a client sends on a connection, in whatever pieces, from the server's parser to
// the call that it becomes and back. Every answer is one that can be sent and read: a status, no
// line end in a header, JSON that is JSON.
//
// Input: a byte that says how long the pieces are and whether only loopback is served; the bytes
// of the connection.
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/stubs/logging.h"
#include "ledger/check.h"
#include "ledger/codec.h"
#include "ledger/names.h"
#include "ledger/status.h"
#include "tallywire/v1/api.pb.h"
#include "tests/fuzz/input.h"
#include "tools/api/api.h"
#include "tools/api/calls.h"
#include "tools/api/http_handler.h"
#include "tools/api/http_read.h"
#include "tools/api/json.h"
#include "tools/api/parameters.h"
#include "tools/api/url.h"

namespace tallywire::fuzz {
namespace {

using boost::system::error_code;
using google::protobuf::Message;

constexpr HttpLimits kLimits{.header_bytes = 1024, .body_bytes = 2048};

// Answers as a ledger does that has nothing, once the parameters are right; judges events by their
// form.
class EmptyApi : public Api {
 public:
  absl::Status Call(const ApiRequest& request, Message* out) override {
    const ApiCall* call = FindCall(request.method, request.path);
    TW_CHECK(call != nullptr, "only calls that there are come here");
    TW_CHECK((call->new_body != nullptr) == (request.body != nullptr), "a body where one is taken");
    const Parameters parameters(request);
    TW_RETURN_IF_ERROR(parameters.Check(call->parameters));
    TW_RETURN_IF_ERROR(parameters.MinVersions().status());
    TW_RETURN_IF_ERROR(parameters.Flag("state").status());
    TW_RETURN_IF_ERROR(parameters.Flag("prove").status());
    TW_ASSIGN_OR_RETURN(const size_t limit, parameters.Count("limit", kDefaultPage, kMaxPage));
    TW_CHECK(limit >= 1 && limit <= kMaxPage, "a limit within its limits");
    if (call->id == CallId::kAppendEvents) Judge(request, out);
    if (call->id == CallId::kPutListing) out->CopyFrom(*request.body);
    if (call->id == CallId::kGetStock) {
      return absl::NotFoundError(absl::StrCat(request.path[1], ": no such SKU"));
    }
    return absl::OkStatus();
  }

  absl::Status Follow(const ApiRequest& request, Message* item,
                      const std::function<bool(const std::string& token)>& on_item,
                      const std::function<bool()>& stop) override {
    static constexpr std::array<std::string_view, 1> kKnown = {"from"};
    TW_RETURN_IF_ERROR(Parameters(request).Check(kKnown));
    item->Clear();
    while (!stop()) {
      if (!on_item("u0:1")) return absl::OkStatus();
    }
    return absl::UnavailableError("the end");
  }

 private:
  void Judge(const ApiRequest& request, Message* out) {
    auto* answer = static_cast<v1::AppendEventsResponse*>(out);
    const auto& events = static_cast<const v1::AppendEventsRequest&>(*request.body).events();
    for (const v1::StockEvent& event : events) {
      const auto checked = decoder_.Check(event, {});
      v1::AppendedEvent* made = answer->add_results();
      if (const auto* refusal = std::get_if<Refusal>(&checked)) {
        made->set_refused(static_cast<v1::RefusedReason>(refusal->reason));
        made->set_detail(refusal->detail);
      }
    }
  }

  Decoder decoder_;
};

// Takes a few pieces of a stream, then goes away.
class Sink : public StreamSink {
 public:
  bool Write(std::string bytes) override {
    text_ += bytes;
    return ++writes_ < 3;
  }
  bool Closed() override { return ++asked_ > 3; }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  int writes_ = 0;
  int asked_ = 0;
};

bool IsOneLine(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

void CheckAnswer(const HttpResponse& answer) {
  TW_CHECK(answer.status >= 200 && answer.status < 600, "a status of HTTP");
  for (const auto& [name, value] : answer.headers) {
    TW_CHECK(IsOneLine(name) && IsOneLine(value), "a header is one line");
  }
  if (answer.content_type == kProtobufType) return;
  TW_CHECK(IsUtf8(answer.body), "JSON is text");
  if (answer.content_type == kJsonType) return;
  TW_CHECK(answer.content_type == kProblemType, "JSON, protobuf or a problem");
  v1::Problem problem;
  TW_CHECK(FromJson(answer.body, &problem).ok(), "a problem can be read");
  TW_CHECK(problem.status() == answer.status && !problem.title().empty(), "and says its status");
}

void CheckTarget(std::string_view text) {
  const auto target = ParseTarget(text);
  if (!target.has_value()) return;
  const auto again = ParseTarget(FormatTarget(*target));
  TW_CHECK(again.has_value() && again->path == target->path && again->query == target->query,
           "a target that is written is read");
}

void CheckHost(std::string_view text) {
  const auto address = ParseHostPort(text);
  if (!address.has_value()) return;
  const auto again = ParseHostPort(FormatHostPort(*address));
  TW_CHECK(again.has_value() && again->host == address->host && again->port == address->port,
           "an address that is written is read");
}

// A connection as the server has it: one request after the other until it closes.
class Connection {
 public:
  Connection(std::string_view bytes, size_t piece, bool loopback_only)
      : rest_(bytes),
        piece_(piece),
        handler_(&api_, {.loopback_only = loopback_only, .max_body_bytes = kLimits.body_bytes}) {}

  // What was answered, as text.
  std::string Serve() {
    while (ServeOne()) {
    }
    return std::move(told_);
  }

 private:
  void Answer(const HttpResponse& answer) {
    CheckAnswer(answer);
    absl::StrAppend(&told_, answer.status, " ", answer.content_type, "\n", answer.body, "\n");
  }

  // Puts bytes in until `done`; false: it cannot be read, or nothing more comes.
  bool Put(const std::function<bool()>& done) {
    namespace http = boost::beast::http;
    error_code error = http::error::need_more;
    while (!done()) {
      if (error == http::error::need_more && offered_ < rest_.size()) {
        offered_ = std::min(offered_ + piece_, rest_.size());
      }
      error = {};
      const std::string_view offer = rest_.substr(0, offered_);
      const size_t used = parser_->put({boost::asio::buffer(offer.data(), offer.size())}, error);
      rest_.remove_prefix(used);
      offered_ -= used;
      if (done()) break;
      if (!error && used == 0) error = http::error::need_more;
      if (!error || (error == http::error::need_more && offered_ < rest_.size())) continue;
      if (error == http::error::need_more) {
        error = {};
        parser_->put_eof(error);
        if (!error && done()) break;
      }
      // Not told: of a head that has no end the parser sees what is wrong only where it came whole.
      if (auto answer = WhyUnreadable(error, kLimits)) CheckAnswer(*answer);
      return false;
    }
    return true;
  }

  bool ServeOne() {
    if (rest_.empty()) return false;
    BeginRequest(kLimits, parser_);
    parser_->eager(false);
    if (!Put([this] { return parser_->is_header_done(); })) return false;
    HttpHead head = ReadHttpHead(*parser_);
    absl::StrAppend(&told_, head.request.method, " ", head.request.target, "\n");
    CheckTarget(head.request.target);
    CheckHost(head.request.Header("Host"));
    if (auto answer = handler_.CheckHead(head.request, head.has_body, head.body_bytes)) {
      Answer(*answer);
      return !head.has_body && parser_->keep_alive();
    }
    parser_->eager(true);
    if (!Put([this] { return parser_->is_done(); })) return false;
    head.request.body = std::move(parser_->get().body());
    const bool keep = parser_->keep_alive();
    if (!handler_.IsStream(head.request)) {
      Answer(handler_.Answer(head.request));
      return keep;
    }
    Sink sink;
    if (auto answer = handler_.Stream(head.request, sink)) Answer(*answer);
    TW_CHECK(IsUtf8(sink.text()), "a stream is text");
    told_ += sink.text();
    return false;
  }

  std::string_view rest_;
  const size_t piece_;
  size_t offered_ = 0;  // of what is left, what the parser has been shown
  EmptyApi api_;
  const HttpHandler handler_;
  std::optional<HttpParser> parser_;
  std::string told_;
};

void Run(Input in) {
  const google::protobuf::LogSilencer silencer;
  const uint8_t how = in.Byte();
  const bool loopback_only = (how & 1) != 0;
  const size_t piece = size_t{how} / 2 + 1;
  const std::string_view bytes = in.Rest();
  const std::string told = Connection(bytes, bytes.size() + 1, loopback_only).Serve();
  const std::string in_pieces = Connection(bytes, piece, loopback_only).Serve();
  // The parser minds the limit of a head only where the head does not come whole.
  if (bytes.size() <= kLimits.header_bytes) {
    CheckSame("answers, whatever the pieces", told, in_pieces);
  }
  // What no HTTP parser lets through may come from a command line.
  CheckTarget(bytes);
  CheckHost(bytes);
  const auto decoded = PercentDecode(PercentEncode(bytes));
  TW_CHECK(decoded.has_value() && *decoded == bytes, "what is encoded is decoded");
}

}  // namespace
}  // namespace tallywire::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tallywire::fuzz::Run(tallywire::fuzz::Input(data, size));
  return 0;
}
