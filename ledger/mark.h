// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_LEDGER_MARK_H_
#define TALLYWIRE_LEDGER_MARK_H_

// TW_MARK("settle.row-behind"): says that a rare branch was taken, so that a test can show that it
// reaches it. tests/sim/marks.txt names every mark and the test that must. Where marks do not count
// (TALLYWIRE_MARKS is 0, as in a release) nothing is left of one.
//
// Threads: any.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace tallywire {

inline constexpr bool kMarksCount = TALLYWIRE_MARKS != 0;

// `name` is a literal.
void CountMark(std::string_view name);

// How often this process has come by; always 0 where marks do not count.
int64_t MarkCount(std::string_view name);
// Those that it has come by at all.
std::map<std::string, int64_t> MarkCounts();

}  // namespace tallywire

#define TW_MARK(name)                                                       \
  do {                                                                      \
    if constexpr (::tallywire::kMarksCount) ::tallywire::CountMark((name)); \
  } while (false)

#endif  // TALLYWIRE_LEDGER_MARK_H_
