// SPDX-License-Identifier: Apache-2.0
#include "projector/query/verify.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "ledger/read_to.h"
#include "ledger/status.h"
#include "ledger/topics.h"
#include "projector/fold/picture.h"
#include "projector/query/question.h"
#include "projector/run/encode.h"
#include "projector/run/replay.h"

namespace tallywire {
namespace {

constexpr size_t kPage = 10'000;
// Nobody reads more of one kind.
constexpr int kMostFindings = 20;

class Verifier {
 public:
  Verifier(Log* log, const std::vector<PartitionLoop*>& loops, const Scratch& scratch, Time now,
           const std::function<void(int64_t, int64_t)>& progress, v1::VerifyResponse* out)
      : log_(log), loops_(loops), scratch_(scratch), now_(now), progress_(progress), out_(out) {}

  absl::Status Run() {
    for (const PartitionLoop* loop : loops_) all_ += loop->next_offset().value();
    for (PartitionLoop* loop : loops_) {
      TW_RETURN_IF_ERROR(CompareWithReplay(*loop));
      TW_RETURN_IF_ERROR(CompareWithOutput(*loop));
    }
    TW_RETURN_IF_ERROR(CompareCopies());
    out_->set_records(folded_);
    out_->set_ok(out_->findings().empty());
    return absl::OkStatus();
  }

 private:
  StoreIdentity IdentityOf(const PartitionLoop& loop) const {
    return {.log_id = log_->Id(),
            .topic = std::string(kStockEvents),
            .partition = loop.partition(),
            .partitions = loop.partitions()};
  }

  Scratch ScratchOf(const PartitionLoop& loop) const {
    return {absl::StrCat(scratch_.folder, "/verify-", loop.partition().value()),
            scratch_.open_rocks};
  }

  void Check(std::string text) { out_->add_checks(std::move(text)); }
  void Find(std::string text) { out_->add_findings(std::move(text)); }

  absl::Status CompareWithReplay(PartitionLoop& loop) {
    Offset end;
    std::string live_digest;
    {
      const Question question(loop);
      TW_RETURN_IF_ERROR(loop.CheckpointLocked(now_));
      end = loop.state().next_offset;
      TW_ASSIGN_OR_RETURN(live_digest, loop.store().StateDigest());
    }
    TW_ASSIGN_OR_RETURN(auto replayed,
                        Replay(log_, IdentityOf(loop), end, ScratchOf(loop), [this](int64_t more) {
                          folded_ += more;
                          progress_(folded_, std::max(all_, folded_));
                        }));
    TW_ASSIGN_OR_RETURN(const std::string digest, replayed->StateDigest());
    Check(absl::StrCat("partition ", loop.partition().value(), ": ", end.value(),
                       " records folded anew, state digest ", digest));
    if (digest != live_digest) {
      Find(absl::StrCat("partition ", loop.partition().value(), ": state digest ", live_digest,
                        " is live, the log gives ", digest));
      replayed.reset();
      TW_RETURN_IF_ERROR(NameDifferences(loop));
      return absl::OkStatus();
    }
    return CheckConservation(*replayed, loop);
  }

  // The live state has moved on since: folds up to where it stands, and holds it there.
  absl::Status NameDifferences(PartitionLoop& loop) {
    const Question question(loop);
    TW_RETURN_IF_ERROR(loop.CheckpointLocked(now_));
    TW_ASSIGN_OR_RETURN(
        const auto replayed,
        Replay(log_, IdentityOf(loop), loop.state().next_offset, ScratchOf(loop), [](int64_t) {}));
    std::vector<std::string> differences;
    TW_RETURN_IF_ERROR(loop.store().Compare(*replayed, kMostFindings, &differences));
    for (std::string& difference : differences) Find(std::move(difference));
    return absl::OkStatus();
  }

  absl::Status CheckConservation(Store& store, const PartitionLoop& loop) {
    Locations locations;
    int64_t skus = 0;
    TW_RETURN_IF_ERROR(ForEachSku(store, locations, [&](const SkuState& sku) {
      ++skus;
      Quantity sum = std::accumulate(sku.counters.begin(), sku.counters.end(), Quantity{0});
      for (const Place& place : sku.places) {
        sum = std::accumulate(place.pools.begin(), place.pools.end(), sum);
      }
      if (sum != 0) Find(absl::StrCat("accounts of ", sku.sku, " sum to ", sum, ", not to 0"));
    }));
    Check(absl::StrCat("partition ", loop.partition().value(), ": accounts of ", skus,
                       " SKUs sum to zero each"));
    return absl::OkStatus();
  }

