// SPDX-License-Identifier: Apache-2.0
#include "tools/api/http_body.h"

#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "ledger/status.h"
#include "tools/api/json.h"
#include "tools/api/problem.h"
#include "tools/api/url.h"

namespace tallywire {
namespace {

absl::Status Undecodable(std::string_view text) {
  return WithField(absl::InvalidArgumentError(absl::StrCat("the body: ", std::string(text))), "",
                   v1::REFUSED_REASON_UNDECODABLE);
}

// A structured field's string has quotes around it; most clients send none.
std::string_view Unquoted(std::string_view key) {
  if (key.size() >= 2 && key.front() == '"' && key.back() == '"') {
    return key.substr(1, key.size() - 2);
  }
  return key;
}

}  // namespace

bool HasMember(std::string_view json, std::string_view name) {
  // Depth 1 is inside the outermost object; a string there that a colon follows is a name.
  int depth = 0;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (c == '{' || c == '[') {
      if (depth == 0 && c == '[') return false;
      ++depth;
    } else if (c == '}' || c == ']') {
      --depth;
    } else if (c == '"') {
      const size_t begin = i + 1;
      for (++i; i < json.size() && json[i] != '"'; ++i) {
        if (json[i] == '\\') ++i;
      }
      if (i >= json.size()) return false;
      const size_t next = json.find_first_not_of(" \t\r\n", i + 1);
      if (depth == 1 && next != std::string_view::npos && json[next] == ':' &&
          json.substr(begin, i - begin) == name) {
        return true;
      }
    }
  }
  return false;
}

absl::Status ReadBody(std::string_view type, std::string_view body,
                      google::protobuf::Message* out) {
  if (type == kProtobufType) {
    const bool fits = body.size() <= size_t{std::numeric_limits<int>::max()};
    if (fits && out->ParseFromArray(body.data(), static_cast<int>(body.size()))) {
      return absl::OkStatus();
    }
    return Undecodable(absl::StrCat("not a ", out->GetDescriptor()->full_name()));
  }
  const absl::Status status = FromJson(body, out);
  if (status.ok()) return status;
  return Undecodable({status.message().data(), status.message().size()});
}

absl::Status ReadEvents(std::string_view type, std::string_view body, std::string_view key,
                        v1::AppendEventsRequest* out, bool* alone) {
  *alone = type != kProtobufType && !HasMember(body, "events");
  if (!*alone) return ReadBody(type, body, out);
  v1::StockEvent* event = out->add_events();
  TW_RETURN_IF_ERROR(ReadBody(type, body, event));
  if (event->event_id().empty()) event->set_event_id(std::string(Unquoted(key)));
  return absl::OkStatus();
}

}  // namespace tallywire
