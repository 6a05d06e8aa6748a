// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/file_calls_child.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/crash/dying_ledger.h"

namespace tallywire::crash {
namespace {

namespace fs = std::filesystem;
using ::testing::IsEmpty;

constexpr char kChild[] = "--child";
constexpr int kCameToTheEnd = 43;
constexpr int kFailed = 44;

scenarios::RunConfig ConfigOf(const std::string& folder) {
  return {.partitions = 3, .batch = 100, .folder = folder};
}

// Beside the ledger's folder, whose calls are counted.
std::string NotesOf(const std::string& folder) { return folder + ".notes"; }
std::string CountOf(const std::string& folder) { return folder + ".count"; }

// A folder with those files beside it, for one play.
class Place {
 public:
  Place() {
    std::error_code error;
    base_ = (fs::is_directory("/dev/shm", error) ? std::string("/dev/shm")
                                                 : fs::temp_directory_path().string()) +
            "/tallywire-crash-XXXXXX";
    EXPECT_NE(mkdtemp(base_.data()), nullptr);
    fs::create_directory(folder());
  }
  ~Place() {
    std::error_code ignored;
    fs::remove_all(base_, ignored);
  }
  std::string folder() const { return base_ + "/ledger"; }

 private:
  std::string base_;
};

}  // namespace

Story StoryOf(uint64_t seed) { return seed == 0 ? ShortStory() : LongStory(seed); }

int64_t ProcessThatDies::PlayUndisturbed() {
  const Place place;
  int64_t calls = -1;
  EXPECT_EQ(RunChild(place.folder(), -1, EndOfPower::kStays, &calls), kCameToTheEnd);
  GoOn(place.folder(), true, &undisturbed_);
  EXPECT_THAT(undisturbed_.findings, IsEmpty());
  return ::testing::Test::HasFailure() ? -1 : calls;
}

bool ProcessThatDies::Play(int64_t at, EndOfPower end, bool thorough) {
  const Place place;
  int64_t calls = 0;
  const int code = RunChild(place.folder(), at, end, &calls);
  // Threads of RocksDB make one call more or less: the last may never come.
  EXPECT_TRUE(code == kDiedOfFileCalls || code == kCameToTheEnd) << code;
  Ending ending;
  GoOn(place.folder(), thorough, &ending);
  if (!::testing::Test::HasFatalFailure()) ExpectSame(ending, undisturbed_);
  return code == kDiedOfFileCalls;
}

int ProcessThatDies::RunChild(const std::string& folder, int64_t at, EndOfPower end,
                              int64_t* calls) const {
  std::vector<std::string> words = {"/proc/self/exe",
                                    kChild,
                                    folder,
                                    std::to_string(at),
                                    std::to_string(static_cast<int>(end)),
                                    std::to_string(seed_)};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t child = 0;
  EXPECT_EQ(posix_spawn(&child, words[0].c_str(), nullptr, nullptr, arguments.data(), environ), 0);
  int result = -1;
  EXPECT_EQ(waitpid(child, &result, 0), child);
  std::ifstream(CountOf(folder)) >> *calls;
  return WIFEXITED(result) ? WEXITSTATUS(result) : -1;
}

void ProcessThatDies::GoOn(const std::string& folder, bool thorough, Ending* ending) const {
  Client client(&story_);
  client.ReadFrom(NotesOf(folder));
  auto world = scenarios::World::Create(ConfigOf(folder), kStoryBegins);
  ASSERT_TRUE(world.ok()) << world.status();
  const absl::Status status = client.Play(**world);
  ASSERT_TRUE(status.ok()) << status;
  auto looked = Look(**world, client, false, thorough);
  ASSERT_TRUE(looked.ok()) << looked.status();
  *ending = *std::move(looked);
}

void BeTheChildIfTold(int argc, char** argv) {
  if (argc != 6 || std::string(argv[1]) != kChild) return;
  const std::string folder = argv[2];
  const Story story = StoryOf(static_cast<uint64_t>(std::atoll(argv[5])));
  DieAtFileCall(folder, std::atoll(argv[3]), static_cast<EndOfPower>(std::atoi(argv[4])));
  Client client(&story);
  client.KeepIn(NotesOf(folder));
  auto world = scenarios::World::Create(ConfigOf(folder), kStoryBegins);
  absl::Status status = world.status();
  if (status.ok()) status = client.Play(**world);
  if (!status.ok()) {
    std::fprintf(stderr, "%s\n", status.ToString().c_str());
    std::_Exit(kFailed);
  }
  (*world)->Stop();
  std::ofstream(CountOf(folder)) << FileCallsCounted();
  std::_Exit(kCameToTheEnd);
}

}  // namespace tallywire::crash
