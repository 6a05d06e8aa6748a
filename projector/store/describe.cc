// SPDX-License-Identifier: Apache-2.0
#include "projector/store/describe.h"

#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "projector/store/keys.h"
#include "projector/store/rows.h"

namespace tallywire::store {
namespace {

absl::string_view Text(std::string_view s) { return {s.data(), s.size()}; }

std::string Hex(std::string_view bytes) { return absl::BytesToHexString(Text(bytes)); }

std::string Hex(const Identity& identity) {
  return absl::StrFormat("%016x%016x", identity.high, identity.low);
}

std::string When(Time time) { return FormatTime(time); }

// Source and ids have a zero byte after each.
std::string CauseText(std::string_view cause) {
  std::string text;
  for (const char c : cause) text.push_back(c == '\0' ? '|' : c);
  return text;
}

std::string_view KindName(CauseKind kind) {
  switch (kind) {
    case CauseKind::kNone:
      return "nothing";
    case CauseKind::kEvent:
      return "event";
    case CauseKind::kLocation:
      return "location";
    case CauseKind::kTimer:
      return "timer";
  }
  return "unknown";
}

std::string TouchText(const Touch& touch) {
  if (touch.offset == Offset(-1) && touch.log_time == Time() && touch.kind == CauseKind::kNone)
    return "touched by nothing";
  std::string text = absl::StrCat("touched at offset ", touch.offset.value(), ", ",
                                  When(touch.log_time), ", by ", Text(KindName(touch.kind)));
  if (touch.kind == CauseKind::kEvent) {
    absl::StrAppend(&text, " ", CauseText(touch.cause.text()), " of ", When(touch.occurred_at));
  }
  return text;
}

std::string MoneyText(const Money& money) {
  return absl::StrCat(money.amount, " ", money.currency);
}

std::string MoneyText(const std::optional<Money>& money) {
  return money.has_value() ? MoneyText(*money) : "none";
}

std::string YesNo(const std::optional<bool>& value) {
  if (!value.has_value()) return "unsaid";
  return *value ? "yes" : "no";
}

std::string DefinitionText(const LocationDefinition& definition) {
  std::string text =
      absl::StrCat("kind ", Text(Name(definition.kind)), ", sellable ", YesNo(definition.sellable));
  if (definition.priority.has_value()) absl::StrAppend(&text, ", priority ", *definition.priority);
  if (definition.lead_time.has_value()) {
    absl::StrAppend(&text, ", lead time ", definition.lead_time->value(), " us");
  }
  if (definition.coordinates.has_value()) {
    absl::StrAppend(&text, ", at ", definition.coordinates->latitude_e7, " ",
                    definition.coordinates->longitude_e7);
  }
  return text;
}

std::string SkuText(const SkuState& sku) {
  std::string text;
  for (int i = 0; i < kCounters; ++i) {
    const Quantity value = sku.counters[static_cast<size_t>(i)];
    if (value != 0) absl::StrAppend(&text, Text(Name(static_cast<Counter>(i))), " ", value, "; ");
  }
  absl::StrAppend(&text, TouchText(sku.touch));
  if (sku.definition == nullptr) return text;
  const SkuDefinition& definition = *sku.definition;
  absl::StrAppend(&text, "; \"", absl::Utf8SafeCEscape(definition.title), "\" ",
                  Text(Name(definition.tracking)), ", sellable ", YesNo(definition.sellable),
                  ", discontinued ", YesNo(definition.discontinued), ", safety stock ",
                  definition.safety_stock, ", unit cost ", MoneyText(definition.unit_cost));
  absl::StrAppend(&text, ", msrp ", MoneyText(definition.msrp), ", map ", MoneyText(definition.map),
                  "; defined: ", TouchText(sku.definition_touch));
  return text;
}

std::string PlaceText(const Place& place) {
  std::string text;
  for (int i = 0; i < kPools; ++i) {
    const Quantity value = place.pools[static_cast<size_t>(i)];
    if (value != 0) absl::StrAppend(&text, Text(Name(static_cast<Pool>(i))), " ", value, ", ");
  }
  absl::StrAppend(&text, "since offset ", place.first.value(), ", journal up to ",
                  When(place.journal_time));
  for (int i = 0; i < kCountSets; ++i) {
    const auto& counted_at = place.counted_at[static_cast<size_t>(i)];
    if (!counted_at.has_value()) continue;
    absl::StrAppend(&text, ", ", Text(Name(static_cast<CountSet>(i))), " counted at ",
                    When(*counted_at));
  }
  if (place.unit_cost.has_value()) {
    absl::StrAppend(&text, ", unit cost ", MoneyText(place.unit_cost->money), " from offset ",
                    place.unit_cost->offset.value());
  }
  return absl::StrCat(text, "; ", TouchText(place.touch));
}

std::string RuleText(const PlaceRule& rule) {
  std::string text = absl::StrCat("sellable ", YesNo(rule.rule.sellable));
  if (rule.rule.safety_stock.has_value()) {
    absl::StrAppend(&text, ", safety stock ", *rule.rule.safety_stock);
  }
  return absl::StrCat(text, "; ", TouchText(rule.touch));
}

std::string TransferText(const TransferState& transfer) {
  std::string text = transfer.closed ? "closed" : "open";
  for (const auto& [location, quantity] : transfer.outstanding) {
    absl::StrAppend(&text, ", ", quantity, " on their way to ", location);
  }
  for (const auto& [location, quantity] : transfer.unexpected) {
    absl::StrAppend(&text, ", ", quantity, " unexpected at ", location);
  }
  return text;
}

std::string LocationText(const LocationEntry& entry) {
  std::string text = entry.definition.has_value() ? DefinitionText(*entry.definition) : "undefined";
  absl::StrAppend(&text, ", from partition ", entry.cause_partition.value(), " offset ",
                  entry.cause_offset.value());
  for (const SiteChange& change : entry.site_changes) {
    absl::StrAppend(&text, change.is_site ? ", a site" : ", no site", " from offset ",
                    change.offset.value());
  }
  return absl::StrCat(text, "; ", TouchText(entry.touch));
}

std::string JournalText(const JournalEntry& entry) {
  std::string text = entry.what == kJournalTimer ? std::string("timer")
                                                 : std::string(Name(static_cast<Body>(entry.what)));
  for (size_t i = 0; i < entry.changes; ++i) {
    const PoolDelta& change = entry.pools[i];
    absl::StrAppendFormat(&text, ", %s %+d to %d", Text(Name(change.pool)), change.delta,
                          change.after);
  }
  absl::StrAppend(&text, "; logged ", When(entry.log_time), ", at most ", When(entry.max_log_time),
                  ", occurred ", When(entry.occurred_at), ", by ", CauseText(entry.cause.text()));
  return text;
}

std::optional<std::string> MetaText(Meta meta, std::string_view row) {
  if (meta == Meta::kIdentity) {
    IdentityRow value;
    if (!GetIdentity(row, &value)) return std::nullopt;
    if (value.format_version != kFormatVersion)
      return absl::StrCat("format ", value.format_version);
    return absl::StrCat("format ", value.format_version, ", fold ", value.fold_version, ", log ",
                        value.identity.log_id, ", ", value.identity.topic, " partition ",
                        value.identity.partition.value(), " of ", value.identity.partitions);
  }
  if (meta == Meta::kCheckpoint) {
    FoldState state;
    if (!GetCheckpoint(row, &state)) return std::nullopt;
    return absl::StrCat("next offset ", state.next_offset.value(), ", log time ",
                        When(state.log_time), ", at most ", When(state.max_log_time), ", applied ",
                        state.counts.applied, ", duplicates ", state.counts.duplicates,
                        ", refused ", state.counts.refused);
  }
  StoreMarks marks;
  if (!GetMarks(row, &marks)) return std::nullopt;
  std::string text = marks.settle ? "to settle" : "settled";
  if (marks.last.offset.value() >= 0) {
    absl::StrAppend(&text, ", last record ", marks.last.offset.value(), " hash ",
                    absl::Hex(marks.last.hash, absl::kZeroPad16));
  }
  for (const Sweep& sweep : marks.sweeps) {
    absl::StrAppend(&text, ", sweep of ", sweep.location, " for offset ", sweep.offset.value(),
                    " after \"", absl::Utf8SafeCEscape(sweep.cursor), "\"");
  }
  return text;
}

std::optional<std::string> SourceText(bool is_slot, std::string_view row) {
  if (!is_slot) {
    uint64_t highest = 0;
    if (!GetHighest(row, &highest)) return std::nullopt;
    return absl::StrCat("highest ", highest);
  }
  SequenceState::Slot slot;
  if (!GetSlot(row, &slot)) return std::nullopt;
  return absl::StrCat("sequence ", slot.sequence, ", identity ", Hex(slot.identity));
}

// What `get` makes of the row, in the words of `say`.
template <class T, class Get, class Say>
std::optional<std::string> Decoded(std::string_view row, Get get, Say say) {
  T value;
  if (!get(row, &value)) return std::nullopt;
  return say(value);
}

std::optional<std::string> RowText(const ParsedKey& key, std::string_view row) {
  switch (key.table) {
    case Table::kMeta:
      return MetaText(key.meta, row);
    case Table::kSkus:
      return Decoded<SkuState>(row, GetSku, SkuText);
    case Table::kPlaces:
      if (key.place == PlaceRow::kRule) return Decoded<PlaceRule>(row, GetRule, RuleText);
      return Decoded<Place>(row, GetPlace, PlaceText);
    case Table::kTransfers:
      return Decoded<TransferState>(row, GetTransfer, TransferText);
    case Table::kTimers:
      return Decoded<Timer>(row, GetTimer, [](const Timer& timer) {
        return absl::StrCat(timer.quantity, " of HELD to ", Text(Name(timer.from_pool)), " at ",
                            timer.location);
      });
    case Table::kIdentities:
      return Decoded<uint64_t>(row, GetFingerprint, [](uint64_t fingerprint) {
        return absl::StrFormat("fingerprint %016x", fingerprint);
      });
    case Table::kSources:
      return SourceText(key.is_slot, row);
    case Table::kHomes:
      return Decoded<HomeLocation>(row, GetHome, [](const HomeLocation& home) {
        return absl::StrCat(DefinitionText(home.definition), ", offset ", home.offset.value());
      });
    case Table::kLocations:
      return Decoded<LocationEntry>(row, GetLocation, LocationText);
    case Table::kJournal:
      return Decoded<JournalEntry>(row, GetJournalEntry, JournalText);
    case Table::kTrees:
    case Table::kMisplacing:
      if (row.empty()) return std::string("there");
      return std::nullopt;
  }
  return std::nullopt;
}

std::string Word(std::string_view name) { return absl::Utf8SafeCEscape(Text(name)); }

}  // namespace

std::string DescribeKey(std::string_view key) {
  ParsedKey k;
  if (!ParseKey(key, &k)) return absl::StrCat("key ", Hex(key));
  switch (k.table) {
    case Table::kMeta:
      if (k.meta == Meta::kIdentity) return "identity of the folder";
      return k.meta == Meta::kCheckpoint ? "checkpoint" : "marks";
    case Table::kSkus:
      return absl::StrCat("SKU ", Word(k.sku));
    case Table::kPlaces:
      return absl::StrCat(k.place == PlaceRow::kRule ? "rule of " : "place of ", Word(k.sku),
                          " at ", Word(k.location));
    case Table::kTrees:
      return absl::StrCat("tree ", Word(k.location), " with ", Word(k.sku));
    case Table::kTransfers:
      return absl::StrCat("transfer ", Word(k.name), " of ", Word(k.sku));
    case Table::kTimers:
      return absl::StrCat("timer of ", Word(k.sku), " due ", When(k.due), " armed at offset ",
                          k.offset.value());
    case Table::kIdentities:
      return absl::StrCat("identity ", Hex(k.identity));
    case Table::kSources:
      if (!k.is_slot) return absl::StrCat("source ", Word(k.name));
      return absl::StrCat("source ", Word(k.name), " slot ", k.slot);
    case Table::kMisplacing:
      return absl::StrCat("misplacing source ", Word(k.name));
    case Table::kHomes:
      return absl::StrCat("home of ", Word(k.location));
    case Table::kLocations:
      return absl::StrCat("location ", Word(k.location));
    case Table::kJournal:
      return absl::StrCat("journal of ", Word(k.sku), " at ", Word(k.location), " offset ",
                          k.offset.value(), ".", k.ordinal);
  }
  return Hex(key);
}

std::string DescribeRow(std::string_view key, std::string_view row) {
  ParsedKey parsed;
  if (ParseKey(key, &parsed)) {
    if (std::optional<std::string> text = RowText(parsed, row); text.has_value()) return *text;
  }
  return absl::StrCat("bytes ", Hex(row));
}

absl::Status DamagedRow(std::string_view folder, std::string_view key) {
  const Table table = key.empty() ? Table() : static_cast<Table>(key[0]);
  return absl::DataLossError(
      absl::StrCat(Text(folder), ": table ", Text(TableName(table)), ", ", DescribeKey(key),
                   ": the row does not decode; move the folder away, it is rebuilt from the log"));
}

}  // namespace tallywire::store
