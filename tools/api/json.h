// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_API_JSON_H_
#define TALLYWIRE_TOOLS_API_JSON_H_

// JSON in and out, by protobuf's own mapping with the field names of the proto files.
//
// Out: zeros are printed, int64 as strings, enum values with their prefix. In: unknown fields and
// names are errors, and an enum value may be written without its prefix (`DAMAGED`,
// `POOL_DAMAGED`).
//
// Threads: any.

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "google/protobuf/message.h"

namespace tallywire {

struct JsonStyle {
  bool zeros = true;
  bool indented = false;
};

// What JSON has no spelling for (a time or span out of range, in an event that was refused for it)
// is left out. It is UTF-8 also where a text in it is not, as what somebody sent may be.
std::string ToJson(const google::protobuf::Message& message, JsonStyle style = {});

// INVALID_ARGUMENT, in one line: not JSON, an unknown field or enum name, two bodies, a value that
// does not fit its field. An enum number that nobody knows is kept.
[[nodiscard]] absl::Status FromJson(std::string_view json, google::protobuf::Message* out);

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_API_JSON_H_
