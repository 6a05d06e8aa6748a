// SPDX-License-Identifier: Apache-2.0
#include "tools/api/parameters.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "absl/strings/str_cat.h"
#include "ledger/status.h"
#include "tools/api/problem.h"

namespace tallywire {
namespace {

constexpr std::string_view kMinVersion = "min_version";

template <class T>
bool ReadNumber(std::string_view text, T* out) {
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, *out);
  return !text.empty() && read.ec == std::errc() && read.ptr == end;
}

}  // namespace

absl::Status Parameters::Check(std::span<const std::string_view> known) const {
  std::set<std::string_view> seen;
  for (const auto& [name, value] : request_.query) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return FieldError(name, "this call knows no such parameter");
    }
    if (!seen.insert(name).second && name != kMinVersion) {
      return FieldError(name, "given more than once");
    }
  }
  return absl::OkStatus();
}

std::string_view Parameters::Text(std::string_view name) const {
  for (const auto& [key, value] : request_.query) {
    if (key == name) return value;
  }
  return {};
}

absl::StatusOr<bool> Parameters::Flag(std::string_view name) const {
  const std::string_view text = Text(name);
  if (text.empty() || text == "false") return false;
  if (text == "true") return true;
  return FieldError(name, absl::StrCat(std::string(text), " is neither true nor false"));
}

absl::StatusOr<size_t> Parameters::Count(std::string_view name, size_t otherwise,
                                         size_t most) const {
  const std::string_view text = Text(name);
  if (text.empty()) return otherwise;
  size_t count = 0;
  if (ReadNumber(text, &count) && count >= 1 && count <= most) return count;
  return FieldError(name, absl::StrCat(std::string(text), " is not from 1 to ", most));
}

absl::StatusOr<std::vector<Parameters::Version>> Parameters::MinVersions() const {
  std::vector<Version> versions;
  for (const auto& [name, value] : request_.query) {
    if (name != kMinVersion) continue;
    const std::string_view text = value;
    const size_t colon = std::min(text.find(':'), text.size());
    int32_t partition = 0;
    int64_t offset = 0;
    if (!ReadNumber(text.substr(0, colon), &partition) || colon == text.size() ||
        !ReadNumber(text.substr(colon + 1), &offset) || partition < 0 || offset < 0) {
      return FieldError(name, absl::StrCat(value, " is not PARTITION:OFFSET"));
    }
    versions.push_back({Partition(partition), Offset(offset)});
  }
  return versions;
}

}  // namespace tallywire
