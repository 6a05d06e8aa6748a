// SPDX-License-Identifier: Apache-2.0
#include "ledger/kafka/topic_settings.h"

#include <algorithm>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "ledger/limits.h"
#include "ledger/topics.h"

namespace tallywire {
namespace {

constexpr size_t kMaxTopicNameBytes = 249;  // Kafka's own
constexpr int64_t kEventsMaxMessageBytes = int64_t{2} << 20;
constexpr int64_t kMaxMessageBytes = int64_t{4} << 20;
// With as many copies, two of them hold what has been acknowledged.
constexpr int32_t kSafeReplication = 3;

static_assert(kEventsMaxMessageBytes > int64_t{kMaxEventBytes});

constexpr char kCleanup[] = "cleanup.policy";
constexpr char kRetentionMs[] = "retention.ms";
constexpr char kRetentionBytes[] = "retention.bytes";
constexpr char kTimestamps[] = "message.timestamp.type";
constexpr char kMessageBytes[] = "max.message.bytes";
constexpr char kMinInSync[] = "min.insync.replicas";
constexpr char kUnclean[] = "unclean.leader.election.enable";

int64_t MaxMessageBytes(const std::string& topic) {
  // A dead letter is an event and what is said about it.
  return topic == kStockEvents ? kEventsMaxMessageBytes : kMaxMessageBytes;
}

int64_t RetentionMs(const TopicSpec& spec) {
  return spec.cleanup == Cleanup::kRetention ? spec.retention.value() / 1000 : -1;
}

int64_t Number(const std::string& text, int64_t otherwise) {
  int64_t number = 0;
  return absl::SimpleAtoi(text, &number) ? number : otherwise;
}

std::string Setting(const KafkaTopicState& is, const char* name) {
  const auto it = is.settings.find(name);
  return it == is.settings.end() ? "" : it->second;
}

class Comparison {
 public:
  Comparison(const TopicSpec& wanted, const KafkaTopicState& is) : wanted_(wanted), is_(is) {}

  std::vector<KafkaTopicDifference> Run() {
    Partitions();
    CleanupPolicy();
    Retention();
    Stamps();
    Sizes();
    Copies();
    return std::move(found_);
  }

 private:
  void Add(const char* setting, const std::string& is, const std::string& should, bool dangerous,
           std::string_view sentence, bool alterable = true) {
    const absl::string_view text(sentence.data(), sentence.size());
    found_.push_back({wanted_.name, setting, is, should, dangerous, alterable,
                      absl::StrCat("topic ", wanted_.name, ": ", setting, " is ", is, ", not ",
                                   should, ": ", text)});
  }

  void Partitions() {
    if (is_.partitions == wanted_.partitions) return;
    Add("partitions", absl::StrCat(is_.partitions), absl::StrCat(wanted_.partitions), true,
        "keys belong to other partitions then, and the order of each key is lost; copy the log "
        "into "
        "a new topic",
        false);
  }

  void CleanupPolicy() {
    const std::string policy = Setting(is_, kCleanup);
    const char* should = wanted_.cleanup == Cleanup::kCompact ? "compact" : "delete";
    if (policy == should) return;
    const bool compacts = absl::StrContains(policy, "compact");
    Add(kCleanup, policy, should, true,
        wanted_.cleanup == Cleanup::kCompact ? "the last record of a key may be dropped"
        : compacts                           ? "compaction drops records that are needed"
                                             : "records are kept in another way than is needed");
  }

  void Retention() {
    if (wanted_.cleanup == Cleanup::kCompact) return;
    const bool forever = wanted_.cleanup == Cleanup::kForever;
    const int64_t should = RetentionMs(wanted_);
    if (const std::string ms = Setting(is_, kRetentionMs); Number(ms, 0) != should) {
      Add(kRetentionMs, ms, absl::StrCat(should), forever,
          forever ? "old facts are dropped, and no state can be computed anew"
                  : "records are kept for another time than is wanted");
    }
    if (const std::string bytes = Setting(is_, kRetentionBytes); Number(bytes, 0) != -1) {
      Add(kRetentionBytes, bytes, "-1", forever,
          forever ? "old facts are dropped, and no state can be computed anew"
                  : "records may go before their time");
    }
  }

  void Stamps() {
    const std::string type = Setting(is_, kTimestamps);
    if (type == "LogAppendTime") return;
    Add(kTimestamps, type, "LogAppendTime", true,
        "stamps are the producers' clocks and do not say when a record came in");
  }

