// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/bench_place.h"

#include <stdlib.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tallywire {

Time MachineNow() {
  return Time(std::chrono::duration_cast<std::chrono::microseconds>(
                  std::chrono::system_clock::now().time_since_epoch())
                  .count());
}

absl::StatusOr<BenchFolder> BenchFolder::Make(std::string path) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (path.empty()) {
    const fs::path root = fs::temp_directory_path(error);
    if (error) {
      return absl::UnavailableError(
          absl::StrCat("no folder for temporary files: ", error.message()));
    }
    path = root / absl::StrCat("tallywire-bench-", ::getpid());
  }
  fs::create_directories(path, error);
  if (error) {
    return absl::UnavailableError(
        absl::StrCat("cannot make the folder ", path, ": ", error.message()));
  }
  if (!fs::is_empty(path, error) || error) {
    return absl::FailedPreconditionError(
        absl::StrCat("--folder ", path, " is not empty: it is removed afterwards, so name one ",
                     "that is not there yet"));
  }
  return BenchFolder(std::move(path));
}

BenchFolder::BenchFolder(BenchFolder&& other) noexcept : path_(std::exchange(other.path_, "")) {}

BenchFolder::~BenchFolder() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

MachineLoad LoadOfMachine() {
  MachineLoad machine;
  machine.processors = static_cast<int>(std::thread::hardware_concurrency());
  if (::getloadavg(&machine.load, 1) != 1) machine.load = 0;
  return machine;
}

}  // namespace tallywire
