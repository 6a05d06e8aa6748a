// SPDX-License-Identifier: Apache-2.0

// Conformance of a writer in a process of its own that is killed.

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/log_conformance.h"

extern char** environ;

namespace tallywire {
namespace {

// Runs the command, kills it some time after its first line, and gives all whole lines.
std::vector<std::pair<int64_t, int64_t>> RunAndKill(const std::vector<std::string>& command,
                                                    std::chrono::microseconds after) {
  int ends[2];
  EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  pid_t child = 0;
  const int error = posix_spawn(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  std::FILE* out = fdopen(ends[0], "r");
  std::vector<std::pair<int64_t, int64_t>> lines;
  if (error != 0) {
    ADD_FAILURE() << "cannot run " << command[0] << ": " << error;
    std::fclose(out);
    return lines;
  }
  std::thread killer;
  char line[100];
  while (std::fgets(line, sizeof(line), out) != nullptr) {
    long long number = 0;
    long long offset = 0;
    // The last line may be half of one.
    if (std::string_view(line).back() != '\n') break;
    if (std::sscanf(line, "%lld %lld", &number, &offset) == 2) lines.emplace_back(number, offset);
    if (lines.size() == 1) {
      killer = std::thread([child, after] {
        std::this_thread::sleep_for(after);
        kill(child, SIGKILL);
      });
    }
  }
  if (killer.joinable()) killer.join();
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself: " << status;
  std::fclose(out);
  return lines;
}

}  // namespace

TEST_P(LogWriterConformance, WhatIsAcknowledgedSurvivesTheKillOfItsWriter) {
  constexpr int kRounds = 12;
  const std::string topic = Create("t", 2);
  std::mt19937 random(std::random_device{}());
  std::map<int64_t, int64_t> acknowledged;  // offset → number
  int64_t next_number = 0;
  for (int round = 0; round < kRounds; ++round) {
    const std::chrono::microseconds after(random() % 60'000);
    const std::vector<std::string> command =
        world_->WriterCommand(topic, Partition(1), next_number);
    ASSERT_FALSE(command.empty());
    world_->Close();
    const auto lines = RunAndKill(command, after);
    world_->Open();
    ASSERT_FALSE(lines.empty());
    for (const auto& [number, offset] : lines) {
      EXPECT_TRUE(acknowledged.emplace(offset, number).second) << "two records at " << offset;
    }
    const std::vector<ReadRecord> read = ReadAll(topic, Partition(1));
    for (size_t i = 0; i < read.size(); ++i) {
      ASSERT_EQ(read[i].offset, Offset(static_cast<int64_t>(i)));
      const auto it = acknowledged.find(read[i].offset.value());
      if (it != acknowledged.end()) {
        EXPECT_EQ(read[i].value, std::to_string(it->second));
      }
    }
    ASSERT_LT(acknowledged.rbegin()->first, static_cast<int64_t>(read.size()));
    // A gap of numbers tells the rounds apart.
    next_number = std::stoll(read.back().value) + 1000;
  }
  EXPECT_GT(acknowledged.size(), size_t{kRounds});
}

}  // namespace tallywire
