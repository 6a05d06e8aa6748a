// SPDX-License-Identifier: Apache-2.0
// stock.availability from outside.
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "tests/sim/outside.h"

namespace tallywire::sim {
namespace {

std::string KeyOf(const v1::Availability& row) {
  return row.sku() + std::string(1, '\0') + row.location();
}

Pools PoolsOf(const v1::Availability& row) {
  return {{v1::POOL_AVAILABLE, row.available()}, {v1::POOL_COMMITTED, row.committed()},
          {v1::POOL_HELD, row.held()},           {v1::POOL_DAMAGED, row.damaged()},
          {v1::POOL_USED, row.used()},           {v1::POOL_QUALITY_CONTROL, row.quality_control()},
          {v1::POOL_INCOMING, row.incoming()}};
}

std::string NameOf(const RowKey& key) {
  return key.first + (key.second.empty() ? std::string(" TOTAL") : " " + key.second);
}

// Reads the topic as anybody would who keeps a copy of it.
class Reader {
 public:
  Reader(const Expected& expected, const OutsideOptions& options, Findings& findings)
      : expected_(expected), options_(options), findings_(findings) {}

  void Read(const LogRecord& record) {
    record_ = &record;
    v1::Availability row;
    if (!row.ParseFromString(record.value)) return Say("is no Availability");
    if (record.key != KeyOf(row)) Say("has another key than its SKU and location");
    if (row.partition() != record.partition) {
      Say(absl::StrCat("says partition ", row.partition()));
    }
    if (record.partition != HomeOf(row.sku(), expected_.partitions)) Say("is on a wrong partition");
    CheckNeighbours(record, row);
    CheckValue(row);
    v1::Availability& held = held_[{row.sku(), row.location()}];
    const bool first = held.sku().empty();
    if (options_.one_life && !first && row.version() < held.version()) {
      Say(absl::StrCat("has version ", row.version(), " after ", held.version()));
    }
    if (first || row.version() > held.version()) held = row;
    last_[{row.sku(), row.location()}] = row;
    if (options_.whole_appends && row.level() == v1::LEVEL_TOTAL) CheckWhole(row);
  }

  void Finish() {
    CheckOpenSku(record_ == nullptr ? 0 : record_->partition, nullptr);
    for (const auto& [key, versions] : expected_.rows)
      CheckLast(key, versions.rbegin()->second.row);
    std::set<std::string> skus;
    for (const auto& [key, row] : last_) skus.insert(key.first);
    for (const std::string& sku : skus) CheckSums(sku);
  }

 private:
  // Of a log that has dropped records in between nobody can say what stood beside what.
  void CheckNeighbours(const LogRecord& record, const v1::Availability& row) {
    const bool next = next_ == RecordId{record.partition, record.offset};
    next_ = {record.partition, record.offset + 1};
    if (!options_.whole_appends) return;
    if (!next) {
      if (record.partition != open_partition_) CheckOpenSku(open_partition_, nullptr);
      open_sku_.clear();
    } else {
      CheckOpenSku(record.partition, &row);
    }
    open_partition_ = record.partition;
    open_sku_ = row.level() == v1::LEVEL_TOTAL ? "" : row.sku();
  }

  // `row` null: nothing comes after.
  void CheckOpenSku(int32_t partition, const v1::Availability* row) {
    if (open_sku_.empty() || (row != nullptr && row->sku() == open_sku_)) return;
    findings_.push_back(absl::StrCat("stock.availability ", partition, ": rows of ", open_sku_,
                                     " have no TOTAL after them, but ",
                                     row == nullptr ? "the end" : "a row of " + row->sku()));
    open_sku_.clear();
  }

  void CheckValue(const v1::Availability& row) {
    const auto versions = expected_.rows.find({row.sku(), row.location()});
    if (versions == expected_.rows.end()) return Say("is a row that there should not be");
    const auto version = versions->second.find(row.version());
    if (version == versions->second.end()) {
      return Say(absl::StrCat("has version ", row.version(),
                              ", but that record did not touch it; the last that did: ",
                              versions->second.rbegin()->first));
    }
    const v1::Availability& should = version->second.row;
    if (row.SerializeAsString() == should.SerializeAsString()) return;
    Say(absl::StrCat("should be ", should.ShortDebugString(), " but is ", row.ShortDebugString()));
  }

