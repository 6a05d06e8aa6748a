// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_API_PARAMETERS_H_
#define TALLYWIRE_TOOLS_API_PARAMETERS_H_

// The query of a request, read. Every error is INVALID_ARGUMENT and names the parameter.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ledger/types.h"
#include "tools/api/api.h"

namespace tallywire {

// Items of one page of a list.
inline constexpr size_t kDefaultPage = 1'000;
inline constexpr size_t kMaxPage = 10'000;

class Parameters {
 public:
  // `request` must outlive it.
  explicit Parameters(const ApiRequest& request) : request_(request) {}

  // Each is known, and given once (`min_version` any number of times).
  absl::Status Check(std::span<const std::string_view> known) const;

  // Empty: not given.
  std::string_view Text(std::string_view name) const;
  // `true` or `false`; not given: false.
  absl::StatusOr<bool> Flag(std::string_view name) const;
  // From 1 to `most`; not given: `otherwise`.
  absl::StatusOr<size_t> Count(std::string_view name, size_t otherwise, size_t most) const;

  struct Version {
    Partition partition;
    Offset offset;
  };
  // `min_version=2:77`.
  absl::StatusOr<std::vector<Version>> MinVersions() const;

 private:
  const ApiRequest& request_;
};

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_API_PARAMETERS_H_
