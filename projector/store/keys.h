// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_PROJECTOR_STORE_KEYS_H_
#define TALLYWIRE_PROJECTOR_STORE_KEYS_H_

// Keys of a partition's store: a byte that names the table, then names and numbers so that bytes
// sort as they do (projector/store/FORMAT.md). No name has a zero byte, so one ends a name.
//
// A maker replaces what is in `key`, so that one string serves for many.

#include <cstdint>
#include <string>
#include <string_view>

#include "ledger/identity.h"
#include "ledger/types.h"
#include "projector/fold/state.h"

namespace tallywire::store {

enum class Table : uint8_t {
  kMeta = 0x01,
  kSkus = 0x10,
  kPlaces = 0x11,
  kTrees = 0x12,
  kTransfers = 0x20,
  kTimers = 0x28,
  kIdentities = 0x30,
  kSources = 0x38,
  kMisplacing = 0x39,
  kHomes = 0x40,
  kLocations = 0x41,
  kJournal = 0x50,
};

enum class Meta : uint8_t { kIdentity = 1, kCheckpoint = 2, kMarks = 3 };
// What a row of kPlaces holds.
enum class PlaceRow : uint8_t { kBalances = 1, kRule = 2 };

std::string_view TableName(Table table);

void TableKey(Table table, std::string* key);  // the prefix of all its rows
void MetaKey(Meta meta, std::string* key);
void SkuKey(std::string_view sku, std::string* key);
void PlacesKey(std::string_view sku, std::string* key);  // the prefix of a SKU's places and rules
void PlaceKey(std::string_view sku, PlaceRow row, std::string_view location, std::string* key);
void TreeKey(std::string_view root, std::string_view sku, std::string* key);  // sku empty: prefix
void TransferRowKey(std::string_view sku, std::string_view id, std::string* key);  // id likewise
void TimerRowKey(const TimerKey& timer, std::string* key);
void IdentityKey(const Identity& identity, std::string* key);
void SourceKey(std::string_view source, std::string* key);  // also the prefix of its slots
void SlotKey(std::string_view source, uint32_t slot, std::string* key);
void MisplacingKey(std::string_view source, std::string* key);
void HomeKey(std::string_view location, std::string* key);
void LocationKey(std::string_view location, std::string* key);
void JournalSkuKey(std::string_view sku, std::string* key);  // a prefix
void JournalPlaceKey(std::string_view sku, std::string_view location, std::string* key);  // another
// To the prefix of a place, what is left of an entry's key.
void AppendJournalEntry(Offset offset, uint32_t ordinal, std::string* key);

// What a key says; fields that its table does not have stay as they are. Views into the key.
struct ParsedKey {
  Table table = Table::kMeta;
  Meta meta = Meta::kIdentity;
  PlaceRow place = PlaceRow::kBalances;
  std::string_view sku;
  std::string_view location;  // of kTrees its first level
  std::string_view name;      // a transfer's id, a source
  Time due;
  Offset offset;
  uint32_t ordinal = 0;
  bool is_slot = false;
  uint32_t slot = 0;
  Identity identity;
};
// False: it is no key of ours.
bool ParseKey(std::string_view key, ParsedKey* parsed);

// The first level of a location's name.
std::string_view RootOf(std::string_view location);

// Belongs to the fold: its digest has it, and two stores of one log have it alike.
bool IsOfTheFold(std::string_view key);

}  // namespace tallywire::store

#endif  // TALLYWIRE_PROJECTOR_STORE_KEYS_H_
