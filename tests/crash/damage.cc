// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/damage.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ledger/status.h"
#include "tests/crash/dying_ledger.h"

namespace tallywire::crash {
namespace {

namespace fs = std::filesystem;
using ::testing::IsEmpty;

scenarios::RunConfig ConfigOf(const std::string& folder) {
  return {.partitions = 2, .batch = 100, .folder = folder};
}

void Do(const Damage& damage, const fs::path& file) {
  switch (damage.what) {
    case Damage::What::kFlip: {
      std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
      bytes.seekg(damage.at);
      const auto byte = static_cast<char>(bytes.get() ^ 0x41);
      bytes.seekp(damage.at);
      bytes.put(byte);
      break;
    }
    case Damage::What::kCut:
      fs::resize_file(file, static_cast<uintmax_t>(damage.at));
      break;
    case Damage::What::kGone:
      fs::remove(file);
      break;
  }
}

}  // namespace

std::string Name(const Damage& damage) {
  switch (damage.what) {
    case Damage::What::kFlip:
      return absl::StrCat("byte ", damage.at, " flipped");
    case Damage::What::kCut:
      return absl::StrCat("cut to ", damage.at);
    case Damage::What::kGone:
      return "gone";
  }
  return "";
}

DamagedLedger::DamagedLedger() {
  std::error_code error;
  base_ = (fs::is_directory("/dev/shm", error) ? std::string("/dev/shm")
                                               : fs::temp_directory_path().string()) +
          "/tallywire-damage-XXXXXX";
  EXPECT_NE(mkdtemp(base_.data()), nullptr);
}

void DamagedLedger::Make(Rest rest) {
  const std::string whole = base_ + "/whole";
  fs::create_directory(whole);
  const size_t half = story_.size() / 2;
  const Story first_half(story_.begin(), story_.begin() + static_cast<std::ptrdiff_t>(half));
  if (rest == Rest::kAcknowledged) {
    for (size_t i = half; i < story_.size(); ++i) story_[i].turns = 0;
  }
  {
    Client first(&first_half);
    auto world = scenarios::World::Create(ConfigOf(whole), kStoryBegins);
    ASSERT_TRUE(world.ok()) << world.status();
    ASSERT_TRUE(first.Play(**world).ok());
    (*world)->Stop();
    // Asks for what is there already, which changes nothing.
    ASSERT_TRUE((*world)->Open().ok());
    if (rest == Rest::kAcknowledged) {
      ASSERT_TRUE((*world)->Settle().ok());
      ASSERT_TRUE(client_.Tell(**world).ok());
    } else {
      ASSERT_TRUE(client_.Play(**world).ok());
    }
  }
  fs::copy(whole, base_ + "/copy", fs::copy_options::recursive);
  auto ending = Ask(base_ + "/copy");
  ASSERT_TRUE(ending.ok()) << ending.status();
  ending_ = *std::move(ending);
  EXPECT_THAT(ending_.findings, IsEmpty());
}

DamagedLedger::~DamagedLedger() {
  std::error_code ignored;
  fs::remove_all(base_, ignored);
}

std::vector<std::string> DamagedLedger::Files() const {
  std::vector<std::string> files;
  const fs::path whole = base_ + "/whole";
  for (const auto& entry : fs::recursive_directory_iterator(whole)) {
    if (entry.is_regular_file() && entry.path().filename() != "LOCK") {
      files.push_back(entry.path().lexically_relative(whole).string());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

int64_t DamagedLedger::SizeOf(const std::string& file) const {
  return static_cast<int64_t>(fs::file_size(base_ + "/whole/" + file));
}

absl::StatusOr<Ending> DamagedLedger::Ask(const std::string& folder) {
  Client client = client_;
  TW_ASSIGN_OR_RETURN(auto world, scenarios::World::Make(ConfigOf(folder), kStoryBegins));
  TW_RETURN_IF_ERROR(world->Open());
  TW_RETURN_IF_ERROR(client.Play(*world));
  return Look(*world, client, false, false);
}

bool DamagedLedger::IsNoticed(const std::string& file, const Damage& damage) {
  const std::string copy = base_ + "/copy";
  fs::remove_all(copy);
  fs::copy(base_ + "/whole", copy, fs::copy_options::recursive);
  Do(damage, copy + "/" + file);
  const auto ending = Ask(copy);
  if (ending.ok()) {
    ExpectSame(*ending, ending_);
    return false;
  }
  sentence_ = std::string(ending.status().message());
  EXPECT_GT(sentence_.size(), 20u) << ending.status();
  // Others would be tried again and again.
  EXPECT_TRUE(absl::IsDataLoss(ending.status()) || absl::IsFailedPrecondition(ending.status()))
      << ending.status();
  return true;
}

void DamagedLedger::ExpectRebuilt(const std::string& file, const Damage& damage) {
  const std::string copy = base_ + "/copy";
  fs::remove_all(copy);
  fs::copy(base_ + "/whole", copy, fs::copy_options::recursive);
  Do(damage, copy + "/" + file);
  fs::remove_all((fs::path(copy) / file).parent_path());
  const auto ending = Ask(copy);
  ASSERT_TRUE(ending.ok()) << ending.status();
  ExpectSame(*ending, ending_);
}

}  // namespace tallywire::crash
