// SPDX-License-Identifier: Apache-2.0
#include "tests/scenarios/runner.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <variant>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/util/json_util.h"
#include "ledger/refused.h"
#include "ledger/status.h"
#include "ledger/topics.h"
#include "tallywire/v1/api.pb.h"
#include "tests/scenarios/audit.h"
#include "tests/scenarios/event_line.h"
#include "tests/scenarios/print.h"
#include "tests/scenarios/queries.h"

namespace tallywire::scenarios {
namespace {

constexpr std::string_view kStart = "2026-03-01T10:00";

// A record that goes past the appender.
struct RawRecord {
  std::string key;
  std::string partition;  // empty: where the key belongs; `wrong`: the one after that
  std::vector<Header> headers;
  std::string value;
};

// The first word of `rest`, which loses it.
std::string TakeWord(std::string& rest) {
  const size_t begin = rest.find_first_not_of(' ');
  if (begin == rest.npos) {
    rest.clear();
    return "";
  }
  const size_t end = std::min(rest.find(' ', begin), rest.size());
  std::string word = rest.substr(begin, end - begin);
  rest = rest.substr(std::min(rest.find_first_not_of(' ', end), rest.size()));
  return word;
}

absl::StatusOr<v1::StockEvent> FromJson(const std::string& text) {
  v1::StockEvent event;
  const auto status = google::protobuf::util::JsonStringToMessage(text, &event);
  if (!status.ok()) return absl::InvalidArgumentError("json: " + std::string(status.message()));
  return event;
}

absl::StatusOr<std::string> FromHex(std::string rest) {
  std::string bytes;
  while (!rest.empty()) {
    const std::string word = TakeWord(rest);
    const size_t star = word.find('*');
    int times = 1;
    if (star != word.npos && !absl::SimpleAtoi(word.substr(star + 1), &times)) {
      return absl::InvalidArgumentError("bytes: not a number of times: " + word);
    }
    const std::string unit = absl::HexStringToBytes(word.substr(0, star));
    for (int i = 0; i < times; ++i) bytes += unit;
  }
  return bytes;
}

class Player {
 public:
  Player(const Scenario& scenario, const RunConfig& config)
      : scenario_(scenario), config_(config) {}

  absl::StatusOr<RunResult> Play();

 private:
  absl::Status PlayLine(const std::string& text);
  absl::Status MaybeRestart();
  absl::Status AddEvent(v1::StockEvent event);
  absl::Status Flush();
  absl::Status AppendRaw(std::string rest);
  absl::StatusOr<RawRecord> ParseRaw(std::string rest);
  absl::Status Put(const RawRecord& record);
  absl::Status Listing(const std::vector<std::string>& words);
  absl::StatusOr<std::string> Ask(const std::string& what, const std::vector<std::string>& words);
  absl::StatusOr<v1::StockEvent> Parse(const std::vector<std::string>& words);

  const Scenario& scenario_;
  const RunConfig config_;

