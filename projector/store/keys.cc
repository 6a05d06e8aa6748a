// SPDX-License-Identifier: Apache-2.0
#include "projector/store/keys.h"

#include <algorithm>

#include "ledger/check.h"
#include "projector/store/bytes.h"

namespace tallywire::store {
namespace {

// The last ordinal that is one byte. A later one stands in four bytes behind it, which sort after.
constexpr uint32_t kOrdinalByte = 255;

ByteWriter Begin(Table table, std::string* key) {
  key->clear();
  ByteWriter out(key);
  out.Byte(static_cast<uint8_t>(table));
  return out;
}

void Name(std::string_view name, ByteWriter& out) {
  TW_CHECK(name.find('\0') == std::string_view::npos, "a name in a key has no zero byte");
  out.Raw(name);
}

void EndedName(std::string_view name, ByteWriter& out) {
  Name(name, out);
  out.Byte(0);
}

// A name that ends with its key.
std::string_view LastName(ByteReader& in) {
  const std::string_view name = in.Rest();
  if (name.empty() || name.find('\0') != std::string_view::npos) in.Fail();
  return name;
}

void ParsePlace(ByteReader& in, ParsedKey* parsed) {
  parsed->sku = in.Name();
  const uint8_t row = in.Byte();
  if (row != static_cast<uint8_t>(PlaceRow::kBalances) &&
      row != static_cast<uint8_t>(PlaceRow::kRule)) {
    in.Fail();
  }
  parsed->place = static_cast<PlaceRow>(row);
  parsed->location = LastName(in);
}

void ParseJournal(ByteReader& in, ParsedKey* parsed) {
  parsed->sku = in.Name();
  parsed->location = in.Name();
  parsed->offset = Offset(in.Ordered64());
  parsed->ordinal = in.Byte();
  if (parsed->ordinal < kOrdinalByte || in.empty()) return;
  parsed->ordinal = in.Fixed32();
  if (parsed->ordinal <= kOrdinalByte) in.Fail();
}

void ParseSource(ByteReader& in, ParsedKey* parsed) {
  parsed->name = in.Name();
  parsed->is_slot = !in.empty();
  if (!parsed->is_slot) return;
  parsed->slot = in.Fixed16();
  if (parsed->slot >= kSequenceSlots) in.Fail();
}

}  // namespace

std::string_view TableName(Table table) {
  switch (table) {
    case Table::kMeta:
      return "meta";
    case Table::kSkus:
      return "SKUs";
    case Table::kPlaces:
      return "places";
    case Table::kTrees:
      return "trees";
    case Table::kTransfers:
      return "transfers";
    case Table::kTimers:
      return "timers";
    case Table::kIdentities:
      return "identities";
    case Table::kSources:
      return "sources";
    case Table::kMisplacing:
      return "misplacing sources";
    case Table::kHomes:
      return "homes";
    case Table::kLocations:
      return "locations";
    case Table::kJournal:
      return "journal";
  }
  return "unknown";
}

void TableKey(Table table, std::string* key) { Begin(table, key); }

void MetaKey(Meta meta, std::string* key) {
  Begin(Table::kMeta, key).Byte(static_cast<uint8_t>(meta));
}

void SkuKey(std::string_view sku, std::string* key) {
  ByteWriter out = Begin(Table::kSkus, key);
  Name(sku, out);
}

void PlacesKey(std::string_view sku, std::string* key) {
  ByteWriter out = Begin(Table::kPlaces, key);
  EndedName(sku, out);
}

void PlaceKey(std::string_view sku, PlaceRow row, std::string_view location, std::string* key) {
  ByteWriter out = Begin(Table::kPlaces, key);
  EndedName(sku, out);
  out.Byte(static_cast<uint8_t>(row));
  Name(location, out);
}

void TreeKey(std::string_view root, std::string_view sku, std::string* key) {
  ByteWriter out = Begin(Table::kTrees, key);
  EndedName(root, out);
  Name(sku, out);
}

void TransferRowKey(std::string_view sku, std::string_view id, std::string* key) {
  ByteWriter out = Begin(Table::kTransfers, key);
  EndedName(sku, out);
  Name(id, out);
}

void TimerRowKey(const TimerKey& timer, std::string* key) {
  ByteWriter out = Begin(Table::kTimers, key);
  out.Ordered64(timer.due.value());
  EndedName(timer.sku, out);
  out.Ordered64(timer.armed.value());
}

void IdentityKey(const Identity& identity, std::string* key) {
  ByteWriter out = Begin(Table::kIdentities, key);
  out.Fixed64(identity.high);
  out.Fixed64(identity.low);
}

void SourceKey(std::string_view source, std::string* key) {
  ByteWriter out = Begin(Table::kSources, key);
  EndedName(source, out);
}

void SlotKey(std::string_view source, uint32_t slot, std::string* key) {
  TW_CHECK(slot < kSequenceSlots, "a slot of the sequence window");
  ByteWriter out = Begin(Table::kSources, key);
  EndedName(source, out);
  out.Fixed16(static_cast<uint16_t>(slot));
}

void MisplacingKey(std::string_view source, std::string* key) {
  ByteWriter out = Begin(Table::kMisplacing, key);
  Name(source, out);
}

void HomeKey(std::string_view location, std::string* key) {
  ByteWriter out = Begin(Table::kHomes, key);
  Name(location, out);
}

void LocationKey(std::string_view location, std::string* key) {
  ByteWriter out = Begin(Table::kLocations, key);
  Name(location, out);
}

void JournalSkuKey(std::string_view sku, std::string* key) {
  ByteWriter out = Begin(Table::kJournal, key);
  EndedName(sku, out);
}

void JournalPlaceKey(std::string_view sku, std::string_view location, std::string* key) {
  ByteWriter out = Begin(Table::kJournal, key);
  EndedName(sku, out);
  EndedName(location, out);
}

void AppendJournalEntry(Offset offset, uint32_t ordinal, std::string* key) {
  ByteWriter out(key);
  out.Ordered64(offset.value());
  out.Byte(static_cast<uint8_t>(std::min(ordinal, kOrdinalByte)));
  if (ordinal > kOrdinalByte) out.Fixed32(ordinal);
}

bool ParseKey(std::string_view key, ParsedKey* parsed) {
  ByteReader in(key);
  parsed->table = static_cast<Table>(in.Byte());
  switch (parsed->table) {
    case Table::kMeta: {
      const uint8_t meta = in.Byte();
      parsed->meta = static_cast<Meta>(meta);
      return in.done() && meta >= static_cast<uint8_t>(Meta::kIdentity) &&
             meta <= static_cast<uint8_t>(Meta::kMarks);
    }
    case Table::kSkus:
      parsed->sku = LastName(in);
      return in.done();
    case Table::kPlaces:
      ParsePlace(in, parsed);
      return in.done();
    case Table::kTrees:
      parsed->location = in.Name();
      parsed->sku = LastName(in);
      return in.done();
    case Table::kTransfers:
      parsed->sku = in.Name();
      parsed->name = LastName(in);
      return in.done();
    case Table::kTimers:
      parsed->due = Time(in.Ordered64());
      parsed->sku = in.Name();
      parsed->offset = Offset(in.Ordered64());
      return in.done();
    case Table::kIdentities:
      parsed->identity.high = in.Fixed64();
      parsed->identity.low = in.Fixed64();
      return in.done();
    case Table::kSources:
      ParseSource(in, parsed);
      return in.done();
    case Table::kMisplacing:
      parsed->name = LastName(in);
      return in.done();
    case Table::kHomes:
    case Table::kLocations:
      parsed->location = LastName(in);
      return in.done();
    case Table::kJournal:
      ParseJournal(in, parsed);
      return in.done();
  }
  return false;
}

std::string_view RootOf(std::string_view location) {
  return location.substr(0, location.find('/'));
}

bool IsOfTheFold(std::string_view key) {
  return key.size() != 2 || key[0] != static_cast<char>(Table::kMeta) ||
         key[1] == static_cast<char>(Meta::kCheckpoint);
}

}  // namespace tallywire::store
