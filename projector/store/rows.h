// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_PROJECTOR_STORE_ROWS_H_
#define TALLYWIRE_PROJECTOR_STORE_ROWS_H_

// What stands in a row of each table (projector/store/FORMAT.md). Equal values give equal bytes,
// and a row that makes sense is the one that its value gives.
//
// Put… replaces what is in `row`. Get… fills what the row holds and leaves the rest (what the key
// says, what is not stored) as it is; false: the row makes no sense, and the value is not to be
// used.

#include <cstdint>
#include <string>
#include <string_view>

#include "projector/fold/state.h"
#include "projector/store/store.h"

namespace tallywire::store {

// What a row of the meta table says of the folder.
struct IdentityRow {
  int format_version = kFormatVersion;
  int fold_version = kFoldVersion;
  StoreIdentity identity;
};
void PutIdentity(const IdentityRow& value, std::string* row);
// Of another format only the version is read.
bool GetIdentity(std::string_view row, IdentityRow* value);

// next_offset, log time and counts.
void PutCheckpoint(const FoldState& state, std::string* row);
bool GetCheckpoint(std::string_view row, FoldState* state);

void PutMarks(const StoreMarks& marks, std::string* row);
bool GetMarks(std::string_view row, StoreMarks* marks);

// All of it but its places and rules.
void PutSku(const SkuState& sku, std::string* row);
bool GetSku(std::string_view row, SkuState* sku);

void PutPlace(const Place& place, std::string* row);
bool GetPlace(std::string_view row, Place* place);

void PutRule(const PlaceRule& rule, std::string* row);
bool GetRule(std::string_view row, PlaceRule* rule);

void PutTransfer(const TransferState& transfer, std::string* row);
bool GetTransfer(std::string_view row, TransferState* transfer);

void PutTimer(const Timer& timer, std::string* row);
bool GetTimer(std::string_view row, Timer* timer);

void PutFingerprint(uint64_t fingerprint, std::string* row);
bool GetFingerprint(std::string_view row, uint64_t* fingerprint);

void PutHighest(uint64_t highest, std::string* row);
bool GetHighest(std::string_view row, uint64_t* highest);

void PutSlot(const SequenceState::Slot& slot, std::string* row);
bool GetSlot(std::string_view row, SequenceState::Slot* slot);

void PutHome(const HomeLocation& home, std::string* row);
bool GetHome(std::string_view row, HomeLocation* home);

void PutLocation(const LocationEntry& entry, std::string* row);
bool GetLocation(std::string_view row, LocationEntry* entry);

void PutJournalEntry(const JournalEntry& entry, std::string* row);
bool GetJournalEntry(std::string_view row, JournalEntry* entry);

}  // namespace tallywire::store

#endif  // TALLYWIRE_PROJECTOR_STORE_ROWS_H_
