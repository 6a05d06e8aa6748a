// SPDX-License-Identifier: Apache-2.0
#include "tools/api/http_handler.h"

#include <algorithm>
#include <array>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tools/api/http_body.h"
#include "tools/api/json.h"
#include "tools/api/problem.h"

namespace tallywire {
namespace {

using google::protobuf::Message;

constexpr std::array<std::string_view, 2> kAnswerTypes = {kJsonType, kProtobufType};
// A piece of a stream is handed on when it has grown to this, or when nothing more is at hand.
constexpr size_t kStreamPiece = 64 << 10;

// A request as the Api wants it, with what HTTP says beside it.
struct Routed {
  Target target;
  const ApiCall* call = nullptr;
  bool stream = false;
  std::string_view answer_type;
};

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

HttpResponse ProblemAnswer(const v1::Problem& problem) {
  HttpResponse response;
  response.status = problem.status();
  response.content_type = std::string(kProblemType);
  response.body = ToJson(problem);
  if (response.status == 503) response.headers.emplace_back("Retry-After", "1");
  return response;
}

HttpResponse ProblemAnswer(const absl::Status& status) { return ProblemAnswer(ToProblem(status)); }

// Takes `name` out of the query and returns its value.
std::optional<std::string> TakeParameter(Target* target, std::string_view name) {
  const auto found = std::find_if(target->query.begin(), target->query.end(),
                                  [&](const auto& pair) { return pair.first == name; });
  if (found == target->query.end()) return std::nullopt;
  std::string value = std::move(found->second);
  target->query.erase(found);
  return value;
}

// Says what a request asks for, or why nobody can tell.
std::optional<HttpResponse> Route(const HttpRequest& request, Routed* out) {
  auto target = ParseTarget(request.target);
  if (!target) return HttpHandler::HttpProblem(400, "the request's target is badly encoded");
  if (target->path.empty() || target->path.front() != "v1") {
    return HttpHandler::HttpProblem(404, "all there is lies under /v1");
  }
  target->path.erase(target->path.begin());
  out->call = FindCall(request.method, target->path);
  if (out->call == nullptr) {
    const std::string allowed = AllowedMethods(target->path);
    if (allowed.empty()) {
      return HttpHandler::HttpProblem(
          404, absl::StrCat("there is no ", request.target.substr(0, request.target.find('?'))));
    }
    HttpResponse response =
        HttpHandler::HttpProblem(405, absl::StrCat("this can be asked with ", allowed));
    response.headers.emplace_back("Allow", allowed);
    return response;
  }
  const std::string_view accept = request.Header("Accept");
  const auto follow = TakeParameter(&*target, "follow");
  if (follow && *follow != "true" && *follow != "false") {
    return ProblemAnswer(FieldError("follow", absl::StrCat(*follow, " is neither true nor false")));
  }
  out->stream = follow
                    ? *follow == "true"
                    : out->call->new_item != nullptr && AcceptsExplicitly(accept, kEventStreamType);
  out->target = *std::move(target);
  if (out->stream) {
    if (out->call->new_item != nullptr) return std::nullopt;
    return ProblemAnswer(FieldError("follow", "this cannot be followed"));
  }
  const auto type = ChooseMediaType(accept, kAnswerTypes);
  if (!type) {
    return HttpHandler::HttpProblem(406, "answers are application/json or application/x-protobuf");
  }
  out->answer_type = *type;
  return std::nullopt;
}

// kJsonType or kProtobufType; empty: neither.
std::string_view BodyType(const HttpRequest& request) {
  const std::string type = MediaType(request.Header("Content-Type"));
  if (type == kJsonType) return kJsonType;
  if (type == kProtobufType || type == "application/protobuf") return kProtobufType;
  return {};
}

HttpResponse Success(const Message& message, std::string_view type) {
  HttpResponse response;
  response.content_type = std::string(type);
  response.body = type == kProtobufType ? message.SerializeAsString() : ToJson(message);
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

// Of one event that was sent alone: a refusal is the request's.
std::optional<HttpResponse> RefusedAlone(const Message& answer) {
  const auto& results = static_cast<const v1::AppendEventsResponse&>(answer).results();
  if (results.size() != 1 || results[0].refused() == v1::REFUSED_REASON_UNSPECIFIED) {
    return std::nullopt;
  }
  const std::string& detail = results[0].detail();
  v1::Problem problem = ToProblem(
      WithField(absl::InvalidArgumentError(detail), FieldInText(detail), results[0].refused()));
  problem.set_type("urn:tallywire:problem:refused");
  problem.set_status(422);
  problem.set_title(std::string(HttpStatusText(422)));
  return ProblemAnswer(problem);
}

}  // namespace

std::string_view HttpRequest::Header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (absl::EqualsIgnoreCase(key, View(name))) return value;
  }
  return {};
}

HttpResponse HttpHandler::HttpProblem(int status, std::string_view detail) {
  v1::Problem problem;
  problem.set_type("about:blank");
  problem.set_title(std::string(HttpStatusText(status)));
  problem.set_status(status);
  problem.set_detail(std::string(detail));
  return ProblemAnswer(problem);
}

