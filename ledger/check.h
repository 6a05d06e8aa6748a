// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_LEDGER_CHECK_H_
#define TALLYWIRE_LEDGER_CHECK_H_

// TW_CHECK(condition, "what it means"): a bug of ours ends the process, in release too. Never for
// input, and never for what the world can do to us.

#include <cstdio>
#include <cstdlib>

namespace tallywire {

[[noreturn]] inline void CheckFailed(const char* file, int line, const char* condition,
                                     const char* text) {
  std::fprintf(stderr, "%s:%d: check failed: %s: %s\n", file, line, condition, text);
  std::abort();
}

}  // namespace tallywire

#define TW_CHECK(condition, text)                                       \
  do {                                                                  \
    if (!(condition)) [[unlikely]]                                      \
      ::tallywire::CheckFailed(__FILE__, __LINE__, #condition, (text)); \
  } while (false)

#endif  // TALLYWIRE_LEDGER_CHECK_H_
