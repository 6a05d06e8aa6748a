// SPDX-License-Identifier: Apache-2.0
#include "ledger/kafka/kafka_log.h"

#include <map>
#include <mutex>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/kafka/control.h"
#include "ledger/kafka/producer.h"
#include "ledger/kafka/reader.h"
#include "ledger/status.h"

namespace tallywire {
namespace {

absl::Status NoPartition(std::string_view topic, Partition partition, int32_t partitions) {
  return absl::NotFoundError(absl::StrCat("no partition ", partition.value(), " of topic ",
                                          std::string(topic), ", which has ", partitions));
}

class KafkaLogImpl : public KafkaLog {
 public:
  KafkaLogImpl(Options options, std::shared_ptr<KafkaControl> control, std::string id)
      : options_(std::move(options)),
        id_(std::move(id)),
        control_(std::move(control)),
        consumers_(options_.connection) {}

  absl::StatusOr<std::vector<Appended>> Append(std::span<const NewRecord> records) override;
  absl::StatusOr<std::unique_ptr<LogReader>> OpenReader(std::string_view topic, Partition partition,
                                                        Offset from) override;
  absl::StatusOr<LogBounds> Bounds(std::string_view topic, Partition partition) override;
  absl::Status CreateTopics(std::span<const TopicSpec> topics) override;
  absl::StatusOr<TopicSpec> Describe(std::string_view topic) override;
  std::string Id() const override { return id_; }
  bool IsShared() const override { return true; }

  absl::StatusOr<KafkaTopicPlan> Plan(std::span<const TopicSpec> wanted) override;
  absl::Status Apply(const KafkaTopicPlan& plan) override;
  std::vector<Missing> MissingOffsets() const override;

 private:
  // NOT_FOUND if there is no such partition. What is known to be there is not asked for again.
  absl::Status CheckPartition(std::string_view topic, Partition partition);
  void Forget(std::string_view topic);
  absl::StatusOr<std::shared_ptr<KafkaProducer>> Producer();
  // An error of an append, with what else can be said about it.
  absl::Status Explain(const absl::Status& status, std::span<const NewRecord> records);
  absl::StatusOr<bool> KeepsEverything(std::string_view topic);

  const Options options_;
  const std::string id_;
  const std::shared_ptr<KafkaControl> control_;
  const std::shared_ptr<KafkaMissing> missing_ = std::make_shared<KafkaMissing>();
  KafkaConsumers consumers_;

