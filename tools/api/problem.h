// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_API_PROBLEM_H_
#define TALLYWIRE_TOOLS_API_PROBLEM_H_

// One error in its two shapes: absl::Status inside a process, RFC 9457's problem on the wire. What
// becomes a problem and back is the same status again: code, text, field and reason.
//
//   return FieldError("limit", "-1 is not above 0");         // in a handler
//   if (FieldOf(status) == "limit") …                        // in a command

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "tallywire/v1/api.pb.h"

namespace tallywire {

// INVALID_ARGUMENT with the text `field: text`, which says the field to a program too.
absl::Status FieldError(std::string_view field, std::string_view text);

// `status` with the field and the reason attached; its text stays. An empty field and reason
// UNSPECIFIED attach nothing.
absl::Status WithField(absl::Status status, std::string_view field,
                       v1::RefusedReason reason = v1::REFUSED_REASON_UNSPECIFIED);

// Which field is at fault: what was attached, or else the path before the first `: ` of an
// INVALID_ARGUMENT's text (`sold.quantity: -3 is not above 0`). Empty: none is known.
std::string FieldOf(const absl::Status& status);
v1::RefusedReason ReasonOf(const absl::Status& status);

// The path that a detail begins with: `sold.quantity` of `sold.quantity: -3 is not above 0`.
std::string FieldInText(std::string_view text);

// The HTTP status of a code that is not OK.
int HttpStatusOf(absl::StatusCode code);
// The words of an HTTP status: `Not Found`.
std::string_view HttpStatusText(int http_status);

v1::Problem ToProblem(const absl::Status& status);
absl::Status FromProblem(const v1::Problem& problem);

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_API_PROBLEM_H_
