// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/memory_log.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <numeric>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/check.h"
#include "ledger/log_rows.h"
#include "ledger/status.h"

namespace tallywire::sim {
namespace {

constexpr Span kLongestWait = Seconds(int64_t{365} * 24 * 3600);

absl::string_view Absl(std::string_view s) { return {s.data(), s.size()}; }

absl::Status CheckSpec(const TopicSpec& spec) {
  if (spec.name.empty() || spec.name.size() > kMaxTopicNameBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("a topic's name has 1 to ", kMaxTopicNameBytes, " bytes: ", spec.name));
  }
  if (spec.partitions < 1) {
    return absl::InvalidArgumentError(absl::StrCat("topic ", spec.name, " has no partition"));
  }
  if (spec.cleanup == Cleanup::kRetention && spec.retention <= Span(0)) {
    return absl::InvalidArgumentError(absl::StrCat("topic ", spec.name, " keeps nothing"));
  }
  return absl::OkStatus();
}

absl::Status CheckRecord(const NewRecord& record) {
  size_t bytes = record.key.size() + record.value.size();
  for (const Header& header : record.headers) {
    bytes += header.name.size() + header.value.size();
    if (header.name.empty()) return absl::InvalidArgumentError("a header has no name");
  }
  if (bytes <= kMaxLogRecordBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("a record of ", bytes, " bytes: at most ", kMaxLogRecordBytes));
}

absl::Status OutOfRange(std::string_view topic, Partition partition, Offset offset,
                        const LogBounds& bounds) {
  return absl::OutOfRangeError(absl::StrCat(Absl(topic), "/", partition.value(), ": offset ",
                                            offset.value(), " is not there: it has ",
                                            bounds.begin.value(), " to ", bounds.end.value()));
}

}  // namespace

struct MemoryCluster::Stored {
  Partition partition;
  Offset offset;
  Time stamp;
  std::string key;
  std::string value;
  std::vector<Header> headers;

  Record View() const { return {partition, offset, stamp, key, value, headers}; }
};

struct MemoryCluster::PartitionLog {
  // By offset, rising. Batches share them.
  std::deque<std::shared_ptr<const Stored>> records;
  Offset begin{0};
  Offset end{0};

  auto From(Offset offset) const {
    return std::lower_bound(
        records.begin(), records.end(), offset,
        [](const std::shared_ptr<const Stored>& a, Offset b) { return a->offset < b; });
  }
  LogBounds Bounds(Cleanup cleanup) const {
    if (cleanup != Cleanup::kCompact) return {begin, end};
    return {records.empty() ? end : records.front()->offset, end};
  }
};

struct MemoryCluster::Topic {
  TopicSpec spec;
  std::vector<PartitionLog> partitions;
};

class MemoryReader : public LogReader {
 public:
  MemoryReader(MemoryCluster* cluster, const std::string* view, std::string topic,
               Partition partition, MemoryCluster::PartitionLog* records, Offset from,
               std::shared_ptr<std::atomic<int>> readers)
      : cluster_(cluster),
        view_(view),
        topic_(std::move(topic)),
        partition_(partition),
        records_(records),
        position_(from),
        readers_(std::move(readers)) {
    ++*readers_;
  }
  ~MemoryReader() override { --*readers_; }

  absl::Status Poll(size_t max, Span wait, RecordBatch& batch) override;
  Offset Position() const override { return position_; }

 private:
  using Memory = std::vector<std::shared_ptr<const MemoryCluster::Stored>>;

  MemoryCluster* const cluster_;
  const std::string* const view_;
  const std::string topic_;
  const Partition partition_;
  MemoryCluster::PartitionLog* const records_;
  Offset position_;
  const std::shared_ptr<std::atomic<int>> readers_;
};

