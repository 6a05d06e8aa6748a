// SPDX-License-Identifier: Apache-2.0
#include "tools/commands/append.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "ledger/limits.h"
#include "tools/commands/append_input.h"
#include "tools/commands/fake_api.h"

namespace tallywire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Got = AppendInput::Got;

std::string Path(const std::string& name) { return ::testing::TempDir() + "append_" + name; }

std::string WriteFile(const std::string& name, const std::string& text) {
  std::ofstream(Path(name), std::ios::binary) << text;
  return Path(name);
}

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string Sale(const std::string& id, const std::string& quantity = "1") {
  return R"({"event_id":")" + id +
         R"(","source":"t","sku":"A","sold":{"location":"WH1","quantity":)" + quantity + "}}";
}

// Takes everything but a sale of fewer than 1.
class AppendTest : public ::testing::Test {
 protected:
  AppendTest() {
    world.api.answers["POST events"] = [this](const ApiRequest& request,
                                              google::protobuf::Message* out) {
      if (failures > 0) {
        --failures;
        return absl::UnavailableError("nobody answers");
      }
      const auto& asked = static_cast<const v1::AppendEventsRequest&>(*request.body);
      batches.push_back(asked.events_size());
      auto& answer = static_cast<v1::AppendEventsResponse&>(*out);
      for (const v1::StockEvent& event : asked.events()) {
        v1::AppendedEvent* result = answer.add_results();
        if (event.sold().quantity() < 1) {
          result->set_refused(v1::REFUSED_REASON_BAD_QUANTITY);
          result->set_detail("sold.quantity: not above 0");
          continue;
        }
        result->set_partition(0);
        events.push_back(event);
      }
      return absl::OkStatus();
    };
  }

  std::vector<std::string> Ids() const {
    std::vector<std::string> ids;
    for (const v1::StockEvent& event : events) ids.push_back(event.event_id());
    return ids;
  }

  FakeWorld world;
  int failures = 0;
  std::vector<int> batches;
  std::vector<v1::StockEvent> events;
};

TEST_F(AppendTest, GoodLinesAreInAndCounted) {
  const std::string file =
      WriteFile("good", Sale("1") + "\n\n  \r\n" + Sale("2") + "\r\n" + Sale("3"));
  const CliRun run = world.Run({"append", file.c_str()});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(Ids(), ElementsAre("1", "2", "3"));
  EXPECT_EQ(run.out, "appended  3\nrefused   0\n");
  EXPECT_EQ(run.err, "");
  ASSERT_EQ(world.connects.size(), 1u);
  EXPECT_FALSE(world.connects[0].settle) << "who only appends need not fold";
  EXPECT_TRUE(world.connects[0].create);
}

TEST_F(AppendTest, RefusedLinesAreToldAndKeptInOrderAndTheGoodOnesAreIn) {
  const std::string two_bodies =
      R"({"event_id":"x","source":"t","sku":"A","sold":{},"received":{}})";
  const std::string file =
      WriteFile("bad", Sale("1") + "\nnonsense\n" + Sale("2", "0") + "\n" + two_bodies + "\n" +
                           R"({"event_id":"y","colour":"red"})" + "\n" +
                           R"({"sold":{"pool":"FRESH"}})" + "\n" + Sale("3"));
  const std::string rejected = Path("rejected");
  const CliRun run = world.Run({"append", file.c_str(), "--rejected", rejected.c_str()});
  EXPECT_EQ(run.code, 3);
  EXPECT_THAT(Ids(), ElementsAre("1", "3"));
  EXPECT_EQ(run.out, "appended  2\nrefused   5\n  UNDECODABLE  4\n  BAD_QUANTITY  1\n");
  EXPECT_THAT(run.err, HasSubstr("line 2: UNDECODABLE: "));
  EXPECT_THAT(run.err, HasSubstr("\n  nonsense\n"));
  EXPECT_THAT(run.err,
              HasSubstr("line 3: BAD_QUANTITY: sold.quantity: not above 0\n  {\"event_id\""));
  EXPECT_THAT(run.err, HasSubstr("line 4: UNDECODABLE"));
  EXPECT_THAT(run.err, HasSubstr("colour"));
  EXPECT_THAT(run.err, HasSubstr("line 6: UNDECODABLE"));
  EXPECT_EQ(ReadFile(rejected), "nonsense\n" + Sale("2", "0") + "\n" + two_bodies + "\n" +
                                    R"({"event_id":"y","colour":"red"})" + "\n" +
                                    R"({"sold":{"pool":"FRESH"}})" + "\n");
}

