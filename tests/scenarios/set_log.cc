// SPDX-License-Identifier: Apache-2.0
#include "tests/scenarios/set_log.h"

#include "ledger/status.h"

namespace tallywire::scenarios {
namespace {

class SetReader : public LogReader {
 public:
  SetReader(std::unique_ptr<LogReader> reader, std::string topic, Stamps* stamps)
      : reader_(std::move(reader)), topic_(std::move(topic)), stamps_(*stamps) {}

  absl::Status Poll(size_t max, Span wait, RecordBatch& batch) override {
    TW_RETURN_IF_ERROR(reader_->Poll(max, wait, batch));
    const std::lock_guard lock(stamps_.mu);
    for (Record& record : batch.records) {
      const auto set = stamps_.of.find({topic_, record.partition.value(), record.offset.value()});
      if (set != stamps_.of.end()) record.stamp = set->second;
    }
    return absl::OkStatus();
  }
  Offset Position() const override { return reader_->Position(); }

 private:
  const std::unique_ptr<LogReader> reader_;
  const std::string topic_;
  Stamps& stamps_;
};

}  // namespace

absl::StatusOr<std::vector<Appended>> SetLog::Append(std::span<const NewRecord> records) {
  std::vector<std::string> topics;
  topics.reserve(records.size());
  std::vector<NewRecord> named(records.begin(), records.end());
  for (NewRecord& record : named) record.topic = topics.emplace_back(Named(record.topic));
  const Time now = clock_();
  const std::lock_guard lock(stamps_.mu);
  TW_ASSIGN_OR_RETURN(std::vector<Appended> appended, log_.Append(named));
  for (size_t i = 0; i < appended.size(); ++i) {
    appended[i].stamp = now;
    stamps_.of[{topics[i], named[i].partition.value(), appended[i].offset.value()}] = now;
  }
  return appended;
}

absl::StatusOr<std::unique_ptr<LogReader>> SetLog::OpenReader(std::string_view topic,
                                                              Partition partition, Offset from) {
  TW_ASSIGN_OR_RETURN(auto reader, log_.OpenReader(Named(topic), partition, from));
  return std::make_unique<SetReader>(std::move(reader), Named(topic), &stamps_);
}

absl::Status SetLog::CreateTopics(std::span<const TopicSpec> topics) {
  std::vector<TopicSpec> named(topics.begin(), topics.end());
  for (TopicSpec& spec : named) {
    spec.name = Named(spec.name);
    // Nothing is dropped, so that an audit sees every value that ever went out.
    spec.cleanup = Cleanup::kForever;
    spec.retention = Span(0);
  }
  return log_.CreateTopics(named);
}

absl::StatusOr<TopicSpec> SetLog::Describe(std::string_view topic) {
  TW_ASSIGN_OR_RETURN(TopicSpec spec, log_.Describe(Named(topic)));
  spec.name = std::string(topic);
  return spec;
}

}  // namespace tallywire::scenarios
