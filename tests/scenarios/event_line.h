// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_SCENARIOS_EVENT_LINE_H_
#define TALLYWIRE_TESTS_SCENARIOS_EVENT_LINE_H_

// One terse line to a message: `sold RED-TEE WH1 3 pool=DAMAGED occurred=09:30 id=e7`.
//
// Body, SKU (but for location_defined), the body's own fields in their order (two places or pools
// are written `FROM>TO`), then NAME=VALUE for any other field of the body and for id, source,
// occurred, seq, actor, document and note. `-` leaves a field out. Enum values without their
// prefix, or a number; times `09:30` (on the clock's day) or `2026-03-01T09:30`; spans `2d`, `3h`,
// `30m`, `10s`; money `1250GBP` in minor units; places `LAT,LON` in E7. `{A*65}` is 65 times A;
// `\001` is a control character.

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "ledger/types.h"
#include "tallywire/v1/event.pb.h"
#include "tallywire/v1/listing.pb.h"

namespace tallywire::scenarios {

// The words of a line, with repeats and escapes done.
std::vector<std::string> Words(std::string_view line);

// `09:30`, `09:30:15`, with or without a day before it.
absl::StatusOr<Time> ParseClock(std::string_view text, Time now);

// Sets the field `name` of `message` from text; a repeated one from a list with commas.
absl::Status SetField(google::protobuf::Message& message, const std::string& name,
                      const std::string& value, Time now);

// True if a line's first word names a body.
bool IsBody(std::string_view word);

// `default_id` is used where the line has no id; the source is `test` where it has none.
absl::StatusOr<v1::StockEvent> ParseEvent(const std::vector<std::string>& words,
                                          const std::string& default_id, Time now);

// `CHANNEL LISTING SKU [NAME=VALUE…] [paused]`.
absl::StatusOr<v1::Listing> ParseListing(const std::vector<std::string>& words, Time now);

}  // namespace tallywire::scenarios

#endif  // TALLYWIRE_TESTS_SCENARIOS_EVENT_LINE_H_
