// SPDX-License-Identifier: Apache-2.0

// The conformance suite on the embedded log.

#include <unistd.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "ledger/check.h"
#include "ledger/embedded_log.h"
#include "tests/log_conformance.h"

namespace tallywire {
namespace {

namespace fs = std::filesystem;

class EmbeddedWorld : public LogWorld {
 public:
  EmbeddedWorld()
      : folder_((fs::path(::testing::TempDir()) /
                 absl::StrCat("embedded-world-", getpid(), "-", worlds_++))
                    .string()) {
    Open();
  }
  ~EmbeddedWorld() override {
    log_.reset();
    fs::remove_all(folder_);
  }

  Log& log() override { return *log_; }
  void Close() override { log_.reset(); }
  void Open() override {
    auto log = EmbeddedLog::Open({.folder = folder_, .clock = nullptr});
    TW_CHECK(log.ok(), log.status().ToString().c_str());
    log_ = *std::move(log);
  }
  bool ForceCleanup(const std::string& /*topic*/) override {
    const absl::Status status = log_->Compact();
    EXPECT_TRUE(status.ok()) << status;
    return true;
  }
  std::vector<std::string> WriterCommand(const std::string& topic, Partition partition,
                                         int64_t first_number) override {
    return {EMBEDDED_LOG_WRITER, folder_, topic, std::to_string(partition.value()),
            std::to_string(first_number)};
  }

 private:
  static inline int worlds_ = 0;
  const std::string folder_;
  std::unique_ptr<EmbeddedLog> log_;
};

std::unique_ptr<LogWorld> MakeEmbeddedWorld(std::string& /*why_not*/) {
  return std::make_unique<EmbeddedWorld>();
}

INSTANTIATE_TEST_SUITE_P(Embedded, LogConformance, ::testing::Values(&MakeEmbeddedWorld));
INSTANTIATE_TEST_SUITE_P(Embedded, LogWriterConformance, ::testing::Values(&MakeEmbeddedWorld));

}  // namespace
}  // namespace tallywire
