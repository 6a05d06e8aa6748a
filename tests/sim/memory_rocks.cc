// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/memory_rocks.h"

#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/check.h"
#include "ledger/status.h"

namespace tallywire::sim {

// A row keeps older values only while an iterator sees the store as it was before. Numbers rise
// with each write; an iterator sees what is not above the number of its birth.
struct MemoryDisk::Folder {
  struct Version {
    int64_t number;
    std::optional<std::string> value;  // none: deleted
  };
  using Rows = std::map<std::string, std::vector<Version>, std::less<>>;
  struct Undo {
    std::string key;
    std::optional<std::string> value;
  };

  Rows rows;
  int64_t number = 0;
  std::multiset<int64_t> iterators;         // the numbers of their births
  std::set<std::string, std::less<>> kept;  // keys that have older values, or a deletion as newest
  std::vector<Undo> unsynced;               // what to put back, the newest last
  bool open = false;

  static const std::string* Seen(const std::vector<Version>& versions, int64_t number) {
    for (auto it = versions.rbegin(); it != versions.rend(); ++it) {
      if (it->number <= number) return it->value ? &*it->value : nullptr;
    }
    return nullptr;
  }

  const std::string* Find(std::string_view key) const {
    const auto it = rows.find(key);
    return it == rows.end() ? nullptr : Seen(it->second, number);
  }

  void Set(std::string_view key, std::optional<std::string_view> value, bool sync) {
    if (!sync) {
      const std::string* before = Find(key);
      unsynced.push_back({std::string(key), before == nullptr
                                                ? std::optional<std::string>()
                                                : std::optional<std::string>(*before)});
    }
    if (iterators.empty()) {
      if (!value) {
        if (const auto it = rows.find(key); it != rows.end()) rows.erase(it);
        return;
      }
      auto it = rows.find(key);
      if (it == rows.end()) it = rows.emplace(std::string(key), std::vector<Version>()).first;
      it->second.clear();
      it->second.push_back({number, std::string(*value)});
      return;
    }
    std::vector<Version>& versions = rows[std::string(key)];
    std::optional<std::string> text;
    if (value) text = std::string(*value);
    if (!versions.empty() && versions.back().number == number) {
      versions.back().value = std::move(text);
    } else {
      versions.push_back({number, std::move(text)});
    }
    kept.emplace(key);
  }

  // Once nobody sees the past any more.
  void Forget() {
    if (!iterators.empty()) return;
    for (const std::string& key : kept) {
      const auto it = rows.find(key);
      if (it == rows.end()) continue;
      if (!it->second.back().value) {
        rows.erase(it);
      } else {
        it->second.erase(it->second.begin(), it->second.end() - 1);
      }
    }
    kept.clear();
  }
};

class MemoryWalk : public RocksIterator::Walk {
 public:
  MemoryWalk(MemoryDisk* disk, std::shared_ptr<MemoryDisk::Folder> folder, std::string_view lower,
             std::string_view upper, Rocks::Direction direction)
      : disk_(disk),
        folder_(std::move(folder)),
        lower_(lower),
        upper_(upper),
        forward_(direction == Rocks::Direction::kForward) {
    const std::lock_guard lock(disk_->mu_);
    number_ = folder_->number;
    folder_->iterators.insert(number_);
    if (upper_.empty() || lower_ < upper_) {
      forward_ ? Up(folder_->rows.lower_bound(lower_)) : Down(End());
    }
  }
  ~MemoryWalk() override {
    const std::lock_guard lock(disk_->mu_);
    folder_->iterators.erase(folder_->iterators.find(number_));
    folder_->Forget();
  }

  bool Valid() const override { return valid_; }
  void Next() override {
    TW_CHECK(Valid(), "Next only while Valid");
    const std::lock_guard lock(disk_->mu_);
    forward_ ? Up(std::next(at_)) : Down(at_);
  }
  void Seek(std::string_view key) override {
    const std::lock_guard lock(disk_->mu_);
    if (!upper_.empty() && lower_ >= upper_) return;
    if (forward_) {
      Up(folder_->rows.lower_bound(key < lower_ ? std::string_view(lower_) : key));
    } else if (!upper_.empty() && key >= upper_) {
      Down(End());
    } else {
      Down(folder_->rows.upper_bound(key));
    }
  }
  std::string_view key() const override { return at_->first; }
  std::string_view value() const override { return value_; }
  absl::Status status() const override { return absl::OkStatus(); }

 private:
  using At = MemoryDisk::Folder::Rows::const_iterator;

