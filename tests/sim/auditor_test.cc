// SPDX-License-Identifier: Apache-2.0
// What the auditor says of logs that are written out by hand, and that it objects to outputs in
// which one thing is wrong.
#include "tests/sim/auditor.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ledger/topics.h"
#include "tests/sim/outside.h"

namespace tallywire::sim {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Micros kTen = 1'772'359'200'000'000;  // 2026-03-01T10:00
constexpr Micros kMinute = 60'000'000;

// A log, and what a ledger puts out of it that makes no mistake.
class Ledger : public Topics {
 public:
  explicit Ledger(int32_t partitions = 1) : partitions_(partitions) {
    for (TopicRecords* topic : {&events, &rows, &alerts, &letters, &rules, &updates}) {
      topic->partitions = topic == &rules ? 1 : partitions;
      topic->begins.assign(static_cast<size_t>(topic->partitions), 0);
    }
    next_.assign(static_cast<size_t>(partitions), 0);
  }

  // Minutes after ten.
  void At(int64_t minutes) { now_ = kTen + minutes * kMinute; }

  // An event of SKU A from `test`, of which `text` says the rest, where it belongs.
  void Tell(const std::string& text) {
    v1::StockEvent event;
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &event)) << text;
    if (event.event_id().empty()) event.set_event_id(absl::StrCat("e", events.records.size()));
    if (event.source().empty()) event.set_source("test");
    const bool place = event.has_location_defined();
    if (event.sku().empty() && !place) event.set_sku("A");
    const std::string key = place ? event.location_defined().location() : event.sku();
    const int32_t home = HomeOf(key, partitions_);
    if (place) {
      const int64_t cause = next_[static_cast<size_t>(home)];
      Append(home, key, event.SerializeAsString());
      for (int32_t p = 0; p < partitions_; ++p) Copy(p, {home, cause}, event.location_defined());
      return;
    }
    Append(home, key, event.SerializeAsString());
  }
  void Append(int32_t partition, const std::string& key, const std::string& value) {
    events.records.push_back(
        {partition, next_[static_cast<size_t>(partition)]++, now_, key, value, {}});
    std::stable_sort(events.records.begin(), events.records.end(),
                     [](const LogRecord& a, const LogRecord& b) {
                       return std::pair(a.partition, a.offset) < std::pair(b.partition, b.offset);
                     });
  }
  void Copy(int32_t to, RecordId cause, const v1::LocationDefined& definition) {
    v1::StockEvent event;
    v1::LocationCopied* copied = event.mutable_location_copied();
    copied->set_target_partition(to);
    copied->mutable_cause()->set_partition(cause.first);
    copied->mutable_cause()->set_offset(cause.second);
    *copied->mutable_definition() = definition;
    Append(to, "", event.SerializeAsString());
  }
  void Put(const std::string& listing) {
    v1::ListingRule rule;
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString("put { " + listing + " }", &rule));
    rules.records.push_back(
        {0, static_cast<int64_t>(rules.records.size()), now_, "", rule.SerializeAsString(), {}});
  }

  Expected Should() const { return Judge(events.records, partitions_); }

  // Fills the outputs as they should be.
  void Publish() {
    const Expected should = Should();
    PublishRows(should);
    for (v1::Alert alert : should.alerts) {
      alert.set_text("so it is");
      AddTo(alerts, alert.id().partition(), alert.sku().empty() ? alert.location() : alert.sku(),
            alert.SerializeAsString());
    }
    for (const LogRecord& record : events.records) {
      const Verdict verdict = should.verdicts.at({record.partition, record.offset});
      if (verdict.outcome == Outcome::kRefused) PublishLetter(record, verdict);
    }
    for (const auto& [name, versions] : ReadRules(rules.records)) {
      const auto& [version, rule] = *versions.rbegin();
      const std::string& sku = rule.listing.sku();
      const auto update = Shown(version, rule, PictureAt(should, sku, LastTotal(should, sku)));
      const std::string key = name.first + std::string(1, '\0') + name.second;
      AddTo(updates, HomeOf(key, partitions_), key, update.SerializeAsString());
    }
  }

  Findings Look(const OutsideOptions& options = {.one_life = true}) const {
    return AuditTopics(*this, options);
  }

  static void AddTo(TopicRecords& topic, int32_t partition, const std::string& key,
                    const std::string& value, std::vector<Header> headers = {}) {
    int64_t offset = 0;
    for (const LogRecord& record : topic.records) offset += record.partition == partition ? 1 : 0;
    topic.records.push_back({partition, offset, 0, key, value, std::move(headers)});
  }

 private:
  // Each record's rows, TOTAL last.
  void PublishRows(const Expected& should) {
    std::map<std::tuple<int32_t, int64_t, std::string, bool, std::string>, v1::Availability> all;
    for (const auto& [key, versions] : should.rows) {
      for (const auto& [version, at] : versions) {
        all[{at.row.partition(), version, key.first, key.second.empty(), key.second}] = at.row;
      }
    }
    for (const auto& [order, row] : all) {
      AddTo(rows, row.partition(), row.sku() + std::string(1, '\0') + row.location(),
            row.SerializeAsString());
    }
  }
  void PublishLetter(const LogRecord& record, const Verdict& verdict) {
    const bool too_large = verdict.reason == v1::REFUSED_REASON_TOO_LARGE;
    AddTo(letters, record.partition, record.key, too_large ? "" : record.value,
          {{"kafka_dlt-original-topic", std::string(kStockEvents)},
           {"kafka_dlt-original-partition", absl::StrCat(record.partition)},
           {"kafka_dlt-original-offset", absl::StrCat(record.offset)},
           {"kafka_dlt-original-timestamp", absl::StrCat(record.stamp / 1'000)},
           {"kafka_dlt-exception-message", "so it is"},
           {"stock-error-code", v1::RefusedReason_Name(verdict.reason).substr(15)}});
  }

  const int32_t partitions_;
  Micros now_ = kTen;
  std::vector<int64_t> next_;
};

const char kWh1[] = "location_defined { location: 'WH1' kind: SITE_KIND_WAREHOUSE }";

std::string Received(const std::string& location, int64_t units) {
  return absl::StrCat("received { location: '", location, "' quantity: ", units, " }");
}
std::string Sold(const std::string& location, int64_t units) {
  return absl::StrCat("sold { location: '", location, "' quantity: ", units, " }");
}
std::string Counted(const std::string& location, int64_t units, int64_t minutes) {
  return absl::StrCat("occurred_at { seconds: ", kTen / 1'000'000 + minutes * 60,
                      " } counted { location: '", location, "' quantity: ", units, " }");
}

v1::Availability Row(const Ledger& ledger, const std::string& location) {
  const Expected should = ledger.Should();
  const auto row = should.rows.find({"A", location});
  return row == should.rows.end() ? v1::Availability() : row->second.rbegin()->second.row;
}

int64_t AccountOf(const Ledger& ledger, Account account) {
  return ledger.Should().skus.at("A").accounts[account];
}

// Two arrive unexpected, one is sold late, two records are refused, a listing looks on.
void FillWithALittleOfAll(Ledger& ledger) {
  ledger.Tell(kWh1);
  ledger.Tell("location_defined { location: 'ST1' kind: SITE_KIND_STORE }");
  ledger.Tell(Received("WH1", 10));
  ledger.Tell(Received("WH1/B1", 5));
  ledger.Put("channel: 'amazon' listing_id: 'L' sku: 'A' percent: 50");
  ledger.At(30);
  ledger.Tell(Counted("WH1", 9, 20));
  ledger.Tell("transfer_received { transfer_id: 'T' to: 'ST1' quantity: 2 }");
  ledger.Tell("sold { location: 'WH1' quantity: -1 }");
  ledger.Tell(absl::StrCat("occurred_at { seconds: ", kTen / 1'000'000, " } ", Sold("WH1", 1)));
  ledger.Tell(Sold("ST1", 3));
  ledger.Tell("event_id: 'x' sku: 'G' sku_defined { tracking: TRACKING_NON_INVENTORY }");
  ledger.Put("channel: 'amazon' listing_id: 'G' sku: 'G'");
}

TEST(AuditorTest, BinsNetAndSitesDoNot) {
  Ledger ledger;
  for (const char* site : {"WH1", "DROP", "STORE02"}) {
    ledger.Tell(absl::StrCat("location_defined { location: '", site, "' kind: SITE_KIND_STORE }"));
  }
  ledger.Tell("location_defined { location: 'STORE01' kind: SITE_KIND_STORE sellable: false }");
  ledger.Tell("location_defined { location: 'WH1/RETURNS' sellable: false }");
  ledger.Tell("sku_defined { safety_stock: 2 }");
  ledger.Tell(Received("WH1/A", 5));
  ledger.Tell(Sold("WH1/B", 1));
  ledger.Tell(Received("WH1/RETURNS", 3));
  ledger.Tell(Received("DROP", 3));
  ledger.Tell(Received("STORE01", 5));
  ledger.Tell(Sold("STORE02", 1));
  EXPECT_EQ(Row(ledger, "WH1").ats(), 2);
  EXPECT_EQ(Row(ledger, "DROP").ats(), 1);
  EXPECT_EQ(Row(ledger, "STORE01").ats(), 0);
  EXPECT_EQ(Row(ledger, "STORE02").ats(), -3);
  EXPECT_EQ(Row(ledger, "").ats(), 3);
  EXPECT_EQ(Row(ledger, "").shortfall(), 1);
  ledger.Tell(Sold("WH1/RETURNS", 6));
  EXPECT_EQ(Row(ledger, "WH1").ats(), -1);
}

TEST(AuditorTest, ACountThatArrivesLate) {
  Ledger ledger;
  ledger.Tell(kWh1);
  ledger.Tell(Received("WH1", 10));
  ledger.At(125);
  ledger.Tell(Sold("WH1", 2));
  ledger.At(130);
  ledger.Tell(Counted("WH1", 9, 120));
  EXPECT_EQ(Row(ledger, "WH1").available(), 7);
  EXPECT_EQ(AccountOf(ledger, Account::kVariance), 1);
}

TEST(AuditorTest, AFactThatArrivesLate) {
  Ledger ledger;
  ledger.Tell(kWh1);
  ledger.Tell(Received("WH1", 10));
  ledger.At(121);
  ledger.Tell(Counted("WH1", 9, 120));
  ledger.At(150);
  ledger.Tell(
      absl::StrCat("occurred_at { seconds: ", kTen / 1'000'000 + 110 * 60, " } ", Sold("WH1", 1)));
  EXPECT_EQ(Row(ledger, "WH1").available(), 9);
  EXPECT_EQ(AccountOf(ledger, Account::kVariance), 0);
  EXPECT_EQ(AccountOf(ledger, Account::kCustomer), 1);
  EXPECT_EQ(ledger.Should().alerts.back().id().kind(), v1::ALERT_KIND_LATE_MOVEMENT);
}

TEST(AuditorTest, WhatItSaysByItselfIsFine) {
  for (const int32_t partitions : {1, 3}) {
    Ledger ledger(partitions);
    FillWithALittleOfAll(ledger);
    ledger.Publish();
    v1::Alert cap;
    for (const auto& [name, versions] : ReadRules(ledger.rules.records)) {
      if (name.second != "G") continue;
      cap.mutable_id()->set_partition(HomeOf("G", partitions));
      cap.mutable_id()->set_offset(versions.rbegin()->first);
      cap.mutable_id()->set_kind(v1::ALERT_KIND_NEEDS_CAP);
      SetTime(versions.rbegin()->second.stamp, cap.mutable_log_time());
    }
    cap.set_sku("G");
    cap.set_channel("amazon");
    cap.set_listing("G");
    cap.set_text("so it is");
    EXPECT_THAT(ledger.Look(), Contains(HasSubstr("needs a cap, and no alert says so")));
    Ledger::AddTo(ledger.alerts, cap.id().partition(), "G", cap.SerializeAsString());
    EXPECT_THAT(ledger.Look(), IsEmpty());
  }
}

// Spoils one thing, and the auditor says what.
class ObjectionTest : public testing::Test {
 protected:
  ObjectionTest() {
    FillWithALittleOfAll(ledger_);
    // Of the listing without a cap another test knows.
    ledger_.rules.records.pop_back();
    ledger_.Publish();
  }

  void Expect(const std::string& finding) {
    EXPECT_THAT(ledger_.Look(options_), Contains(HasSubstr(finding)));
  }

  // The last row of A at a location.
  LogRecord& LastRow(const std::string& location) {
    LogRecord* last = nullptr;
    for (LogRecord& record : ledger_.rows.records) {
      if (record.key == std::string("A") + std::string(1, '\0') + location) last = &record;
    }
    return *last;
  }
  template <class Message>
  static void Change(LogRecord& record, const std::function<void(Message&)>& change) {
    Message message;
    ASSERT_TRUE(message.ParseFromString(record.value));
    change(message);
    record.value = message.SerializeAsString();
  }
  LogRecord& AlertOf(v1::AlertKind kind) {
    for (LogRecord& record : ledger_.alerts.records) {
      v1::Alert alert;
      if (alert.ParseFromString(record.value) && alert.id().kind() == kind) return record;
    }
    ADD_FAILURE() << "no alert of kind " << kind;
    return ledger_.alerts.records[0];
  }
  static void Erase(TopicRecords& topic, const LogRecord& record) {
    topic.records.erase(topic.records.begin() + (&record - topic.records.data()));
  }

  Ledger ledger_;
  OutsideOptions options_ = {.one_life = true};
};

TEST_F(ObjectionTest, NothingIsWrongAtFirst) { EXPECT_THAT(ledger_.Look(options_), IsEmpty()); }

TEST_F(ObjectionTest, AWrongBalance) {
  Change<v1::Availability>(LastRow("WH1"),
                           [](auto& row) { row.set_available(row.available() + 1); });
  Expect("(A WH1) should be ");
}

TEST_F(ObjectionTest, AWrongAts) {
  Change<v1::Availability>(LastRow(""), [](auto& row) { row.set_ats(row.ats() + 1); });
  Expect("(A ) should be ");
}

TEST_F(ObjectionTest, AVersionOfARecordThatDidNotTouchIt) {
  Change<v1::Availability>(LastRow("WH1/B1"),
                           [](auto& row) { row.set_version(row.version() + 1); });
  Expect("but that record did not touch it");
}

TEST_F(ObjectionTest, TwoBodiesForAVersion) {
  LogRecord second = LastRow("WH1/B1");
  Change<v1::Availability>(second, [](auto& row) { row.set_held(1); });
  Ledger::AddTo(ledger_.rows, 0, second.key, second.value);
  Ledger::AddTo(ledger_.rows, 0, LastRow("").key, LastRow("").value);
  Expect("(A WH1/B1) should be ");
}

TEST_F(ObjectionTest, AnOldRowAtTheEnd) {
  const LogRecord first = ledger_.rows.records.front();
  Ledger::AddTo(ledger_.rows, 0, first.key, first.value);
  Ledger::AddTo(ledger_.rows, 0, LastRow("").key, LastRow("").value);
  Expect("A WH1 ends with version ");
  Expect("(A WH1) has version ");
}

TEST_F(ObjectionTest, ARowThatNeverWentOut) {
  const std::string key = LastRow("WH1/B1").key;
  std::erase_if(ledger_.rows.records, [&](const LogRecord& row) { return row.key == key; });
  Expect("row of A WH1/B1 never went out");
}

TEST_F(ObjectionTest, ARowThatThereShouldNotBe) {
  v1::Availability row;
  row.set_sku("Z");
  Ledger::AddTo(ledger_.rows, 0, std::string("Z") + std::string(1, '\0'), row.SerializeAsString());
  Expect("is a row that there should not be");
}

TEST_F(ObjectionTest, TheTotalFirst) {
  std::swap(LastRow("").value, LastRow("ST1").value);
  std::swap(LastRow("").key, LastRow("ST1").key);
  Expect("rows of A have no TOTAL after them, but a row of G");
  options_.whole_appends = false;
  EXPECT_THAT(ledger_.Look(options_), Not(Contains(HasSubstr("have no TOTAL after them"))));
}

TEST_F(ObjectionTest, ATotalThatIsOlderThanItsRows) {
  LogRecord* before = nullptr;
  for (LogRecord& record : ledger_.rows.records) {
    if (record.key == LastRow("").key && &record != &LastRow("")) before = &record;
  }
  LastRow("").value = before->value;
  Expect(" after A ST1 with ");
  Expect("A TOTAL ends with version ");
}

TEST_F(ObjectionTest, ATotalThatIsNoSum) {
  Change<v1::Availability>(LastRow(""), [](auto& row) {
    row.set_held(row.held() + 1);
    row.set_on_hand(row.on_hand() + 1);
  });
  Expect("the TOTAL of A has POOL_HELD 1, its sites 0");
  Expect("1 units of A have come from nowhere");
}

TEST_F(ObjectionTest, AMissingAlert) {
  Erase(ledger_.alerts, AlertOf(v1::ALERT_KIND_LATE_MOVEMENT));
  Expect("stock.alerts: missing: ");
}

TEST_F(ObjectionTest, AnAlertThatShouldNotBe) {
  Change<v1::Alert>(AlertOf(v1::ALERT_KIND_OVERSOLD), [](auto& alert) { alert.set_before(7); });
  Expect("stock.alerts: should not be: ");
  Expect("stock.alerts: missing: ");
}

TEST_F(ObjectionTest, OneAlertIdTwoBodies) {
  LogRecord second = AlertOf(v1::ALERT_KIND_OVERSOLD);
  Ledger::AddTo(ledger_.alerts, 0, second.key, second.value);
  EXPECT_THAT(ledger_.Look(options_), IsEmpty());
  Change<v1::Alert>(second, [](auto& alert) { alert.set_text("another"); });
  Ledger::AddTo(ledger_.alerts, 0, second.key, second.value);
  Expect("gives an id a second body");
}

TEST_F(ObjectionTest, ALetterThatIsLost) {
  ledger_.letters.records.clear();
  Expect("is refused (REFUSED_REASON_BAD_QUANTITY) and has no dead letter");
}

TEST_F(ObjectionTest, ALetterOfAGoodRecord) {
  ledger_.letters.records[0].headers[2].value = "2";
  Expect("is of record 0/2, which is not refused");
}

TEST_F(ObjectionTest, ALetterThatIsNotAsItCame) {
  ledger_.letters.records[0].value += "x";
  ledger_.letters.records[0].headers[5].value = "BAD_VALUE";
  Expect("the value should be `as it came`");
  Expect("the reason should be `BAD_QUANTITY` but is `BAD_VALUE`");
}

TEST_F(ObjectionTest, APartitionThatHasNotLearntALocation) {
  Ledger ledger(2);
  ledger.Tell(kWh1);
  ledger.Publish();
  EXPECT_THAT(ledger.Look(), IsEmpty());
  // The copies are the last record of each partition.
  ledger.events.records.pop_back();
  EXPECT_THAT(ledger.Look(), Contains(HasSubstr("the definition of WH1 should be that of record")));
}

TEST_F(ObjectionTest, ACopyOfWhatNobodyHasDefined) {
  Ledger ledger;
  v1::LocationDefined definition;
  definition.set_location("WH9");
  ledger.Copy(0, {0, 0}, definition);
  EXPECT_THAT(ledger.Look(), Contains(HasSubstr("copies what nobody has defined")));
}

TEST_F(ObjectionTest, AnUpdateThatIsWrong) {
  Change<v1::ListingUpdate>(ledger_.updates.records[0],
                            [](auto& update) { update.set_quantity(99); });
  Expect("quantity: 7");
  Expect("amazon L should end with ");
}

TEST_F(ObjectionTest, AnUpdateThatIsMissing) {
  ledger_.updates.records.clear();
  Expect("amazon L should end with ");
}

TEST_F(ObjectionTest, AnUpdateThatFallsBack) {
  const Rules rules = ReadRules(ledger_.rules.records);
  const auto& [version, rule] = *rules.begin()->second.rbegin();
  const auto old = Shown(version, rule, PictureAt(ledger_.Should(), "A", 4));
  ASSERT_EQ(old.stock_version(), 4);
  Ledger::AddTo(ledger_.updates, 0, ledger_.updates.records[0].key, old.SerializeAsString());
  Expect("is older than the one before");
}

TEST_F(ObjectionTest, WhatWasAcknowledgedIsLost) {
  const LogRecord last = ledger_.events.records.back();
  options_.acknowledged = {{0, last.offset, last.key, last.value},
                           {0, last.offset + 1, "A", last.value},
                           {0, last.offset, last.key, "another"}};
  Expect("of A was acknowledged and is lost");
  Expect("was acknowledged and is another one");
}

}  // namespace
}  // namespace tallywire::sim
