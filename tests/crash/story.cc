// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/story.h"

#include <fcntl.h>
#include <unistd.h>

#include <fstream>
#include <random>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "ledger/check.h"
#include "ledger/status.h"
#include "ledger/topics.h"
#include "tallywire/v1/api.pb.h"
#include "tests/scenarios/audit.h"
#include "tests/scenarios/event_line.h"
#include "tests/scenarios/queries.h"

namespace tallywire::crash {
namespace {

// Steps are parted by empty lines. Each is 0.7 s after the one before it, so that checkpoints come
// now before and now after a turn.
constexpr Span kStep = Milliseconds(700);
constexpr std::string_view kShort = R"(
location_defined WH1 WAREHOUSE
location_defined WH2 WAREHOUSE
location_defined STORE STORE sellable=no

sku_defined TEE title=Tee safety_stock=1
sku_defined CAP title=Cap
received TEE WH1/BIN1 20
received CAP WH2 5

listing amazon T-1 TEE

sold TEE WH1/BIN1 3 channel=amazon listing=T-1
sold CAP WH2 1
received MUG STORE 4

listing ebay C-1 CAP max=3

counted TEE WH1/BIN1 16 occurred=10:00:01
transfer_shipped TEE T1 WH1/BIN1>WH2 4
moved CAP WH2 AVAILABLE>HELD 1 until=10:00:06

adjusted MUG STORE -1 reason=theft
sku_location_set TEE WH2 safety_stock=2

location_defined STORE STORE
returned TEE WH1/BIN1 1 pool=DAMAGED
sold TEE WH1/BIN1 2 channel=ebay

transfer_received TEE T1 WH2 3
transferred CAP WH2>WH1 2
listing amazon M-1 MUG buffer=1

transfer_closed TEE T1
sold MUG STORE 5
sold CAP WH2 1
)";

Time After(Time at, Span span) { return at + span; }

v1::StockEvent EventOf(const std::vector<std::string>& words, int number, Time at) {
  auto event = scenarios::ParseEvent(words, absl::StrCat("e", number), at);
  TW_CHECK(event.ok(), event.status().ToString().c_str());
  return *std::move(event);
}

Story Parse(std::string_view text) {
  Story story;
  int number = 0;
  Step step;
  step.at = kStoryBegins;
  const auto end_step = [&] {
    if (step.events.empty() && !step.listing) return;
    story.push_back(step);
    step = Step();
    step.at = After(story.back().at, kStep);
  };
  for (const absl::string_view line :
       absl::StrSplit(absl::string_view(text.data(), text.size()), '\n')) {
    std::vector<std::string> words = scenarios::Words(std::string_view(line.data(), line.size()));
    if (words.empty()) {
      end_step();
    } else if (words[0] == "listing") {
      words.erase(words.begin());
      auto listing = scenarios::ParseListing(words, step.at);
      TW_CHECK(listing.ok(), listing.status().ToString().c_str());
      step.listing = *std::move(listing);
    } else {
      step.events.push_back(EventOf(words, ++number, step.at));
    }
  }
  end_step();
  return story;
}

void CheckAcknowledged(const Client& client, const std::vector<scenarios::OwnedRecord>& records,
                       std::vector<std::string>* findings) {
  std::map<std::pair<int32_t, int64_t>, std::string> ids;
  for (const scenarios::OwnedRecord& record : records) {
    v1::StockEvent event;
    if (!event.ParseFromString(record.value)) continue;
    ids[{record.partition.value(), record.offset.value()}] = event.event_id();
  }
  for (const Client::Acknowledged& one : client.acknowledged()) {
    const auto found = ids.find({one.partition, one.offset});
    if (found != ids.end() && found->second == one.id) continue;
    findings->push_back(absl::StrCat("event ", one.id, " was acknowledged at ", one.partition, "/",
                                     one.offset, ", where there is ",
                                     found == ids.end() ? "nothing" : found->second));
  }
}

// One body for each (listing, rules version, stock version), wherever they lie.
void CheckUpdates(const std::vector<scenarios::OwnedRecord>& records,
                  std::vector<std::string>* findings) {
  std::map<std::tuple<std::string, int64_t, int64_t>, std::string> bodies;
  for (const scenarios::OwnedRecord& record : records) {
    v1::ListingUpdate update;
    if (!update.ParseFromString(record.value)) {
      findings->push_back("an update that is none");
      continue;
    }
    const auto [seen, first] = bodies.try_emplace(
        {record.key, update.rules_version(), update.stock_version()}, record.value);
    if (first || seen->second == record.value) continue;
    findings->push_back("two bodies of one version: " + update.ShortDebugString());
  }
}

}  // namespace

Story ShortStory() { return Parse(kShort); }

