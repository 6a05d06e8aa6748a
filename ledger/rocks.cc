// SPDX-License-Identifier: Apache-2.0

// What all stores share: batches, checks of calls, prefixes. The store on a disk is in rocks_db.cc.

#include "ledger/rocks.h"

#include "absl/strings/str_cat.h"
#include "ledger/check.h"
#include "ledger/status.h"
#include "rocksdb/slice.h"
#include "rocksdb/write_batch.h"

namespace tallywire {
namespace {

rocksdb::Slice Slice(std::string_view s) { return {s.data(), s.size()}; }
std::string_view View(const rocksdb::Slice& s) { return {s.data(), s.size()}; }

class Handler : public rocksdb::WriteBatch::Handler {
 public:
  explicit Handler(RocksBatch::Visitor& visitor) : visitor_(visitor) {}
  rocksdb::Status PutCF(uint32_t, const rocksdb::Slice& key, const rocksdb::Slice& value) override {
    visitor_.Put(View(key), View(value));
    return rocksdb::Status::OK();
  }
  rocksdb::Status DeleteCF(uint32_t, const rocksdb::Slice& key) override {
    visitor_.Delete(View(key));
    return rocksdb::Status::OK();
  }
  rocksdb::Status DeleteRangeCF(uint32_t, const rocksdb::Slice& begin,
                                const rocksdb::Slice& end) override {
    visitor_.DeleteRange(View(begin), View(end));
    return rocksdb::Status::OK();
  }

 private:
  RocksBatch::Visitor& visitor_;
};

class EndedWalk : public RocksIterator::Walk {
 public:
  explicit EndedWalk(absl::Status status) : status_(std::move(status)) {}
  bool Valid() const override { return false; }
  void Next() override { TW_CHECK(false, "Next only while Valid"); }
  void Seek(std::string_view) override {}
  std::string_view key() const override { return {}; }
  std::string_view value() const override { return {}; }
  absl::Status status() const override { return status_; }

 private:
  const absl::Status status_;
};

}  // namespace

RocksIterator::RocksIterator(absl::Status status)
    : walk_(std::make_unique<EndedWalk>(std::move(status))) {}

RocksBatch::RocksBatch() : batch_(std::make_unique<rocksdb::WriteBatch>()) {}
RocksBatch::RocksBatch(RocksBatch&&) noexcept = default;
RocksBatch& RocksBatch::operator=(RocksBatch&&) noexcept = default;
RocksBatch::~RocksBatch() = default;

// WriteBatch refuses only what is 4 GiB and more, and then so does the write.
void RocksBatch::Put(std::string_view key, std::string_view value) {
  batch_->Put(Slice(key), Slice(value)).PermitUncheckedError();
}
void RocksBatch::Delete(std::string_view key) { batch_->Delete(Slice(key)).PermitUncheckedError(); }
void RocksBatch::DeleteRange(std::string_view begin, std::string_view end) {
  batch_->DeleteRange(Slice(begin), Slice(end)).PermitUncheckedError();
}
void RocksBatch::Clear() { batch_->Clear(); }
size_t RocksBatch::bytes() const { return batch_->GetDataSize(); }
bool RocksBatch::HasDeleteRange() const { return batch_->HasDeleteRange(); }

void RocksBatch::Visit(Visitor& visitor) const {
  Handler handler(visitor);
  TW_CHECK(batch_->Iterate(&handler).ok(), "a batch reads back");
}

absl::StatusOr<std::optional<std::string>> Rocks::Get(std::string_view key) const {
  std::string value;
  TW_ASSIGN_OR_RETURN(const bool found, Get(key, value));
  if (!found) return std::nullopt;
  return value;
}

RocksIterator Rocks::Forward(std::string_view prefix) const {
  return Iterate(prefix, PrefixEnd(prefix), Direction::kForward);
}
RocksIterator Rocks::Backward(std::string_view prefix) const {
  return Iterate(prefix, PrefixEnd(prefix), Direction::kBackward);
}
RocksIterator Rocks::ForwardRange(std::string_view begin, std::string_view end) const {
  return Iterate(begin, end, Direction::kForward);
}
RocksIterator Rocks::BackwardRange(std::string_view begin, std::string_view end) const {
  return Iterate(begin, end, Direction::kBackward);
}

absl::Status Rocks::CheckBatch(const RocksBatch& batch) const {
  if (options_.writes != Writes::kBatches) {
    return absl::InvalidArgumentError(
        absl::StrCat("the store in ", folder_, " is written by sorted files, not by batches"));
  }
  // RocksDB 7.8 takes the hint of a row for a range's too, and goes wrong.
  if (options_.rising_prefix > 0 && batch.HasDeleteRange()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the store in ", folder_, " has rising prefixes, and so no deletion of ranges"));
  }
  return absl::OkStatus();
}

absl::Status Rocks::CheckRows(std::span<const Row> rows) const {
  if (options_.writes != Writes::kSortedFiles) {
    return absl::InvalidArgumentError(
        absl::StrCat("the store in ", folder_, " is written by batches, not by sorted files"));
  }
  for (size_t i = 1; i < rows.size(); ++i) {
    if (rows[i - 1].key >= rows[i].key) {
      return absl::InvalidArgumentError(
          absl::StrCat("row ", i, " of ", rows.size(), " does not come after the one before it"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Rocks>> OpenRocksBy(const OpenRocks& open, const std::string& folder,
                                                   Rocks::Options options) {
  return open ? open(folder, options) : Rocks::Open(folder, options);
}

std::string PrefixEnd(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xff) end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

}  // namespace tallywire
