// SPDX-License-Identifier: Apache-2.0
#include "tools/api/url.h"

#include <cctype>
#include <charconv>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace tallywire {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string_view Trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// The part before the first `by`; `rest` is what follows it.
std::string_view Cut(std::string_view text, char by, std::string_view* rest) {
  const size_t at = text.find(by);
  *rest = at == std::string_view::npos ? std::string_view() : text.substr(at + 1);
  return text.substr(0, at);
}

std::optional<std::string> DecodeQuery(std::string_view text) {
  std::string spaced(text);
  for (char& c : spaced) {
    if (c == '+') c = ' ';
  }
  return PercentDecode(spaced);
}

struct MediaRange {
  std::string type;  // `application/json`, `application/*`, `*/*`
  double quality = 1;
};

std::vector<MediaRange> ParseAccept(std::string_view accept) {
  std::vector<MediaRange> ranges;
  while (!accept.empty()) {
    const std::string_view item = Cut(accept, ',', &accept);
    MediaRange range{MediaType(item), 1};
    std::string_view parameters;
    Cut(item, ';', &parameters);
    while (!parameters.empty()) {
      const std::string_view parameter = Trim(Cut(parameters, ';', &parameters));
      if (parameter.size() > 2 && (parameter[0] == 'q' || parameter[0] == 'Q') &&
          parameter[1] == '=') {
        double quality = 0;
        const char* end = parameter.data() + parameter.size();
        const auto read = std::from_chars(parameter.data() + 2, end, quality);
        range.quality = read.ec == std::errc() && read.ptr == end ? quality : 0;
      }
    }
    if (!range.type.empty()) ranges.push_back(std::move(range));
  }
  return ranges;
}

// How exactly a range names a type: 0 not at all, 1 any, 2 the same family, 3 itself.
int Exactness(const std::string& range, std::string_view type) {
  if (range == type) return 3;
  if (range == "*/*") return 1;
  const std::string family(type.substr(0, type.find('/') + 1));
  return range == family + "*" ? 2 : 0;
}

}  // namespace

std::string PercentEncode(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (absl::ascii_isalnum(byte) || c == '-' || c == '.' || c == '_' || c == '~') {
      out.push_back(c);
    } else {
      out.push_back('%');
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
    }
  }
  return out;
}

std::optional<std::string> PercentDecode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = HexDigit(text[i + 1]);
    const int low = HexDigit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return out;
}

std::optional<Target> ParseTarget(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (target.substr(0, scheme.size()) != scheme) continue;
    const size_t slash = target.find('/', scheme.size());
    target = slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
    break;
  }
  if (target.empty() || target[0] != '/') return std::nullopt;
  std::string_view query;
  std::string_view path = Cut(target.substr(0, target.find('#')), '?', &query);
  path.remove_prefix(1);

  Target out;
  while (true) {
    const size_t slash = path.find('/');
    auto segment = PercentDecode(path.substr(0, slash));
    if (!segment) return std::nullopt;
    out.path.push_back(*std::move(segment));
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  while (!query.empty()) {
    const std::string_view pair = Cut(query, '&', &query);
    if (pair.empty()) continue;
    std::string_view value;
    auto name = DecodeQuery(Cut(pair, '=', &value));
    auto decoded = DecodeQuery(value);
    if (!name || !decoded) return std::nullopt;
    out.query.emplace_back(*std::move(name), *std::move(decoded));
  }
  return out;
}

std::string FormatTarget(const Target& target) {
  std::string out;
  for (const std::string& segment : target.path) absl::StrAppend(&out, "/", PercentEncode(segment));
  char before = '?';
  for (const auto& [name, value] : target.query) {
    out.push_back(before);
    before = '&';
    absl::StrAppend(&out, PercentEncode(name), "=", PercentEncode(value));
  }
  return out;
}

std::string MediaType(std::string_view header) {
  const std::string_view type = Trim(header.substr(0, header.find(';')));
  return absl::AsciiStrToLower(absl::string_view(type.data(), type.size()));
}

std::optional<std::string_view> ChooseMediaType(std::string_view accept,
                                                std::span<const std::string_view> offered) {
  if (offered.empty()) return std::nullopt;
  if (Trim(accept).empty()) return offered.front();
  const std::vector<MediaRange> ranges = ParseAccept(accept);
  std::optional<std::string_view> best;
  double best_quality = 0;
  int best_exactness = 0;
  for (const std::string_view type : offered) {
    double quality = 0;
    int exactness = 0;
    for (const MediaRange& range : ranges) {
      const int found = Exactness(range.type, type);
      if (found > exactness) {
        exactness = found;
        quality = range.quality;
      }
    }
    // Between two that are liked alike, the one that was named goes before one that a star covers.
    if (quality > best_quality ||
        (quality > 0 && quality >= best_quality && exactness > best_exactness)) {
      best = type;
      best_quality = quality;
      best_exactness = exactness;
    }
  }
  return best;
}

bool AcceptsExplicitly(std::string_view accept, std::string_view type) {
  for (const MediaRange& range : ParseAccept(accept)) {
    if (range.type == type && range.quality > 0) return true;
  }
  return false;
}

std::optional<HostPort> ParseHostPort(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  if (host.front() == '[') {
    if (host.size() < 3 || host.back() != ']') return std::nullopt;
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return std::nullopt;
  }
  HostPort out;
  out.host = std::string(host);
  const std::string_view port = text.substr(colon + 1);
  const char* end = port.data() + port.size();
  const auto read = std::from_chars(port.data(), end, out.port);
  if (port.empty() || read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return out;
}

std::string FormatHostPort(const HostPort& address) {
  const bool six = address.host.find(':') != std::string::npos;
  return absl::StrCat(six ? "[" : "", address.host, six ? "]" : "", ":", address.port);
}

bool IsLoopbackHost(std::string_view host) {
  if (absl::AsciiStrToLower(absl::string_view(host.data(), host.size())) == "localhost")
    return true;
  if (host == "::1" || host == "[::1]") return true;
  if (host.substr(0, 4) != "127.") return false;
  // Digits and dots only: `127.0.0.1.example.org` is somebody else.
  return host.find_first_not_of("0123456789.") == std::string_view::npos;
}

}  // namespace tallywire
