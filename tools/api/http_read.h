// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_API_HTTP_READ_H_
#define TALLYWIRE_TOOLS_API_HTTP_READ_H_

// From bytes to an HttpRequest, without sockets: the part of tools/api/http_server.h that looks at
// what a client sends.
//
//   std::optional<HttpParser> parser;
//   BeginRequest(limits, parser);
//   … put bytes into it; an error: WhyUnreadable; the head is there: ReadHttpHead
//
// Threads: pure functions.

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "tools/api/http_handler.h"

namespace tallywire {

using HttpParser = boost::beast::http::request_parser<boost::beast::http::string_body>;

struct HttpLimits {
  size_t header_bytes = 16 << 10;
  size_t body_bytes = 64 << 20;
};

// A parser for the next request.
void BeginRequest(const HttpLimits& limits, std::optional<HttpParser>& parser);

struct HttpHead {
  HttpRequest request;  // without its body
  bool has_body = false;
  std::optional<uint64_t> body_bytes;  // as Content-Length says
  bool expects_continue = false;
};
// The header is there.
HttpHead ReadHttpHead(const HttpParser& parser);

// What to answer to a request that cannot be read; nothing: the connection has ended, nobody waits.
std::optional<HttpResponse> WhyUnreadable(const boost::system::error_code& error,
                                          const HttpLimits& limits);

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_API_HTTP_READ_H_
