// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_LEDGER_FORM_RULES_H_
#define TALLYWIRE_LEDGER_FORM_RULES_H_

// The form rules of the wire: which messages are events, and what those say. Inner part of the
// codec; everybody else includes ledger/codec.h.
//
// Threads: pure functions.

#include <optional>
#include <string_view>

#include "ledger/codec.h"
#include "ledger/event.h"
#include "ledger/refused.h"

namespace tallywire {

// What a record's CloudEvents headers say; read where the body says nothing.
struct HeaderFields {
  std::string_view event_id;
  std::string_view source;
  std::string_view time;  // RFC 3339
};

// Whether a message's texts are known to be UTF-8, as those are that protobuf has parsed.
enum class Texts { kUtf8, kUnknown };

// Fills `event` from `message`, defaults filled in. Says the first rule that is broken, in the
// order of RefusedReason over the whole message; `event` is then of no use. `event` may hold
// another one from before: its memory is used again.
//
// TOO_LARGE and what bytes can break otherwise are the caller's.
[[nodiscard]] std::optional<Refusal> ReadEvent(const v1::StockEvent& message, Texts texts,
                                               const HeaderFields& headers,
                                               const Placement& placement, Event& event);

}  // namespace tallywire

#endif  // TALLYWIRE_LEDGER_FORM_RULES_H_
