// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_API_HTTP_CLIENT_H_
#define TALLYWIRE_TOOLS_API_HTTP_CLIENT_H_

// The Api of a server elsewhere, asked over HTTP. Protobuf on the wire, JSON in streams.
//
// Connections are kept and used again; one that broke while it lay idle is opened anew and the
// request sent once more. What a server says as a problem comes back as the status it was made from
// (tools/api/problem.h: code, text, field, reason).
//
// Threads: any number at once, a connection for each. Errors, besides the server's: UNAVAILABLE:
// nobody answers there; DEADLINE_EXCEEDED: no answer within `call_timeout` (a write may have been
// done all the same: send it again, the ledger drops what it knows).

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "tools/api/api.h"

namespace tallywire {

class HttpApi : public Api {
 public:
  struct Options {
    // `HOST:PORT` with a numeric host.
    std::string address = "127.0.0.1:7407";
    std::chrono::milliseconds connect_timeout{3'000};
    // For calls that do not take as long as a replay; those may take for ever.
    std::chrono::milliseconds call_timeout{60'000};
    // A stream from which nothing has come for so long is broken: the server sends comments.
    std::chrono::milliseconds stream_timeout{45'000};
    // How long Follow tries to reach a server again that has gone away.
    std::chrono::milliseconds reconnect_for{10'000};
  };

  explicit HttpApi(Options options);
  ~HttpApi() override;

  [[nodiscard]] absl::Status Call(const ApiRequest& request,
                                  google::protobuf::Message* out) override;
  [[nodiscard]] absl::Status Follow(const ApiRequest& request, google::protobuf::Message* item,
                                    const std::function<bool(const std::string& token)>& on_item,
                                    const std::function<bool()>& stop) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_API_HTTP_CLIENT_H_
