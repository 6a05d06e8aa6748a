// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_PUBLISHERS_TESTING_H_
#define TALLYWIRE_PUBLISHERS_TESTING_H_

// For tests: a publisher on a real log in a temporary folder, with stock rows written by hand.
//
// Threads: one, unless a test starts others, which may use publisher() only.
// Errors: what goes wrong here and is not what a test is about ends the process.

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
#include "ledger/forwarding_log.h"
#include "ledger/log.h"
#include "ledger/topics.h"
#include "publishers/publisher.h"
#include "tallywire/v1/alert.pb.h"
#include "tallywire/v1/availability.pb.h"
#include "tallywire/v1/listing.pb.h"

namespace tallywire {

// Passes everything on to another log, but for what a test wants to go wrong.
class FaultyLog : public ForwardingLog {
 public:
  using ForwardingLog::ForwardingLog;

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
    auto appended = ForwardingLog::Append(records);
    if (lose_answer.exchange(false)) return absl::UnavailableError("the answer is lost");
    return appended;
  }
  absl::StatusOr<LogBounds> Bounds(std::string_view topic, Partition partition) override {
    if (topic == emptied) return LogBounds{};
    return ForwardingLog::Bounds(topic, partition);
  }
};

class PublisherWorld {
 public:
  static constexpr int32_t kPartitions = 2;

  PublisherWorld();
  // Removes the folder.
  ~PublisherWorld();
  PublisherWorld(const PublisherWorld&) = delete;
  PublisherWorld& operator=(const PublisherWorld&) = delete;

  // Sentences on updates whose versions fell, or that were equal and said something else. Updates
  // of the channel `foreign` are left out.
  std::vector<std::string> Audit();

  // Ends it, in good order if `close`, and opens it again with `options`.
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

  // On channel `amazon`.
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

  FaultyLog& log() { return *log_; }
  // Nothing of it is used while the publisher is closed.
  std::unique_ptr<Publisher>& publisher() { return publisher_; }
  Publisher::Options& options() { return options_; }
  const std::string& folder() const { return folder_; }
  Time now() const { return now_; }

 private:
  const std::string folder_;
  const Time now_;
  Publisher::Options options_;
  std::unique_ptr<EmbeddedLog> real_log_;
  std::unique_ptr<FaultyLog> log_;
  std::unique_ptr<Publisher> publisher_;
};

}  // namespace tallywire

#endif  // TALLYWIRE_PUBLISHERS_TESTING_H_
