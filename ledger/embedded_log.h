// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_LEDGER_EMBEDDED_LOG_H_
#define TALLYWIRE_LEDGER_EMBEDDED_LOG_H_

// The log in one folder of this machine, for one process at a time (ledger/FORMAT.md says the
// bytes). Same contract as ledger/log.h; an append is one synced write. Readers must be gone before
// their log.

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "ledger/log.h"
#include "ledger/rocks.h"

namespace tallywire {

class EmbeddedLog : public Log {
 public:
  struct Options {
    // Created if missing.
    std::string folder;
    // What stamps records. Default: the machine's clock.
    std::function<Time()> clock = nullptr;
    // Compacted topics drop overwritten records once at least this many have come in since the last
    // time, and as many as are kept. 0: never by itself.
    int64_t compact_after = 100'000;
    OpenRocks open_rocks = nullptr;
  };

  // FAILED_PRECONDITION: another process has the folder, or another version wrote it.
  static absl::StatusOr<std::unique_ptr<EmbeddedLog>> Open(Options options);

  // Drops what Cleanup allows to drop, now.
  [[nodiscard]] virtual absl::Status Compact() = 0;
};

}  // namespace tallywire

#endif  // TALLYWIRE_LEDGER_EMBEDDED_LOG_H_