  At End() const {
    return upper_.empty() ? folder_->rows.end() : folder_->rows.lower_bound(upper_);
  }
  // To the first row from `at` on that it sees.
  void Up(At at) {
    valid_ = false;
    for (; at != folder_->rows.end() && (upper_.empty() || at->first < upper_); ++at) {
      if (See(at)) return;
    }
  }
  // To the last row before `at` that it sees.
  void Down(At at) {
    valid_ = false;
    while (at != folder_->rows.begin()) {
      --at;
      if (at->first < lower_ || See(at)) return;
    }
  }
  // Its own copy of the value: versions move when a row gets one more.
  bool See(At at) {
    const std::string* seen = MemoryDisk::Folder::Seen(at->second, number_);
    if (seen == nullptr) return false;
    at_ = at;
    value_ = *seen;
    valid_ = true;
    return true;
  }

  MemoryDisk* const disk_;
  const std::shared_ptr<MemoryDisk::Folder> folder_;
  const std::string lower_;
  const std::string upper_;
  const bool forward_;
  int64_t number_ = 0;
  At at_;
  bool valid_ = false;
  std::string value_;
};

class MemoryRocks : public Rocks {
 public:
  MemoryRocks(MemoryDisk* disk, const std::string& folder, Options options,
              std::shared_ptr<MemoryDisk::Folder> rows)
      : Rocks(folder, options), disk_(disk), rows_(std::move(rows)) {}
  ~MemoryRocks() override {
    const std::lock_guard lock(disk_->mu_);
    rows_->open = false;
    if (options().scratch) disk_->folders_.erase(folder());
  }

  absl::StatusOr<bool> Get(std::string_view key, std::string& value) const override {
    if (disk_->read) TW_RETURN_IF_ERROR(disk_->read(folder()));
    const std::lock_guard lock(disk_->mu_);
    const std::string* found = rows_->Find(key);
    if (found == nullptr) return false;
    value = *found;
    return true;
  }

  RocksIterator Iterate(std::string_view begin, std::string_view end,
                        Direction direction) const override {
    if (disk_->read) {
      absl::Status status = disk_->read(folder());
      if (!status.ok()) return RocksIterator(std::move(status));
    }
    return RocksIterator(std::make_unique<MemoryWalk>(disk_, rows_, begin, end, direction));
  }

  absl::Status Write(const RocksBatch& batch, bool sync) override {
    TW_RETURN_IF_ERROR(CheckBatch(batch));
    MemoryDisk::Call call{.what = MemoryDisk::Call::What::kWrite, .folder = folder()};
    Counter counter;
    batch.Visit(counter);
    call.rows = counter.rows;
    call.bytes = batch.bytes();
    call.sync = sync;
    return disk_->Do(call, [&] {
      const std::lock_guard lock(disk_->mu_);
      // The write-ahead log is one: what came before is durable with it.
      if (sync) rows_->unsynced.clear();
      ++rows_->number;
      Writer writer(*rows_, sync);
      batch.Visit(writer);
      return absl::OkStatus();
    });
  }

  absl::Status Ingest(std::span<const Row> rows) override {
    TW_RETURN_IF_ERROR(CheckRows(rows));
    if (rows.empty()) return absl::OkStatus();
    MemoryDisk::Call call{
        .what = MemoryDisk::Call::What::kIngest, .folder = folder(), .rows = rows.size()};
    for (const Row& row : rows) call.bytes += row.key.size() + (row.value ? row.value->size() : 0);
    return disk_->Do(call, [&] {
      const std::lock_guard lock(disk_->mu_);
      ++rows_->number;
      for (const Row& row : rows) rows_->Set(row.key, row.value, true);
      return absl::OkStatus();
    });
  }

  absl::Status CompactRange(std::string_view, std::string_view) override {
    return disk_->Do({.what = MemoryDisk::Call::What::kCompact, .folder = folder()},
                     [] { return absl::OkStatus(); });
  }

  absl::Status Verify() const override { return absl::OkStatus(); }

  uint64_t ApproximateBytes() const override {
    const std::lock_guard lock(disk_->mu_);
    uint64_t bytes = 0;
    for (const auto& [key, versions] : rows_->rows) {
      bytes += key.size();
      for (const auto& version : versions) bytes += version.value ? version.value->size() : 0;
    }
    return bytes;
  }

 private:
  struct Counter : RocksBatch::Visitor {
    size_t rows = 0;
    void Put(std::string_view, std::string_view) override { ++rows; }
    void Delete(std::string_view) override { ++rows; }
    void DeleteRange(std::string_view, std::string_view) override { ++rows; }
  };
  class Writer : public RocksBatch::Visitor {
   public:
    Writer(MemoryDisk::Folder& folder, bool sync) : folder_(folder), sync_(sync) {}
    void Put(std::string_view key, std::string_view value) override {
      folder_.Set(key, value, sync_);
    }
    void Delete(std::string_view key) override { folder_.Set(key, std::nullopt, sync_); }
    void DeleteRange(std::string_view begin, std::string_view end) override {
      std::vector<std::string> keys;
      for (auto it = folder_.rows.lower_bound(begin); it != folder_.rows.end(); ++it) {
        if (it->first >= end) break;
        keys.push_back(it->first);
      }
      for (const std::string& key : keys) Delete(key);
    }

