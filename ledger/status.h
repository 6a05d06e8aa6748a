// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_LEDGER_STATUS_H_
#define TALLYWIRE_LEDGER_STATUS_H_

// What the world does to us travels as absl::Status; these two macros pass it on.

#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tallywire {

// The one way to drop a status; `why` says why nothing needs to be done.
inline void IgnoreError(const absl::Status& /*status*/, std::string_view /*why*/) {}

}  // namespace tallywire

#define TW_RETURN_IF_ERROR(expr)             \
  do {                                       \
    absl::Status tw_status_ = (expr);        \
    if (!tw_status_.ok()) return tw_status_; \
  } while (false)

#define TW_CONCAT_INNER_(a, b) a##b
#define TW_CONCAT_(a, b) TW_CONCAT_INNER_(a, b)
#define TW_ASSIGN_OR_RETURN_IMPL_(tmp, lhs, expr) \
  auto tmp = (expr);                              \
  if (!tmp.ok()) return std::move(tmp).status();  \
  lhs = *std::move(tmp)
#define TW_ASSIGN_OR_RETURN(lhs, expr) \
  TW_ASSIGN_OR_RETURN_IMPL_(TW_CONCAT_(tw_statusor_, __LINE__), lhs, expr)

#endif  // TALLYWIRE_LEDGER_STATUS_H_
