// SPDX-License-Identifier: Apache-2.0
#include "publishers/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "ledger/topics.h"
#include "publishers/stock_book.h"

namespace tallywire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const PublisherStore::Identity kIdentity = {
    .log_id = "log-1", .stock_partitions = 4, .update_partitions = 3};

std::string Row(const std::string& sku, const std::string& location, int64_t version,
                int64_t available) {
  v1::Availability row;
  row.set_sku(sku);
  row.set_location(location);
  row.set_level(location.empty() ? v1::LEVEL_TOTAL : v1::LEVEL_SITE);
  row.set_available(available);
  row.set_version(version);
  return row.SerializeAsString();
}

class StoreTest : public ::testing::Test {
 protected:
  StoreTest() : folder_(::testing::TempDir() + "/publisher-store-XXXXXX") {
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
  }
  ~StoreTest() override {
    std::error_code error;
    std::filesystem::remove_all(folder_, error);
  }

  std::unique_ptr<PublisherStore> Open() {
    auto store = PublisherStore::Open(folder_, kIdentity);
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *std::move(store) : nullptr;
  }
  // Every row, past the store's own code.
  std::vector<std::string> RawRows() {
    auto rocks = Rocks::Open(folder_, {});
    std::vector<std::string> rows;
    for (auto it = (*rocks)->Forward(""); it.Valid(); it.Next()) {
      rows.push_back(absl::BytesToHexString(std::string(it.key())) + " " +
                     absl::BytesToHexString(std::string(it.value())));
    }
    return rows;
  }
  void PutRaw(const std::string& key, const std::string& value) {
    auto rocks = Rocks::Open(folder_, {});
    RocksBatch batch;
    batch.Put(key, value);
    ASSERT_TRUE((*rocks)->Write(batch, false).ok());
  }

  std::string folder_;
};

RuleInForce Rule() {
  RuleInForce rule;
  rule.listing.set_channel("c");
  rule.listing.set_listing_id("l");
  rule.listing.set_sku("A");
  rule.listing.set_percent(70);
  rule.removed = true;
  rule.version = 258;
  rule.stamp = Time(1'000'000);
  return rule;
}

LastUpdate Last() {
  LastUpdate last;
  last.offset = Offset(7);
  last.versions = {.rules = 258, .stock = 9};
  last.sku = "A";
  last.state = v1::LISTING_STATE_ACTIVE;
  last.quantity = 0;
  return last;
}

PublisherStore::Batch AllKinds() {
  PublisherStore::Batch batch;
  const std::vector<Offset> next = {Offset(1), Offset(515)};
  batch.PutNext(PublisherStore::Topic::kStock, next);
  batch.PutRule(JoinKey("c", "l"), Rule());
  batch.PutUpdate(JoinKey("c", "l"), Last(), 258);
  batch.PutStockRow(JoinKey("A", "W"), Row("A", "W", 5, 2));
  return batch;
}

// The bytes that FORMAT.md says; folders that are out there are read by them.
TEST_F(StoreTest, Bytes) {
  ASSERT_TRUE(Open()->Write(AllKinds()).ok());
  EXPECT_THAT(RawRows(),
              ElementsAre("49 000000010000000400000003"
                          "6c6f672d31",
                          "4e7300000000 0000000000000001", "4e7300000001 0000000000000203",
                          "5263006c 0000000000000102"
                          "00000000000f4240"
                          "01"
                          "0a01631201"
                          "6c1a01414046",
                          "53410057 " + absl::BytesToHexString(Row("A", "W", 5, 2)),
                          "5563006c 0000000000000007"
                          "01"
                          "0000000000000102"
                          "1a0141200128003082023809"));
}

TEST_F(StoreTest, ReadsBackWhatWasWritten) {
  ASSERT_TRUE(Open()->Write(AllKinds()).ok());
  const auto store = Open();
  EXPECT_EQ(*store->Next(PublisherStore::Topic::kStock, Partition(1)), Offset(515));
  EXPECT_EQ(*store->Next(PublisherStore::Topic::kStock, Partition(2)), std::nullopt);
  EXPECT_EQ(*store->Next(PublisherStore::Topic::kRules, Partition(0)), std::nullopt);
  ListingBook book;
  ASSERT_TRUE(store->LoadListings(book).ok());
  ASSERT_EQ(book.All().size(), 1);
  const ListingState& listing = *book.All()[0];
  EXPECT_EQ(listing.key, JoinKey("c", "l"));
  EXPECT_EQ(listing.rule->listing.SerializeAsString(), Rule().listing.SerializeAsString());
  EXPECT_TRUE(listing.rule->removed);
  EXPECT_EQ(listing.rule->version, 258);
  EXPECT_EQ(listing.rule->stamp, Time(1'000'000));
  EXPECT_EQ(listing.last->offset, Offset(7));
  EXPECT_EQ(listing.last->versions, Last().versions);
  EXPECT_EQ(listing.last->sku, "A");
  EXPECT_EQ(listing.last->state, v1::LISTING_STATE_ACTIVE);
  EXPECT_EQ(listing.last->quantity, 0);
  EXPECT_EQ(listing.alerted, 258);
  EXPECT_EQ(book.OfSku("A").size(), 1);
}

