// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "tools/commands/fake_api.h"

namespace tallywire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kCall[] = "POST deadletters/redrive";

v1::RedrivenLetter Letter(const std::string& place, v1::RedriveOutcome outcome) {
  v1::RedrivenLetter letter;
  letter.set_letter(place);
  letter.set_reason(v1::REFUSED_REASON_WRONG_PARTITION);
  letter.set_source("pos-17");
  letter.set_event_id("4711/1");
  letter.set_sku("RED-TEE");
  letter.set_outcome(outcome);
  letter.set_key("RED-TEE");
  letter.set_partition(3);
  if (outcome != v1::REDRIVE_OUTCOME_TO_APPEND) letter.set_offset(45);
  return letter;
}

// Two pages: one letter, then one that was redriven before and one that cannot be mended.
class RedriveWorld : public FakeWorld {
 public:
  std::vector<v1::RedriveDeadLettersRequest> requests;

  explicit RedriveWorld(v1::RedriveOutcome outcome) {
    api.answers[kCall] = [this, outcome](const ApiRequest& request,
                                         google::protobuf::Message* out) {
      requests.emplace_back().CopyFrom(*request.body);
      auto& response = static_cast<v1::RedriveDeadLettersResponse&>(*out);
      response.Clear();
      if (requests.back().page_token().empty()) {
        *response.add_results() = Letter("1/7", outcome);
        response.set_to_append(outcome == v1::REDRIVE_OUTCOME_TO_APPEND ? 1 : 0);
        response.set_appended(outcome == v1::REDRIVE_OUTCOME_APPENDED ? 1 : 0);
        response.set_next_page_token("more");
        return absl::OkStatus();
      }
      *response.add_results() = Letter("1/8", v1::REDRIVE_OUTCOME_DONE_BEFORE);
      v1::RedrivenLetter* left = response.add_results();
      *left = Letter("1/9", v1::REDRIVE_OUTCOME_NOT_MENDED);
      left->set_refused(v1::REFUSED_REASON_UNDECODABLE);
      left->set_detail("value: 3 bytes are not a StockEvent");
      response.set_done_before(1);
      response.set_not_mended(1);
      return absl::OkStatus();
    };
    api.Put("GET deadletters", v1::ListDeadLettersResponse());
  }
};

