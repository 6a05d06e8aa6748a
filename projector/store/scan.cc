// SPDX-License-Identifier: Apache-2.0
// What reads many rows: lists, journals, digest and comparison.

#include <cstdint>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "ledger/check.h"
#include "ledger/status.h"
#include "projector/store/bytes.h"
#include "projector/store/describe.h"
#include "projector/store/rows.h"
#include "projector/store/store_impl.h"
#include "xxhash.h"

namespace tallywire::store {
namespace {

// The rows of the fold, upwards.
class FoldRows {
 public:
  explicit FoldRows(const Rocks& rocks) : it_(rocks.Forward({})) { SkipOthers(); }

  bool Valid() const { return it_.Valid(); }
  void Next() {
    it_.Next();
    SkipOthers();
  }
  std::string_view key() const { return it_.key(); }
  std::string_view row() const { return it_.value(); }
  absl::Status status() const { return it_.status(); }

 private:
  void SkipOthers() {
    while (it_.Valid() && !IsOfTheFold(it_.key())) it_.Next();
  }

  RocksIterator it_;
};

struct FreeHash {
  void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
};

}  // namespace

absl::Status StoreImpl::Scan(std::string_view prefix, const RowVisit& visit) const {
  RocksIterator it = rocks_->Forward(prefix);
  for (; it.Valid(); it.Next()) {
    ParsedKey parsed;
    if (!ParseKey(it.key(), &parsed) || !visit(parsed, it.value())) return Damaged(it.key());
  }
  return it.status();
}

absl::Status StoreImpl::ListNames(std::string_view prefix, std::string_view after, size_t max,
                                  std::vector<std::string>* names) const {
  names->clear();
  // The least key above that of `after`: no name has a zero byte.
  std::string begin = absl::StrCat(absl::string_view(prefix.data(), prefix.size()),
                                   absl::string_view(after.data(), after.size()));
  begin.push_back('\0');
  RocksIterator it = rocks_->ForwardRange(begin, PrefixEnd(prefix));
  for (; it.Valid() && names->size() < max; it.Next()) {
    names->emplace_back(it.key().substr(prefix.size()));
  }
  return it.status();
}

absl::Status StoreImpl::ListSkus(std::string_view after, size_t max,
                                 std::vector<std::string>* skus) const {
  std::string prefix;
  TableKey(Table::kSkus, &prefix);
  return ListNames(prefix, after, max, skus);
}

absl::Status StoreImpl::ListSkusInside(std::string_view root, std::string_view after, size_t max,
                                       std::vector<std::string>* skus) const {
  TW_CHECK(RootOf(root) == root, "a tree is named by its first level");
  std::string prefix;
  TreeKey(root, {}, &prefix);
  return ListNames(prefix, after, max, skus);
}

absl::Status StoreImpl::ReadJournal(
    std::string_view sku, std::string_view location,
    const std::function<void(std::string_view location, const JournalEntry&)>& visit) const {
  std::string prefix;
  if (location.empty()) {
    JournalSkuKey(sku, &prefix);
  } else {
    JournalPlaceKey(sku, location, &prefix);
  }
  JournalEntry entry;
  return Scan(prefix, [&](const ParsedKey& key, std::string_view row) {
    if (!GetJournalEntry(row, &entry)) return false;
    entry.offset = key.offset;
    entry.ordinal = key.ordinal;
    visit(key.location, entry);
    return true;
  });
}

absl::Status StoreImpl::ReadTransfers(
    std::string_view sku,
    const std::function<void(std::string_view id, const TransferState&)>& visit) const {
  std::string prefix;
  TransferRowKey(sku, {}, &prefix);
  return Scan(prefix, [&](const ParsedKey& key, std::string_view row) {
    TransferState transfer;
    if (!GetTransfer(row, &transfer)) return false;
    visit(key.name, transfer);
    return true;
  });
}

absl::Status StoreImpl::ReadHomes(
    const std::function<void(std::string_view location, const HomeLocation&)>& visit) const {
  std::string prefix;
  TableKey(Table::kHomes, &prefix);
  return Scan(prefix, [&](const ParsedKey& key, std::string_view row) {
    HomeLocation home;
    if (!GetHome(row, &home)) return false;
    visit(key.location, home);
    return true;
  });
}

absl::StatusOr<std::string> StoreImpl::StateDigest() const {
  const std::unique_ptr<XXH3_state_t, FreeHash> hash(XXH3_createState());
  TW_CHECK(hash != nullptr && XXH3_128bits_reset(hash.get()) == XXH_OK, "a hash can be begun");
  FoldRows rows(*rocks_);
  std::string lengths;
  for (; rows.Valid(); rows.Next()) {
    // Lengths first, so that no two stores run together into the same bytes.
    lengths.clear();
    ByteWriter out(&lengths);
    out.Varint(rows.key().size());
    out.Varint(rows.row().size());
    XXH3_128bits_update(hash.get(), lengths.data(), lengths.size());
    XXH3_128bits_update(hash.get(), rows.key().data(), rows.key().size());
    XXH3_128bits_update(hash.get(), rows.row().data(), rows.row().size());
  }
  TW_RETURN_IF_ERROR(rows.status());
  XXH128_canonical_t bytes;
  XXH128_canonicalFromHash(&bytes, XXH3_128bits_digest(hash.get()));
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(bytes.digest), sizeof(bytes.digest)));
}

absl::Status StoreImpl::Compare(const Store& other, size_t max,
                                std::vector<std::string>* differences) const {
  differences->clear();
  const auto* there = dynamic_cast<const StoreImpl*>(&other);
  TW_CHECK(there != nullptr, "stores of one kind are compared");
  FoldRows a(*rocks_);
  FoldRows b(*there->rocks_);
  const auto only = [&](FoldRows& rows, const char* where) {
    differences->push_back(absl::StrCat(DescribeKey(rows.key()), " is only ", where, ": ",
                                        DescribeRow(rows.key(), rows.row())));
    rows.Next();
  };
  while ((a.Valid() || b.Valid()) && differences->size() < max) {
    // An end that is an error must not look like rows that are missing.
    TW_RETURN_IF_ERROR(a.status());
    TW_RETURN_IF_ERROR(b.status());
    if (!b.Valid() || (a.Valid() && a.key() < b.key())) {
      only(a, "here");
    } else if (!a.Valid() || b.key() < a.key()) {
      only(b, "there");
    } else {
      if (a.row() != b.row()) {
        differences->push_back(absl::StrCat(DescribeKey(a.key()), " differs: here ",
                                            DescribeRow(a.key(), a.row()), "; there ",
                                            DescribeRow(b.key(), b.row())));
      }
      a.Next();
      b.Next();
    }
  }
  TW_RETURN_IF_ERROR(a.status());
  return b.status();
}

}  // namespace tallywire::store
