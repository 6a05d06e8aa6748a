// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_COMMANDS_COMMAND_H_
#define TALLYWIRE_TOOLS_COMMANDS_COMMAND_H_

// What every command is given, and what it gives back.
//
// A command gets plain options and a Context, writes data to `out` and everything else to `err`,
// and returns how the process is to end: an Exit, or the error that becomes one.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "tallywire/v1/config.pb.h"
#include "tools/api/api.h"
#include "tools/config.h"
#include "tools/exit_code.h"
#include "tools/output.h"

namespace tallywire::v1 {
class VerifyResponse;
}

namespace tallywire {

// A ledger that answers.
struct Connection {
  Api* api = nullptr;
  // A running `serve` answers, so others may append meanwhile. False: this process has the folder.
  bool served = false;
  // In this process, where it can say how far it is; empty where a server is asked.
  std::function<absl::Status(const std::function<void(int64_t, int64_t)>& progress,
                             v1::VerifyResponse* out)>
      verify;
  // Writes what is to be kept and gives the folder free.
  std::function<absl::Status()> close;
  // Keeps all of it alive.
  std::shared_ptr<void> owner;
};

// What a command asks; with a log in Kafka that may be in another process each.
enum class Needs {
  kStock,     // a projector
  kListings,  // a publisher
  kLog,       // the log alone
};

struct ConnectOptions {
  // Fold to the log's end first, so that a read shows all that was appended.
  bool settle = true;
  // Make the ledger if there is none; otherwise that is NOT_FOUND.
  bool create = false;
  Needs needs = Needs::kStock;
};

// The world around a command; tests give it another one.
struct Host {
  Output* out = nullptr;
  Output* err = nullptr;
  int in = 0;  // descriptor that `-` reads
  std::function<absl::StatusOr<Connection>(const v1::Config&, const ConnectOptions&)> connect;
  std::function<bool()> stop;      // whether ^C was pressed
  std::function<void(int)> sleep;  // milliseconds, or until stop
};

class Context {
 public:
  Context(Host* h, v1::Config c) : host(h), config(std::move(c)) {}

  Host* const host;
  const v1::Config config;

  Output& out() const { return *host->out; }
  Output& err() const { return *host->err; }
  Format format() const { return OutputFormat(config); }
  // One line to a person.
  void Say(const std::string& line) const;

  // The ledger, opened at the first call; lives as long as the context.
  absl::StatusOr<Connection*> Connect(const ConnectOptions& options = {});
  // Closes it, if there was one. Idempotent.
  [[nodiscard]] absl::Status Close();

 private:
  std::optional<Connection> connection_;
};

using Result = absl::StatusOr<Exit>;

// Asks once. `path` and `query` are those of tools/api/api.h.
[[nodiscard]] absl::Status Get(Api& api, std::vector<std::string> path,
                               std::vector<std::pair<std::string, std::string>> query,
                               google::protobuf::Message* out);

// Waits until what was in the log at the call is folded, so that who appends and then reads sees
// it; at most ten seconds, then says to `err` how far it is behind.
[[nodiscard]] absl::Status WaitFolded(const Context& context, const Connection& connection);

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_COMMANDS_COMMAND_H_