TEST_F(StoreTest, AQuantityThatIsAbsentStaysAbsent) {
  PublisherStore::Batch batch;
  LastUpdate last = Last();
  last.quantity.reset();
  batch.PutUpdate("k", last, std::nullopt);
  ASSERT_TRUE(Open()->Write(batch).ok());
  ListingBook book;
  ASSERT_TRUE(Open()->LoadListings(book).ok());
  EXPECT_EQ(book.At("k").last->quantity, std::nullopt);
  EXPECT_EQ(book.At("k").alerted, std::nullopt);
}

TEST_F(StoreTest, FoldersThatAreNotItsOwn) {
  Open();
  PublisherStore::Identity other = kIdentity;
  other.update_partitions = 6;
  const auto refused = PublisherStore::Open(folder_, other).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("3 of updates, but this is"));
  PutRaw("I", std::string("\0\0\0\2", 4));
  const auto newer = PublisherStore::Open(folder_, kIdentity).status();
  EXPECT_EQ(newer.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(newer.message()), HasSubstr("is of format 2"));
  PutRaw("I", std::string("\0\0\0\1\0", 5));
  EXPECT_EQ(PublisherStore::Open(folder_, kIdentity).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(StoreTest, AFolderOfSomethingElse) {
  PutRaw("k", "v");
  const auto refused = PublisherStore::Open(folder_, kIdentity).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("something else"));
}

TEST_F(StoreTest, RowsThatDoNotReadBack) {
  Open();
  PutRaw("Rk", "short");
  ListingBook book;
  EXPECT_EQ(Open()->LoadListings(book).code(), absl::StatusCode::kDataLoss);
  PutRaw(std::string("SA\0W", 4), "\xff\xff");
  EXPECT_EQ(Open()->LoadPicture("A").status().code(), absl::StatusCode::kDataLoss);
  PutRaw(std::string("Nr\0\0\0\0", 6), "1");
  EXPECT_EQ(Open()->Next(PublisherStore::Topic::kRules, Partition(0)).status().code(),
            absl::StatusCode::kDataLoss);
}

TEST_F(StoreTest, APictureIsOfOneSkuOnly) {
  PublisherStore::Batch batch;
  batch.PutStockRow(JoinKey("A", ""), Row("A", "", 5, 2));
  batch.PutStockRow(JoinKey("A", "W"), Row("A", "W", 4, 2));
  batch.PutStockRow(JoinKey("AB", ""), Row("AB", "", 6, 1));
  const auto store = Open();
  ASSERT_TRUE(store->Write(batch).ok());
  const auto picture = store->LoadPicture("A");
  ASSERT_TRUE(picture.ok());
  EXPECT_EQ(picture->version(), 5);
  EXPECT_EQ(picture->rows.size(), 1);
  EXPECT_TRUE(picture->Whole());
}

// What the store has is forgotten when there is too much, what it lacks is not.
TEST_F(StoreTest, PicturesInMemoryAreBounded) {
  const auto store = Open();
  StockBook book(store.get(), /*max_cached_rows=*/4);
  const auto apply = [&](const std::string& sku, int64_t version) {
    const std::string key = JoinKey(sku, "");
    const std::string value = Row(sku, "", version, 1);
    const auto applied = book.Apply(Record{.partition = Partition(0),
                                           .offset = Offset(0),
                                           .stamp = Time(0),
                                           .key = key,
                                           .value = value,
                                           .headers = {}});
    EXPECT_TRUE(applied.ok() && *applied == sku);
  };
  for (const char* sku : {"A", "B", "C", "D", "E", "F"}) apply(sku, 3);
  book.Trim();
  EXPECT_EQ(book.cached_rows(), 6);
  PublisherStore::Batch batch;
  book.AddChanges(batch);
  ASSERT_TRUE(store->Write(batch).ok());
  book.ChangesWritten([](std::string_view sku) { return sku != "A"; });
  EXPECT_FALSE(book.HasChanges());
  EXPECT_EQ(book.cached_rows(), 5);
  apply("B", 4);
  book.Trim();
  EXPECT_EQ(book.cached_rows(), 1);
  EXPECT_EQ((*book.Find("B"))->version(), 4);
  EXPECT_EQ((*book.Find("F"))->version(), 3);
  EXPECT_EQ(book.cached_rows(), 2);
}

}  // namespace
}  // namespace tallywire
