// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_API_TOPIC_PAGES_H_
#define TALLYWIRE_TOOLS_API_TOPIC_PAGES_H_

// A whole topic as pages, and as a stream that goes on. A token is the next offset of every
// partition; whoever holds one knows nothing of that: `a12.0.7.33`.
//
// Threads: any. Errors: INVALID_ARGUMENT for a token that is none of this topic's.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ledger/log.h"

namespace tallywire {

class TopicPages {
 public:
  // Next offset of each partition.
  using Position = std::vector<Offset>;

  // `mark` tells this topic's tokens from those of others.
  TopicPages(Log* log, std::string_view topic, char mark) : log_(log), topic_(topic), mark_(mark) {}

  // Empty or `start`: the oldest record kept; `end`: nothing that is there now. `field` is named in
  // errors.
  absl::StatusOr<Position> Find(std::string_view token, std::string_view field) const;
  std::string Token(const Position& position) const;

  // Partition after partition from `position` on, which moves, until `on_record` returns false (the
  // record counts as read). True: there is more.
  absl::StatusOr<bool> Read(Position* position,
                            const std::function<absl::StatusOr<bool>(const Record&)>& on_record);

  // The same without an end: what comes, until `on_record` returns false or `stop` true. `stop` is
  // asked whenever all that is there was read, and otherwise after each batch.
  absl::Status Follow(Position* position,
                      const std::function<absl::StatusOr<bool>(const Record&)>& on_record,
                      const std::function<bool()>& stop);

 private:
  absl::StatusOr<std::vector<LogBounds>> AllBounds() const;

  Log* const log_;
  const std::string_view topic_;
  const char mark_;
};

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_API_TOPIC_PAGES_H_
