// SPDX-License-Identifier: Apache-2.0
#include "tools/commands/rows.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/time_util.h"
#include "tools/api/json.h"

namespace tallywire {

Rows::Rows(const Context& context, std::string list, std::vector<Column> columns, std::string rest)
    : out_(context.out()),
      format_(context.format()),
      list_(std::move(list)),
      rest_(std::move(rest)),
      table_(&out_, std::move(columns)) {}

void Rows::Add(const google::protobuf::Message& message, const std::function<Cells()>& cells) {
  switch (format_) {
    case Format::kTable:
      for (std::vector<std::string>& row : cells()) table_.Row(std::move(row));
      break;
    case Format::kJson:
      out_.Write(begun_ ? ",\n" : absl::StrCat("{\"", list_, "\":[\n"));
      out_.Write(ToJson(message));
      break;
    case Format::kJsonl:
      out_.Write(ToJson(message) + "\n");
      break;
  }
  begun_ = true;
}

absl::Status Rows::Flush() {
  table_.End();
  return out_.Flush();
}

absl::Status Rows::End() {
  if (format_ == Format::kJson) {
    if (!begun_) out_.Write(absl::StrCat("{\"", list_, "\":["));
    out_.Write(rest_.empty() ? "]}\n" : absl::StrCat("],", rest_, "}\n"));
  }
  return Flush();
}

bool WriteMessage(const Context& context, const google::protobuf::Message& message) {
  switch (context.format()) {
    case Format::kTable:
      return false;
    case Format::kJson:
      context.out().Write(ToJson(message, {.indented = true}));
      return true;
    case Format::kJsonl:
      context.out().Write(ToJson(message) + "\n");
      return true;
  }
  return false;
}

std::string TimeText(bool is_set, const google::protobuf::Timestamp& time) {
  using google::protobuf::util::TimeUtil;
  if (!is_set || time.seconds() < TimeUtil::kTimestampMinSeconds ||
      time.seconds() > TimeUtil::kTimestampMaxSeconds || time.nanos() < 0 ||
      time.nanos() > 999'999'999) {
    return "";
  }
  return TimeUtil::ToString(time);
}

std::string ShortName(std::string_view name, std::string_view prefix) {
  if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
  return name == "UNSPECIFIED" ? "" : std::string(name);
}

std::string RecordPlace(int64_t partition, int64_t offset) {
  return absl::StrCat(partition, "/", offset);
}

std::string Signed(int64_t n) { return n > 0 ? absl::StrCat("+", n) : absl::StrCat(n); }

}  // namespace tallywire