TEST_F(AppendTest, EnumNamesAreReadWithAndWithoutPrefix) {
  const auto line = [](const char* pool) {
    return std::string(R"({"sold":{"quantity":1,"pool":")") + pool + "\"}}\n";
  };
  const std::string file =
      WriteFile("enums", line("HELD") + line("POOL_HELD") + R"({"sold":{"quantity":1,"pool":3}})" +
                             "\n" + R"({"sold":{"quantity":1,"pool":99}})" + "\n");
  EXPECT_EQ(world.Run({"append", file.c_str()}).code, 0);
  ASSERT_EQ(events.size(), 4u);
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(events[static_cast<size_t>(i)].sold().pool(), v1::POOL_HELD);
  EXPECT_EQ(static_cast<int>(events[3].sold().pool()), 99) << "the ledger refuses it, not we";
}

TEST_F(AppendTest, BatchesHaveTheSizeAskedFor) {
  std::string text;
  for (int i = 0; i < 7; ++i) text += Sale(std::to_string(i)) + "\n";
  const std::string file = WriteFile("batches", text);
  EXPECT_EQ(world.Run({"append", file.c_str(), "--batch", "3"}).code, 0);
  EXPECT_THAT(batches, ElementsAre(3, 3, 1));
}

TEST_F(AppendTest, AWorldThatIsAwayForAMomentIsAskedAgain) {
  failures = 2;
  const std::string file = WriteFile("retry", Sale("1") + "\n");
  const CliRun run = world.Run({"append", file.c_str()});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(Ids(), ElementsAre("1"));
  EXPECT_GT(world.slept, 0);
}

TEST_F(AppendTest, AWorldThatStaysAwaySaysHowFarItCame) {
  std::string text;
  for (int i = 0; i < 4; ++i) text += Sale(std::to_string(i)) + "\n";
  const std::string file = WriteFile("away", text);
  auto take = world.api.answers["POST events"];
  world.api.answers["POST events"] = [&](const ApiRequest& request,
                                         google::protobuf::Message* out) {
    return batches.empty() ? take(request, out) : absl::UnavailableError("nobody answers");
  };
  const CliRun run = world.Run({"append", file.c_str(), "--batch", "2"});
  EXPECT_EQ(run.code, 5);
  EXPECT_THAT(run.err, HasSubstr("stopped after line 2: "));
  EXPECT_EQ(run.out, "appended  2\nrefused   0\n");
}

TEST_F(AppendTest, AnInterruptedRunSaysHowFarItCame) {
  const std::string file = WriteFile("interrupt", Sale("1") + "\n" + Sale("2") + "\n");
  auto take = world.api.answers["POST events"];
  world.api.answers["POST events"] = [&](const ApiRequest& request,
                                         google::protobuf::Message* out) {
    const absl::Status status = take(request, out);
    world.stop = true;
    return status;
  };
  const CliRun run = world.Run({"append", file.c_str(), "--batch", "1"});
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.err, HasSubstr("stopped after line"));
}

TEST_F(AppendTest, LengthDelimitedEventsAreReadFromStandardInput) {
  std::string text;
  for (const char* id : {"1", "2"}) {
    v1::StockEvent event;
    event.set_event_id(id);
    event.mutable_sold()->set_quantity(1);
    const std::string bytes = event.SerializeAsString();
    text += static_cast<char>(bytes.size()) + bytes;
  }
  text += std::string("\x02\x0a\x05", 3);  // a length, and a field that is cut off
  world.in = ::open(WriteFile("binary", text).c_str(), O_RDONLY);
  const CliRun run = world.Run({"append", "-", "--format", "binary"});
  ::close(world.in);
  EXPECT_EQ(run.code, 3);
  EXPECT_THAT(Ids(), ElementsAre("1", "2"));
  EXPECT_THAT(run.err, HasSubstr("record 3: UNDECODABLE"));
}

TEST_F(AppendTest, ARecordCutOffByTheEndIsAnErrorAndWhatCameBeforeIsIn) {
  v1::StockEvent event;
  event.set_event_id("1");
  event.mutable_sold()->set_quantity(1);
  const std::string bytes = event.SerializeAsString();
  const std::string file =
      WriteFile("cut", static_cast<char>(bytes.size()) + bytes + static_cast<char>(50) + "abc");
  const CliRun run = world.Run({"append", file.c_str(), "--format", "binary"});
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(Ids(), ElementsAre("1"));
  EXPECT_THAT(run.err, HasSubstr("record 2 at byte"));
  EXPECT_THAT(run.err, HasSubstr("stopped after record 1"));
}