  std::unique_ptr<World> world_;
  std::vector<v1::StockEvent> pending_;
  std::string output_;  // of the present block
  int events_ = 0;
  size_t lines_ = 0;  // in the scenario
  size_t line_ = 0;   // played
};

absl::StatusOr<RunResult> Player::Play() {
  TW_ASSIGN_OR_RETURN(const Time start, ParseClock(kStart, Time(0)));
  TW_ASSIGN_OR_RETURN(world_, World::Create(config_, start));
  for (const Block& block : scenario_.blocks) lines_ += block.input.size();
  RunResult result;
  for (const Block& block : scenario_.blocks) {
    output_.clear();
    for (const InputLine& line : block.input) {
      TW_RETURN_IF_ERROR(MaybeRestart());
      const absl::Status status = PlayLine(line.text);
      if (!status.ok()) {
        return absl::Status(status.code(), absl::StrCat(scenario_.file, ":", line.number, ": ",
                                                        std::string(status.message())));
      }
    }
    TW_RETURN_IF_ERROR(Flush());
    result.outputs.push_back(output_);
  }
  TW_RETURN_IF_ERROR(world_->Settle());
  TW_ASSIGN_OR_RETURN(result.rows, AllRows(*world_));
  v1::DigestResponse digest;
  TW_RETURN_IF_ERROR(world_->projector().Digest(false, &digest));
  result.digest = digest.content();
  // The log is folded anew in one run of each scenario: the one with most going on.
  const bool thorough = config_.partitions == scenario_.partitions.back() && config_.restart;
  TW_ASSIGN_OR_RETURN(result.findings, Audit(*world_, thorough));
  if (!digest.at_rest()) result.findings.push_back("not at rest");
  return result;
}

// In a run with restarts: the parts are dropped after a third of the lines, with a turn's work
// folded and nothing settled, and closed in good order after two thirds.
absl::Status Player::MaybeRestart() {
  const size_t line = line_++;
  if (!config_.restart) return absl::OkStatus();
  const bool drop = line == lines_ / 3;
  const bool close = line == lines_ * 2 / 3;
  if (!drop && !close) return absl::OkStatus();
  TW_RETURN_IF_ERROR(Flush());
  if (drop) {
    TW_ASSIGN_OR_RETURN(const bool more, world_->Turn());
    static_cast<void>(more);
  }
  return world_->Restart(close && !drop);
}

absl::Status Player::PlayLine(const std::string& text) {
  std::string rest = text;
  const std::string first = TakeWord(rest);
  if (IsBody(first)) {
    TW_ASSIGN_OR_RETURN(v1::StockEvent event, Parse(Words(text)));
    return AddEvent(std::move(event));
  }
  if (first == "json") {
    TW_ASSIGN_OR_RETURN(v1::StockEvent event, FromJson(rest));
    return AddEvent(std::move(event));
  }
  TW_RETURN_IF_ERROR(Flush());
  const std::vector<std::string> words = Words(rest);
  if (first == "raw") return AppendRaw(rest);
  if (first == "at" && words.size() == 1) {
    TW_ASSIGN_OR_RETURN(const Time now, ParseClock(words[0], world_->now()));
    world_->SetClock(now);
    return absl::OkStatus();
  }
  if (first == "settle") return world_->Settle();
  if (first == "restart") return world_->Restart(words.empty() || words[0] != "drop");
  TW_RETURN_IF_ERROR(world_->Settle());
  if (first == "listing") return Listing(words);
  TW_ASSIGN_OR_RETURN(const std::string answer, Ask(first, words));
  output_ += answer;
  return absl::OkStatus();
}

absl::StatusOr<std::string> Player::Ask(const std::string& what,
                                        const std::vector<std::string>& words) {
  if (what == "stock") return Stock(*world_, words);
  if (what == "journal") return Journal(*world_, words);
  if (what == "alerts") return Alerts(*world_, words);
  if (what == "deadletters") return DeadLetters(*world_);
  if (what == "updates") return Updates(*world_, words);
  if (what == "listings") return Listings(*world_);
  return absl::InvalidArgumentError("unknown command: " + what);
}

absl::StatusOr<v1::StockEvent> Player::Parse(const std::vector<std::string>& words) {
  return ParseEvent(words, absl::StrCat("e", ++events_), world_->now());
}

absl::Status Player::AddEvent(v1::StockEvent event) {
  const bool definition = event.has_location_defined() && scenario_.settle_definitions;
  pending_.push_back(std::move(event));
  if (definition) {
    TW_RETURN_IF_ERROR(Flush());
    return world_->Settle();
  }
  return pending_.size() >= config_.batch ? Flush() : absl::OkStatus();
}

absl::Status Player::Flush() {
  if (pending_.empty()) return absl::OkStatus();
  const std::vector<v1::StockEvent> events = std::exchange(pending_, {});
  std::vector<const v1::StockEvent*> pointers;
  for (const v1::StockEvent& event : events) pointers.push_back(&event);
  TW_ASSIGN_OR_RETURN(const auto results, world_->appender().Append(pointers));
  if (results.size() != events.size()) return absl::InternalError("not one result for each event");
  for (size_t i = 0; i < results.size(); ++i) {
    const auto* refusal = std::get_if<Refusal>(&results[i]);
    if (refusal == nullptr) continue;
    absl::StrAppend(&output_, "refused ", std::string(Name(refusal->reason)), " ",
                    EventName(events[i].source(), events[i].event_id()), "\n");
    if (refusal->detail.empty()) return absl::InternalError("a refusal without detail");
  }
  if (config_.batch > 1) return absl::OkStatus();
  return world_->Turn().status();
}

absl::StatusOr<RawRecord> Player::ParseRaw(std::string rest) {
  RawRecord record;
  bool key_given = false;
  while (true) {
    std::string after = rest;
    const std::string word = TakeWord(after);
    const size_t equals = word.find('=');
    const std::string value = equals == word.npos ? "" : Words(word + " ")[0].substr(equals + 1);
    if (word.starts_with("key=")) {
      record.key = value;
      key_given = true;
    } else if (word.starts_with("partition=")) {
      record.partition = value;
    } else if (word.starts_with("header.")) {
      record.headers.push_back({word.substr(7, equals - 7), value});
    } else {
      break;
    }
    rest = after;
  }
  std::string body = rest;
  const std::string first = TakeWord(body);
  if (first == "bytes") {
    TW_ASSIGN_OR_RETURN(record.value, FromHex(body));
    if (!key_given) record.key = "A";
    return record;
  }
  absl::StatusOr<v1::StockEvent> event = first == "json" ? FromJson(body) : Parse(Words(rest));
  TW_RETURN_IF_ERROR(event.status());
  record.value = event->SerializeAsString();
  if (!key_given) {
    record.key =
        event->has_location_defined() ? event->location_defined().location() : event->sku();
  }
  return record;
}

absl::Status Player::AppendRaw(std::string rest) {
  TW_ASSIGN_OR_RETURN(const RawRecord record, ParseRaw(std::move(rest)));
  TW_RETURN_IF_ERROR(Put(record));
  return config_.batch > 1 ? absl::OkStatus() : world_->Turn().status();
}

absl::Status Player::Put(const RawRecord& record) {
  const Partition home = PartitionOf(record.key, config_.partitions);
  int partition = home.value();
  if (record.partition == "wrong") {
    partition = (partition + 1) % config_.partitions;
  } else if (!record.partition.empty() && !absl::SimpleAtoi(record.partition, &partition)) {
    return absl::InvalidArgumentError("not a partition: " + record.partition);
  }
  const NewRecord added = {.topic = kStockEvents,
                           .partition = Partition(partition),
                           .key = record.key,
                           .value = record.value,
                           .headers = record.headers};
  return world_->log().Append({&added, 1}).status();
}

absl::Status Player::Listing(const std::vector<std::string>& words) {
  absl::Status status;
  const std::vector<std::string> rest(words.begin() + (words.empty() ? 0 : 1), words.end());
  if (!words.empty() && words[0] == "put") {
    TW_ASSIGN_OR_RETURN(const v1::Listing listing, ParseListing(rest, world_->now()));
    status = world_->publisher().PutListing(listing).status();
  } else if (words.size() == 3 && words[0] == "remove") {
    status = world_->publisher().RemoveListing(words[1], words[2]).status();
  } else {
    return absl::InvalidArgumentError("listing put … or listing remove CHANNEL ID");
  }
  if (absl::IsInvalidArgument(status) || absl::IsNotFound(status)) {
    absl::StrAppend(&output_, "listing refused ", absl::StatusCodeToString(status.code()), "\n");
    return absl::OkStatus();
  }
  return status;
}

}  // namespace

std::vector<RunConfig> ConfigsOf(const Scenario& scenario) {
  std::vector<RunConfig> configs;
  for (const int partitions : scenario.partitions) {
    for (const size_t batch : {size_t{1}, size_t{1000}}) {
      for (const bool restart : {false, true}) {
        // What comes out is the same whatever the threads; who takes one record a turn is always
        // behind.
        configs.push_back({.partitions = partitions,
                           .batch = batch,
                           .restart = restart,
                           .threads = batch == 1 && restart ? size_t{3} : size_t{1}});
      }
    }
  }
  return configs;
}

absl::StatusOr<RunResult> PlayScenario(const Scenario& scenario, const RunConfig& config) {
  Player player(scenario, config);
  return player.Play();
}

}  // namespace tallywire::scenarios
