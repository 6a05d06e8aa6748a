// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_API_HTTP_SERVER_H_
#define TALLYWIRE_TOOLS_API_HTTP_SERVER_H_

// Answers /v1 over HTTP/1.1 from an Api (tools/api/HTTP.md is the reference for users).
//
//   HttpServer::Options options;
//   auto server = HttpServer::Start(&api, options);
//   … (*server)->address() …
//   (*server)->Stop();
//
// One thread moves bytes; each request that is being answered, and each stream, has a thread of its
// own from a pool that grows up to `max_connections`: a slow answer keeps nobody else waiting.
// Listening on a loopback address, it answers only those who call it by a loopback name, and never
// a web page of another origin. It knows no users and no TLS: put it behind something that does
// before it listens anywhere else.
//
// Threads: any. Errors: UNAVAILABLE: the address cannot be listened on; INVALID_ARGUMENT: it is
// none.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "tools/api/api.h"

namespace tallywire {

class HttpServer {
 public:
  struct Options {
    // `HOST:PORT` with a numeric host; port 0: any that is free.
    std::string listen = "127.0.0.1:7407";
    // Beyond it a connection is answered 503 at once.
    size_t max_connections = 256;
    // Of those, at most so many are streams.
    size_t max_streams = 64;

    size_t max_header_bytes = 16 << 10;
    size_t max_body_bytes = 64 << 20;
    // Over all requests that are being read; beyond it: 503.
    size_t max_pending_body_bytes = 256 << 20;

    // From the opening of a connection to the end of a request's header.
    std::chrono::milliseconds header_timeout{10'000};
    // Between two requests of one connection.
    std::chrono::milliseconds idle_timeout{60'000};
    // For the whole body.
    std::chrono::milliseconds body_timeout{60'000};
    // For a whole answer, or one piece of a stream, to be taken by the client.
    std::chrono::milliseconds write_timeout{120'000};
    // Between two comments on a quiet stream.
    std::chrono::milliseconds heartbeat{15'000};
    // How long Stop waits for answers in the making before it closes connections.
    std::chrono::milliseconds stop_grace{10'000};
  };

  // `api` must outlive the server.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(Api* api, Options options);
  // Stops.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Where it listens, with the port it got: `127.0.0.1:7407`.
  std::string address() const;

  // Takes no more requests, answers those that have come in, ends streams, and returns when no
  // thread is inside the Api any more. Idempotent.
  void Stop();

 private:
  struct Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_API_HTTP_SERVER_H_
