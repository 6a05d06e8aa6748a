// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_LEDGER_CODEC_H_
#define TALLYWIRE_LEDGER_CODEC_H_

// From a record's bytes to an Event, and the form rules that a record has to keep.
//
// A value is plain protobuf (tallywire.v1.StockEvent), or the same inside a Schema Registry frame
// (first byte 0). Where the body lacks event_id, source or occurred_at, the CloudEvents headers
// ce_id, ce_source and ce_time are read.
//
// Thread-compatible: one Decoder a thread; decoding reuses its memory. While there is one, protobuf
// writes nothing to stderr: what it has to say of bytes is in the refusal.

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "ledger/event.h"
#include "ledger/log.h"
#include "ledger/refused.h"

namespace tallywire::v1 {
class StockEvent;
}

namespace tallywire {

// Where a record lies, for the rules that ask. `partitions` 0: it is not in a log yet (the appender
// chooses key and partition), so no rule about place applies, and a linked body is NOT_ALLOWED.
struct Placement {
  std::string_view key;
  Partition partition;
  int32_t partitions = 0;
};

// Who says so, and of which SKU; empty where that is no name.
struct Misplaced {
  std::string_view source;
  std::string_view sku;
};

class Decoder {
 public:
  Decoder();
  ~Decoder();
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  // The event in `value`, or the first rule that it breaks. The event's views live until the next
  // call of Decode or Check, and as long as `value` and `headers`.
  std::variant<const Event*, Refusal> Decode(std::string_view value,
                                             std::span<const Header> headers,
                                             const Placement& placement);

  // What the record says that Decode has just refused for WRONG_PARTITION, whatever else is wrong
  // with it. Lives as long as an event.
  Misplaced LastMisplaced() const;

  // As Decode, for a message that is decoded already; views live as long as `message`.
  std::variant<const Event*, Refusal> Check(const v1::StockEvent& message,
                                            const Placement& placement);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The bytes of linked records.
std::string EncodeLocationCopied(Partition target, Partition cause_partition, Offset cause_offset,
                                 std::string_view location, const LocationDefinition& definition);
std::string EncodeTicked();

// The record key of a message: its SKU, or the location it defines.
std::string_view KeyOf(const v1::StockEvent& message);

}  // namespace tallywire

#endif  // TALLYWIRE_LEDGER_CODEC_H_