Story LongStory(uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto below = [&](uint64_t n) { return random() % n; };
  const auto sku = [&] { return absl::StrCat("S", below(9)); };
  const auto place = [&] {
    const char* const places[] = {"WH1", "WH1/B1", "WH1/B2", "WH2", "WH2/B1", "STORE"};
    return std::string(places[below(std::size(places))]);
  };
  std::string text =
      "location_defined WH1 WAREHOUSE\nlocation_defined WH2 WAREHOUSE\nlocation_defined STORE "
      "STORE\n\n";
  int transfers = 0;
  for (int step = 0; step < 120; ++step) {
    for (uint64_t events = 1 + below(5); events > 0; --events) {
      switch (below(12)) {
        case 0:
          absl::StrAppend(&text, "counted ", sku(), " ", place(), " ", below(30), "\n");
          break;
        case 1:
          absl::StrAppend(&text, "received ", sku(), " ", place(), " ", 1 + below(40), "\n");
          break;
        case 2:
          absl::StrAppend(&text, "transferred ", sku(), " WH1>WH2/B1 ", 1 + below(5), "\n");
          break;
        case 3:
          absl::StrAppend(&text, "transfer_shipped ", sku(), " T", ++transfers, " WH2>STORE ",
                          1 + below(4), "\n");
          break;
        case 4:
          absl::StrAppend(&text, "sku_defined ", sku(), " title=T", below(9),
                          " safety_stock=", below(4), "\n");
          break;
        case 5:
          absl::StrAppend(&text, "moved ", sku(), " ", place(), " AVAILABLE>DAMAGED 1\n");
          break;
        case 6:
          absl::StrAppend(&text, "adjusted ", sku(), " ", place(), " ", 1 + below(3), "\n");
          break;
        case 7:
          absl::StrAppend(&text, "location_defined WH2 WAREHOUSE priority=", below(9), "\n");
          break;
        default:
          absl::StrAppend(&text, "sold ", sku(), " ", place(), " ", 1 + below(3), "\n");
      }
    }
    if (step % 10 == 3) {
      absl::StrAppend(&text, "listing amazon L", below(5), " S", below(9),
                      " percent=", 50 + below(51), "\n");
    }
    absl::StrAppend(&text, "\n");
  }
  Story story = Parse(text);
  for (Step& step : story) step.turns = static_cast<int>(below(3));
  return story;
}

absl::Status Client::Play(scenarios::World& world) {
  TW_RETURN_IF_ERROR(Tell(world));
  world.SetClock(After(story_.back().at, Seconds(10)));
  return world.Settle();
}

absl::Status Client::Tell(scenarios::World& world) {
  for (; next_ < story_.size(); ++next_, event_done_ = false) {
    const Step& step = story_[next_];
    world.SetClock(step.at);
    TW_RETURN_IF_ERROR(Ask(world, step));
    for (int turn = 0; turn < step.turns; ++turn) TW_RETURN_IF_ERROR(world.Turn().status());
  }
  return absl::OkStatus();
}

absl::Status Client::Ask(scenarios::World& world, const Step& step) {
  if (!event_done_ && !step.events.empty()) {
    std::vector<const v1::StockEvent*> events;
    for (const v1::StockEvent& event : step.events) events.push_back(&event);
    TW_ASSIGN_OR_RETURN(const auto results, world.appender().Append(events));
    for (size_t i = 0; i < results.size(); ++i) {
      const auto* appended = std::get_if<AppendedEvent>(&results[i]);
      TW_CHECK(appended != nullptr, "a story has no event that is refused");
      acknowledged_.push_back(
          {events[i]->event_id(), appended->partition.value(), appended->offset.value()});
    }
  }
  if (!event_done_) {
    event_done_ = true;
    Note();
  }
  if (step.listing) TW_RETURN_IF_ERROR(world.publisher().PutListing(*step.listing).status());
  return absl::OkStatus();
}

void Client::KeepIn(std::string file) {
  file_ = std::move(file);
  Note();
}

void Client::Note() {
  if (file_.empty()) return;
  std::string text = absl::StrCat(next_, " ", event_done_ ? 1 : 0, "\n");
  for (const Acknowledged& one : acknowledged_) {
    absl::StrAppend(&text, one.id, " ", one.partition, " ", one.offset, "\n");
  }
  const std::string fresh = file_ + ".new";
  std::ofstream(fresh) << text;
  TW_CHECK(std::rename(fresh.c_str(), file_.c_str()) == 0, "a client can keep its notes");
}

void Client::ReadFrom(const std::string& file) {
  std::ifstream in(file);
  if (!in) return;
  in >> next_ >> event_done_;
  acknowledged_.clear();
  for (Acknowledged one; in >> one.id >> one.partition >> one.offset;) acknowledged_.push_back(one);
}

absl::StatusOr<Ending> Look(scenarios::World& world, const Client& client, bool half,
                            bool thorough) {
  Ending ending;
  v1::DigestResponse digest;
  TW_RETURN_IF_ERROR(world.projector().Digest(false, &digest));
  ending.digest = digest.content();
  TW_ASSIGN_OR_RETURN(ending.rows, scenarios::AllRows(world));
  TW_ASSIGN_OR_RETURN(ending.updates, scenarios::Updates(world, {}));
  TW_ASSIGN_OR_RETURN(ending.findings, scenarios::Audit(world, thorough, !half));
  TW_ASSIGN_OR_RETURN(const auto events, world.ReadAll(kStockEvents));
  CheckAcknowledged(client, events, &ending.findings);
  TW_ASSIGN_OR_RETURN(const auto updates, world.ReadAll(kListingUpdates));
  CheckUpdates(updates, &ending.findings);
  return ending;
}

}  // namespace tallywire::crash
