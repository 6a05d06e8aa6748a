// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_PUBLISHERS_PUBLISHER_TEST_UTIL_H_
#define TALLYWIRE_PUBLISHERS_PUBLISHER_TEST_UTIL_H_

// A publisher on a real log in a folder of the test, with stock rows written by hand.
//
// One thread, unless a test starts others.

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "ledger/embedded_log.h"
#include "ledger/log.h"
#include "ledger/topics.h"
#include "publishers/publisher.h"
#include "tallywire/v1/alert.pb.h"
#include "tallywire/v1/availability.pb.h"
#include "tallywire/v1/listing.pb.h"

namespace tallywire {

// Passes everything on to another log, but for what a test wants to go wrong.
class FaultyLog : public Log {
 public:
  explicit FaultyLog(Log* log) : log_(log) {}

  // Asked before each append: OK, or what it fails with.
  std::function<absl::Status(std::string_view topic)> before_append;
  // The next append succeeds and says that it did not.
  std::atomic<bool> lose_answer = false;
  // A topic that is said to be empty.
  std::string emptied;

  absl::StatusOr<std::vector<Appended>> Append(std::span<const NewRecord> records) override {
    if (before_append && !records.empty()) {
      const absl::Status status = before_append(records[0].topic);
      if (!status.ok()) return status;
    }
    auto appended = log_->Append(records);
    if (lose_answer.exchange(false)) return absl::UnavailableError("the answer is lost");
    return appended;
  }
  absl::StatusOr<std::unique_ptr<LogReader>> OpenReader(std::string_view topic, Partition partition,
                                                        Offset from) override {
    return log_->OpenReader(topic, partition, from);
  }
  absl::StatusOr<LogBounds> Bounds(std::string_view topic, Partition partition) override {
    if (topic == emptied) return LogBounds{};
    return log_->Bounds(topic, partition);
  }
  absl::Status CreateTopics(std::span<const TopicSpec> topics) override {
    return log_->CreateTopics(topics);
  }
  absl::StatusOr<TopicSpec> Describe(std::string_view topic) override {
    return log_->Describe(topic);
  }
  std::string Id() const override { return log_->Id(); }

 private:
  Log* const log_;
};

class PublisherTest : public ::testing::Test {
 protected:
  static constexpr int32_t kPartitions = 2;

  PublisherTest();
  // Checks that versions never fell, unless a test made them, and that equal ones were equal, then
  // removes the folder.
  ~PublisherTest() override;

  // Ends it, in good order if `close`, and opens it again.
  void Reopen(bool close);
  // To the end of everything.
  void Settle();
  // How often RunOnce says that there is more.
  int CountTurns();

  // Where rows of a SKU lie.
  static Partition Home(std::string_view sku) { return PartitionOf(sku, kPartitions); }
  // Rows; further fields by `more`.
  using More = std::function<void(v1::Availability&)>;
  void Total(const std::string& sku, int64_t version, int64_t ats, const More& more = {});
  void Site(const std::string& sku, const std::string& location, int64_t version, int64_t available,
            const More& more = {});
  void Place(const std::string& sku, const std::string& location, int64_t version,
             int64_t available);

  static v1::Listing Listing(const std::string& id, const std::string& sku);
  Offset Put(const v1::Listing& listing);
  Offset Remove(const std::string& id);

  // Appends to any topic.
  void Append(std::string_view topic, Partition partition, const std::string& key,
              const std::string& value);
  // Appends an update as somebody else would.
  void ForeignUpdate(const v1::ListingUpdate& update);

  // All updates of a listing, in order.
  std::vector<v1::ListingUpdate> Updates(const std::string& id);
  // `7@3/12`: quantity or state, rules and stock version of each.
  std::vector<std::string> UpdateTexts(const std::string& id);
  std::vector<v1::Alert> Alerts();
  // All records of a topic.
  struct OwnedRecord {
    Partition partition;
    std::string key;
    std::string value;
  };
  std::vector<OwnedRecord> ReadAll(std::string_view topic);

  std::string folder_;
  Time now_{1'772'359'200'000'000};
  Publisher::Options options_;
  bool versions_fall_ = false;
  std::unique_ptr<EmbeddedLog> real_log_;
  std::unique_ptr<FaultyLog> log_;
  std::unique_ptr<Publisher> publisher_;
};

}  // namespace tallywire

#endif  // TALLYWIRE_PUBLISHERS_PUBLISHER_TEST_UTIL_H_
