// SPDX-License-Identifier: Apache-2.0
#include "tools/api/redrive.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/cloud_events.h"
#include "ledger/dead_letters.h"
#include "ledger/event.h"
#include "ledger/limits.h"
#include "ledger/status.h"
#include "ledger/topics.h"
#include "tools/api/problem.h"

namespace tallywire {
namespace {

constexpr std::string_view kCeTime = "ce_time";

Header FromHeader(LetterPlace place) {
  return {std::string(kRedrivenFrom),
          absl::StrCat(std::string(kStockDeadLetters), "/", ToText(place))};
}

void SetTime(Time time, google::protobuf::Timestamp* out) {
  out->set_seconds(time.value() / 1'000'000);
  out->set_nanos(static_cast<int32_t>(time.value() % 1'000'000 * 1'000));
}

// What stood beside the event stays; what said which event it is is written anew.
std::vector<Header> HeadersFor(const Letter& letter, const v1::StockEvent& event) {
  CloudEventHeaders made;
  SetCloudEvent(event.event_id(), event.source(), made);
  std::vector<Header> headers = OriginalHeaders(letter.headers);
  std::erase_if(headers, [&](const Header& header) {
    return header.name == kCeTime || std::any_of(made.begin(), made.end(), [&](const Header& m) {
             return m.name == header.name;
           });
  });
  headers.insert(headers.begin(), made.begin(), made.end());
  headers.push_back(FromHeader(letter.place()));
  return headers;
}

}  // namespace

std::string Letter::key() const {
  const std::string_view key = message.has_event() ? KeyOf(message.event()) : std::string_view();
  return key.empty() ? message.key() : std::string(key);
}

NewRecord PlannedRecord::Record() const {
  return {.topic = kStockEvents,
          .partition = partition,
          .key = key,
          .value = value,
          .headers = headers};
}

Planned Planner::Plan(const Letter& letter, v1::StockEvent event) {
  // An event without a time occurred when its record came, and that was then, not now: a count in
  // between has seen it or not.
  if (!event.has_occurred_at() && letter.message.has_log_time()) {
    const auto came = ToTime(letter.message.log_time());
    if (came && came->value() >= kEarliestOccurredAt) SetTime(*came, event.mutable_occurred_at());
  }
  const auto checked = decoder_.Check(event, Placement{});
  if (const auto* refusal = std::get_if<Refusal>(&checked)) return *refusal;
  PlannedRecord record;
  record.key = KeyOf(event);
  record.partition = PartitionOf(record.key, partitions_);
  record.value = event.SerializeAsString();
  record.headers = HeadersFor(letter, event);
  return record;
}

Planned Planner::ByKey(const Letter& letter) {
  if (letter.message.reason() == v1::REFUSED_REASON_TOO_LARGE) {
    return Refusal{RefusedReason::kTooLarge,
                   "value: is not kept here, only at its place in stock.events"};
  }
  const auto decoded = decoder_.Decode(letter.message.value(), letter.headers, Placement{});
  if (const auto* refusal = std::get_if<Refusal>(&decoded)) return *refusal;
  // What the body lacked and the headers had.
  const Event& read = *std::get<const Event*>(decoded);
  v1::StockEvent event = letter.message.event();
  event.set_event_id(std::string(read.event_id));
  event.set_source(std::string(read.source));
  if (read.occurred_at) SetTime(*read.occurred_at, event.mutable_occurred_at());
  return Plan(letter, std::move(event));
}

Planned Planner::Replace(const Letter& letter, const v1::StockEvent& event) {
  return Plan(letter, event);
}

Planned Planner::AsIs(const Letter& letter) {
  PlannedRecord record;
  record.key = letter.message.key();
  record.partition = letter.place().partition;
  record.value = letter.message.value();
  record.headers = OriginalHeaders(letter.headers);
  if (letter.message.reason() == v1::REFUSED_REASON_TOO_LARGE) {
    return Refusal{RefusedReason::kTooLarge,
                   "value: is not kept here, only at its place in stock.events"};
  }
  const auto decoded = decoder_.Decode(record.value, record.headers,
                                       Placement{record.key, record.partition, partitions_});
  if (const auto* refusal = std::get_if<Refusal>(&decoded)) return *refusal;
  const Body body = std::get<const Event*>(decoded)->body;
  if (IsLinked(body)) {
    return Refusal{RefusedReason::kNotAllowed,
                   absl::StrCat(std::string(Name(body)), ": is written by the ledger only")};
  }
  record.headers.push_back(FromHeader(letter.place()));
  return record;
}

absl::StatusOr<Replacements> Replacements::Make(const List& list) {
  Replacements made(list);
  for (int i = 0; i < list.size(); ++i) {
    const v1::DeadLetterReplacement& replacement = list[i];
    if (!replacement.has_event()) return made.Error(i, "has no event");
    if (replacement.letter().empty()) {
      const v1::StockEvent& event = replacement.event();
      made.by_identity_.emplace(Identity{event.source(), event.event_id()}, i);
      continue;
    }
    const auto place = ParseLetterPlace(replacement.letter());
    if (!place) {
      return made.Error(i, absl::StrCat("`", replacement.letter(), "` is not PARTITION/OFFSET"));
    }
    const auto [known, first] = made.named_.emplace(*place, i);
    if (!first) {
      return made.Error(i, absl::StrCat("is for letter ", replacement.letter(), ", as ",
                                        made.NameOf(list[known->second]), " is"));
    }
  }
  return made;
}

void Replacements::Offer(const Letter& letter) {
  const LetterPlace place = letter.place();
  if (named_.contains(place)) {
    offered_.insert(place);
    return;
  }
  Identity identity{letter.message.source(), letter.message.event_id()};
  if (by_identity_.contains(identity)) alike_[std::move(identity)].emplace(place, letter.key());
}

absl::Status Replacements::Settle() {
  for (const auto& [place, index] : named_) {
    if (!offered_.contains(place)) {
      return Error(
          index, absl::StrCat("is for letter ", ToText(place), ", which is none of those chosen"));
    }
    TW_RETURN_IF_ERROR(Assign(place, index));
  }
  std::vector<std::pair<Identity, int>> loose;
  for (const auto& [identity, index] : by_identity_) {
    const std::string_view key = KeyOf((*list_)[index].event());
    bool fits = false;
    for (const auto& [place, letter_key] : alike_[identity]) {
      if (letter_key != key) continue;
      fits = true;
      TW_RETURN_IF_ERROR(Assign(place, index));
    }
    if (!fits) loose.emplace_back(identity, index);
  }
  // Where the key was what was wrong, the letter still waits under the old one.
  const std::map<LetterPlace, int> by_key = assigned_;
  for (const auto& [identity, index] : loose) {
    bool fits = false;
    for (const auto& [place, letter_key] : alike_[identity]) {
      if (by_key.contains(place)) continue;
      fits = true;
      TW_RETURN_IF_ERROR(Assign(place, index));
    }
    if (!fits) {
      return Error(index, absl::StrCat("no chosen letter is event ", identity.event_id, " of ",
                                       identity.source));
    }
  }
  return absl::OkStatus();
}

absl::Status Replacements::Assign(LetterPlace place, int index) {
  const auto [known, first] = assigned_.emplace(place, index);
  if (first) return absl::OkStatus();
  return Error(index,
               absl::StrCat("fits letter ", ToText(place), ", as ", NameOf((*list_)[known->second]),
                            " does; say which by `letter`"));
}

const v1::DeadLetterReplacement* Replacements::For(LetterPlace place) const {
  const auto found = assigned_.find(place);
  return found == assigned_.end() ? nullptr : &(*list_)[found->second];
}

std::string Replacements::NameOf(const v1::DeadLetterReplacement& replacement) const {
  if (!replacement.name().empty()) return replacement.name();
  for (int i = 0; i < list_->size(); ++i) {
    if (&(*list_)[i] == &replacement) return absl::StrCat("replacements[", i, "]");
  }
  return "";
}

absl::Status Replacements::Error(int index, const std::string& what) const {
  return WithField(absl::InvalidArgumentError(absl::StrCat(NameOf((*list_)[index]), ": ", what)),
                   absl::StrCat("replacements[", index, "]"));
}

}  // namespace tallywire