TEST_F(AppendTest, AnEnormousLineIsRefusedAndKeptWhole) {
  const std::string huge(kMaxLineBytes * 2 + 17, 'x');
  const std::string file = WriteFile("huge", Sale("1") + "\n" + huge + "\n" + Sale("2") + "\n");
  const std::string rejected = Path("huge_rejected");
  const CliRun run = world.Run({"append", file.c_str(), "--rejected", rejected.c_str()});
  EXPECT_EQ(run.code, 3);
  EXPECT_THAT(Ids(), ElementsAre("1", "2"));
  EXPECT_THAT(run.err, HasSubstr("line 2: TOO_LARGE"));
  EXPECT_LT(run.err.size(), 5'000u);
  EXPECT_EQ(ReadFile(rejected), huge + "\n");
}

TEST_F(AppendTest, TheInputIsNeverOverwrittenByWhatIsRefused) {
  const std::string file = WriteFile("same", "nonsense\n");
  const CliRun run = world.Run({"append", file.c_str(), "--rejected", file.c_str()});
  EXPECT_EQ(run.code, 2);
  EXPECT_EQ(ReadFile(file), "nonsense\n");
}

TEST_F(AppendTest, AFullDiskUnderTheRejectedIsAnError) {
  if (::access("/dev/full", W_OK) != 0) GTEST_SKIP() << "skipped: no /dev/full here";
  const std::string file = WriteFile("full", "nonsense\n");
  const CliRun run = world.Run({"append", file.c_str(), "--rejected", "/dev/full"});
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.err, HasSubstr("No space left"));
}

TEST_F(AppendTest, AMissingFileIsNotFound) {
  const CliRun run = world.Run({"append", "/nowhere/events.jsonl"});
  EXPECT_EQ(run.code, 4);
  EXPECT_THAT(run.err, HasSubstr("/nowhere/events.jsonl"));
  EXPECT_TRUE(world.connects.empty()) << "nothing is made for it";
}

TEST_F(AppendTest, TheSummaryIsAMessageInJson) {
  const std::string file = WriteFile("json", Sale("1") + "\n");
  const CliRun run = world.Run({"append", file.c_str(), "-o", "jsonl"});
  EXPECT_EQ(run.out, R"({"results":[],"appended":"1","refused":"0"})"
                     "\n");
}

TEST(AppendInputTest, AQuietPipeSaysSoAndItsEndIsSeen) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  auto input = OpenLines(ends[0], [] { return false; });
  EXPECT_EQ(*input->Next(1), Got::kQuiet);
  ASSERT_EQ(::write(ends[1], "\xEF\xBB\xBFone\ntw", 9), 9);
  EXPECT_EQ(*input->Next(1'000), Got::kItem);
  EXPECT_EQ(input->payload(), "one") << "without the byte order mark";
  EXPECT_EQ(*input->Next(1), Got::kQuiet);
  ::close(ends[1]);
  EXPECT_EQ(*input->Next(1'000), Got::kItem);
  EXPECT_EQ(input->payload(), "tw");
  EXPECT_EQ(input->number(), 2);
  EXPECT_EQ(*input->Next(1'000), Got::kEnd);
  ::close(ends[0]);
}

TEST(AppendInputTest, ABrokenLengthEndsTheReading) {
  const std::string file = WriteFile("broken", std::string(20, '\xff'));
  const int fd = ::open(file.c_str(), O_RDONLY);
  auto input = OpenFrames(fd, [] { return false; });
  EXPECT_EQ(input->Next(1'000).status().code(), absl::StatusCode::kDataLoss);
  ::close(fd);
}

TEST(AppendInputTest, ARecordBeyondTheLimitIsHandedOnInPieces) {
  const size_t size = kMaxEventBytes + 1'000;
  std::string text = {static_cast<char>(0x80 | (size & 0x7F)),
                      static_cast<char>(0x80 | ((size >> 7) & 0x7F)),
                      static_cast<char>((size >> 14) & 0x7F)};
  text += std::string(size, 'a') + std::string("\x01z", 2);
  const std::string file = WriteFile("pieces", text);
  const int fd = ::open(file.c_str(), O_RDONLY);
  auto input = OpenFrames(fd, [] { return false; });
  std::string seen;
  EXPECT_EQ(*input->Next(1'000), Got::kHuge);
  seen += input->raw();
  while (!input->item_ends()) {
    ASSERT_EQ(*input->Next(1'000), Got::kMore);
    seen += input->raw();
  }
  EXPECT_EQ(seen, text.substr(0, text.size() - 2));
  EXPECT_EQ(*input->Next(1'000), Got::kItem);
  EXPECT_EQ(input->payload(), "z");
  EXPECT_EQ(*input->Next(1'000), Got::kEnd);
  ::close(fd);
}

}  // namespace
}  // namespace tallywire