absl::Status MemoryReader::Poll(size_t max, Span wait, RecordBatch& batch) {
  batch.records.clear();
  auto memory = std::make_shared<Memory>();
  batch.memory = memory;
  MemoryCluster::OtherCall call{.what = MemoryCluster::OtherCall::What::kPoll,
                                .view = *view_,
                                .topic = topic_,
                                .partition = partition_,
                                .position = position_,
                                .max = max};
  TW_RETURN_IF_ERROR(cluster_->Ask(call));
  max = std::min(max, call.max);
  if (max == 0) return absl::OkStatus();
  std::unique_lock lock(cluster_->mu_);
  if (cluster_->options_.waits && wait > Span(0)) {
    const std::chrono::microseconds span(std::min(wait, kLongestWait).value());
    cluster_->appended_.wait_for(lock, span, [&] { return records_->end > position_; });
  }
  if (position_ < records_->begin || position_ > records_->end) {
    return OutOfRange(topic_, partition_, position_, {records_->begin, records_->end});
  }
  auto at = records_->From(position_);
  for (; at != records_->records.end() && memory->size() < max; ++at) memory->push_back(*at);
  for (const auto& record : *memory) batch.records.push_back(record->View());
  // Behind the last record there may be offsets without one.
  position_ = !memory->empty() ? memory->back()->offset.Next() : records_->end;
  return absl::OkStatus();
}

class MemoryLog : public Log {
 public:
  MemoryLog(MemoryCluster* cluster, std::string name) : cluster_(cluster), name_(std::move(name)) {}
  ~MemoryLog() override { TW_CHECK(*readers_ == 0, "readers must be gone before their log"); }

  absl::StatusOr<std::vector<Appended>> Append(std::span<const NewRecord> records) override {
    return cluster_->Append(name_, records);
  }
  absl::StatusOr<std::unique_ptr<LogReader>> OpenReader(std::string_view topic, Partition partition,
                                                        Offset from) override;
  absl::StatusOr<LogBounds> Bounds(std::string_view topic, Partition partition) override;
  absl::Status CreateTopics(std::span<const TopicSpec> topics) override;
  absl::StatusOr<TopicSpec> Describe(std::string_view topic) override;
  std::string Id() const override { return cluster_->options_.id; }
  bool IsShared() const override { return cluster_->options_.shared; }

 private:
  using Call = MemoryCluster::OtherCall;
  absl::Status Ask(Call call) const {
    call.view = name_;
    return cluster_->Ask(call);
  }

  MemoryCluster* const cluster_;
  const std::string name_;
  const std::shared_ptr<std::atomic<int>> readers_ = std::make_shared<std::atomic<int>>(0);
};

absl::StatusOr<std::unique_ptr<LogReader>> MemoryLog::OpenReader(std::string_view topic,
                                                                 Partition partition, Offset from) {
  TW_RETURN_IF_ERROR(Ask({.what = Call::What::kOpenReader,
                          .view = {},
                          .topic = topic,
                          .partition = partition,
                          .position = from}));
  const std::lock_guard lock(cluster_->mu_);
  TW_ASSIGN_OR_RETURN(auto* const records, cluster_->Find(topic, partition));
  if (from < records->begin || from > records->end) {
    return OutOfRange(topic, partition, from, {records->begin, records->end});
  }
  return std::make_unique<MemoryReader>(cluster_, &name_, std::string(topic), partition, records,
                                        from, readers_);
}

absl::StatusOr<LogBounds> MemoryLog::Bounds(std::string_view topic, Partition partition) {
  TW_RETURN_IF_ERROR(
      Ask({.what = Call::What::kBounds, .view = {}, .topic = topic, .partition = partition}));
  const std::lock_guard lock(cluster_->mu_);
  TW_ASSIGN_OR_RETURN(const auto* const records, cluster_->Find(topic, partition));
  return records->Bounds(cluster_->topics_.find(topic)->second->spec.cleanup);
}

