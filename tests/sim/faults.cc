// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/faults.h"

#include <array>
#include <cstddef>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "ledger/topics.h"
#include "tests/sim/random.h"

namespace tallywire::sim {
namespace {

using Kind = Fault::Kind;

// The sentence of each kind: words in braces are its fields.
struct Form {
  Kind kind;
  const char* text;
};
constexpr std::array<Form, 22> kForms = {{
    {Kind::kCrashBefore, "crash {who} before {call} {at}"},
    {Kind::kCrashAfter, "crash {who} after {call} {at}"},
    {Kind::kCrashIn, "crash {who} in append {at}"},
    {Kind::kCrashAt, "crash {who} at {at}"},
    {Kind::kPowerCut, "power-cut {who} at {at}"},
    {Kind::kLoseFolder, "lose-folder {who} at {at}"},
    {Kind::kLoseAck, "lose-ack {who} {call} {at}"},
    {Kind::kTear, "tear {who} append {at}"},
    {Kind::kDuplicate, "duplicate {who} append {at}"},
    {Kind::kRefuse, "refuse {who} {call} {at} for {count}"},
    {Kind::kFull, "full {who} {call} {at} for {count}"},
    {Kind::kDelay, "delay {who} partition {partition} at {at} for {count}"},
    {Kind::kHand, "hand partition {partition} to {who} at {at}"},
    {Kind::kUsurp, "usurp partition {partition} by {who} at {at} for {count}"},
    {Kind::kSleep, "sleep {who} at {at} for {count}"},
    {Kind::kSecondPublisher, "second publisher at {at} for {count}"},
    {Kind::kClockBack, "clock back {span} at {at}"},
    {Kind::kClockAhead, "clock ahead {span} at {at}"},
    {Kind::kSkew, "skew {who} {span}"},
    {Kind::kGap, "gap {topic} {partition} at {at}"},
    {Kind::kCompact, "compact {topic} at {at}"},
    {Kind::kChannel, "channel {topic}"},
}};

struct Unit {
  char name;
  int64_t seconds;
};
constexpr std::array<Unit, 5> kUnits = {
    {{'y', 365 * 24 * 3'600}, {'d', 24 * 3'600}, {'h', 3'600}, {'m', 60}, {'s', 1}}};

std::string PrintSpan(Span span) {
  const int64_t seconds = span.value() / 1'000'000;
  for (const Unit& unit : kUnits) {
    if (seconds % unit.seconds == 0) {
      return absl::StrCat(seconds / unit.seconds, std::string(1, unit.name));
    }
  }
  return "";
}

bool ReadSpan(std::string_view text, Span* out) {
  if (text.size() < 2) return false;
  int64_t number = 0;
  if (!absl::SimpleAtoi(absl::string_view(text.data(), text.size() - 1), &number)) return false;
  for (const Unit& unit : kUnits) {
    if (unit.name != text.back()) continue;
    *out = Seconds(number * unit.seconds);
    return true;
  }
  return false;
}

std::string PrintField(std::string_view name, const Fault& fault) {
  if (name == "{who}") return fault.who;
  if (name == "{call}") return fault.call;
  if (name == "{topic}") return fault.topic;
  if (name == "{partition}") return absl::StrCat(fault.partition);
  if (name == "{at}") return absl::StrCat(fault.at);
  if (name == "{count}") return absl::StrCat(fault.count);
  return PrintSpan(fault.span);
}

bool ReadField(std::string_view name, const std::string& text, Fault* fault) {
  if (name == "{who}") return !(fault->who = text).empty();
  if (name == "{call}") return !(fault->call = text).empty();
  if (name == "{topic}") return !(fault->topic = text).empty();
  if (name == "{partition}") return absl::SimpleAtoi(text, &fault->partition);
  if (name == "{at}") return absl::SimpleAtoi(text, &fault->at);
  if (name == "{count}") return absl::SimpleAtoi(text, &fault->count);
  return ReadSpan(text, &fault->span);
}

std::vector<std::string> WordsOf(std::string_view text) {
  return absl::StrSplit(absl::string_view(text.data(), text.size()), ' ', absl::SkipEmpty());
}

bool Fits(const Form& form, const std::vector<std::string>& words, Fault* out) {
  const std::vector<std::string> wanted = WordsOf(form.text);
  if (wanted.size() != words.size()) return false;
  Fault fault;
  fault.kind = form.kind;
  for (size_t i = 0; i < words.size(); ++i) {
    const bool fits =
        wanted[i][0] == '{' ? ReadField(wanted[i], words[i], &fault) : wanted[i] == words[i];
    if (!fits) return false;
  }
  *out = std::move(fault);
  return true;
}

class Drawer {
 public:
  Drawer(uint64_t seed, const FaultBounds& bounds) : random_(seed, "faults"), bounds_(bounds) {}

  std::vector<Fault> Draw() {
    std::vector<Fault> faults;
    if (random_.Chance(16)) return faults;
    const uint64_t count = 1 + random_.Below(random_.Chance(30) ? 12 : 5);
    while (faults.size() < count) faults.push_back(DrawOne());
    return faults;
  }

 private:
  std::string Projector() {
    return absl::StrCat("projector-", random_.Below(static_cast<uint64_t>(bounds_.projectors)));
  }
  std::string Anyone() {
    const uint64_t kind = random_.Below(10);
    return kind < 6 ? Projector() : kind < 8 ? "publisher" : "source";
  }
  std::string Stored() { return random_.Chance(75) ? Projector() : "publisher"; }
  int32_t Part() {
    return static_cast<int32_t>(random_.Below(static_cast<uint64_t>(bounds_.partitions)));
  }
  int64_t Step() {
    return static_cast<int64_t>(random_.Below(static_cast<uint64_t>(bounds_.steps)));
  }
  // Processes make a call in some of their steps.
  int64_t CallNumber() {
    return static_cast<int64_t>(random_.Below(static_cast<uint64_t>(bounds_.steps) / 6 + 2));
  }

  Fault Made(Kind kind, std::string who, std::string call, int64_t at) {
    Fault fault;
    fault.kind = kind;
    fault.who = std::move(who);
    fault.call = std::move(call);
    fault.at = at;
    return fault;
  }

  Fault DrawOne() {
    const uint64_t kind = random_.Below(100);
    if (kind < 22) return DrawCrash();
    if (kind < 40) return DrawAppend();
    if (kind < 52) return DrawRefusal();
    if (kind < 74) return DrawOwners();
    if (kind < 82) {
      Fault fault = Made(Kind::kDelay, Projector(), "", Step());
      fault.partition = Part();
      fault.count = random_.Between(3, 30);
      return fault;
    }
    if (kind < 90) return DrawClock();
    if (kind < 95) return DrawLog();
    if (kind < 97 && bounds_.shared) {
      Fault fault = Made(Kind::kSecondPublisher, "", "", Step());
      fault.count = random_.Between(10, 50);
      return fault;
    }
    static constexpr std::array kWays = {"slow", "lying", "forgetful", "twice"};
    Fault fault = Made(Kind::kChannel, "", "", 0);
    fault.topic = random_.Pick(kWays);
    return fault;
  }

  Fault DrawCrash() {
    const std::string who = Stored();
    const std::string call = random_.Chance(50) ? "append" : "checkpoint";
    switch (random_.Below(7)) {
      case 0:
      case 1:
        return Made(Kind::kCrashBefore, who, call, CallNumber());
      case 2:
      case 3:
        return Made(Kind::kCrashAfter, who, call, CallNumber());
      case 4:
        return Made(Kind::kCrashIn, who, "", CallNumber());
      case 5:
        return Made(random_.Chance(60) ? Kind::kCrashAt : Kind::kPowerCut, who, "", Step());
      default:
        return Made(Kind::kLoseFolder, who, "", Step());
    }
  }

  Fault DrawAppend() {
    static constexpr std::array kKinds = {Kind::kLoseAck, Kind::kTear, Kind::kTear,
                                          Kind::kDuplicate};
    Fault fault = Made(random_.Pick(kKinds), Anyone(), "", CallNumber());
    if (fault.kind == Kind::kLoseAck) {
      fault.call = fault.who != "source" && random_.Chance(30) ? "checkpoint" : "append";
    }
    return fault;
  }

  Fault DrawRefusal() {
    if (random_.Chance(20)) {
      // Reads of a store are many.
      Fault fault = Made(Kind::kRefuse, Stored(), "read", random_.Between(0, bounds_.steps));
      fault.count = random_.Between(1, 3);
      return fault;
    }
    const bool store = random_.Chance(50);
    Fault fault = Made(random_.Chance(60) ? Kind::kRefuse : Kind::kFull,
                       store ? Stored() : Anyone(), "checkpoint", CallNumber());
    if (!store) {
      static constexpr std::array kCalls = {"append", "append", "poll", "bounds"};
      fault.call = random_.Pick(kCalls);
    }
    fault.count = random_.Between(1, 6);
    return fault;
  }

  Fault DrawOwners() {
    if (bounds_.projectors < 2) return DrawCrash();
    const uint64_t kind = random_.Below(10);
    Fault fault = Made(kind < 3   ? Kind::kHand
                       : kind < 7 ? Kind::kUsurp
                                  : Kind::kSleep,
                       Projector(), "", Step());
    fault.partition = fault.kind == Kind::kSleep ? 0 : Part();
    if (fault.kind != Kind::kHand) fault.count = random_.Between(5, 60);
    return fault;
  }

  Fault DrawClock() {
    static constexpr std::array kSpans = {Seconds(30), Seconds(3'700), Seconds(86'400),
                                          Seconds(365 * 86'400)};
    if (bounds_.steady_clock || random_.Chance(30)) {
      Fault fault = Made(Kind::kSkew, Stored(), "", 0);
      fault.span = random_.Pick(kSpans);
      if (random_.Chance(50)) fault.span = Span(-fault.span.value());
      return fault;
    }
    Fault fault = Made(random_.Chance(50) ? Kind::kClockBack : Kind::kClockAhead, "", "", Step());
    fault.span = random_.Pick(kSpans);
    return fault;
  }

  Fault DrawLog() {
    if (bounds_.shared && random_.Chance(50)) {
      Fault fault = Made(Kind::kGap, "", "", Step());
      fault.topic = random_.Chance(60) ? kStockEvents : kStockAvailability;
      fault.partition = Part();
      return fault;
    }
    static constexpr std::array kTopics = {kStockAvailability, kStockAvailability, kStockProgress,
                                           kListingUpdates};
    Fault fault = Made(Kind::kCompact, "", "", Step());
    fault.topic = random_.Pick(kTopics);
    return fault;
  }

  Random random_;
  const FaultBounds bounds_;
};

}  // namespace

std::string Print(const Fault& fault) {
  for (const Form& form : kForms) {
    if (form.kind != fault.kind) continue;
    std::vector<std::string> words = WordsOf(form.text);
    for (std::string& word : words) {
      if (word[0] == '{') word = PrintField(word, fault);
    }
    return absl::StrJoin(words, " ");
  }
  return "";
}

absl::StatusOr<Fault> ParseFault(std::string_view text) {
  const std::vector<std::string> words = WordsOf(text);
  Fault fault;
  for (const Form& form : kForms) {
    if (Fits(form, words, &fault)) return fault;
  }
  std::string known;
  for (const Form& form : kForms) absl::StrAppend(&known, "\n  ", form.text);
  return absl::InvalidArgumentError(
      absl::StrCat("`", std::string(text), "` is no fault; there are:", known));
}

std::vector<Fault> DrawFaults(uint64_t seed, const FaultBounds& bounds) {
  return Drawer(seed, bounds).Draw();
}

}  // namespace tallywire::sim