TEST(RedriveTest, ADryRunSaysWhatItWouldDoAndWhatToType) {
  RedriveWorld world(v1::REDRIVE_OUTCOME_TO_APPEND);
  const CliRun run = world.Run({"deadletters", "redrive", "--reason", "wrong_partition", "--source",
                                "Till's", "--since", "2026-03-01T10:00:00Z"});
  EXPECT_EQ(run.code, 3) << "one cannot be mended";
  EXPECT_EQ(
      run.out,
      "RECORD  REASON           SOURCE  EVENT   SKU      WHAT\n"
      "1/7     WRONG_PARTITION  pos-17  4711/1  RED-TEE  append under RED-TEE to partition 3\n"
      "1/8     WRONG_PARTITION  pos-17  4711/1  RED-TEE  redriven before, to 3/45\n"
      "1/9     WRONG_PARTITION  pos-17  4711/1  RED-TEE  cannot be mended so: UNDECODABLE: "
      "value: 3 bytes are not a StockEvent\n"
      "to append        1\n"
      "cannot be mended 1\n"
      "redriven before  1\n");
  EXPECT_THAT(run.err, HasSubstr("tallywire deadletters redrive --reason wrong_partition --source "
                                 "'Till'\\''s' --since 2026-03-01T10:00:00Z --execute\n"));
  ASSERT_EQ(world.requests.size(), 2u);
  EXPECT_EQ(world.requests[0].reason(), v1::REFUSED_REASON_WRONG_PARTITION);
  EXPECT_EQ(world.requests[0].source(), "Till's");
  EXPECT_EQ(world.requests[0].since().seconds(), 1'772'359'200);
  EXPECT_EQ(world.requests[0].mode(), v1::REDRIVE_MODE_BY_KEY);
  EXPECT_FALSE(world.requests[0].execute());
  EXPECT_EQ(world.requests[1].page_token(), "more");
}

TEST(RedriveTest, AnotherLogIsPartOfWhatToType) {
  RedriveWorld world(v1::REDRIVE_OUTCOME_TO_APPEND);
  const CliRun run =
      world.Run({"--log", "embedded:my shop", "deadletters", "redrive", "1/7", "--as-is"});
  EXPECT_THAT(run.err, HasSubstr("tallywire --log 'embedded:my shop' deadletters redrive 1/7 "
                                 "--as-is --execute\n"));
  EXPECT_THAT(world.requests[0].letters(), ElementsAre("1/7"));
  EXPECT_EQ(world.requests[0].mode(), v1::REDRIVE_MODE_AS_IS);
}

TEST(RedriveTest, ExecutingSaysWhereEachCameToLieAndWhatWasRefusedAgain) {
  RedriveWorld world(v1::REDRIVE_OUTCOME_APPENDED);
  CliRun run = world.Run({"deadletters", "redrive", "--all", "--execute"});
  EXPECT_THAT(run.out, HasSubstr("appended under RED-TEE at 3/45\n"));
  EXPECT_THAT(run.out, HasSubstr("appended         1\n"));
  EXPECT_THAT(run.err, Not(HasSubstr("--execute")));
  EXPECT_TRUE(world.requests[1].execute());
  EXPECT_EQ(world.api.calls.back(), "GET deadletters?since=1970-01-01T00:00:00Z&min_version=3:45");

  v1::ListDeadLettersResponse letters;
  letters.add_dead_letters()->set_offset(44);
  letters.mutable_dead_letters(0)->set_partition(3);
  *letters.add_dead_letters() = letters.dead_letters(0);
  letters.mutable_dead_letters(1)->set_offset(45);
  letters.mutable_dead_letters(1)->set_reason(v1::REFUSED_REASON_OVERFLOW);
  world.api.Put("GET deadletters", letters);
  run = world.Run({"deadletters", "redrive", "--all", "--execute"});
  EXPECT_EQ(run.code, 3);
  EXPECT_THAT(run.err, HasSubstr("3/45 was refused again: OVERFLOW"));
  EXPECT_THAT(run.err, Not(HasSubstr("3/44")));
}

TEST(RedriveTest, ForProgramsItIsTheAnswerOfAllPagesInOne) {
  RedriveWorld world(v1::REDRIVE_OUTCOME_TO_APPEND);
  const CliRun json = world.Run({"deadletters", "redrive", "--all", "-o", "json"});
  EXPECT_THAT(json.out, HasSubstr("\"1/7\""));
  EXPECT_THAT(json.out, HasSubstr("\"1/9\""));
  EXPECT_THAT(json.out, HasSubstr("\"not_mended\": \"1\""));
  const CliRun lines = world.Run({"deadletters", "redrive", "--all", "-o", "jsonl"});
  EXPECT_EQ(std::count(lines.out.begin(), lines.out.end(), '\n'), 3);
  EXPECT_THAT(lines.err, HasSubstr("cannot be mended 1"));
}

TEST(RedriveTest, ReplacementsAreLinesOfEventsOrNameTheirLetter) {
  RedriveWorld world(v1::REDRIVE_OUTCOME_TO_APPEND);
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  const std::string text =
      "{\"event_id\":\"1\",\"source\":\"pos-17\",\"sku\":\"A\"}\n\n"
      "{\"letter\":\"1/9\",\"event\":{\"event_id\":\"2\",\"sku\":\"B\"}}";
  ASSERT_EQ(write(pipe_ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  close(pipe_ends[1]);
  world.in = pipe_ends[0];
  EXPECT_EQ(world.Run({"deadletters", "redrive", "--all", "--replace", "-"}).code, 3);
  close(pipe_ends[0]);
  ASSERT_FALSE(world.requests.empty());
  const v1::RedriveDeadLettersRequest& request = world.requests[0];
  EXPECT_EQ(request.mode(), v1::REDRIVE_MODE_REPLACE);
  ASSERT_EQ(request.replacements_size(), 2);
  EXPECT_EQ(request.replacements(0).letter(), "");
  EXPECT_EQ(request.replacements(0).event().sku(), "A");
  EXPECT_EQ(request.replacements(0).name(), "line 1");
  EXPECT_EQ(request.replacements(1).letter(), "1/9");
  EXPECT_EQ(request.replacements(1).event().sku(), "B");
  EXPECT_EQ(request.replacements(1).name(), "line 3");
}

TEST(RedriveTest, WrongUseIsToldBeforeAnythingIsAsked) {
  for (const char* line : {"{\"sku\":", "{\"no_such\":1}", "{\"letter\":\"1/9\"}", "{}", ""}) {
    RedriveWorld world(v1::REDRIVE_OUTCOME_TO_APPEND);
    std::FILE* file = std::tmpfile();
    ASSERT_NE(file, nullptr);
    std::fputs(line, file);
    std::rewind(file);
    world.in = fileno(file);
    EXPECT_EQ(world.Run({"deadletters", "redrive", "--all", "--replace", "-"}).code, 2) << line;
    EXPECT_TRUE(world.api.calls.empty());
    std::fclose(file);
  }
  for (const std::vector<const char*>& arguments :
       std::vector<std::vector<const char*>>{{},
                                             {"--reason", "RAIN"},
                                             {"--since", "today"},
                                             {"--all", "--as-is", "--by-key"},
                                             {"--all", "--as-is", "--replace", "x"},
                                             {"--by-key", "--all", "--replace", "x"}}) {
    RedriveWorld world(v1::REDRIVE_OUTCOME_TO_APPEND);
    std::vector<const char*> all = {"deadletters", "redrive"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    EXPECT_EQ(world.Run(all).code, 2);
    EXPECT_TRUE(world.api.calls.empty());
  }
}

TEST(RedriveTest, AnErrorOnTheWaySaysHowToGoOn) {
  RedriveWorld world(v1::REDRIVE_OUTCOME_APPENDED);
  const auto answer = world.api.answers[kCall];
  world.api.answers[kCall] = [&](const ApiRequest& request, google::protobuf::Message* out) {
    if (!world.requests.empty()) return absl::UnavailableError("no broker");
    return answer(request, out);
  };
  const CliRun run = world.Run({"deadletters", "redrive", "--all", "--execute"});
  EXPECT_EQ(run.code, 5);
  EXPECT_THAT(run.out, HasSubstr("appended         1\n"));
  EXPECT_THAT(run.err, HasSubstr("run the same again"));
  world.requests.clear();
  world.api.answers[kCall] = [](const ApiRequest&, google::protobuf::Message*) {
    return absl::NotFoundError("no dead letter of record 1/7");
  };
  const CliRun missing = world.Run({"deadletters", "redrive", "1/7", "--execute"});
  EXPECT_EQ(missing.code, 4);
  EXPECT_EQ(missing.out, "");
  EXPECT_EQ(missing.err, "tallywire: no dead letter of record 1/7\n");
}

TEST(DeadLettersTest, AListIsAskedForWhatFits) {
  RedriveWorld world(v1::REDRIVE_OUTCOME_TO_APPEND);
  v1::ListDeadLettersResponse letters;
  v1::DeadLetter* letter = letters.add_dead_letters();
  letter->set_source("pos-17");
  letter->set_redriven_to("3/45");
  letter->set_redriven_from("1/2");
  world.api.Put("GET deadletters", letters);
  const CliRun run = world.Run({"deadletters", "list", "--reason", "OVERFLOW", "--source", "pos-17",
                                "--until", "2026-03-01T10:00:00Z"});
  EXPECT_EQ(world.api.calls.back(),
            "GET deadletters?reason=OVERFLOW&source=pos-17&until=2026-03-01T10:00:00Z");
  EXPECT_THAT(run.out, HasSubstr("REDRIVEN TO  FROM"));
  EXPECT_THAT(run.out, HasSubstr("3/45"));
}

}  // namespace
}  // namespace tallywire
