// SPDX-License-Identifier: Apache-2.0
#include "ledger/mark.h"

#include <functional>
#include <mutex>

namespace tallywire {
namespace {

struct Marks {
  std::mutex mu;
  std::map<std::string, int64_t, std::less<>> counts;  // guarded by mu
};

Marks& All() {
  static Marks marks;
  return marks;
}

}  // namespace

void CountMark(std::string_view name) {
  Marks& marks = All();
  const std::lock_guard lock(marks.mu);
  const auto found = marks.counts.find(name);
  if (found != marks.counts.end()) {
    ++found->second;
  } else {
    marks.counts.emplace(name, 1);
  }
}

int64_t MarkCount(std::string_view name) {
  Marks& marks = All();
  const std::lock_guard lock(marks.mu);
  const auto found = marks.counts.find(name);
  return found == marks.counts.end() ? 0 : found->second;
}

std::map<std::string, int64_t> MarkCounts() {
  Marks& marks = All();
  const std::lock_guard lock(marks.mu);
  return {marks.counts.begin(), marks.counts.end()};
}

}  // namespace tallywire