absl::Status MemoryLog::CreateTopics(std::span<const TopicSpec> topics) {
  TW_RETURN_IF_ERROR(
      Ask({.what = Call::What::kCreateTopics,
           .view = {},
           .topic = topics.empty() ? std::string_view() : std::string_view(topics.front().name)}));
  const std::lock_guard lock(cluster_->mu_);
  std::vector<const TopicSpec*> missing;
  for (const TopicSpec& spec : topics) {
    TW_RETURN_IF_ERROR(CheckSpec(spec));
    const TopicSpec* there = nullptr;
    if (const auto it = cluster_->topics_.find(spec.name); it != cluster_->topics_.end()) {
      there = &it->second->spec;
    }
    for (const TopicSpec* one : missing) {
      if (one->name == spec.name) there = one;
    }
    if (there == nullptr) {
      missing.push_back(&spec);
    } else if (*there != spec) {
      return absl::FailedPreconditionError(
          absl::StrCat("topic ", spec.name, " is there with other settings"));
    }
  }
  for (const TopicSpec* spec : missing) {
    auto topic = std::make_unique<MemoryCluster::Topic>();
    topic->spec = *spec;
    topic->partitions.resize(static_cast<size_t>(spec->partitions));
    cluster_->topics_[spec->name] = std::move(topic);
  }
  return absl::OkStatus();
}

absl::StatusOr<TopicSpec> MemoryLog::Describe(std::string_view topic) {
  TW_RETURN_IF_ERROR(Ask({.what = Call::What::kDescribe, .view = {}, .topic = topic}));
  const std::lock_guard lock(cluster_->mu_);
  const auto it = cluster_->topics_.find(topic);
  if (it == cluster_->topics_.end()) {
    return absl::NotFoundError(absl::StrCat("no topic ", Absl(topic)));
  }
  return it->second->spec;
}

MemoryCluster::MemoryCluster(Options options) : options_(std::move(options)) {
  TW_CHECK(options_.clock != nullptr, "a cluster stamps by the clock that it is given");
}
MemoryCluster::~MemoryCluster() = default;

std::unique_ptr<Log> MemoryCluster::OpenView(std::string name) {
  return std::make_unique<MemoryLog>(this, std::move(name));
}

absl::Status MemoryCluster::Ask(OtherCall& call) const {
  return other ? other(call) : absl::OkStatus();
}

absl::StatusOr<MemoryCluster::PartitionLog*> MemoryCluster::Find(std::string_view topic,
                                                                 Partition partition) const {
  const auto it = topics_.find(topic);
  if (it == topics_.end()) return absl::NotFoundError(absl::StrCat("no topic ", Absl(topic)));
  if (partition.value() < 0 || partition.value() >= it->second->spec.partitions) {
    return absl::NotFoundError(
        absl::StrCat("no partition ", partition.value(), " of topic ", Absl(topic)));
  }
  return &it->second->partitions[static_cast<size_t>(partition.value())];
}

MemoryCluster::PartitionLog& MemoryCluster::At(std::string_view topic, Partition partition) const {
  const auto found = Find(topic, partition);
  TW_CHECK(found.ok(), "the test names a partition that is there");
  return **found;
}

std::vector<Appended> MemoryCluster::Put(std::span<const NewRecord> records,
                                         std::span<const size_t> indexes) {
  std::vector<Appended> appended;
  const Time stamp = options_.clock();
  for (const size_t i : indexes) {
    const NewRecord& record = records[i];
    PartitionLog& target = At(record.topic, record.partition);
    target.records.push_back(std::make_shared<Stored>(Stored{
        record.partition, target.end, stamp, std::string(record.key), std::string(record.value),
        std::vector<Header>(record.headers.begin(), record.headers.end())}));
    appended.push_back({target.end, stamp});
    target.end = target.end.Next();
  }
  appended_.notify_all();
  return appended;
}