  static absl::Status ForEachSku(Store& store, Locations& locations,
                                 const std::function<void(const SkuState&)>& visit) {
    std::string after;
    std::vector<std::string> names;
    do {
      names.clear();
      TW_RETURN_IF_ERROR(store.ListSkus(after, kPage, &names));
      for (const std::string& name : names) {
        SkuState sku;
        sku.sku = name;
        store.LoadSku(locations, &sku);
        TW_RETURN_IF_ERROR(store.TakeReadError());
        visit(sku);
        after = name;
      }
    } while (names.size() == kPage);
    return absl::OkStatus();
  }

  absl::Status CompareWithOutput(PartitionLoop& loop) {
    const Question question(loop);
    TW_RETURN_IF_ERROR(loop.CheckpointLocked(now_));
    if (loop.unfinished() > 0) {
      Check(absl::StrCat("partition ", loop.partition().value(),
                         ": rows are still going out, not compared with stock.availability"));
      return absl::OkStatus();
    }
    absl::flat_hash_map<std::string, size_t> out;
    TW_RETURN_IF_ERROR(ReadOutput(loop.partition(), &out));
    int64_t rows = 0;
    int found = 0;
    const auto find = [&](std::string text) {
      if (++found <= kMostFindings) Find(std::move(text));
    };
    v1::Availability message;
    TW_RETURN_IF_ERROR(ForEachSku(loop.store(), loop.state().locations, [&](const SkuState& sku) {
      for (const StockRow& row : RowsOf(sku, loop.state().locations)) {
        ++rows;
        message.Clear();
        EncodeRow(row, sku, loop.partition(), &message);
        const auto last = out.find(JoinKey(sku.sku, row.name));
        if (last == out.end()) {
          find(absl::StrCat("row ", sku.sku, " ", std::string(row.name), " never went out"));
          continue;
        }
        if (last->second != std::hash<std::string>()(message.SerializeAsString())) {
          find(absl::StrCat("row ", sku.sku, " ", std::string(row.name),
                            " went out otherwise than it is"));
        }
        out.erase(last);
      }
    }));
    std::vector<std::string> strangers;
    for (const auto& [key, hash] : out) strangers.push_back(key);
    std::sort(strangers.begin(), strangers.end());
    for (const std::string& key : strangers) {
      find(absl::StrCat("stock.availability has a row that is not in the state: ",
                        key.substr(0, key.find('\0')), " ", key.substr(key.find('\0') + 1)));
    }
    Check(absl::StrCat("partition ", loop.partition().value(), ": stock.availability ends with ",
                       rows, " rows as they are"));
    return absl::OkStatus();
  }

  absl::Status ReadOutput(Partition partition, absl::flat_hash_map<std::string, size_t>* out) {
    TW_ASSIGN_OR_RETURN(const LogBounds bounds, log_->Bounds(kStockAvailability, partition));
    return ReadRange(*log_, kStockAvailability, partition, bounds.begin, bounds.end,
                     [out](const Record& record) {
                       (*out)[std::string(record.key)] =
                           std::hash<std::string_view>()(record.value);
                       return absl::OkStatus();
                     });
  }

  absl::Status CompareCopies() {
    int64_t definitions = 0;
    for (PartitionLoop* home : loops_) {
      std::vector<std::pair<std::string, HomeLocation>> homes;
      {
        const Question question(*home);
        TW_RETURN_IF_ERROR(home->CheckpointLocked(now_));
        TW_RETURN_IF_ERROR(
            home->store().ReadHomes([&](std::string_view location, const HomeLocation& definition) {
              homes.emplace_back(location, definition);
            }));
      }
      definitions += static_cast<int64_t>(homes.size());
      for (PartitionLoop* loop : loops_) {
        const Question question(*loop);
        TW_RETURN_IF_ERROR(loop->Ready());
        const Locations& locations = loop->state().locations;
        for (const auto& [name, definition] : homes) {
          const LocationId id = locations.Find(name);
          if (id != kNoLocation && locations.at(id).definition.has_value() &&
              locations.at(id).cause_offset >= definition.offset) {
            continue;
          }
          Find(absl::StrCat("partition ", loop->partition().value(), " has not learned ", name,
                            " as record ", home->partition().value(), "/",
                            definition.offset.value(), " defines it"));
        }
      }
    }
    Check(absl::StrCat(definitions, " locations are known to every partition"));
    return absl::OkStatus();
  }

  Log* const log_;
  const std::vector<PartitionLoop*>& loops_;
  const Scratch& scratch_;
  const Time now_;
  const std::function<void(int64_t, int64_t)>& progress_;
  v1::VerifyResponse* const out_;
  int64_t all_ = 0;
  int64_t folded_ = 0;
};

}  // namespace

absl::Status VerifyAll(Log* log, const std::vector<PartitionLoop*>& loops, const Scratch& scratch,
                       Time now, const std::function<void(int64_t, int64_t)>& progress,
                       v1::VerifyResponse* out) {
  return Verifier(log, loops, scratch, now, progress, out).Run();
}

}  // namespace tallywire
