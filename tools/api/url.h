// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_API_URL_H_
#define TALLYWIRE_TOOLS_API_URL_H_

// Targets of HTTP requests and the media types that go with them. Pure functions.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tallywire {

// A segment of a path or a value of a query with everything but unreserved characters encoded.
std::string PercentEncode(std::string_view text);
// Nothing if a `%` is not followed by two hexadecimal digits.
std::optional<std::string> PercentDecode(std::string_view text);

struct Target {
  // Decoded, so that one may hold a `/`: {"v1", "stock", "A/B"}.
  std::vector<std::string> path;
  std::vector<std::pair<std::string, std::string>> query;
};

// Of `/v1/stock/A%2FB?location=WH1` or the same with scheme and host. In the query `+` is a space.
// Nothing if it is neither, or is badly encoded.
std::optional<Target> ParseTarget(std::string_view target);
std::string FormatTarget(const Target& target);

inline constexpr std::string_view kJsonType = "application/json";
inline constexpr std::string_view kProtobufType = "application/x-protobuf";
inline constexpr std::string_view kProblemType = "application/problem+json";
inline constexpr std::string_view kEventStreamType = "text/event-stream";

// Type and subtype in small letters, without parameters.
std::string MediaType(std::string_view header);

// Which of `offered`, best first, an Accept header likes best; an empty header takes the first.
// Nothing: none of them.
std::optional<std::string_view> ChooseMediaType(std::string_view accept,
                                                std::span<const std::string_view> offered);

// Whether an Accept header names this very type.
bool AcceptsExplicitly(std::string_view accept, std::string_view type);

// Host and port of `127.0.0.1:7407` or `[::1]:7407`. Nothing if it is not of that form.
struct HostPort {
  std::string host;
  uint16_t port = 0;
};
std::optional<HostPort> ParseHostPort(std::string_view text);
std::string FormatHostPort(const HostPort& address);

// `localhost`, 127.0.0.0/8 or ::1.
bool IsLoopbackHost(std::string_view host);

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_API_URL_H_
