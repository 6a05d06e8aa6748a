// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_PROJECTOR_RUN_ENCODE_H_
#define TALLYWIRE_PROJECTOR_RUN_ENCODE_H_

// From what the fold computed to the messages that go out. Pure functions; equal input gives equal
// bytes when serialised by the same program.

#include <string>
#include <string_view>
#include <vector>

#include "ledger/log.h"
#include "ledger/refused.h"
#include "projector/fold/fold.h"
#include "projector/fold/picture.h"
#include "projector/fold/state.h"
#include "tallywire/v1/alert.pb.h"
#include "tallywire/v1/api.pb.h"
#include "tallywire/v1/availability.pb.h"

namespace tallywire {

void EncodeRow(const StockRow& row, const SkuState& sku, Partition partition,
               v1::Availability* out);

void EncodeAlert(const AlertEffect& effect, Partition partition, v1::Alert* out);

// Of one entry of a SKU at a location; actor, document and note are the caller's.
void EncodeJournalEntry(std::string_view location, const JournalEntry& entry, Partition partition,
                        v1::JournalEntry* out);

// A record that was refused, with memory of its own.
struct DeadLetter {
  std::string key;
  std::string value;  // empty where it was too large
  std::vector<Header> headers;
};
// As it came, and in headers where it stands, why it was refused and by which code.
DeadLetter MakeDeadLetter(const Record& record, const Refusal& refusal);

}  // namespace tallywire

#endif  // TALLYWIRE_PROJECTOR_RUN_ENCODE_H_