  std::mutex mu_;
  // Guarded by mu_.
  std::shared_ptr<KafkaProducer> producer_;
  std::map<std::string, int32_t, std::less<>> partitions_;
  std::map<std::string, bool, std::less<>> forever_;
};

absl::Status KafkaLogImpl::CheckPartition(std::string_view topic, Partition partition) {
  int32_t known = 0;
  {
    const std::lock_guard lock(mu_);
    if (const auto it = partitions_.find(topic); it != partitions_.end()) known = it->second;
  }
  // A number beyond what is known may be one of partitions that were added.
  if (partition.value() >= known || partition.value() < 0) {
    TW_ASSIGN_OR_RETURN(const KafkaControl::Layout layout, control_->TopicLayout(topic));
    known = layout.partitions;
    const std::lock_guard lock(mu_);
    partitions_.insert_or_assign(std::string(topic), known);
  }
  if (partition.value() < 0 || partition.value() >= known) {
    return NoPartition(topic, partition, known);
  }
  return absl::OkStatus();
}

void KafkaLogImpl::Forget(std::string_view topic) {
  const std::lock_guard lock(mu_);
  if (const auto it = partitions_.find(topic); it != partitions_.end()) partitions_.erase(it);
  if (const auto it = forever_.find(topic); it != forever_.end()) forever_.erase(it);
}

absl::StatusOr<std::shared_ptr<KafkaProducer>> KafkaLogImpl::Producer() {
  // The old one goes when the last append that it serves lets go, and not under the lock.
  std::shared_ptr<KafkaProducer> old;
  const std::lock_guard lock(mu_);
  if (!producer_ || producer_->broken()) {
    old = std::move(producer_);
    TW_ASSIGN_OR_RETURN(producer_,
                        KafkaProducer::Make(options_.connection, options_.append_timeout));
  }
  return producer_;
}

absl::StatusOr<std::vector<Appended>> KafkaLogImpl::Append(std::span<const NewRecord> records) {
  if (records.empty()) return std::vector<Appended>();
  const NewRecord* last = nullptr;
  int32_t checked = -1;  // of that topic, up to which partition
  for (const NewRecord& record : records) {
    if (last == nullptr || record.topic != last->topic) checked = -1;
    if (record.partition.value() < 0 || record.partition.value() > checked) {
      TW_RETURN_IF_ERROR(CheckPartition(record.topic, record.partition));
      checked = record.partition.value();
    }
    last = &record;
  }
  TW_ASSIGN_OR_RETURN(const std::shared_ptr<KafkaProducer> producer, Producer());
  auto appended = producer->Append(records);
  if (!appended.ok()) return Explain(appended.status(), records);
  return appended;
}

absl::Status KafkaLogImpl::Explain(const absl::Status& status, std::span<const NewRecord> records) {
  if (absl::IsNotFound(status)) {
    for (const NewRecord& record : records) Forget(record.topic);
  }
  const auto topic = status.GetPayload(kKafkaTooLarge);
  if (!topic) return status;
  auto settings = control_->Settings(std::string(*topic));
  if (!settings.ok()) return status;
  return {status.code(), absl::StrCat(status.message(), "; max.message.bytes of the topic is ",
                                      (*settings)["max.message.bytes"])};
}

absl::StatusOr<bool> KafkaLogImpl::KeepsEverything(std::string_view topic) {
  {
    const std::lock_guard lock(mu_);
    if (const auto it = forever_.find(topic); it != forever_.end()) return it->second;
  }
  TW_ASSIGN_OR_RETURN(const TopicSpec spec, Describe(topic));
  const std::lock_guard lock(mu_);
  forever_.insert_or_assign(std::string(topic), spec.cleanup == Cleanup::kForever);
  return spec.cleanup == Cleanup::kForever;
}

absl::StatusOr<std::unique_ptr<LogReader>> KafkaLogImpl::OpenReader(std::string_view topic,
                                                                    Partition partition,
                                                                    Offset from) {
  TW_ASSIGN_OR_RETURN(const LogBounds bounds, Bounds(topic, partition));
  if (from < bounds.begin || from > bounds.end) {
    return absl::OutOfRangeError(absl::StrCat(KafkaPlace(topic, partition), ": offset ",
                                              from.value(), " is not there: it has ",
                                              bounds.begin.value(), " to ", bounds.end.value()));
  }
  TW_ASSIGN_OR_RETURN(const bool forever, KeepsEverything(topic));
  const std::string name(topic);
  TW_ASSIGN_OR_RETURN(std::shared_ptr<KafkaConsumer> consumer, consumers_.Take(name, partition));
  return MakeKafkaReader(std::move(consumer), control_, forever ? missing_ : nullptr, name,
                         partition, from);
}

absl::StatusOr<LogBounds> KafkaLogImpl::Bounds(std::string_view topic, Partition partition) {
  TW_RETURN_IF_ERROR(CheckPartition(topic, partition));
  auto bounds = control_->Bounds(topic, partition);
  if (absl::IsNotFound(bounds.status())) Forget(topic);
  return bounds;
}

absl::StatusOr<TopicSpec> KafkaLogImpl::Describe(std::string_view topic) {
  TW_ASSIGN_OR_RETURN(const KafkaTopicState state, control_->State(topic));
  return KafkaTopicSpec(state);
}

absl::StatusOr<KafkaTopicPlan> KafkaLogImpl::Plan(std::span<const TopicSpec> wanted) {
  KafkaTopicPlan plan;
  for (const TopicSpec& spec : wanted) {
    TW_RETURN_IF_ERROR(CheckKafkaTopicSpec(spec));
    const auto state = control_->State(spec.name);
    if (absl::IsNotFound(state.status())) {
      plan.missing.push_back(spec);
      continue;
    }
    TW_RETURN_IF_ERROR(state.status());
    for (KafkaTopicDifference& one : CompareKafkaTopic(spec, *state)) {
      plan.differences.push_back(std::move(one));
    }
  }
  return plan;
}

absl::Status KafkaLogImpl::Apply(const KafkaTopicPlan& plan) {
  for (const TopicSpec& spec : plan.missing) {
    TW_RETURN_IF_ERROR(CheckKafkaTopicSpec(spec));
    const absl::Status status = control_->Create(spec, options_.replication_factor);
    // Somebody else was faster.
    if (!absl::IsAlreadyExists(status)) TW_RETURN_IF_ERROR(status);
  }
  std::map<std::string, std::map<std::string, std::string>> alter;
  for (const KafkaTopicDifference& one : plan.differences) {
    if (one.alterable) alter[one.topic][one.setting] = one.should;
  }
  for (const auto& [topic, settings] : alter) {
    TW_RETURN_IF_ERROR(control_->Alter(topic, settings));
    Forget(topic);
  }
  return absl::OkStatus();
}

absl::Status KafkaLogImpl::CreateTopics(std::span<const TopicSpec> topics) {
  TW_ASSIGN_OR_RETURN(KafkaTopicPlan plan, Plan(topics));
  if (!plan.missing.empty()) {
    const KafkaTopicPlan missing{.missing = plan.missing, .differences = {}};
    // Not before all that is there is found good.
    if (plan.Dangers().empty()) TW_RETURN_IF_ERROR(Apply(missing));
  }
  if (const std::string dangers = plan.Dangers(); !dangers.empty()) {
    return absl::FailedPreconditionError(dangers);
  }
  for (const KafkaTopicDifference& one : plan.differences) {
    if (one.setting == "retention.ms") return absl::FailedPreconditionError(one.sentence);
  }
  return absl::OkStatus();
}

std::vector<KafkaLog::Missing> KafkaLogImpl::MissingOffsets() const {
  std::vector<Missing> result;
  for (const KafkaMissing::Hole& hole : missing_->Holes()) {
    result.push_back({hole.topic, hole.partition, hole.first, hole.count});
  }
  return result;
}

}  // namespace

absl::StatusOr<std::unique_ptr<KafkaLog>> KafkaLog::Open(Options options) {
  TW_RETURN_IF_ERROR(KafkaProducer::Check(options.connection, options.append_timeout));
  TW_RETURN_IF_ERROR(KafkaConsumer::Check(options.connection));
  TW_ASSIGN_OR_RETURN(std::shared_ptr<KafkaControl> control,
                      KafkaControl::Make(options.connection, options.patience));
  TW_ASSIGN_OR_RETURN(std::string id, control->ClusterId());
  return std::make_unique<KafkaLogImpl>(std::move(options), std::move(control), std::move(id));
}

}  // namespace tallywire
