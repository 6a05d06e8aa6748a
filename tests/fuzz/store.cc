// SPDX-License-Identifier: Apache-2.0
// Keys and rows of a partition's store. What parses is written again to the same bytes, so a byte
// that was changed on the disk is either seen or no damage; keys sort as what they say.
//
// Input: a key, another key, a row of the first key's.
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "ledger/check.h"
#include "projector/store/describe.h"
#include "projector/store/keys.h"
#include "projector/store/rows.h"
#include "tests/fuzz/input.h"

namespace tallywire::fuzz {
namespace {

using store::Meta;
using store::ParsedKey;
using store::PlaceRow;
using store::Table;

std::string Write(const ParsedKey& of) {
  std::string key;
  switch (of.table) {
    case Table::kMeta:
      store::MetaKey(of.meta, &key);
      break;
    case Table::kSkus:
      store::SkuKey(of.sku, &key);
      break;
    case Table::kPlaces:
      store::PlaceKey(of.sku, of.place, of.location, &key);
      break;
    case Table::kTrees:
      store::TreeKey(of.location, of.sku, &key);
      break;
    case Table::kTransfers:
      store::TransferRowKey(of.sku, of.name, &key);
      break;
    case Table::kTimers:
      store::TimerRowKey({.due = of.due, .sku = std::string(of.sku), .armed = of.offset}, &key);
      break;
    case Table::kIdentities:
      store::IdentityKey(of.identity, &key);
      break;
    case Table::kSources:
      if (of.is_slot) {
        store::SlotKey(of.name, of.slot, &key);
      } else {
        store::SourceKey(of.name, &key);
      }
      break;
    case Table::kMisplacing:
      store::MisplacingKey(of.name, &key);
      break;
    case Table::kHomes:
      store::HomeKey(of.location, &key);
      break;
    case Table::kLocations:
      store::LocationKey(of.location, &key);
      break;
    case Table::kJournal:
      store::JournalPlaceKey(of.sku, of.location, &key);
      store::AppendJournalEntry(of.offset, of.ordinal, &key);
      break;
  }
  return key;
}

// What keys of one table are sorted by.
auto Order(const ParsedKey& key) {
  const std::string_view sku = key.table == Table::kTrees ? key.location : key.sku;
  const std::string_view location = key.table == Table::kTrees ? key.sku : key.location;
  return std::tuple(key.table, key.due, key.meta, sku, key.place, location, key.name, key.is_slot,
                    key.slot, key.identity, key.offset, key.ordinal);
}

template <class T>
void Again(std::string_view row, bool (*get)(std::string_view, T*),
           void (*put)(const T&, std::string*)) {
  T value;
  if (!get(row, &value)) return;
  std::string again;
  put(value, &again);
  CheckSame("a row and what it says written again", row, again);
}

void CheckMeta(Meta meta, std::string_view row) {
  switch (meta) {
    case Meta::kIdentity: {
      store::IdentityRow identity;
      // Of another format nothing but that is read.
      if (!store::GetIdentity(row, &identity) || identity.format_version != kFormatVersion) return;
      return Again(row, store::GetIdentity, store::PutIdentity);
    }
    case Meta::kCheckpoint:
      return Again(row, store::GetCheckpoint, store::PutCheckpoint);
    case Meta::kMarks:
      return Again(row, store::GetMarks, store::PutMarks);
  }
}

void CheckNumber(std::string_view row, bool (*get)(std::string_view, uint64_t*),
                 void (*put)(uint64_t, std::string*)) {
  uint64_t value = 0;
  if (!get(row, &value)) return;
  std::string again;
  put(value, &again);
  CheckSame("a row and its number written again", row, again);
}

void CheckRow(const ParsedKey& key, std::string_view row) {
  switch (key.table) {
    case Table::kMeta:
      return CheckMeta(key.meta, row);
    case Table::kSkus:
      return Again(row, store::GetSku, store::PutSku);
    case Table::kPlaces:
      return key.place == PlaceRow::kRule ? Again(row, store::GetRule, store::PutRule)
                                          : Again(row, store::GetPlace, store::PutPlace);
    case Table::kTransfers:
      return Again(row, store::GetTransfer, store::PutTransfer);
    case Table::kTimers:
      return Again(row, store::GetTimer, store::PutTimer);
    case Table::kIdentities:
      return CheckNumber(row, store::GetFingerprint, store::PutFingerprint);
    case Table::kSources:
      return key.is_slot ? Again(row, store::GetSlot, store::PutSlot)
                         : CheckNumber(row, store::GetHighest, store::PutHighest);
    case Table::kHomes:
      return Again(row, store::GetHome, store::PutHome);
    case Table::kLocations:
      return Again(row, store::GetLocation, store::PutLocation);
    case Table::kJournal:
      return Again(row, store::GetJournalEntry, store::PutJournalEntry);
    case Table::kTrees:
    case Table::kMisplacing:
      return;
  }
}

// True: `key` is one of ours.
bool CheckKey(std::string_view key, ParsedKey* parsed) {
  TW_CHECK(!store::DescribeKey(key).empty(), "words for any key");
  if (!store::ParseKey(key, parsed)) return false;
  CheckSame("a key and what it says written again", key, Write(*parsed));
  return true;
}

void Run(Input in) {
  const std::string_view a = in.Text();
  const std::string_view b = in.Text();
  const std::string_view row = in.Rest();
  ParsedKey of_a;
  ParsedKey of_b;
  const bool is_a = CheckKey(a, &of_a);
  const bool is_b = CheckKey(b, &of_b);
  if (is_a && is_b) {
    TW_CHECK((a < b) == (Order(of_a) < Order(of_b)), "keys sort as what they say");
    TW_CHECK((a == b) == (Order(of_a) == Order(of_b)), "equal keys say the same");
  }
  TW_CHECK(!store::DescribeRow(a, row).empty(), "words for any row");
  if (is_a) CheckRow(of_a, row);
}

}  // namespace
}  // namespace tallywire::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tallywire::fuzz::Run(tallywire::fuzz::Input(data, size));
  return 0;
}
