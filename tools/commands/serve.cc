// SPDX-License-Identifier: Apache-2.0
#include "tools/commands/serve.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ledger/status.h"
#include "tools/api/service.h"

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

}  // namespace

Result RunServe(Context& context) {
  TW_ASSIGN_OR_RETURN(const std::string folder, LogFolder(context.config));
  LogJsonLines();
  Service::Options options;
  options.ledger.folder = folder;
  options.ledger.partitions = context.config.partitions();
  options.http.listen = context.config.listen();
  TW_ASSIGN_OR_RETURN(const std::unique_ptr<Service> service, Service::Start(std::move(options)));

  spdlog::info("serving {} on {}, log {}, {} partitions", folder, service->address(),
               service->ledger().log().Id(), service->ledger().partitions());
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
