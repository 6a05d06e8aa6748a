// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_API_DEAD_LETTER_H_
#define TALLYWIRE_TOOLS_API_DEAD_LETTER_H_

// One record of stock.events-dlt: a refused record as a message, with reason and origin from its
// headers, or the mark of one that was redriven (ledger/dead_letters.h). Pure.

#include <array>
#include <compare>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "google/protobuf/timestamp.pb.h"
#include "ledger/log.h"
#include "ledger/types.h"
#include "tallywire/v1/api.pb.h"

namespace tallywire {

// A number in a header: decimal text, or 4 or 8 bytes, the highest first, as other tools write it.
// Nothing if it is neither.
std::optional<int64_t> HeaderNumber(std::string_view value);

// What a header lacks is left out. Where a header is there twice the last one counts: who copies a
// dead letter back with all its headers has it refused with a second set of them.
v1::DeadLetter ToDeadLetter(const Record& record);

// The headers that the record had when it was refused, less what an earlier redrive had put there.
std::vector<Header> OriginalHeaders(std::span<const Header> letter);

// A place in stock.events, by which a letter is known: `3/12`.
struct LetterPlace {
  Partition partition;
  Offset offset;
  friend auto operator<=>(const LetterPlace&, const LetterPlace&) = default;
};
std::string ToText(LetterPlace place);
std::optional<LetterPlace> ParseLetterPlace(std::string_view text);
LetterPlace PlaceOf(const v1::DeadLetter& letter);

// Says that a letter was redriven, and where to.
struct RedriveMark {
  LetterPlace letter;
  LetterPlace to;
};
std::array<Header, 2> MarkHeaders(const RedriveMark& mark);
// Whether the record is no dead letter but a mark; ReadMark: nothing also of a mark that is
// garbled.
bool IsMark(const Record& record);
std::optional<RedriveMark> ReadMark(const Record& record);

// Which letters: those that fit all that is set.
struct LetterFilter {
  std::optional<v1::RefusedReason> reason;
  std::string source;         // empty: any
  std::optional<Time> since;  // log time of the refused record, at or after
  std::optional<Time> until;  // before

  bool empty() const;
  bool Fits(const v1::DeadLetter& letter) const;
};

// Whole microseconds; nothing if it is out of range.
std::optional<Time> ToTime(const google::protobuf::Timestamp& time);

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_API_DEAD_LETTER_H_
