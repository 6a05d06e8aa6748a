// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_API_HTTP_BODY_H_
#define TALLYWIRE_TOOLS_API_HTTP_BODY_H_

// Bodies of requests as messages.

#include <string_view>

#include "absl/status/status.h"
#include "google/protobuf/message.h"
#include "tallywire/v1/api.pb.h"

namespace tallywire {

// Whether the outermost object of `json` has a member `name`; false if it is not an object.
bool HasMember(std::string_view json, std::string_view name);

// Reads `body` of media type `type` (url.h's kJsonType or kProtobufType) into `out`.
// INVALID_ARGUMENT with reason UNDECODABLE.
[[nodiscard]] absl::Status ReadBody(std::string_view type, std::string_view body,
                                    google::protobuf::Message* out);

// The same for POST /v1/events, where JSON may also be one event alone: an object without a member
// `events`. Then `*alone` is true, and an event without an id gets `key`.
[[nodiscard]] absl::Status ReadEvents(std::string_view type, std::string_view body,
                                      std::string_view key, v1::AppendEventsRequest* out,
                                      bool* alone);

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_API_HTTP_BODY_H_
