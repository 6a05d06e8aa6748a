// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_COMMANDS_ROWS_H_
#define TALLYWIRE_TOOLS_COMMANDS_ROWS_H_

// A list of messages on its way to `out`: a table, one JSON document (the list response that they
// are from, all its pages in one), or a message a line. Holds at most a block of them at a time.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "google/protobuf/message.h"
#include "google/protobuf/timestamp.pb.h"
#include "tools/commands/command.h"
#include "tools/table.h"

namespace tallywire {

class Rows {
 public:
  // `list` is the response's repeated field, `rest` what stands after it in JSON, if anything.
  Rows(const Context& context, std::string list, std::vector<Column> columns,
       std::string rest = "\"next_page_token\":\"\"");

  // `cells` is asked in a table only, and once a message; it gives one or more rows.
  using Cells = std::vector<std::vector<std::string>>;
  void Add(const google::protobuf::Message& message, const std::function<Cells()>& cells);

  // Prints what is gathered, for somebody who waits for it.
  [[nodiscard]] absl::Status Flush();
  // Ends the list.
  [[nodiscard]] absl::Status End();

 private:
  Output& out_;
  const Format format_;
  const std::string list_;
  const std::string rest_;
  Table table_;
  bool begun_ = false;
};

// One message: pretty JSON for json, a line for jsonl. False: a table is wanted.
bool WriteMessage(const Context& context, const google::protobuf::Message& message);

// The pages of a list response, one after the other, until there are no more or ^C.
//
//   ForEachPage<v1::ListAlertsResponse>(context, api, {"alerts"}, {}, [&](const auto& page) {…});
template <class Response, class Visit>
[[nodiscard]] absl::Status ForEachPage(
    const Context& context, Api& api, const std::vector<std::string>& path,
    const std::vector<std::pair<std::string, std::string>>& query, Visit visit) {
  std::string token;
  do {
    auto paged = query;
    if (!token.empty()) paged.emplace_back("page_token", token);
    Response page;
    const absl::Status status = Get(api, path, std::move(paged), &page);
    if (!status.ok()) return status;
    if (!visit(page)) return absl::OkStatus();
    token = page.next_page_token();
  } while (!token.empty() && context.out().status().ok() && !context.host->stop());
  return absl::OkStatus();
}

// RFC 3339, or nothing if it is not set or out of range.
std::string TimeText(bool is_set, const google::protobuf::Timestamp& time);
// STORE of SITE_KIND_STORE; nothing for UNSPECIFIED.
std::string ShortName(std::string_view name, std::string_view prefix);
// 3/1234: partition and offset.
std::string RecordPlace(int64_t partition, int64_t offset);
// With a sign, also in front of what is above zero.
std::string Signed(int64_t n);

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_COMMANDS_ROWS_H_
