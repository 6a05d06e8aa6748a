// SPDX-License-Identifier: Apache-2.0
#include "tools/api/open_log.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/embedded_log.h"
#include "ledger/kafka/kafka_log.h"
#include "ledger/status.h"
#include "ledger/topics.h"

namespace tallywire {
namespace {

void Tell(KafkaLogLevel level, std::string_view text) {
  const std::string line(text);
  switch (level) {
    case KafkaLogLevel::kError:
    case KafkaLogLevel::kWarning:
      // What it could not do for good is an error of the call that wanted it.
      spdlog::warn("kafka: {}", line);
      return;
    case KafkaLogLevel::kInfo:
    case KafkaLogLevel::kDebug:
      spdlog::debug("kafka: {}", line);
      return;
  }
}

absl::Status CheckAllThere(Log& log, const std::vector<TopicSpec>& topics) {
  std::string missing;
  for (const TopicSpec& topic : topics) {
    const absl::Status found = log.Describe(topic.name).status();
    if (absl::IsNotFound(found)) {
      absl::StrAppend(&missing, missing.empty() ? "" : ", ", topic.name);
    } else {
      TW_RETURN_IF_ERROR(found);
    }
  }
  if (missing.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the cluster has no topic ", missing,
                   "; `tallywire topics apply --partitions N --execute` makes what is missing"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Log>> OpenLog(const LogChoice& choice, const std::string& folder,
                                             std::function<Time()> clock) {
  if (choice.is_kafka()) {
    KafkaLog::Options options;
    options.connection = {
        .brokers = choice.brokers, .properties = choice.properties, .on_log = Tell};
    return KafkaLog::Open(std::move(options));
  }
  EmbeddedLog::Options options;
  options.folder = folder;
  options.clock = std::move(clock);
  return EmbeddedLog::Open(std::move(options));
}

absl::StatusOr<int32_t> OpenTopics(Log& log, int32_t partitions) {
  if (partitions < 0) {
    return absl::InvalidArgumentError(absl::StrCat("partitions: ", partitions, " is not above 0"));
  }
  const absl::StatusOr<TopicSpec> events = log.Describe(kStockEvents);
  if (!events.ok() && !absl::IsNotFound(events.status())) return events.status();
  if (events.ok() && partitions != 0 && partitions != events->partitions) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the log has ", events->partitions, " partitions and keeps them for life; ", partitions,
        " were asked for. Ask for none to take it as it is, or make a new log"));
  }
  int32_t wanted = log.IsShared() ? kDefaultClusterPartitions : kDefaultPartitions;
  if (partitions != 0) wanted = partitions;
  if (events.ok()) wanted = events->partitions;
  const std::vector<TopicSpec> topics = PlanTopics(wanted);
  // In a cluster of others nothing is made by the way: a partition count is for life.
  if (log.IsShared()) TW_RETURN_IF_ERROR(CheckAllThere(log, topics));
  const absl::Status good = log.CreateTopics(topics);
  if (log.IsShared() && absl::IsFailedPrecondition(good)) {
    return absl::FailedPreconditionError(
        absl::StrCat(good.message(),
                     ". `tallywire topics plan` shows all that differs, `tallywire topics apply ",
                     "--execute` puts right what can be altered"));
  }
  TW_RETURN_IF_ERROR(good);
  return wanted;
}

}  // namespace tallywire
