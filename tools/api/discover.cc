// SPDX-License-Identifier: Apache-2.0
#include "tools/api/discover.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "ledger/status.h"
#include "tallywire/v1/api.pb.h"
#include "tools/api/http_client.h"
#include "tools/api/router.h"

namespace tallywire {
namespace {

constexpr std::chrono::milliseconds kRetry{50};
constexpr std::chrono::milliseconds kProbe{1'000};

std::string PathOf(const std::string& folder) { return folder + "/serve.json"; }

absl::Status WriteWhole(const std::string& path, const std::string& text) {
  const std::string fresh = absl::StrCat(path, ".", getpid());
  std::FILE* file = std::fopen(fresh.c_str(), "we");
  bool ok = file != nullptr;
  if (ok) {
    ok = std::fwrite(text.data(), 1, text.size(), file) == text.size();
    ok = std::fclose(file) == 0 && ok;
  }
  if (ok && std::rename(fresh.c_str(), path.c_str()) == 0) return absl::OkStatus();
  std::remove(fresh.c_str());
  return absl::UnavailableError("cannot write " + path);
}

struct Found {
  std::string address;
  std::string log_id;
};

std::optional<Found> ReadServeFile(const std::string& folder) {
  std::ifstream in(PathOf(folder), std::ios::binary);
  if (!in) return std::nullopt;
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  google::protobuf::Struct read;
  if (!google::protobuf::util::JsonStringToMessage(text, &read).ok()) return std::nullopt;
  const auto field = [&read](const char* name) {
    const auto found = read.fields().find(name);
    return found == read.fields().end() ? std::string() : found->second.string_value();
  };
  Found found{field("address"), field("log_id")};
  if (found.address.empty() || found.log_id.empty()) return std::nullopt;
  return found;
}

// What Ledger::Open would say of a log with another number.
absl::Status CheckPartitions(Api& api, int32_t wanted) {
  if (wanted == 0) return absl::OkStatus();
  ApiRequest request;
  request.path = {"health"};
  v1::HealthResponse health;
  TW_RETURN_IF_ERROR(api.Call(request, &health));
  if (health.partitions_size() == wanted) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the running server's log has ", health.partitions_size(),
                   " partitions and keeps them for life; ", wanted, " were asked for"));
}

absl::StatusOr<std::unique_ptr<OpenedApi>> OpenFolder(const std::string& folder,
                                                      OpenApiOptions options) {
  Ledger::Options ledger_options;
  ledger_options.folder = folder;
  ledger_options.partitions = options.partitions;
  ledger_options.log = options.log;
  if (options.log.is_kafka()) {
    ledger_options.project = options.project;
    ledger_options.publish = options.publish;
  }
  TW_ASSIGN_OR_RETURN(auto ledger, Ledger::Open(std::move(ledger_options)));
  if (options.settle) TW_RETURN_IF_ERROR(ledger->SettleNow());
  auto api = std::make_unique<LedgerApi>(ledger.get());
  return std::make_unique<OpenedApi>(std::move(ledger), std::move(api), "");
}

}  // namespace

absl::StatusOr<std::unique_ptr<ServeFile>> ServeFile::Write(const std::string& folder,
                                                            const std::string& address,
                                                            const std::string& log_id) {
  google::protobuf::Struct content;
  auto& fields = *content.mutable_fields();
  fields["address"].set_string_value(address);
  fields["pid"].set_number_value(getpid());
  fields["log_id"].set_string_value(log_id);
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(content, &text).ok()) {
    return absl::InternalError("serve.json cannot be made");
  }
  TW_RETURN_IF_ERROR(WriteWhole(PathOf(folder), text + "\n"));
  return std::unique_ptr<ServeFile>(new ServeFile(PathOf(folder)));
}

ServeFile::~ServeFile() { std::remove(path_.c_str()); }

std::optional<std::string> FindServer(const std::string& folder) {
  const std::optional<Found> found = ReadServeFile(folder);
  if (!found.has_value()) return std::nullopt;
  HttpApi::Options options;
  options.address = found->address;
  options.connect_timeout = kProbe;
  options.call_timeout = kProbe * 5;
  HttpApi api(std::move(options));
  ApiRequest request;
  request.path = {"health"};
  v1::HealthResponse health;
  if (!api.Call(request, &health).ok() || health.log_id() != found->log_id) return std::nullopt;
  return found->address;
}

OpenedApi::OpenedApi(std::unique_ptr<Ledger> ledger, std::unique_ptr<Api> api, std::string address)
    : ledger_(std::move(ledger)), api_(std::move(api)), address_(std::move(address)) {}

OpenedApi::~OpenedApi() { IgnoreError(Close(), "whoever wants to know calls Close first"); }

absl::Status OpenedApi::Close() {
  if (ledger_ == nullptr) return absl::OkStatus();
  return ledger_->Stop();
}

absl::StatusOr<std::unique_ptr<OpenedApi>> OpenApi(const std::string& folder,
                                                   OpenApiOptions options) {
  std::error_code ignored;
  const bool kafka = options.log.is_kafka();
  if (!kafka && !options.create && !std::filesystem::exists(folder + "/log", ignored)) {
    return absl::NotFoundError(
        absl::StrCat("there is no ledger in ", folder,
                     ": append something first, or name another folder with --log"));
  }
  // The brokers are the nearest way to a log, and the only one that needs no folder.
  if (kafka && !options.project && !options.publish) return OpenFolder(folder, options);
  // A publisher of its own has a folder inside.
  const std::string own = kafka && options.publish ? folder + "/publish" : folder;
  const auto deadline = std::chrono::steady_clock::now() + options.wait;
  while (true) {
    std::optional<std::string> address = FindServer(own);
    if (!address && own != folder) address = FindServer(folder);
    if (address) {
      HttpApi::Options http;
      http.address = *address;
      auto api = std::make_unique<HttpApi>(std::move(http));
      if (!kafka) TW_RETURN_IF_ERROR(CheckPartitions(*api, options.partitions));
      return std::make_unique<OpenedApi>(nullptr, std::move(api), *address);
    }
    auto opened = OpenFolder(own, options);
    // A folder that is being opened or closed is free, or served, in a moment.
    if (opened.ok() || !absl::IsUnavailable(opened.status()) ||
        std::chrono::steady_clock::now() >= deadline) {
      return opened;
    }
    std::this_thread::sleep_for(kRetry);
  }
}

}  // namespace tallywire
