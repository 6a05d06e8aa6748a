// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_FORWARDING_ROCKS_H_
#define TALLYWIRE_TESTS_FORWARDING_ROCKS_H_

// A store that passes every call on to another one, which it owns: what goes wrong in a test
// derives from it.

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "ledger/rocks.h"

namespace tallywire {

class ForwardingRocks : public Rocks {
 public:
  explicit ForwardingRocks(std::unique_ptr<Rocks> below)
      : Rocks(below->folder(), below->options()), below_(std::move(below)) {}

  absl::StatusOr<bool> Get(std::string_view key, std::string& value) const override {
    return below_->Get(key, value);
  }
  RocksIterator Iterate(std::string_view begin, std::string_view end,
                        Direction direction) const override {
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
};

}  // namespace tallywire

#endif  // TALLYWIRE_TESTS_FORWARDING_ROCKS_H_
