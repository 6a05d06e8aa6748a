// SPDX-License-Identifier: Apache-2.0
#include "tools/commands/deadletters.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ledger/status.h"
#include "tallywire/v1/api.pb.h"
#include "tools/api/json.h"
#include "tools/commands/rows.h"

namespace tallywire {
namespace {

constexpr size_t kDumpBytes = 4 << 10;
constexpr size_t kBytesPerLine = 16;

std::vector<Column> Columns() {
  return {{"RECORD"},
          {"LOG TIME"},
          {"REASON"},
          {"DETAIL"},
          {"KEY"},
          {"SOURCE", Align::kLeft, true},
          {"EVENT", Align::kLeft, true},
          {"BYTES", Align::kRight},
          {"REDRIVEN TO", Align::kLeft, true},
          {"FROM", Align::kLeft, true}};
}

std::string ReasonText(v1::RefusedReason reason) {
  return ShortName(v1::RefusedReason_Name(reason), "REFUSED_REASON_");
}

Rows::Cells Cells(const v1::DeadLetter& letter) {
  return {{RecordPlace(letter.partition(), letter.offset()),
           TimeText(letter.has_log_time(), letter.log_time()), ReasonText(letter.reason()),
           letter.detail(), letter.key(), letter.source(), letter.event_id(),
           absl::StrCat(letter.value().size()), letter.redriven_to(), letter.redriven_from()}};
}

// 0000  0a 03 70 6f 73  |..pos|
void Dump(Output& out, const std::string& bytes) {
  const size_t end = std::min(bytes.size(), kDumpBytes);
  for (size_t at = 0; at < end; at += kBytesPerLine) {
    std::string hex;
    std::string text;
    for (size_t i = at; i < std::min(end, at + kBytesPerLine); ++i) {
      const auto byte = static_cast<unsigned char>(bytes[i]);
      hex += absl::StrFormat("%02x ", byte);
      text += byte >= 0x20 && byte < 0x7F ? static_cast<char>(byte) : '.';
    }
    out.Write(absl::StrFormat("  %06x  %-48s |%s|\n", at, hex, text));
  }
  if (end < bytes.size()) {
    out.Write(absl::StrCat("  … and ", bytes.size() - end, " bytes more (-o json shows all)\n"));
  }
}

void Print(Output& out, const v1::DeadLetter& letter) {
  const auto line = [&out](const char* name, const std::string& value) {
    out.Write(absl::StrFormat("%-9s %s\n", name, Printable(value)));
  };
  line("record", RecordPlace(letter.partition(), letter.offset()));
  line("log time", TimeText(letter.has_log_time(), letter.log_time()));
  line("reason", ReasonText(letter.reason()));
  line("detail", letter.detail());
  line("key", letter.key());
  line("bytes", absl::StrCat(letter.value().size()));
  if (!letter.redriven_from().empty()) line("from", letter.redriven_from() + ", redriven");
  if (!letter.redriven_to().empty()) line("redriven", "to " + letter.redriven_to());
  if (letter.has_event()) {
    out.Write("event\n" + ToJson(letter.event(), {.zeros = false, .indented = true}));
  } else if (letter.value().empty()) {
    out.Write("value     not kept here: it is empty, or was too large\n");
  } else {
    out.Write("value\n");
    Dump(out, letter.value());
  }
}

}  // namespace

Result RunListDeadLetters(Context& context, const DeadLetterChoice& choice) {
  std::vector<std::pair<std::string, std::string>> query;
  for (const auto& [name, value] : {std::pair("reason", &choice.reason),
                                    {"source", &choice.source},
                                    {"since", &choice.since},
                                    {"until", &choice.until}}) {
    if (!value->empty()) query.emplace_back(name, *value);
  }
  TW_ASSIGN_OR_RETURN(Connection* const connection, context.Connect({.needs = Needs::kLog}));
  TW_RETURN_IF_ERROR(WaitFolded(context, *connection));
  Rows rows(context, "dead_letters", Columns());
  TW_RETURN_IF_ERROR(ForEachPage<v1::ListDeadLettersResponse>(
      context, *connection->api, {"deadletters"}, query,
      [&](const v1::ListDeadLettersResponse& page) {
        for (const v1::DeadLetter& letter : page.dead_letters()) {
          rows.Add(letter, [&] { return Cells(letter); });
        }
        return true;
      }));
  TW_RETURN_IF_ERROR(rows.End());
  return Exit::kOk;
}

Result RunShowDeadLetter(Context& context, const ShowDeadLetterOptions& options) {
  TW_ASSIGN_OR_RETURN(Connection* const connection, context.Connect({.needs = Needs::kLog}));
  TW_RETURN_IF_ERROR(WaitFolded(context, *connection));
  v1::DeadLetter letter;
  TW_RETURN_IF_ERROR(Get(
      *connection->api,
      {"deadletters", absl::StrCat(options.partition), absl::StrCat(options.offset)}, {}, &letter));
  if (!WriteMessage(context, letter)) Print(context.out(), letter);
  TW_RETURN_IF_ERROR(context.out().Flush());
  return Exit::kOk;
}

}  // namespace tallywire