absl::StatusOr<std::vector<Appended>> MemoryCluster::Append(std::string_view view,
                                                            std::span<const NewRecord> records) {
  if (records.empty()) return std::vector<Appended>();
  AppendCall call{.view = view, .records = records};
  {
    const std::lock_guard lock(mu_);
    for (const NewRecord& record : records) {
      TW_RETURN_IF_ERROR(CheckRecord(record));
      TW_RETURN_IF_ERROR(Find(record.topic, record.partition).status());
    }
    call.number = calls_++;
  }
  const absl::Status refused = before ? before(call) : absl::OkStatus();
  if (refused.ok()) {
    call.through.resize(records.size());
    std::iota(call.through.begin(), call.through.end(), size_t{0});
  }
  std::vector<Appended> appended;
  {
    const std::lock_guard lock(mu_);
    appended = Put(records, call.through);
  }
  TW_RETURN_IF_ERROR(refused);
  call.appended = appended;
  if (after) TW_RETURN_IF_ERROR(after(call));
  return appended;
}

void MemoryCluster::Clean(std::string_view topic, int64_t keep) {
  const std::lock_guard lock(mu_);
  const auto it = topics_.find(topic);
  TW_CHECK(it != topics_.end(), "the test names a topic that is there");
  const TopicSpec& spec = it->second->spec;
  if (spec.cleanup == Cleanup::kForever) return;
  const Time cutoff = options_.clock() - spec.retention;
  for (PartitionLog& partition : it->second->partitions) {
    auto& records = partition.records;
    const size_t old = records.size() - std::min(records.size(), static_cast<size_t>(keep));
    if (spec.cleanup == Cleanup::kRetention) {
      size_t n = 0;
      while (n < old && records[n]->stamp < cutoff) ++n;
      if (n > 0) partition.begin = records[n - 1]->offset.Next();
      records.erase(records.begin(), records.begin() + static_cast<std::ptrdiff_t>(n));
      continue;
    }
    std::set<std::string_view> seen;
    std::deque<std::shared_ptr<const Stored>> kept;
    for (size_t i = records.size(); i-- > 0;) {
      if (seen.insert(records[i]->key).second || i >= old) kept.push_front(records[i]);
    }
    records = std::move(kept);
  }
}

void MemoryCluster::SkipOffsets(std::string_view topic, Partition partition, int64_t count) {
  const std::lock_guard lock(mu_);
  TW_CHECK(options_.shared && count >= 0, "only a shared log has gaps");
  PartitionLog& log = At(topic, partition);
  log.end = Offset(log.end.value() + count);
  appended_.notify_all();
}

void MemoryCluster::Truncate(std::string_view topic, Partition partition, Offset end) {
  const std::lock_guard lock(mu_);
  PartitionLog& log = At(topic, partition);
  TW_CHECK(end >= log.begin && end <= log.end, "cut within the bounds");
  log.records.erase(log.From(end), log.records.end());
  log.end = end;
}

void MemoryCluster::DropBelow(std::string_view topic, Partition partition, Offset begin) {
  const std::lock_guard lock(mu_);
  PartitionLog& log = At(topic, partition);
  TW_CHECK(begin >= log.begin && begin <= log.end, "dropped within the bounds");
  log.records.erase(log.records.begin(), log.From(begin));
  log.begin = begin;
}

std::vector<Record> MemoryCluster::Records(std::string_view topic, Partition partition) const {
  const std::lock_guard lock(mu_);
  std::vector<Record> records;
  for (const auto& record : At(topic, partition).records) records.push_back(record->View());
  return records;
}

LogBounds MemoryCluster::BoundsOf(std::string_view topic, Partition partition) const {
  const std::lock_guard lock(mu_);
  const PartitionLog& log = At(topic, partition);
  return log.Bounds(topics_.find(topic)->second->spec.cleanup);
}

std::vector<TopicSpec> MemoryCluster::Topics() const {
  const std::lock_guard lock(mu_);
  std::vector<TopicSpec> specs;
  for (const auto& [name, topic] : topics_) specs.push_back(topic->spec);
  return specs;
}

}  // namespace tallywire::sim
