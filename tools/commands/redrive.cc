// SPDX-License-Identifier: Apache-2.0
#include "tools/commands/redrive.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/time_util.h"
#include "ledger/refused.h"
#include "ledger/status.h"
#include "ledger/types.h"
#include "tallywire/v1/api.pb.h"
#include "tools/api/json.h"
#include "tools/commands/append_input.h"
#include "tools/commands/rows.h"
#include "tools/progress.h"

namespace tallywire {
namespace {

using Request = v1::RedriveDeadLettersRequest;
using Response = v1::RedriveDeadLettersResponse;

// One call carries them all, and a body has its limit.
constexpr int kMaxReplacements = 10'000;
constexpr size_t kMaxReplacementBytes = 48 << 20;

absl::Status Usage(const std::string& text) { return absl::InvalidArgumentError(text); }

// One line: an event, or {"letter": "3/12", "event": {…}}.
absl::Status ReadReplacement(std::string_view line, v1::DeadLetterReplacement* out) {
  absl::Status named = FromJson(line, out);
  if (named.ok()) {
    if (out->has_event()) return named;
    return Usage("has no event");
  }
  out->Clear();
  absl::Status bare = FromJson(line, out->mutable_event());
  return line.find("\"letter\"") == std::string_view::npos ? bare : named;
}

absl::Status ReadReplacements(const Context& context, const std::string& file, int fd,
                              Request* request) {
  const auto wrong = [&](int64_t line, const std::string& what) {
    return Usage(absl::StrCat(file, ": line ", line, ": ", what));
  };
  const auto input = OpenLines(fd, context.host->stop);
  size_t bytes = 0;
  for (;;) {
    TW_ASSIGN_OR_RETURN(const AppendInput::Got got, input->Next(1'000));
    if (got == AppendInput::Got::kEnd) break;
    if (got == AppendInput::Got::kQuiet) continue;
    if (got != AppendInput::Got::kItem) return wrong(input->number(), "is too long for an event");
    const std::string_view line = input->payload();
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    bytes += line.size();
    if (request->replacements_size() == kMaxReplacements || bytes > kMaxReplacementBytes) {
      return wrong(input->number(), "is more than one run takes: split the file");
    }
    v1::DeadLetterReplacement* made = request->add_replacements();
    const absl::Status read = ReadReplacement(line, made);
    if (!read.ok()) return wrong(input->number(), std::string(read.message()));
    made->set_name(absl::StrCat("line ", input->number()));
  }
  if (request->replacements_size() > 0) return absl::OkStatus();
  return Usage(absl::StrCat(file, ": has no line"));
}

absl::Status OpenReplacements(const Context& context, const std::string& file, Request* request) {
  if (file == "-") return ReadReplacements(context, "standard input", context.host->in, request);
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    const std::string text = absl::StrCat(file, ": cannot be read: ", strerror(errno));
    return errno == ENOENT ? absl::NotFoundError(text) : Usage(text);
  }
  absl::Status read = ReadReplacements(context, file, fd, request);
  ::close(fd);
  return read;
}

absl::Status SetTime(const char* flag, const std::string& text, google::protobuf::Timestamp* out) {
  const auto time = ParseTime(text);
  if (!time) {
    return Usage(absl::StrCat(flag, ": `", text, "` is not an RFC 3339 time, such as ",
                              "2026-11-24T16:00:00Z"));
  }
  *out = google::protobuf::util::TimeUtil::MicrosecondsToTimestamp(time->value());
  return absl::OkStatus();
}

absl::Status FillRequest(const Context& context, const RedriveOptions& options, Request* request) {
  if (options.letters.empty() && options.choice.empty() && !options.all) {
    return Usage(
        "say which: letters by PARTITION/OFFSET, --reason, --source, --since, --until, or --all");
  }
  for (const std::string& letter : options.letters) request->add_letters(letter);
  if (!options.choice.reason.empty()) {
    const auto reason = ParseRefusedReason(options.choice.reason);
    if (!reason.ok()) return Usage(absl::StrCat("--reason: ", reason.status().message()));
    request->set_reason(static_cast<v1::RefusedReason>(*reason));
  }
  request->set_source(options.choice.source);
  if (!options.choice.since.empty()) {
    TW_RETURN_IF_ERROR(SetTime("--since", options.choice.since, request->mutable_since()));
  }
  if (!options.choice.until.empty()) {
    TW_RETURN_IF_ERROR(SetTime("--until", options.choice.until, request->mutable_until()));
  }
  request->set_all(options.all);
  request->set_execute(options.execute);
  request->set_mode(options.as_is ? v1::REDRIVE_MODE_AS_IS : v1::REDRIVE_MODE_BY_KEY);
  if (options.replace.empty()) return absl::OkStatus();
  request->set_mode(v1::REDRIVE_MODE_REPLACE);
  return OpenReplacements(context, options.replace, request);
}

// As a shell reads it back.
std::string Quoted(const std::string& text) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./:+,@%";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) return text;
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

// What to type so that it is done.
std::string CommandToExecute(const Context& context, const RedriveOptions& options) {
  std::string command = "tallywire";
  const auto add = [&command](const char* flag, const std::string& value) {
    if (!value.empty()) absl::StrAppend(&command, " ", flag, " ", Quoted(value));
  };
  const auto usual = LoadConfig({}, [](const std::string&) -> const char* { return nullptr; });
  if (!usual.ok() || usual->log() != context.config.log()) add("--log", context.config.log());
  command += " deadletters redrive";
  for (const std::string& letter : options.letters) absl::StrAppend(&command, " ", letter);
  add("--reason", options.choice.reason);
  add("--source", options.choice.source);
  add("--since", options.choice.since);
  add("--until", options.choice.until);
  if (options.all) command += " --all";
  if (options.as_is) command += " --as-is";
  add("--replace", options.replace);
  return command + " --execute";
}

std::vector<Column> Columns() {
  return {{"RECORD"},
          {"REASON"},
          {"SOURCE", Align::kLeft, true},
          {"EVENT", Align::kLeft, true},
          {"SKU", Align::kLeft, true},
          {"WHAT"}};
}

std::string ReasonText(v1::RefusedReason reason) {
  return ShortName(v1::RefusedReason_Name(reason), "REFUSED_REASON_");
}

std::string What(const v1::RedrivenLetter& letter) {
  const std::string by =
      letter.replaced_by().empty() ? "" : absl::StrCat(", replaced by ", letter.replaced_by());
  switch (letter.outcome()) {
    case v1::REDRIVE_OUTCOME_TO_APPEND:
      return absl::StrCat("append under ", letter.key(), " to partition ", letter.partition(), by);
    case v1::REDRIVE_OUTCOME_APPENDED:
      return absl::StrCat("appended under ", letter.key(), " at ",
                          RecordPlace(letter.partition(), letter.offset()), by);
    case v1::REDRIVE_OUTCOME_DONE_BEFORE:
      return absl::StrCat("redriven before, to ", RecordPlace(letter.partition(), letter.offset()));
    default:
      return absl::StrCat("cannot be mended so", by, ": ", ReasonText(letter.refused()), ": ",
                          letter.detail());
  }
}

class Redrive {
 public:
  Redrive(Context& context, const RedriveOptions& options, Connection* connection, Request request)
      : context_(context),
        options_(options),
        connection_(connection),
        request_(std::move(request)),
        rows_(context, "results", Columns()) {}

  Result Run() {
    const absl::Status status = AllPages();
    if (!status.ok() && pages_ == 0) return status;
    TW_RETURN_IF_ERROR(Summarize());
    if (!status.ok()) {
      if (options_.execute) {
        context_.Say("stopped; run the same again to go on: what is in changes nothing");
      }
      return status;
    }
    TellRefusedAgain();
    if (!options_.execute && sum_.to_append() > 0) {
      context_.Say("nothing was changed; to do it:\n  " + CommandToExecute(context_, options_));
    }
    return sum_.not_mended() > 0 || refused_again_ > 0 ? Exit::kFindings : Exit::kOk;
  }

 private:
  absl::Status AllPages() {
    do {
      Response page;
      ApiRequest call;
      call.method = "POST";
      call.path = {"deadletters", "redrive"};
      call.body = &request_;
      TW_RETURN_IF_ERROR(connection_->api->Call(call, &page));
      ++pages_;
      for (const v1::RedrivenLetter& letter : page.results()) Take(letter);
      sum_.set_to_append(sum_.to_append() + page.to_append());
      sum_.set_appended(sum_.appended() + page.appended());
      sum_.set_not_mended(sum_.not_mended() + page.not_mended());
      sum_.set_done_before(sum_.done_before() + page.done_before());
      request_.set_page_token(page.next_page_token());
    } while (!request_.page_token().empty() && context_.out().status().ok() &&
             !context_.host->stop());
    return request_.page_token().empty() ? absl::OkStatus() : absl::CancelledError("interrupted");
  }

  void Take(const v1::RedrivenLetter& letter) {
    if (context_.format() == Format::kJson) {
      *sum_.add_results() = letter;
    } else {
      rows_.Add(letter, [&]() -> Rows::Cells {
        return {{letter.letter(), ReasonText(letter.reason()), letter.source(), letter.event_id(),
                 letter.sku(), What(letter)}};
      });
    }
    if (letter.outcome() != v1::REDRIVE_OUTCOME_APPENDED) return;
    appended_.emplace(letter.partition(), letter.offset());
    const int64_t seconds = letter.log_time().seconds();
    first_second_ = std::min(first_second_.value_or(seconds), seconds);
  }

  absl::Status Summarize() {
    Output& out = context_.out();
    if (context_.format() == Format::kJson) {
      out.Write(ToJson(sum_, {.indented = true}));
      return out.Flush();
    }
    TW_RETURN_IF_ERROR(rows_.End());
    std::string text;
    const auto count = [&text](const char* what, int64_t n) {
      if (n > 0) absl::StrAppend(&text, what, WithCommas(n), "\n");
    };
    count("to append        ", sum_.to_append());
    count("appended         ", sum_.appended());
    count("cannot be mended ", sum_.not_mended());
    count("redriven before  ", sum_.done_before());
    if (text.empty()) text = "no dead letter is such\n";
    (context_.format() == Format::kTable ? out : context_.err()).Write(text);
    IgnoreError(context_.err().Flush(), "nobody is left to be told");
    return out.Flush();
  }

  // What is refused for the state of the ledger shows only now.
  void TellRefusedAgain() {
    if (appended_.empty()) return;
    std::vector<std::pair<std::string, std::string>> query = {
        {"since", FormatTime(Time(first_second_.value_or(0) * 1'000'000))}};
    std::map<int32_t, int64_t> last;
    for (const auto& [partition, offset] : appended_) last[partition] = offset;
    for (const auto& [partition, offset] : last) {
      query.emplace_back("min_version", absl::StrCat(partition, ":", offset));
    }
    const absl::Status status = ForEachPage<v1::ListDeadLettersResponse>(
        context_, *connection_->api, {"deadletters"}, query, [&](const auto& page) {
          for (const v1::DeadLetter& letter : page.dead_letters()) {
            if (!appended_.contains({letter.partition(), letter.offset()})) continue;
            ++refused_again_;
            context_.Say(absl::StrCat(RecordPlace(letter.partition(), letter.offset()),
                                      " was refused again: ", ReasonText(letter.reason()), ": ",
                                      Printable(letter.detail())));
          }
          return true;
        });
    if (!status.ok()) {
      context_.Say(
          absl::StrCat("what was refused again is not known yet, `deadletters list` will "
                       "tell: ",
                       status.message()));
    }
  }

  Context& context_;
  const RedriveOptions& options_;
  Connection* const connection_;
  Request request_;
  Rows rows_;
  Response sum_;
  int64_t pages_ = 0;
  std::set<std::pair<int32_t, int64_t>> appended_;
  std::optional<int64_t> first_second_;
  int64_t refused_again_ = 0;
};

}  // namespace

Result RunRedrive(Context& context, const RedriveOptions& options) {
  Request request;
  TW_RETURN_IF_ERROR(FillRequest(context, options, &request));
  TW_ASSIGN_OR_RETURN(Connection* const connection, context.Connect({.needs = Needs::kLog}));
  TW_RETURN_IF_ERROR(WaitFolded(context, *connection));
  return Redrive(context, options, connection, std::move(request)).Run();
}

}  // namespace tallywire
