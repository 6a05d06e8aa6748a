// SPDX-License-Identifier: Apache-2.0
#include "tools/commands/serve.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "ledger/status.h"
#include "tallywire/v1/api.pb.h"
#include "tools/api/service.h"
#include "tools/commands/connect.h"
#include "tools/progress.h"

namespace tallywire {
namespace {

constexpr int kLookMilliseconds = 500;

// What stands between the quotes of a JSON string.
std::string JsonEscaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += absl::StrFormat("\\u%04x", c);
    } else {
      out += c;
    }
  }
  return out;
}

// %* in a pattern: the message as JSON text.
class EscapedMessage : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    const std::string text = JsonEscaped({message.payload.data(), message.payload.size()});
    out.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<EscapedMessage>();
  }
};

void LogJsonLines() {
  auto formatter =
      std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc, "\n");
  formatter->add_flag<EscapedMessage>('*').set_pattern(
      R"({"time":"%Y-%m-%dT%H:%M:%S.%fZ","level":"%l","message":"%*"})");
  auto logger = std::make_shared<spdlog::logger>("tallywire",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_formatter(std::move(formatter));
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

// Says when something begins to be in the way of folding or publishing, and when it ends.
class TroubleWatch {
 public:
  explicit TroubleWatch(const Ledger& ledger) : ledger_(ledger) {}

  void Look() {
    bool for_good = false;
    const absl::Status trouble = ledger_.Trouble(&for_good);
    if (trouble == last_) return;
    last_ = trouble;
    const std::string text(trouble.message());
    if (trouble.ok()) {
      spdlog::info("goes on again");
    } else if (for_good) {
      spdlog::error("has stopped, questions are still answered: {}", text);
    } else {
      spdlog::warn("cannot go on, tries again: {}", text);
    }
  }

 private:
  const Ledger& ledger_;
  absl::Status last_;
};

// `0-3,7` → 0, 1, 2, 3, 7.
absl::StatusOr<std::vector<Partition>> ParsePartitions(const std::string& text) {
  std::vector<Partition> partitions;
  for (const absl::string_view part : absl::StrSplit(text, ',')) {
    const std::pair<absl::string_view, absl::string_view> range = absl::StrSplit(part, '-');
    int32_t first = -1;
    int32_t last = -1;
    bool ok = absl::SimpleAtoi(range.first, &first) && first >= 0;
    if (part.find('-') == absl::string_view::npos) {
      last = first;
    } else {
      ok = ok && absl::SimpleAtoi(range.second, &last);
    }
    if (!ok || last < first || last - first > 100'000) {
      return absl::InvalidArgumentError(
          absl::StrCat("--own: `", part, "` is no partition and no range; such as 0-3,7"));
    }
    for (int32_t p = first; p <= last; ++p) partitions.push_back(Partition(p));
  }
  return partitions;
}

// Folders of partitions that are not there yet are copied; one that is there is newer.
absl::Status CopyMissing(const std::string& from, const std::string& to) {
  namespace fs = std::filesystem;
  std::error_code error;
  fs::create_directories(to, error);
  for (fs::directory_iterator it(from, error), end; !error && it != end; it.increment(error)) {
    const fs::path target = fs::path(to) / it->path().filename();
    if (!it->is_directory() || fs::exists(target)) continue;
    const fs::path fresh = target.string() + ".copy";
    fs::remove_all(fresh, error);
    fs::copy(it->path(), fresh, fs::copy_options::recursive, error);
    if (error) break;
    fs::remove(fresh / "LOCK", error);
    fs::rename(fresh, target, error);
    if (error) break;
    spdlog::info("begins partition {} from a copy", target.filename().string());
  }
  if (!error) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("cannot copy ", from, " to ", to, ": ", error.message()));
}

const char* NameOf(ServeOptions::Role role) {
  switch (role) {
    case ServeOptions::Role::kServe:
      return "serving";
    case ServeOptions::Role::kProject:
      return "projecting";
    case ServeOptions::Role::kPublish:
      return "publishing";
  }
  return "";
}

absl::StatusOr<Ledger::Options> LedgerOptions(const v1::Config& config,
                                              const ServeOptions& options) {
  Ledger::Options out;
  out.folder = DataFolder(config);
  out.log = LogOf(config);
  out.partitions = config.partitions();
  out.project = options.role != ServeOptions::Role::kPublish;
  out.publish = options.role != ServeOptions::Role::kProject;
  // So that a projector may have the same folder.
  if (out.log.is_kafka() && options.role == ServeOptions::Role::kPublish) out.folder += "/publish";
  if (!options.own.empty()) {
    TW_ASSIGN_OR_RETURN(out.own, ParsePartitions(options.own));
  }
  if (out.log.is_kafka() && out.project) {
    out.group = options.group;
    out.join = options.role == ServeOptions::Role::kProject && options.own.empty() &&
               !options.until_caught_up;
  }
  return out;
}

Result RunToEnd(Context& context, Ledger::Options options) {
  TW_ASSIGN_OR_RETURN(const std::unique_ptr<Ledger> ledger, Ledger::Open(std::move(options)));
  TW_RETURN_IF_ERROR(ledger->SettleNow());
  v1::HealthResponse health;
  if (ledger->has_projector()) TW_RETURN_IF_ERROR(ledger->projector().Health(&health));
  TW_RETURN_IF_ERROR(ledger->Stop());
  int64_t applied = 0;
  int64_t refused = 0;
  int64_t duplicates = 0;
  for (const v1::PartitionHealth& p : health.partitions()) {
    applied += p.applied();
    refused += p.refused();
    duplicates += p.duplicates();
  }
  context.Say(health.partitions().empty()
                  ? "caught up"
                  : absl::StrCat("caught up: ", health.partitions_size(), " partitions, ",
                                 WithCommas(applied), " applied, ", WithCommas(duplicates),
                                 " duplicates, ", WithCommas(refused), " refused"));
  return Exit::kOk;
}

}  // namespace

Result RunServe(Context& context, const ServeOptions& options) {
  LogJsonLines();
  TW_ASSIGN_OR_RETURN(Ledger::Options ledger, LedgerOptions(context.config, options));
  const std::string folder = ledger.folder;
  if (!options.from_copy.empty()) {
    TW_RETURN_IF_ERROR(CopyMissing(options.from_copy, folder + "/state"));
  }
  if (options.until_caught_up) return RunToEnd(context, std::move(ledger));
  Service::Options service_options;
  service_options.ledger = std::move(ledger);
  service_options.http.listen = context.config.listen();
  // Several of them may run side by side; who wants one port names it.
  const bool one_of_many = options.role != ServeOptions::Role::kServe;
  if (one_of_many && context.config.listen() == kDefaultListen) {
    service_options.http.listen = "127.0.0.1:0";
  }
  TW_ASSIGN_OR_RETURN(const std::unique_ptr<Service> service,
                      Service::Start(std::move(service_options)));

  spdlog::info("{} {} on {}, log {}, {} partitions", NameOf(options.role), folder,
               service->address(), service->ledger().log().Id(), service->ledger().partitions());
  context.out().Write(absl::StrCat("http://", service->address(), "\n"));
  IgnoreError(context.out().Flush(), "who does not read the address is served all the same");

  TroubleWatch watch(service->ledger());
  while (!context.host->stop()) {
    watch.Look();
    context.host->sleep(kLookMilliseconds);
  }
  spdlog::info("stopping");
  const absl::Status stopped = service->Stop();
  if (stopped.ok()) spdlog::info("stopped");
  TW_RETURN_IF_ERROR(stopped);
  return Exit::kOk;
}

}  // namespace tallywire
