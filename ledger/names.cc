// SPDX-License-Identifier: Apache-2.0
#include "ledger/names.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace tallywire {
namespace {

constexpr uint64_t kOnes = 0x0101010101010101;
constexpr uint64_t kHighs = 0x8080808080808080;

constexpr uint8_t ByteAt(std::string_view text, size_t i) { return static_cast<uint8_t>(text[i]); }

// True if one of the eight bytes may begin a control character: is below 0x20, 0x7f or 0xc2.
constexpr bool MaybeControl(uint64_t word) {
  const auto has_below = [](uint64_t w, uint64_t n) { return (w - kOnes * n) & ~w & kHighs; };
  return (has_below(word, 0x20) | has_below(word ^ kOnes * 0x7f, 1) |
          has_below(word ^ kOnes * 0xc2, 1)) != 0;
}

bool HasControlByByte(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const uint8_t byte = ByteAt(text, i);
    if (byte < 0x20 || byte == 0x7f) return true;
    if (byte == 0xc2 && i + 1 < text.size() && ByteAt(text, i + 1) < 0xa0) return true;
  }
  return false;
}

// Length of the character that `text` begins with; 0 if it is none.
size_t CharacterBytes(std::string_view text) {
  const uint8_t first = ByteAt(text, 0);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((ByteAt(text, i) & 0xc0) != 0x80) return 0;
  }
  // Longer than need be, halves of a UTF-16 pair, beyond U+10FFFF.
  const uint8_t second = ByteAt(text, 1);
  if (first == 0xe0 && second < 0xa0) return 0;
  if (first == 0xed && second > 0x9f) return 0;
  if (first == 0xf0 && second < 0x90) return 0;
  if (first == 0xf4 && second > 0x8f) return 0;
  return length;
}

}  // namespace

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = CharacterBytes(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

bool HasControlCharacter(std::string_view text) {
  // Eight bytes at a time, the last ones overlapping; then byte by byte if there may be one.
  const auto word_at = [&](size_t i, auto word) {
    std::memcpy(&word, text.data() + i, sizeof(word));
    return uint64_t{word};
  };
  bool maybe = true;
  if (text.size() >= 8) {
    maybe = MaybeControl(word_at(text.size() - 8, uint64_t{}));
    for (size_t i = 0; i + 8 < text.size(); i += 8) maybe |= MaybeControl(word_at(i, uint64_t{}));
  } else if (text.size() >= 4) {
    maybe = MaybeControl(word_at(0, uint32_t{}) << 32 | word_at(text.size() - 4, uint32_t{}));
  }
  return maybe && HasControlByByte(text);
}

bool HasEmptyLevel(std::string_view location) {
  return location.empty() || location.front() == '/' || location.back() == '/' ||
         location.find("//") != location.npos;
}

std::string ToUtf8(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const size_t length = CharacterBytes(text);
    result += length == 0 ? std::string_view("\xef\xbf\xbd") : text.substr(0, length);
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return result;
}

std::string Quoted(std::string_view text) {
  constexpr size_t kShown = 80;
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string result = "\"";
  std::string_view rest = text;
  while (!rest.empty() && text.size() - rest.size() < kShown) {
    const size_t length = std::max<size_t>(CharacterBytes(rest), 1);
    const std::string_view character = rest.substr(0, length);
    rest.remove_prefix(length);
    if (character == "\"" || character == "\\") result += '\\';
    if (!IsUtf8(character) || HasControlByByte(character)) {
      for (const char c : character) {
        const auto byte = static_cast<uint8_t>(c);
        result += "\\x";
        result += kHex[byte >> 4];
        result += kHex[byte & 0xf];
      }
    } else {
      result += character;
    }
  }
  return result + (rest.empty() ? "\"" : "…\"");
}

}  // namespace tallywire
