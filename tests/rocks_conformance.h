// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_ROCKS_CONFORMANCE_H_
#define TALLYWIRE_TESTS_ROCKS_CONFORMANCE_H_

// The contract of ledger/rocks.h as tests, the same for every implementation. One gives it a
// RocksWorld, links tw_rocks_conformance and says
//
//   INSTANTIATE_TEST_SUITE_P(Memory, RocksConformance, BothWays(&MakeMemoryWorld), NameOfRocks);
//
// What only a disk can have (damage, no room, another process) is tested where the disk is.

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "ledger/rocks.h"

namespace tallywire {

// Where stores lie, made anew for each test.
class RocksWorld {
 public:
  virtual ~RocksWorld() = default;
  virtual absl::StatusOr<std::unique_ptr<Rocks>> Open(Rocks::Options options) = 0;
  // Of the one store that it opens.
  virtual std::string Folder() const = 0;
  virtual bool FolderExists() const = 0;
};

using RocksWorldMaker = std::function<std::unique_ptr<RocksWorld>()>;

struct RocksParam {
  RocksWorldMaker make;
  Rocks::Writes writes;
};
std::string NameOfRocks(const ::testing::TestParamInfo<RocksParam>& info);
inline auto Way(RocksWorldMaker make, Rocks::Writes writes) {
  return ::testing::Values(RocksParam{std::move(make), writes});
}
inline auto BothWays(RocksWorldMaker make) {
  return ::testing::Values(RocksParam{make, Rocks::Writes::kBatches},
                           RocksParam{make, Rocks::Writes::kSortedFiles});
}

// Writes the rows by the way that the store is written.
absl::Status PutRows(Rocks& store, std::vector<Rocks::Row> rows);
// `key=value` of each row, in its order.
std::vector<std::string> RowsOf(RocksIterator it);

class RocksConformance : public ::testing::TestWithParam<RocksParam> {
 protected:
  void SetUp() override { world_ = GetParam().make(); }

  std::unique_ptr<Rocks> Open(Rocks::Options options);
  std::unique_ptr<Rocks> Open() { return Open({.writes = GetParam().writes}); }

  std::unique_ptr<RocksWorld> world_;
};
// What holds of stores that are written by sorted files alone, and by batches alone.
class RocksFilesConformance : public RocksConformance {};
class RocksBatchesConformance : public RocksConformance {};

}  // namespace tallywire

#endif  // TALLYWIRE_TESTS_ROCKS_CONFORMANCE_H_
