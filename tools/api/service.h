// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_API_SERVICE_H_
#define TALLYWIRE_TOOLS_API_SERVICE_H_

// What `tallywire serve` runs: the ledger of a folder with its threads, /v1 over HTTP, and the file
// by which other commands find it.
//
//   auto service = Service::Start({.ledger = {.folder = "tallywire-data"}, .http = {}});
//   … until a signal …
//   (*service)->Stop();
//
// Threads: one. Errors: as Ledger::Open and HttpServer::Start; UNAVAILABLE also if another server
// has the folder, and the text says where it answers.

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/api/api.h"
#include "tools/api/discover.h"
#include "tools/api/http_server.h"
#include "tools/api/ledger.h"

namespace tallywire {

class Service {
 public:
  struct Options {
    Ledger::Options ledger;
    HttpServer::Options http;
  };

  static absl::StatusOr<std::unique_ptr<Service>> Start(Options options);
  // Stops; what Stop returns is lost.
  ~Service();

  std::string address() const { return server_->address(); }
  Ledger& ledger() { return *ledger_; }
  Api& api() { return *api_; }

  // Answers what has come in, checkpoints, closes the folder. Idempotent.
  [[nodiscard]] absl::Status Stop();

 private:
  Service() = default;

  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<Api> api_;
  std::unique_ptr<HttpServer> server_;
  std::unique_ptr<ServeFile> file_;
};

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_API_SERVICE_H_
