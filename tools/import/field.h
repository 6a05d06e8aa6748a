// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_IMPORT_FIELD_H_
#define TALLYWIRE_TOOLS_IMPORT_FIELD_H_

// Setting a field of an event from text: what the map's constants and the rows' cells go through.

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "google/protobuf/message.h"

namespace tallywire {

// The way from a message to a field in it: {sold, quantity}.
using FieldPath = std::vector<const google::protobuf::FieldDescriptor*>;

// Whether text can be put there: a scalar, a Timestamp or a Duration.
bool TakesText(const google::protobuf::FieldDescriptor& field);

// Puts `text` there as the field's type wants it: a whole number, true or false, an enum value with
// or without its type's prefix, RFC 3339, a span as `90s`. Empty text leaves the field unset.
// INVALID_ARGUMENT says what the text is not.
[[nodiscard]] absl::Status SetField(google::protobuf::Message* message, const FieldPath& path,
                                    std::string_view text);

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_IMPORT_FIELD_H_
