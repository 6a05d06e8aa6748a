// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_BENCH_BENCH_PLACE_H_
#define TALLYWIRE_TOOLS_BENCH_BENCH_PLACE_H_

// Where a measurement that needs a log and a disk takes place.

#include <string>

#include "absl/status/statusor.h"
#include "ledger/types.h"

namespace tallywire {

// The machine's clock.
Time MachineNow();

// A folder of a measurement's own. Removed with all that is in it.
class BenchFolder {
 public:
  // Empty: one where temporary files go. FAILED_PRECONDITION: there is something in it.
  static absl::StatusOr<BenchFolder> Make(std::string path);
  ~BenchFolder();
  BenchFolder(BenchFolder&& other) noexcept;
  BenchFolder& operator=(BenchFolder&&) = delete;
  const std::string& path() const { return path_; }

 private:
  explicit BenchFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;  // empty: moved from
};

// How busy the machine is, in the mean of the last minute.
struct MachineLoad {
  double load = 0;
  int processors = 0;
};
MachineLoad LoadOfMachine();

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_BENCH_BENCH_PLACE_H_