std::optional<HttpResponse> HttpHandler::CheckCaller(const HttpRequest& request) const {
  if (!options_.loopback_only) return std::nullopt;
  // A page of another site reaches a loopback port through the reader's browser, under a name of
  // its own that points here, or with that page's origin.
  const std::string_view host = request.Header("Host");
  const auto named = ParseHostPort(host);
  if (!IsLoopbackHost(named ? named->host : host)) {
    return HttpProblem(421, "this server answers on a loopback name only: localhost or 127.0.0.1");
  }
  const std::string_view origin = request.Header("Origin");
  if (!origin.empty() && origin != absl::StrCat("http://", View(host))) {
    return HttpProblem(403, "pages of another origin are not answered");
  }
  return std::nullopt;
}

std::optional<HttpResponse> HttpHandler::CheckHead(const HttpRequest& request, bool has_body,
                                                   std::optional<uint64_t> body_bytes) const {
  if (auto response = CheckCaller(request)) return response;
  Routed routed;
  if (auto response = Route(request, &routed)) return response;
  if (body_bytes.value_or(0) > options_.max_body_bytes) {
    return HttpProblem(413,
                       absl::StrCat("the body has more than ", options_.max_body_bytes, " bytes"));
  }
  const std::string_view encoding = request.Header("Content-Encoding");
  if (has_body && !encoding.empty() && encoding != "identity") {
    return HttpProblem(415, "bodies are taken without a Content-Encoding");
  }
  if (routed.call->new_body != nullptr && BodyType(request).empty()) {
    HttpResponse response =
        HttpProblem(415, "Content-Type has to be application/json or application/x-protobuf");
    response.headers.emplace_back("Accept", "application/json, application/x-protobuf");
    return response;
  }
  return std::nullopt;
}

bool HttpHandler::IsStream(const HttpRequest& request) const {
  Routed routed;
  return !Route(request, &routed) && routed.stream;
}

HttpResponse HttpHandler::Answer(const HttpRequest& request) const {
  Routed routed;
  if (auto response = Route(request, &routed)) return *std::move(response);
  ApiRequest asked;
  asked.method = request.method;
  asked.path = std::move(routed.target.path);
  asked.query = std::move(routed.target.query);

  bool alone = false;
  std::unique_ptr<Message> body;
  if (routed.call->new_body != nullptr) {
    body = routed.call->new_body();
    const std::string_view type = BodyType(request);
    const absl::Status read =
        routed.call->id == CallId::kAppendEvents
            ? ReadEvents(type, request.body, request.Header("Idempotency-Key"),
                         static_cast<v1::AppendEventsRequest*>(body.get()), &alone)
            : ReadBody(type, request.body, body.get());
    if (!read.ok()) return ProblemAnswer(read);
    asked.body = body.get();
  }
  const std::unique_ptr<Message> answer = routed.call->new_answer();
  const absl::Status status = api_->Call(asked, answer.get());
  if (!status.ok()) return ProblemAnswer(status);
  if (alone) {
    if (auto refused = RefusedAlone(*answer)) return *std::move(refused);
  }
  return Success(*answer, routed.answer_type);
}

std::optional<HttpResponse> HttpHandler::Stream(const HttpRequest& request,
                                                StreamSink& sink) const {
  using Clock = std::chrono::steady_clock;
  Routed routed;
  if (auto response = Route(request, &routed)) return response;
  ApiRequest asked;
  asked.method = request.method;
  asked.path = std::move(routed.target.path);
  asked.query = std::move(routed.target.query);
  if (const std::string_view last = request.Header("Last-Event-ID"); !last.empty()) {
    std::erase_if(asked.query, [](const auto& pair) { return pair.first == "from"; });
    asked.query.emplace_back("from", std::string(last));
  }

  bool begun = false;
  std::string piece;
  Clock::time_point written = Clock::now();
  const auto flush = [&] {
    begun = true;
    written = Clock::now();
    return sink.Write(std::exchange(piece, {}));
  };
  const std::unique_ptr<Message> item = routed.call->new_item();
  const absl::Status status = api_->Follow(
      asked, item.get(),
      [&](const std::string& token) {
        absl::StrAppend(&piece, "id: ", token, "\ndata: ", ToJson(*item), "\n\n");
        return piece.size() < kStreamPiece || flush();
      },
      [&] {
        if (sink.Closed()) return true;
        if (!begun) {
          piece.insert(0, ": following\nretry: 2000\n\n");
        } else if (piece.empty() && Clock::now() - written >= options_.heartbeat) {
          piece = ": still here\n\n";
        }
        return !piece.empty() && !flush();
      });
  if (!begun && !status.ok()) return ProblemAnswer(status);
  if (!status.ok()) {
    absl::StrAppend(&piece, "event: problem\ndata: ", ToJson(ToProblem(status)), "\n\n");
  }
  if (!piece.empty() || !begun) flush();
  return std::nullopt;
}

}  // namespace tallywire
