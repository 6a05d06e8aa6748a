// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/input.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "absl/strings/escaping.h"

namespace tallywire::fuzz {

std::string_view Input::Take(size_t size) {
  const std::string_view taken = rest_.substr(0, size);
  rest_.remove_prefix(taken.size());
  return taken;
}

uint8_t Input::Byte() {
  const std::string_view taken = Take(1);
  return taken.empty() ? uint8_t{0} : static_cast<uint8_t>(taken.front());
}

uint64_t Input::Number() {
  uint64_t number = 0;
  for (int i = 0; i < 8; ++i) number |= uint64_t{Byte()} << (8 * i);
  return number;
}

std::string_view Input::Text() {
  const size_t size = Byte();
  return Take(size);
}

std::string_view Input::LongText() {
  const size_t least = Byte();
  const size_t most = Byte();
  return Take(least | most << 8);
}

std::string_view Input::Rest() { return Take(rest_.size()); }

void CheckSame(std::string_view what, std::string_view a, std::string_view b) {
  if (a == b) return;
  const auto shown = [](std::string_view text) {
    return absl::CHexEscape(absl::string_view(text.data(), text.size()));
  };
  std::fprintf(stderr, "%.*s differ:\n  %s\n  %s\n", static_cast<int>(what.size()), what.data(),
               shown(a).c_str(), shown(b).c_str());
  std::abort();
}

}  // namespace tallywire::fuzz
