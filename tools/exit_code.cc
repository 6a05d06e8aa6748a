// SPDX-License-Identifier: Apache-2.0
#include "tools/exit_code.h"

namespace tallywire {

Exit ExitFor(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return Exit::kOk;
    case absl::StatusCode::kInvalidArgument:
      return Exit::kUsage;
    case absl::StatusCode::kNotFound:
      return Exit::kNotFound;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kDeadlineExceeded:
      return Exit::kUnavailable;
    default:
      return Exit::kFailed;
  }
}

}  // namespace tallywire
