// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_PROJECTOR_RUN_OUTPUT_WATCH_H_
#define TALLYWIRE_PROJECTOR_RUN_OUTPUT_WATCH_H_

// Which offsets of an output partition were written by somebody else. The owner's own, as they are
// acknowledged, follow one another; a hole between them is a foreign record, of an owner that does
// not know yet that it is none any more. Thread-compatible.

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "ledger/types.h"

namespace tallywire {

class OutputWatch {
 public:
  struct Hole {
    Offset begin;
    Offset end;
  };

  // All below `next` has been looked at. Until then nothing is a hole.
  void Begin(Offset next) {
    next_ = next;
    holes_.clear();
  }
  bool begun() const { return next_.has_value(); }
  // An own record came to lie here.
  void Own(Offset offset) {
    if (!begun() || offset < *next_) return;
    if (offset > *next_) holes_.push_back({*next_, offset});
    next_ = offset.Next();
  }
  // The partition ends here, and nothing of its own is under way.
  void End(Offset end) {
    if (!begun() || end <= *next_) return;
    holes_.push_back({*next_, end});
    next_ = end;
  }

  const std::vector<Hole>& holes() const { return holes_; }
  // They have been looked at.
  void Mended() { holes_.clear(); }

 private:
  std::optional<Offset> next_;
  std::vector<Hole> holes_;
};

}  // namespace tallywire

#endif  // TALLYWIRE_PROJECTOR_RUN_OUTPUT_WATCH_H_
