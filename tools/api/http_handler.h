// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_API_HTTP_HANDLER_H_
#define TALLYWIRE_TOOLS_API_HTTP_HANDLER_H_

// From an HTTP request to the Api and back, without sockets: methods and paths, media types,
// problems, event streams. tools/api/http_server.h moves the bytes.
//
// Threads: any.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/api/api.h"
#include "tools/api/calls.h"
#include "tools/api/url.h"

namespace tallywire {

struct HttpRequest {
  std::string method;
  std::string target;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;

  // The first header of that name in any case; empty: none.
  std::string_view Header(std::string_view name) const;
};

struct HttpResponse {
  int status = 200;
  std::string content_type;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

// Where a stream's bytes go.
class StreamSink {
 public:
  virtual ~StreamSink() = default;
  // Returns when the bytes are on their way; false: nobody takes them any more.
  virtual bool Write(std::string bytes) = 0;
  // The client has gone, or the server stops.
  virtual bool Closed() = 0;
};

class HttpHandler {
 public:
  struct Options {
    // Only requests that name a loopback host, and no other origin's page, are answered.
    bool loopback_only = true;
    size_t max_body_bytes = 64 << 20;
    std::chrono::milliseconds heartbeat{15'000};
  };

  HttpHandler(Api* api, Options options) : api_(api), options_(options) {}

  // Before the body is read: the answer, if it can only be one whatever the body is.
  // `body_bytes`: what Content-Length says; nothing: unknown. `has_body`: one follows.
  std::optional<HttpResponse> CheckHead(const HttpRequest& request, bool has_body,
                                        std::optional<uint64_t> body_bytes) const;

  // Whether Stream answers it, not Answer. Only of requests that CheckHead let pass.
  bool IsStream(const HttpRequest& request) const;

  // Calls the Api. May take long.
  HttpResponse Answer(const HttpRequest& request) const;

  // Writes server-sent events until the sink is closed. An answer instead, if nothing was written.
  std::optional<HttpResponse> Stream(const HttpRequest& request, StreamSink& sink) const;

  // A problem that is not the Api's: of HTTP itself.
  static HttpResponse HttpProblem(int status, std::string_view detail);

 private:
  std::optional<HttpResponse> CheckCaller(const HttpRequest& request) const;

  Api* const api_;
  const Options options_;
};

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_API_HTTP_HANDLER_H_
