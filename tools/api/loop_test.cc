// SPDX-License-Identifier: Apache-2.0
#include "tools/api/loop.h"

#include <gmock/gmock.h>

#include <atomic>
#include <filesystem>
#include <latch>

#include "tools/api/folder_lock.h"
#include "tools/api/sse.h"
#include "tools/api/workers.h"

namespace tallywire {
namespace {

using std::chrono::milliseconds;

template <class F>
bool Eventually(F f) {
  for (int i = 0; i < 1'000; ++i) {
    if (f()) return true;
    std::this_thread::sleep_for(milliseconds(5));
  }
  return false;
}

TEST(Loop, WakesFromItsRest) {
  std::atomic<int> steps = 0;
  Loop loop({.name = "test",
             .step = [&]() -> absl::StatusOr<bool> {
               ++steps;
               return false;
             },
             .idle = std::chrono::hours(1)});
  ASSERT_TRUE(Eventually([&] { return steps == 1; }));
  loop.Wake();
  EXPECT_TRUE(Eventually([&] { return steps == 2; }));
}

TEST(Loop, TriesAgainWhenTheWorldIsInTheWay) {
  std::atomic<int> steps = 0;
  Loop loop({.name = "test",
             .step = [&]() -> absl::StatusOr<bool> {
               ++steps;
               if (steps < 4) return absl::ResourceExhaustedError("no room");
               return false;
             },
             .backoff = milliseconds(20)});
  EXPECT_TRUE(Eventually([&] { return steps == 2; }));
  EXPECT_EQ(loop.Trouble().message(), "no room");
  EXPECT_FALSE(loop.GivenUp());
  EXPECT_TRUE(Eventually([&] { return loop.Trouble().ok(); }));
}

TEST(Loop, GivesUpOnOtherErrorsAndSaysWhy) {
  std::atomic<int> steps = 0;
  Loop loop({.name = "test", .step = [&]() -> absl::StatusOr<bool> {
               ++steps;
               return absl::DataLossError("a hole");
             }});
  ASSERT_TRUE(Eventually([&] { return loop.GivenUp(); }));
  loop.Wake();
  std::this_thread::sleep_for(milliseconds(50));
  EXPECT_EQ(steps, 1);
  EXPECT_EQ(loop.Trouble(), absl::DataLossError("a hole"));
}

TEST(Loop, WorkIsToldAbout) {
  std::atomic<int> told = 0;
  std::atomic<int> left = 3;
  Loop loop({.name = "test",
             .step = [&]() -> absl::StatusOr<bool> { return left-- > 0; },
             .after_work = [&] { ++told; },
             .idle = std::chrono::hours(1)});
  EXPECT_TRUE(Eventually([&] { return told == 3; }));
}

TEST(Workers, TasksNeverWaitForOneAnother) {
  Workers workers;
  std::latch all(20);
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(workers.Run([&] { all.arrive_and_wait(); }));
  }
  workers.Join();
  EXPECT_TRUE(all.try_wait());
  EXPECT_FALSE(workers.Run([] {}));
}

TEST(FolderLock, OneAtATime) {
  const std::string folder = ::testing::TempDir() + "/folder_lock_test";
  std::filesystem::remove_all(folder);
  {
    auto first = FolderLock::Take(folder);
    ASSERT_TRUE(first.ok()) << first.status();
    EXPECT_EQ(FolderLock::Take(folder).status().code(), absl::StatusCode::kUnavailable);
  }
  EXPECT_TRUE(FolderLock::Take(folder).ok());
  std::filesystem::remove_all(folder);
}

TEST(Sse, EventsComeOutOfPiecesOfAnySize) {
  const std::string bytes =
      ": hello\r\n\r\nid: 1\ndata: {\"a\":1}\n\nretry: 5\n\nevent: problem\ndata: x\ndata:y\n\n"
      "id: 3\ndata: cut";
  for (size_t size = 1; size < bytes.size(); ++size) {
    SseReader reader;
    std::vector<SseEvent> events;
    for (size_t at = 0; at < bytes.size(); at += size) reader.Read(bytes.substr(at, size), &events);
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(events[0].id, "1");
    EXPECT_EQ(events[0].data, "{\"a\":1}");
    EXPECT_EQ(events[1].type, "problem");
    EXPECT_EQ(events[1].data, "x\ny");
  }
}

}  // namespace
}  // namespace tallywire
