// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/mapped_log.h"

#include "absl/strings/str_cat.h"
#include "ledger/status.h"

namespace tallywire {

absl::StatusOr<std::string_view> MappedLog::NameOf(std::string_view topic) const {
  const auto found = names_.find(topic);
  if (found != names_.end()) return std::string_view(found->second);
  return absl::NotFoundError(absl::StrCat("there is no topic ", std::string(topic)));
}

absl::Status MappedLog::Map(std::span<const NewRecord> records, std::span<NewRecord> mapped) {
  const std::lock_guard lock(mu_);
  std::string_view last;
  std::string_view name;
  Count* count = nullptr;
  for (size_t i = 0; i < records.size(); ++i) {
    const NewRecord& record = records[i];
    if (count == nullptr || record.topic != last) {
      last = record.topic;
      TW_ASSIGN_OR_RETURN(name, NameOf(last));
      count = &appended_[std::string(last)];
    }
    mapped[i].topic = name;
    ++count->records;
    count->bytes += static_cast<int64_t>(record.key.size() + record.value.size());
    if (watch_) watch_(record);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Appended>> MappedLog::Append(std::span<const NewRecord> records) {
  std::vector<NewRecord> mapped(records.begin(), records.end());
  TW_RETURN_IF_ERROR(Map(records, mapped));
  return log_->Append(mapped);
}

absl::StatusOr<std::unique_ptr<LogReader>> MappedLog::OpenReader(std::string_view topic,
                                                                 Partition partition, Offset from) {
  TW_ASSIGN_OR_RETURN(const std::string_view name, NameOf(topic));
  return log_->OpenReader(name, partition, from);
}

absl::StatusOr<LogBounds> MappedLog::Bounds(std::string_view topic, Partition partition) {
  TW_ASSIGN_OR_RETURN(const std::string_view name, NameOf(topic));
  return log_->Bounds(name, partition);
}

absl::Status MappedLog::CreateTopics(std::span<const TopicSpec> topics) {
  std::vector<TopicSpec> mapped;
  for (TopicSpec spec : topics) {
    const auto name = NameOf(spec.name);
    if (!name.ok()) continue;
    spec.name = *name;
    mapped.push_back(std::move(spec));
  }
  return log_->CreateTopics(mapped);
}

absl::StatusOr<TopicSpec> MappedLog::Describe(std::string_view topic) {
  TW_ASSIGN_OR_RETURN(const std::string_view name, NameOf(topic));
  TW_ASSIGN_OR_RETURN(TopicSpec spec, log_->Describe(name));
  spec.name = topic;
  return spec;
}

}  // namespace tallywire
