// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_API_REDRIVE_H_
#define TALLYWIRE_TOOLS_API_REDRIVE_H_

// What redriving a dead letter appends: by key, in another event's words, or as it is. Pure; reads
// and writes no log (tools/api/dead_letters.h does).
//
//   Planner planner(partitions);
//   auto planned = planner.ByKey(letter);
//   if (auto* record = std::get_if<PlannedRecord>(&planned)) … append record->Record() …
//
// Whatever is appended keeps its event's identity, so a letter that is redriven twice counts once;
// and carries kRedrivenFrom.

#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ledger/codec.h"
#include "ledger/log.h"
#include "ledger/refused.h"
#include "tallywire/v1/api.pb.h"
#include "tools/api/dead_letter.h"

namespace tallywire {

// A dead letter, the partition of its topic that it lies in, and all headers of its record.
struct Letter {
  v1::DeadLetter message;
  Partition home;
  std::vector<Header> headers;

  LetterPlace place() const { return PlaceOf(message); }
  // The SKU, or the location that is defined; else the record's key. Not always UTF-8.
  std::string key() const;
};

// A record of stock.events that is to be appended, with its memory.
struct PlannedRecord {
  std::string key;
  Partition partition;
  std::string value;
  std::vector<Header> headers;

  NewRecord Record() const;
};

// Or why it would be refused again.
using Planned = std::variant<PlannedRecord, Refusal>;

// One thread.
class Planner {
 public:
  // `partitions`: of stock.events.
  explicit Planner(int32_t partitions) : partitions_(partitions) {}

  Planned ByKey(const Letter& letter);
  Planned Replace(const Letter& letter, const v1::StockEvent& event);
  Planned AsIs(const Letter& letter);

 private:
  Planned Plan(const Letter& letter, v1::StockEvent event);

  const int32_t partitions_;
  Decoder decoder_;
};

// Which replacement is for which letter.
//
//   auto replacements = Replacements::Make(request.replacements());
//   for (each chosen letter) replacements->Offer(letter);
//   TW_RETURN_IF_ERROR(replacements->Settle());
//   … replacements->For(place) …
class Replacements {
 public:
  using List = google::protobuf::RepeatedPtrField<v1::DeadLetterReplacement>;

  // `list` must outlive it. INVALID_ARGUMENT: one has no event or a place that is none, or two name
  // one letter.
  static absl::StatusOr<Replacements> Make(const List& list);

  // Every chosen letter, once or more.
  void Offer(const Letter& letter);
  // INVALID_ARGUMENT: one fits no letter that was offered, or two fit the same.
  absl::Status Settle();

  // Null: none is for it. After Settle.
  const v1::DeadLetterReplacement* For(LetterPlace place) const;
  // `line 7`, or its place in the list.
  std::string NameOf(const v1::DeadLetterReplacement& replacement) const;

 private:
  struct Identity {
    std::string source;
    std::string event_id;
    friend auto operator<=>(const Identity&, const Identity&) = default;
  };
  explicit Replacements(const List& list) : list_(&list) {}
  absl::Status Assign(LetterPlace place, int index);
  absl::Status Error(int index, const std::string& what) const;

  const List* list_;
  std::map<LetterPlace, int> named_;
  std::multimap<Identity, int> by_identity_;
  // What was offered and may fit: named, or of an identity that one has, with its key.
  std::set<LetterPlace> offered_;
  std::map<Identity, std::map<LetterPlace, std::string>> alike_;
  std::map<LetterPlace, int> assigned_;
};

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_API_REDRIVE_H_