   private:
    MemoryDisk::Folder& folder_;
    const bool sync_;
  };

  MemoryDisk* const disk_;
  const std::shared_ptr<MemoryDisk::Folder> rows_;
};

MemoryDisk::MemoryDisk() = default;

MemoryDisk::~MemoryDisk() {
  for (const auto& [name, folder] : folders_) {
    TW_CHECK(!folder->open && folder->iterators.empty(), "stores must be gone before their disk");
  }
}

OpenRocks MemoryDisk::Opener() {
  return [this](const std::string& folder,
                Rocks::Options options) -> absl::StatusOr<std::unique_ptr<Rocks>> {
    if (folder.empty()) return absl::InvalidArgumentError("the folder of a store has no name");
    {
      const std::lock_guard lock(mu_);
      const auto it = folders_.find(folder);
      if (it == folders_.end() && options.must_exist) {
        return absl::NotFoundError(absl::StrCat("no store in ", folder));
      }
      if (it != folders_.end() && it->second->open) {
        return absl::FailedPreconditionError(absl::StrCat("another process is using ", folder));
      }
    }
    std::unique_ptr<Rocks> opened;
    TW_RETURN_IF_ERROR(Do({.what = Call::What::kOpen, .folder = folder}, [&] {
      const std::lock_guard lock(mu_);
      std::shared_ptr<Folder>& rows = folders_[folder];
      if (!rows || options.scratch) rows = std::make_shared<Folder>();
      rows->open = true;
      opened = std::make_unique<MemoryRocks>(this, folder, options, rows);
      return absl::OkStatus();
    }));
    return opened;
  };
}

absl::Status MemoryDisk::Do(Call call, const std::function<absl::Status()>& effect) {
  {
    const std::lock_guard lock(mu_);
    call.number = calls_++;
  }
  if (before) TW_RETURN_IF_ERROR(before(call));
  TW_RETURN_IF_ERROR(effect());
  return after ? after(call) : absl::OkStatus();
}

void MemoryDisk::LoseUnsynced(std::string_view prefix) {
  const std::lock_guard lock(mu_);
  for (auto it = folders_.lower_bound(prefix); it != folders_.end(); ++it) {
    if (!std::string_view(it->first).starts_with(prefix)) break;
    Folder& folder = *it->second;
    TW_CHECK(!folder.open, "a store that is open loses nothing");
    const std::vector<Folder::Undo> undo = std::exchange(folder.unsynced, {});
    for (auto one = undo.rbegin(); one != undo.rend(); ++one) {
      folder.Set(one->key, one->value, true);
    }
  }
}

void MemoryDisk::Remove(std::string_view prefix) {
  const std::lock_guard lock(mu_);
  for (auto it = folders_.lower_bound(prefix);
       it != folders_.end() && std::string_view(it->first).starts_with(prefix);) {
    TW_CHECK(!it->second->open, "a store that is open is not removed");
    it = folders_.erase(it);
  }
}

void MemoryDisk::Copy(std::string_view from, std::string_view to) {
  const std::lock_guard lock(mu_);
  std::map<std::string, std::shared_ptr<Folder>> copies;
  for (auto it = folders_.lower_bound(from); it != folders_.end(); ++it) {
    if (!std::string_view(it->first).starts_with(from)) break;
    auto copy = std::make_shared<Folder>();
    for (const auto& [key, versions] : it->second->rows) {
      if (versions.back().value) copy->Set(key, *versions.back().value, true);
    }
    copies[std::string(to) + it->first.substr(from.size())] = std::move(copy);
  }
  for (auto& [name, copy] : copies) {
    std::shared_ptr<Folder>& there = folders_[name];
    TW_CHECK(!there || !there->open, "a store that is open is not overwritten");
    there = std::move(copy);
  }
}

std::vector<std::string> MemoryDisk::Folders() const {
  const std::lock_guard lock(mu_);
  std::vector<std::string> names;
  for (const auto& [name, folder] : folders_) names.push_back(name);
  return names;
}

bool MemoryDisk::IsOpen(std::string_view folder) const {
  const std::lock_guard lock(mu_);
  const auto it = folders_.find(folder);
  return it != folders_.end() && it->second->open;
}

}  // namespace tallywire::sim
