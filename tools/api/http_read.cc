// SPDX-License-Identifier: Apache-2.0
#include "tools/api/http_read.h"

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace tallywire {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;

}  // namespace

void BeginRequest(const HttpLimits& limits, std::optional<HttpParser>& parser) {
  parser.emplace();
  parser->header_limit(static_cast<uint32_t>(limits.header_bytes));
  parser->body_limit(limits.body_bytes);
}

HttpHead ReadHttpHead(const HttpParser& parser) {
  HttpHead head;
  const auto& message = parser.get();
  head.request.method = std::string(message.method_string());
  head.request.target = std::string(message.target());
  for (const auto& field : message) {
    head.request.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
  }
  // The parser has refused what is no length, or two.
  uint64_t length = 0;
  if (absl::SimpleAtoi(std::string(message[http::field::content_length]), &length)) {
    head.body_bytes = length;
  }
  head.has_body = parser.chunked() || length > 0;
  head.expects_continue = beast::iequals(message[http::field::expect], "100-continue");
  return head;
}

std::optional<HttpResponse> WhyUnreadable(const boost::system::error_code& error,
                                          const HttpLimits& limits) {
  if (error == http::error::header_limit) {
    return HttpHandler::HttpProblem(
        431, absl::StrCat("the header has more than ", limits.header_bytes, " bytes"));
  }
  if (error == http::error::body_limit) {
    return HttpHandler::HttpProblem(
        413, absl::StrCat("the body has more than ", limits.body_bytes, " bytes"));
  }
  const bool ours = error.category() == http::make_error_code(http::error::bad_method).category();
  if (ours && error != http::error::end_of_stream && error != http::error::partial_message) {
    return HttpHandler::HttpProblem(400, absl::StrCat("not HTTP: ", error.message()));
  }
  return std::nullopt;
}

}  // namespace tallywire
