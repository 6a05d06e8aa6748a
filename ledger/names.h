// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_LEDGER_NAMES_H_
#define TALLYWIRE_LEDGER_NAMES_H_

// What texts from outside may look like, and how they are shown in a sentence.
//
// Threads: pure functions.

#include <string>
#include <string_view>

namespace tallywire {

bool IsUtf8(std::string_view text);

// A character of Unicode's class Cc: below U+0020, or U+007F to U+009F. `text` is UTF-8.
bool HasControlCharacter(std::string_view text);

// A location is levels divided by `/`: true for ``, `/WH1`, `WH1/` and `WH1//B1`.
bool HasEmptyLevel(std::string_view location);

// The same text with U+FFFD in place of each byte that is no part of a character.
std::string ToUtf8(std::string_view text);

// In quotes, escaped so that it is printable UTF-8 whatever it was, and cut where it is long.
std::string Quoted(std::string_view text);

}  // namespace tallywire

#endif  // TALLYWIRE_LEDGER_NAMES_H_
