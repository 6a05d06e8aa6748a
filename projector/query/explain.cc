// SPDX-License-Identifier: Apache-2.0
#include "projector/query/explain.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ledger/codec.h"
#include "ledger/read_to.h"
#include "ledger/status.h"
#include "ledger/topics.h"
#include "projector/fold/picture.h"
#include "projector/query/question.h"
#include "projector/run/encode.h"
#include "projector/run/replay.h"

namespace tallywire {
namespace {

struct Found {
  std::string location;
  JournalEntry entry;
};

// What an answer rests on, taken between two records.
struct Facts {
  Offset next_offset;
  v1::Availability row;
  std::set<std::string> locations;  // whose entries make up the row
  std::vector<Found> entries;
};

absl::Status TakeFacts(PartitionLoop& loop, std::string_view name, std::string_view location,
                       bool entries, Facts* out) {
  const Question question(loop);
  TW_RETURN_IF_ERROR(loop.Ready());
  const SkuState* sku = loop.fold().FindSku(name);
  TW_RETURN_IF_ERROR(loop.store().TakeReadError());
  if (sku == nullptr) {
    return absl::NotFoundError(absl::StrCat("nothing is known of SKU ", std::string(name)));
  }
  out->next_offset = loop.state().next_offset;
  const Locations& locations = loop.state().locations;
  bool found = false;
  for (const StockRow& row : RowsOf(*sku, locations)) {
    if (row.name != location) continue;
    found = true;
    EncodeRow(row, *sku, loop.partition(), &out->row);
    for (const Place& place : sku->places) {
      const bool part =
          row.level == Level::kTotal || place.location == row.location ||
          (row.level == Level::kSite && locations.SiteOf(place.location) == row.location);
      if (part) out->locations.insert(locations.at(place.location).name);
    }
  }
  if (!found) {
    return absl::NotFoundError(
        absl::StrCat("SKU ", std::string(name), " has no row at ", std::string(location)));
  }
  if (!entries) return absl::OkStatus();
  TW_RETURN_IF_ERROR(
      loop.store().ReadJournal(name, "", [&](std::string_view at, const JournalEntry& entry) {
        out->entries.push_back({std::string(at), entry});
      }));
  for (const PendingEntry& pending : loop.state().journal) {
    if (pending.sku != sku) continue;
    out->entries.push_back({locations.at(pending.location).name, pending.entry});
  }
  return absl::OkStatus();
}

// What the event itself says; it is still in the log.
absl::Status AddEventFields(Log* log, PartitionLoop& loop, int32_t partitions, Decoder& decoder,
                            v1::JournalEntry* entry) {
  if (entry->event_id().empty()) return absl::OkStatus();
  const Offset offset(entry->offset());
  return ReadRange(*log, kStockEvents, loop.partition(), offset, offset.Next(),
                   [&](const Record& record) {
                     const auto decoded = decoder.Decode(
                         record.value, record.headers, {record.key, loop.partition(), partitions});
                     if (const auto* event = std::get_if<const Event*>(&decoded)) {
                       entry->set_actor(std::string((*event)->actor));
                       entry->set_document(std::string((*event)->document));
                       entry->set_note(std::string((*event)->note));
                     }
                     return absl::OkStatus();
                   });
}

// Whether the entries end where the row stands.
void Compare(const Facts& facts, v1::ExplainResponse* out) {
  std::map<std::pair<std::string, int>, int64_t> last;
  for (const v1::JournalEntry& entry : out->entries()) {
    for (const v1::PoolChange& change : entry.changes()) {
      int64_t& balance = last[{entry.location(), change.pool()}];
      if (balance != change.before()) {
        out->add_differences(absl::StrCat("the entry at offset ", entry.offset(), " begins with ",
                                          v1::Pool_Name(change.pool()), " ", change.before(),
                                          " at ", entry.location(),
                                          ", the one before it ended with ", balance));
      }
      balance = change.after();
    }
  }
  std::map<int, int64_t> sums;
  for (const auto& [key, balance] : last) sums[key.second] += balance;
  const v1::Availability& row = facts.row;
  const auto compare = [&](v1::Pool pool, int64_t shown) {
    if (sums[pool] == shown) return;
    out->add_differences(absl::StrCat(v1::Pool_Name(pool), " is shown as ", shown,
                                      ", the entries end at ", sums[pool]));
  };
  compare(v1::POOL_AVAILABLE, row.available());
  compare(v1::POOL_COMMITTED, row.committed());
  compare(v1::POOL_HELD, row.held());
  compare(v1::POOL_DAMAGED, row.damaged());
  compare(v1::POOL_USED, row.used());
  compare(v1::POOL_QUALITY_CONTROL, row.quality_control());
  compare(v1::POOL_INCOMING, row.incoming());
  out->set_consistent(out->differences().empty());
}

}  // namespace

absl::Status ExplainSku(Log* log, PartitionLoop& loop, int32_t partitions, std::string_view sku,
                        std::string_view location, bool prove, const Scratch& scratch,
                        v1::ExplainResponse* out) {
  Facts facts;
  TW_RETURN_IF_ERROR(TakeFacts(loop, sku, location, !prove, &facts));
  if (prove) {
    TW_ASSIGN_OR_RETURN(const auto replayed, Replay(log,
                                                    {.log_id = log->Id(),
                                                     .topic = std::string(kStockEvents),
                                                     .partition = loop.partition(),
                                                     .partitions = partitions},
                                                    facts.next_offset, scratch, [](int64_t) {}));
    TW_RETURN_IF_ERROR(
        replayed->ReadJournal(sku, "", [&](std::string_view at, const JournalEntry& entry) {
          facts.entries.push_back({std::string(at), entry});
        }));
  }
  std::erase_if(facts.entries,
                [&](const Found& f) { return !facts.locations.contains(f.location); });
  std::sort(facts.entries.begin(), facts.entries.end(), [](const Found& a, const Found& b) {
    return std::tie(a.entry.offset, a.location, a.entry.ordinal) <
           std::tie(b.entry.offset, b.location, b.entry.ordinal);
  });
  Decoder decoder;
  for (const Found& f : facts.entries) {
    v1::JournalEntry* entry = out->add_entries();
    EncodeJournalEntry(f.location, f.entry, loop.partition(), entry);
    TW_RETURN_IF_ERROR(AddEventFields(log, loop, partitions, decoder, entry));
  }
  out->set_sku(std::string(sku));
  out->set_location(std::string(location));
  *out->mutable_row() = facts.row;
  out->set_proved(prove);
  Compare(facts, out);
  return absl::OkStatus();
}

}  // namespace tallywire
