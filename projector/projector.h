// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_PROJECTOR_PROJECTOR_H_
#define TALLYWIRE_PROJECTOR_PROJECTOR_H_

// Folds every partition of stock.events into state on disk, puts what follows from it into
// stock.availability, stock.alerts, stock.events-dlt and stock.progress, and answers questions.
//
//   auto projector = Projector::Open(log, {.folder = "data/state"});
//   while (!stop) (*projector)->RunOnce(Now());
//   (*projector)->Close();
//
// Threads: RunOnce, Take, Release, Abandon and Close from one thread; everything else from any,
// also while RunOnce runs. A question that needs a partition which is not owned: UNAVAILABLE.
// Errors of RunOnce: UNAVAILABLE and RESOURCE_EXHAUSTED: call again later, nothing is lost and
// questions are still answered. Any other: stop; the text says what is wrong and what to do.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ledger/log.h"
#include "ledger/rocks.h"
#include "ledger/types.h"

namespace tallywire::v1 {
class DigestResponse;
class ExplainResponse;
class GetStockResponse;
class HealthResponse;
class VerifyResponse;
}  // namespace tallywire::v1

namespace tallywire {

class Projector {
 public:
  struct Options {
    // One folder a partition is made inside. Created if missing.
    std::string folder;
    // Records folded between two looks at what is to go out.
    size_t batch = 10'000;
    // Between two checkpoints, whichever comes first.
    Span checkpoint_every = Seconds(1);
    int64_t checkpoint_records = 500'000;
    // While there is more to fold at once the span doubles up to this, and the records are for all
    // partitions together: rows go out with the checkpoint then, the fewer the longer it takes.
    Span checkpoint_behind = Seconds(8);
    // SKUs of a sweep handled between two batches.
    size_t sweep_step = 500;
    // SKUs kept in memory after a checkpoint.
    size_t cache_skus = 1'000'000;
    // Partitions that are behind are folded on so many threads at once.
    size_t threads = 1;
    // Those that it owns from the beginning; nullopt: all. Others may have the rest.
    std::optional<std::vector<Partition>> partitions = std::nullopt;
    // How stores are opened, those of Explain and Verify too.
    OpenRocks open_rocks = nullptr;
  };

  // How far a partition is folded, and from where a restart would go on.
  struct Mark {
    Partition partition;
    Offset next;
    Offset stored;
  };

  // What is asked of all SKUs at once.
  struct StockQuery {
    std::string location;    // this one and inside it; empty: all
    std::string page_token;  // from the answer before; empty: from the start
    size_t limit = 1'000;    // rows, at least; a SKU is never cut in two
  };

  // Opens or makes the folders of its partitions of stock.events. FAILED_PRECONDITION: a folder
  // belongs to another log, partition count or version, or the log has lost what was folded; the
  // text says what to do.
  static absl::StatusOr<std::unique_ptr<Projector>> Open(Log* log, Options options);
  virtual ~Projector() = default;

  // Folds at most a batch of each partition, emits what is due, checkpoints if it is time. True:
  // there was something to do, so there may be more. Never waits.
  [[nodiscard]] virtual absl::StatusOr<bool> RunOnce(Time now) = 0;

  // From the thread of RunOnce. Becomes the owner of a partition: what is out is compared with the
  // state once it has caught up. Nothing if it has it already. UNAVAILABLE: a question still has
  // the folder open that was let go.
  [[nodiscard]] virtual absl::Status Take(Partition partition) = 0;
  // Emits, checkpoints and lets go, so that another may take it.
  [[nodiscard]] virtual absl::Status Release(Partition partition) = 0;
  // Lets go and puts nothing out: another has it already.
  virtual void Abandon(Partition partition) = 0;
  // The partitions that it owns.
  virtual std::vector<Mark> Marks() const = 0;

  // Folds until every record that was in the log at the call, and every linked record that comes of
  // it, is folded, its sweeps are through and all is emitted; then checkpoints.
  [[nodiscard]] virtual absl::Status RunToEnd(Time now) = 0;

  // Emits, checkpoints and closes the folders.
  [[nodiscard]] virtual absl::Status Close() = 0;

  // Rows of one SKU (with `location`: of that and inside it, without the TOTAL). NOT_FOUND.
  virtual absl::Status GetStock(std::string_view sku, std::string_view location,
                                v1::GetStockResponse* out) = 0;
  virtual absl::Status ListStock(const StockQuery& query, v1::GetStockResponse* out) = 0;

  // Every entry of the journal of a SKU, at a location or at all; `prove`: by folding the log anew
  // up to what is folded now. NOT_FOUND.
  virtual absl::Status Explain(std::string_view sku, std::string_view location, bool prove,
                               v1::ExplainResponse* out) = 0;

  virtual absl::Status Digest(bool state, v1::DigestResponse* out) = 0;

  // Replays the log into a second state beside the live one and compares them, checks conservation,
  // linked records, and that the newest row of every key is what stock.availability ends with.
  // `progress` gets records folded and records in all. Takes as long as a replay.
  virtual absl::Status Verify(const std::function<void(int64_t, int64_t)>& progress,
                              v1::VerifyResponse* out) = 0;

  virtual absl::Status Health(v1::HealthResponse* out) = 0;

  // Until the record at `offset` is folded. DEADLINE_EXCEEDED.
  virtual absl::Status WaitFolded(Partition partition, Offset offset, Span timeout) = 0;
};

}  // namespace tallywire

#endif  // TALLYWIRE_PROJECTOR_PROJECTOR_H_
