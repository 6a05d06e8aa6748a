// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_COMMANDS_FAKE_API_H_
#define TALLYWIRE_TOOLS_COMMANDS_FAKE_API_H_

// An Api that answers what a test has set, and a command line that asks it.

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "tallywire/v1/api.pb.h"
#include "tools/api/api.h"
#include "tools/cli.h"

namespace tallywire {

class FakeApi : public Api {
 public:
  using Answer = std::function<absl::Status(const ApiRequest&, google::protobuf::Message*)>;

  // `GET stock/RED-TEE` → what is answered; nothing else is found.
  std::map<std::string, Answer> answers;
  // Every call, as `GET stock/RED-TEE?location=WH1`.
  std::vector<std::string> calls;
  // What a stream gives, in order; then `after` is asked until the stream is stopped.
  std::vector<std::function<void(google::protobuf::Message*)>> stream;
  std::function<void()> after = [] {};

  template <class M>
  void Put(const std::string& call, const M& answer) {
    answers[call] = [answer](const ApiRequest&, google::protobuf::Message* out) {
      out->CopyFrom(answer);
      return absl::OkStatus();
    };
  }

  absl::Status Call(const ApiRequest& request, google::protobuf::Message* out) override {
    const std::string call = request.method + " " + absl::StrJoin(request.path, "/");
    std::string query;
    for (const auto& [name, value] : request.query) {
      query += (query.empty() ? "?" : "&") + name + "=" + value;
    }
    calls.push_back(call + query);
    const auto it =
        answers.count(call + query) > 0 ? answers.find(call + query) : answers.find(call);
    if (it == answers.end()) return absl::NotFoundError("no such thing: " + call);
    return it->second(request, out);
  }

  absl::Status Follow(const ApiRequest& request, google::protobuf::Message* item,
                      const std::function<bool(const std::string&)>& on_item,
                      const std::function<bool()>& stop) override {
    calls.push_back("FOLLOW " + absl::StrJoin(request.path, "/"));
    for (const auto& fill : stream) {
      item->Clear();
      fill(item);
      if (!on_item("t")) return absl::OkStatus();
    }
    while (!stop()) after();
    return absl::OkStatus();
  }
};

// One run of `tallywire ARGS…` against a fake.
struct CliRun {
  int code = -1;
  std::string out;
  std::string err;
};

class FakeWorld {
 public:
  FakeApi api;
  bool served = false;
  bool stop = false;
  int in = 0;
  int slept = 0;
  absl::Status connect_status;
  std::vector<ConnectOptions> connects;
  std::map<std::string, std::string> environment;

  CliRun Run(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "tallywire");
    Output out;
    Output err;
    Host host;
    host.out = &out;
    host.err = &err;
    host.in = in;
    host.connect = [this](const v1::Config&,
                          const ConnectOptions& options) -> absl::StatusOr<Connection> {
      connects.push_back(options);
      if (!connect_status.ok()) return connect_status;
      Connection connection;
      connection.api = &api;
      connection.served = served;
      return connection;
    };
    host.stop = [this] { return stop; };
    host.sleep = [this](int milliseconds) { slept += milliseconds; };
    const int code = RunCli(static_cast<int>(arguments.size()), arguments.data(), host, {},
                            [this](const std::string& name) {
                              const auto it = environment.find(name);
                              return it == environment.end() ? nullptr : it->second.c_str();
                            });
    return {code, out.text(), err.text()};
  }
};

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_COMMANDS_FAKE_API_H_
