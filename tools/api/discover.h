// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_API_DISCOVER_H_
#define TALLYWIRE_TOOLS_API_DISCOVER_H_

// How commands find the ledger of a folder: the server that has it open, by DIR/serve.json, or else
// the folder itself.
//
//   auto opened = OpenApi("tallywire-data", {});
//   (*opened)->api().Call(…);
//   (*opened)->Close();
//
// DIR/serve.json is {"address": "127.0.0.1:7407", "pid": 4711, "log_id": "…"}. It is only believed
// if a server answers there for that very log, so one that a crash has left behind does no harm.

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/api/api.h"
#include "tools/api/ledger.h"

namespace tallywire {

// Writes DIR/serve.json, whole or not at all; removes it at the end of its life.
class ServeFile {
 public:
  static absl::StatusOr<std::unique_ptr<ServeFile>> Write(const std::string& folder,
                                                          const std::string& address,
                                                          const std::string& log_id);
  ~ServeFile();
  ServeFile(const ServeFile&) = delete;
  ServeFile& operator=(const ServeFile&) = delete;

 private:
  explicit ServeFile(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

// The address in DIR/serve.json if a server answers there for the log that the file names.
std::optional<std::string> FindServer(const std::string& folder);

// The Api of a folder and what keeps it alive. Threads: as Api; Close from one, last.
class OpenedApi {
 public:
  OpenedApi(std::unique_ptr<Ledger> ledger, std::unique_ptr<Api> api, std::string address);
  ~OpenedApi();

  Api& api() { return *api_; }
  // The server that is asked; empty: the folder is open in this process.
  const std::string& address() const { return address_; }
  // Null if a server is asked.
  Ledger* ledger() { return ledger_.get(); }
  // Folds nothing more, writes what has been folded and gives the folder free.
  [[nodiscard]] absl::Status Close();

 private:
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<Api> api_;
  std::string address_;
};

struct OpenApiOptions {
  // Where the ledger's records are.
  LogChoice log = {};
  // What is asked for; with a log in Kafka nothing else is opened, and nothing at all where neither
  // is needed. An embedded log is always opened with both.
  bool project = true;
  bool publish = true;
  // As Ledger::Options. Of a running server's log: FAILED_PRECONDITION if it has another number.
  int32_t partitions = 0;
  // False: do not fold to the log's end first (for who only appends).
  bool settle = true;
  // False: a folder without a log is NOT_FOUND, not made.
  bool create = true;
  // How long to wait for a folder that another process has open while no server answers.
  std::chrono::milliseconds wait{3'000};
};

// UNAVAILABLE: another process has the folder open and answers no questions. Else as Ledger::Open
// and Ledger::SettleNow.
absl::StatusOr<std::unique_ptr<OpenedApi>> OpenApi(const std::string& folder,
                                                   OpenApiOptions options);

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_API_DISCOVER_H_
