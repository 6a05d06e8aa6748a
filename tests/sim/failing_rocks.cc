// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/failing_rocks.h"

#include <memory>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "ledger/check.h"
#include "ledger/status.h"

namespace tallywire::sim {
namespace {

// A walk that ended before it began.
class FailedWalk : public RocksIterator::Walk {
 public:
  explicit FailedWalk(absl::Status status) : status_(std::move(status)) {}
  bool Valid() const override { return false; }
  void Next() override { TW_CHECK(false, "Next only while Valid"); }
  void Seek(std::string_view) override {}
  std::string_view key() const override { return {}; }
  std::string_view value() const override { return {}; }
  absl::Status status() const override { return status_; }

 private:
  const absl::Status status_;
};

class FailingRocks : public Rocks {
 public:
  FailingRocks(std::unique_ptr<Rocks> below, AskRead ask)
      : Rocks(below->folder(), below->options()), below_(std::move(below)), ask_(std::move(ask)) {}

  absl::StatusOr<bool> Get(std::string_view key, std::string& value) const override {
    TW_RETURN_IF_ERROR(ask_(folder()));
    return below_->Get(key, value);
  }
  RocksIterator Iterate(std::string_view begin, std::string_view end,
                        Direction direction) const override {
    absl::Status asked = ask_(folder());
    if (!asked.ok()) return RocksIterator(std::make_unique<FailedWalk>(std::move(asked)));
    return below_->Iterate(begin, end, direction);
  }
  absl::Status Write(const RocksBatch& batch, bool sync) override {
    return below_->Write(batch, sync);
  }
  absl::Status Ingest(std::span<const Row> rows) override { return below_->Ingest(rows); }
  absl::Status CompactRange(std::string_view begin, std::string_view end) override {
    return below_->CompactRange(begin, end);
  }
  absl::Status Verify() const override { return below_->Verify(); }
  uint64_t ApproximateBytes() const override { return below_->ApproximateBytes(); }

 private:
  const std::unique_ptr<Rocks> below_;
  const AskRead ask_;
};

}  // namespace

OpenRocks FailingReads(OpenRocks below, AskRead ask) {
  return [below = std::move(below), ask = std::move(ask)](
             const std::string& folder,
             Rocks::Options options) -> absl::StatusOr<std::unique_ptr<Rocks>> {
    TW_ASSIGN_OR_RETURN(std::unique_ptr<Rocks> opened, below(folder, options));
    return std::make_unique<FailingRocks>(std::move(opened), ask);
  };
}

}  // namespace tallywire::sim
