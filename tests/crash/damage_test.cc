// SPDX-License-Identifier: Apache-2.0

// A flipped byte in, or a piece missing of, each file of the embedded log, of the partitions'
// states and of the publisher's store.
//
//   damage_test          some bytes of each file
//   damage_test --long   hundreds

#include "tests/crash/damage.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace tallywire::crash {
namespace {

bool go_long = false;

std::vector<Damage> DamagesOf(int64_t size) {
  std::vector<Damage> damages = {{Damage::What::kGone}};
  if (size == 0) return damages;
  damages.push_back({Damage::What::kCut, 0});
  damages.push_back({Damage::What::kCut, size - 1});
  const int64_t flips = std::min<int64_t>(size, go_long ? 400 : 4);
  for (int64_t i = 0; i < flips; ++i) {
    damages.push_back({Damage::What::kFlip, i * size / flips + (i * 7) % (size / flips)});
  }
  const int64_t cuts = std::min<int64_t>(size, go_long ? 40 : 1);
  for (int64_t i = 1; i <= cuts; ++i)
    damages.push_back({Damage::What::kCut, i * size / (cuts + 1)});
  return damages;
}

// What a file holds decides whether damage to it can stay unseen: `MANIFEST-000005` → `MANIFEST`.
std::string KindOf(const std::string& file) {
  const std::string name = file.substr(file.rfind('/') + 1);
  if (const size_t dot = name.rfind('.'); dot != std::string::npos) return name.substr(dot);
  return name.substr(0, name.find('-'));
}

TEST(Damage, ToEachFileIsNoticedOrWithoutEffect) {
  DamagedLedger ledger;
  ledger.Make(DamagedLedger::Rest::kFolded);
  ASSERT_FALSE(HasFatalFailure());
  std::map<std::string, std::pair<int, int>> kinds;  // noticed, of how many
  std::string rebuilt;
  for (const std::string& file : ledger.Files()) {
    for (const Damage& damage : DamagesOf(ledger.SizeOf(file))) {
      SCOPED_TRACE(absl::StrCat(file, " ", Name(damage)));
      const bool noticed = ledger.IsNoticed(file, damage);
      if (HasFailure()) return;
      auto& [count, all] = kinds[file.substr(0, file.find('/')) + " " + KindOf(file)];
      count += noticed ? 1 : 0;
      ++all;
      if (!noticed || !absl::StartsWith(file, "state/")) continue;
      // The sentence names the folder; one is enough of each.
      const std::string folder = file.substr(0, file.rfind('/'));
      EXPECT_TRUE(absl::StrContains(ledger.sentence(), folder)) << ledger.sentence();
      if (rebuilt == folder && !go_long) continue;
      rebuilt = folder;
      ledger.ExpectRebuilt(file, damage);
      if (HasFailure()) return;
    }
  }
  for (const auto& [kind, counts] : kinds) {
    std::printf("%-22s noticed %d of %d\n", kind.c_str(), counts.first, counts.second);
  }
  EXPECT_GT(kinds["log .log"].first, 0);
  EXPECT_GT(kinds["log .sst"].first, 0);
  EXPECT_GT(kinds["state .sst"].first, 0);
  EXPECT_EQ(kinds["log SYNCED"].first, 0) << "it says what is there, and is not part of it";
  EXPECT_GT(kinds["publisher .log"].first, 0);
}

// Nobody but the log knows yet what was acknowledged.
TEST(Damage, ToALogThatNobodyHasReadIsNoticedOrWithoutEffect) {
  DamagedLedger ledger;
  ledger.Make(DamagedLedger::Rest::kAcknowledged);
  ASSERT_FALSE(HasFatalFailure());
  for (const std::string& file : ledger.Files()) {
    if (!absl::StartsWith(file, "log/")) continue;
    for (const Damage& damage : DamagesOf(ledger.SizeOf(file))) {
      SCOPED_TRACE(absl::StrCat(file, " ", Name(damage)));
      ledger.IsNoticed(file, damage);
      if (HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace tallywire::crash

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  tallywire::crash::go_long = argc > 1 && std::string(argv[1]) == "--long";
  return RUN_ALL_TESTS();
}