  // A TOTAL that is not newer than the one held is dropped by its reader.
  void CheckWhole(const v1::Availability& total) {
    if (total.version() < held_[{total.sku(), ""}].version()) return;
    for (auto at = held_.lower_bound({total.sku(), ""});
         at != held_.end() && at->first.first == total.sku(); ++at) {
      if (at->second.version() > total.version()) {
        Say(absl::StrCat("has version ", total.version(), " after ", NameOf(at->first), " with ",
                         at->second.version()));
      }
    }
  }

  void CheckLast(const RowKey& key, const v1::Availability& should) {
    const auto last = last_.find(key);
    if (last == last_.end()) {
      findings_.push_back("stock.availability: row of " + NameOf(key) +
                          " never went out; should be " + should.ShortDebugString());
    } else if (last->second.version() != should.version()) {
      findings_.push_back(absl::StrCat(
          "stock.availability: row of ", NameOf(key), " ends with version ", last->second.version(),
          ", not ", should.version(), "; should be ", should.ShortDebugString()));
    }
  }

  // The TOTAL sums the sites, the sites together have what the places and the sites' own locations
  // have, and all that lies anywhere has come from a counter account.
  void CheckSums(const std::string& sku) {
    Pools sites;
    v1::Availability total;
    int64_t shortfall = 0;
    int64_t safety_stock = 0;
    for (auto at = last_.lower_bound({sku, ""}); at != last_.end() && at->first.first == sku;
         ++at) {
      const v1::Availability& row = at->second;
      if (row.level() == v1::LEVEL_TOTAL) total = row;
      if (row.level() != v1::LEVEL_SITE) continue;
      for (const auto& [pool, units] : PoolsOf(row)) sites[pool] += units;
      shortfall += row.shortfall();
      safety_stock += row.safety_stock();
    }
    const auto say = [&](const std::string& what, int64_t sum, int64_t is) {
      if (sum == is) return;
      findings_.push_back(absl::StrCat("stock.availability: the TOTAL of ", sku, " has ", what, " ",
                                       is, ", its sites ", sum));
    };
    for (const auto& [pool, units] : PoolsOf(total)) say(v1::Pool_Name(pool), sites[pool], units);
    say("shortfall", shortfall, total.shortfall());
    say("safety stock", safety_stock, total.safety_stock());
    const auto history = expected_.skus.find(sku);
    if (history == expected_.skus.end()) return;
    int64_t units = total.on_hand() + total.incoming();
    for (const auto& [account, moved] : history->second.accounts) units += moved;
    if (units != 0) {
      findings_.push_back(absl::StrCat("stock.availability: ", units, " units of ", sku,
                                       " have come from nowhere: its TOTAL is ",
                                       total.ShortDebugString()));
    }
  }

  void Say(const std::string& what) {
    std::string key = record_->key;
    for (char& c : key) c = c == '\0' ? ' ' : c;
    findings_.push_back(absl::StrCat("stock.availability ", record_->partition, "/",
                                     record_->offset, " (", key, ") ", what));
  }

  const Expected& expected_;
  const OutsideOptions& options_;
  Findings& findings_;

  const LogRecord* record_ = nullptr;
  RecordId next_ = {-1, -1};
  int32_t open_partition_ = -1;
  std::string open_sku_;
  std::map<RowKey, v1::Availability> held_;  // the newest
  std::map<RowKey, v1::Availability> last_;
};

}  // namespace

void AuditRows(const Expected& expected, const TopicRecords& topic, const OutsideOptions& options,
               Findings& findings) {
  Reader reader(expected, options, findings);
  for (const LogRecord& record : topic.records) reader.Read(record);
  reader.Finish();
}

}  // namespace tallywire::sim
