// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/failing_rocks.h"

#include <memory>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "ledger/check.h"
#include "ledger/status.h"
#include "tests/forwarding_rocks.h"

namespace tallywire::sim {
namespace {

class FailingRocks : public ForwardingRocks {
 public:
  FailingRocks(std::unique_ptr<Rocks> below, AskRead ask)
      : ForwardingRocks(std::move(below)), ask_(std::move(ask)) {}

  absl::StatusOr<bool> Get(std::string_view key, std::string& value) const override {
    TW_RETURN_IF_ERROR(ask_(folder()));
    return ForwardingRocks::Get(key, value);
  }
  RocksIterator Iterate(std::string_view begin, std::string_view end,
                        Direction direction) const override {
    absl::Status asked = ask_(folder());
    if (!asked.ok()) return RocksIterator(std::move(asked));
    return ForwardingRocks::Iterate(begin, end, direction);
  }

 private:
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