  void Sizes() {
    const int64_t should = MaxMessageBytes(wanted_.name);
    const std::string bytes = Setting(is_, kMessageBytes);
    if (Number(bytes, 0) >= should) return;
    Add(kMessageBytes, bytes, absl::StrCat(should), true, "records that are allowed do not get in");
  }

  void Copies() {
    const int64_t least = Number(Setting(is_, kMinInSync), 0);
    const std::string least_text = Setting(is_, kMinInSync);
    if (is_.replication >= kSafeReplication && least < 2) {
      Add(kMinInSync, least_text, "2", true,
          "one broker alone acknowledges, and what it has acknowledged goes with it");
    } else if (least > is_.replication) {
      Add(kMinInSync, least_text, is_.replication >= kSafeReplication ? "2" : "1", true,
          "there are fewer copies than that, and nothing is acknowledged");
    } else if (is_.replication >= kSafeReplication && least == is_.replication) {
      Add(kMinInSync, least_text, "2", false, "nothing is acknowledged while one broker is away");
    }
    if (Setting(is_, kUnclean) == "true") {
      Add(kUnclean, "true", "false", true,
          "a broker that lacks acknowledged records may become the leader, and they are lost");
    }
  }

  const TopicSpec& wanted_;
  const KafkaTopicState& is_;
  std::vector<KafkaTopicDifference> found_;
};

}  // namespace

std::string KafkaTopicPlan::Dangers() const {
  std::string text;
  for (const KafkaTopicDifference& one : differences) {
    if (one.dangerous) absl::StrAppend(&text, text.empty() ? "" : "; ", one.sentence);
  }
  return text;
}

std::vector<std::pair<std::string, std::string>> KafkaTopicSettings(const TopicSpec& spec,
                                                                    int32_t replication) {
  std::vector<std::pair<std::string, std::string>> settings = {
      {kCleanup, spec.cleanup == Cleanup::kCompact ? "compact" : "delete"},
      {kTimestamps, "LogAppendTime"},
      {kMessageBytes, absl::StrCat(MaxMessageBytes(spec.name))},
      {kUnclean, "false"},
      {kMinInSync, replication >= kSafeReplication ? "2" : "1"}};
  if (spec.cleanup != Cleanup::kCompact) {
    settings.emplace_back(kRetentionMs, absl::StrCat(RetentionMs(spec)));
    settings.emplace_back(kRetentionBytes, "-1");
  }
  return settings;
}

std::vector<KafkaTopicDifference> CompareKafkaTopic(const TopicSpec& wanted,
                                                    const KafkaTopicState& is) {
  return Comparison(wanted, is).Run();
}

TopicSpec KafkaTopicSpec(const KafkaTopicState& is) {
  TopicSpec spec{.name = is.name, .partitions = is.partitions};
  const std::string policy = Setting(is, kCleanup);
  const int64_t ms = Number(Setting(is, kRetentionMs), -1);
  if (policy == "compact") {
    spec.cleanup = Cleanup::kCompact;
  } else if (absl::StrContains(policy, "compact") || ms >= 0 ||
             Number(Setting(is, kRetentionBytes), -1) >= 0) {
    spec.cleanup = Cleanup::kRetention;
    if (ms >= 0) spec.retention = Milliseconds(ms);
  }
  return spec;
}

absl::Status CheckKafkaTopicSpec(const TopicSpec& spec) {
  const bool named = !spec.name.empty() && spec.name.size() <= kMaxTopicNameBytes &&
                     spec.name != "." && spec.name != ".." &&
                     std::all_of(spec.name.begin(), spec.name.end(), [](char c) {
                       return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' ||
                              c == '_' || c == '-';
                     });
  if (!named) {
    return absl::InvalidArgumentError(absl::StrCat("topic name \"", spec.name, "\" has not 1 to ",
                                                   kMaxTopicNameBytes,
                                                   " letters, digits, dots, lines and dashes"));
  }
  if (spec.partitions < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("topic ", spec.name, ": ", spec.partitions, " partitions"));
  }
  if (spec.cleanup == Cleanup::kRetention && spec.retention < Milliseconds(1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("topic ", spec.name, ": a retention below a millisecond"));
  }
  return absl::OkStatus();
}

}  // namespace tallywire
