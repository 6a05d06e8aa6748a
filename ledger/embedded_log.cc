// SPDX-License-Identifier: Apache-2.0
#include "ledger/embedded_log.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <random>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "ledger/embedded_log_impl.h"
#include "ledger/log_rows.h"
#include "ledger/rocks.h"
#include "ledger/status.h"

namespace tallywire {
namespace embedded {
namespace {

// One write to the store; a larger append is several.
constexpr size_t kMaxWriteBytes = size_t{32} << 20;

static_assert(kMaxLogRecordBytes <= kMaxWriteBytes);

absl::string_view Absl(std::string_view s) { return {s.data(), s.size()}; }

Time MachineTime() {
  return Time(std::chrono::duration_cast<std::chrono::microseconds>(
                  std::chrono::system_clock::now().time_since_epoch())
                  .count());
}

std::string Place(std::string_view topic, Partition partition) {
  return absl::StrCat(Absl(topic), "/", partition.value());
}

absl::Status CheckTopicSpec(const TopicSpec& spec) {
  if (spec.name.empty() || spec.name.size() > kMaxTopicNameBytes) {
    return absl::InvalidArgumentError(absl::StrCat("topic name \"", absl::CEscape(spec.name),
                                                   "\" has not 1 to ", kMaxTopicNameBytes,
                                                   " bytes"));
  }
  if (spec.partitions < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("topic ", spec.name, ": ", spec.partitions, " partitions are none"));
  }
  if (spec.cleanup == Cleanup::kRetention && spec.retention <= Span(0)) {
    return absl::InvalidArgumentError(absl::StrCat("topic ", spec.name, ": a retention of ",
                                                   spec.retention.value(), " us is none"));
  }
  return absl::OkStatus();
}

std::string Describe(const TopicSpec& spec) {
  switch (spec.cleanup) {
    case Cleanup::kForever:
      return absl::StrCat(spec.partitions, " partitions, kept for ever");
    case Cleanup::kCompact:
      return absl::StrCat(spec.partitions, " partitions, compacted");
    case Cleanup::kRetention:
      return absl::StrCat(spec.partitions, " partitions, kept for ", spec.retention.value(), " us");
  }
  return "";
}

std::string NewId() {
  std::random_device random;
  std::string id;
  for (int i = 0; i < 4; ++i) absl::StrAppend(&id, absl::Hex(random(), absl::kZeroPad8));
  return id;
}

}  // namespace

absl::Status EmbeddedLogImpl::Load() {
  TW_ASSIGN_OR_RETURN(const std::optional<std::string> format, store_->Get(FormatRowKey()));
  if (!format) {
    if (const RocksIterator any = store_->Forward(""); any.Valid()) {
      return absl::FailedPreconditionError(absl::StrCat(
          options_.folder, " is a store, but not of a log: give the log another folder"));
    }
    RocksBatch batch;
    batch.Put(FormatRowKey(), kLogFormat);
    batch.Put(LogIdRowKey(), NewId());
    TW_RETURN_IF_ERROR(store_->Write(batch, true));
  } else if (*format != kLogFormat) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the log in ", options_.folder, " has format ", absl::CEscape(*format),
        " and this program reads format ", Absl(kLogFormat), ": use the version that wrote it"));
  }
  TW_ASSIGN_OR_RETURN(const std::optional<std::string> id, store_->Get(LogIdRowKey()));
  if (!id) return absl::DataLossError(absl::StrCat("the log in ", options_.folder, " has no id"));
  id_ = *id;
  RocksIterator it = store_->Forward(TopicRowPrefix());
  for (; it.Valid(); it.Next()) {
    const std::optional<TopicRow> row = DecodeTopicRow(it.key(), it.value());
    if (!row) {
      return absl::DataLossError(absl::StrCat("the log in ", options_.folder, ": topic row ",
                                              absl::CEscape(Absl(it.key())), " does not decode"));
    }
    TW_RETURN_IF_ERROR(LoadTopic(*row));
  }
  return it.status();
}

absl::Status EmbeddedLogImpl::LoadTopic(const TopicRow& row) {
  auto topic = std::make_unique<Topic>();
  topic->id = row.id;
  topic->spec = row.spec;
  for (int32_t p = 0; p < row.spec.partitions; ++p) {
    auto state = std::make_unique<PartitionState>();
    state->topic = row.id;
    state->partition = Partition(p);
    state->cleanup = row.spec.cleanup;
    state->retention = row.spec.retention;
    TW_RETURN_IF_ERROR(LoadPartition(*state, row.spec.name));
    topic->partitions.push_back(std::move(state));
  }
  topics_[row.spec.name] = std::move(topic);
  return absl::OkStatus();
}

absl::Status EmbeddedLogImpl::LoadPartition(PartitionState& state, const std::string& name) {
  TW_ASSIGN_OR_RETURN(const std::optional<std::string> row,
                      store_->Get(BoundsRowKey(state.topic, state.partition)));
  if (row) {
    const std::optional<LogBounds> bounds = DecodeBoundsRow(*row);
    if (!bounds) {
      return absl::DataLossError(absl::StrCat("the log in ", options_.folder, ": the bounds of ",
                                              Place(name, state.partition), " do not decode"));
    }
    state.begin = bounds->begin;
    state.end = bounds->end;
  }
  const RocksIterator last = store_->Backward(PartitionPrefix(state.topic, state.partition));
  TW_RETURN_IF_ERROR(last.status());
  if (last.Valid()) {
    const std::optional<Offset> offset = OffsetOfRecordKey(last.key());
    if (!offset) return Damaged(state, last.key());
    state.end = std::max(state.end, offset->Next());
  }
  state.next = state.end;
  return absl::OkStatus();
}

absl::Status EmbeddedLogImpl::Damaged(const PartitionState& state, std::string_view key) const {
  const std::optional<Offset> offset = OffsetOfRecordKey(key);
  return absl::DataLossError(
      absl::StrCat("the log in ", options_.folder, ": topic ", static_cast<uint32_t>(state.topic),
                   ", partition ", state.partition.value(), ": the record at offset ",
                   offset ? absl::StrCat(offset->value()) : "?", " does not decode"));
}

absl::StatusOr<PartitionState*> EmbeddedLogImpl::Find(std::string_view topic, Partition partition) {
  const auto it = topics_.find(topic);
  if (it == topics_.end()) return absl::NotFoundError(absl::StrCat("no topic ", Absl(topic)));
  const Topic& found = *it->second;
  if (partition.value() < 0 || partition.value() >= found.spec.partitions) {
    return absl::NotFoundError(
        absl::StrCat("no partition ", Place(topic, partition), ": it has ", found.spec.partitions));
  }
  return found.partitions[static_cast<size_t>(partition.value())].get();
}

absl::Status EmbeddedLogImpl::CheckRecord(const NewRecord& record) const {
  size_t bytes = record.key.size() + record.value.size();
  for (const Header& header : record.headers) {
    bytes += header.name.size() + header.value.size();
    if (header.name.empty()) return absl::InvalidArgumentError("a header has no name");
  }
  if (bytes <= kMaxLogRecordBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("a record of ", bytes, " bytes for ",
                                                 Place(record.topic, record.partition),
                                                 ": at most ", kMaxLogRecordBytes));
}

absl::Status EmbeddedLogImpl::FindTargets(Call& call) {
  call.targets.reserve(call.records.size());
  for (const NewRecord& record : call.records) {
    TW_RETURN_IF_ERROR(CheckRecord(record));
    // Most are for the partition of the one before.
    const NewRecord* before =
        call.targets.empty() ? nullptr : &call.records[call.targets.size() - 1];
    if (before != nullptr && before->partition == record.partition &&
        before->topic == record.topic) {
      call.targets.push_back(call.targets.back());
      continue;
    }
    TW_ASSIGN_OR_RETURN(PartitionState * target, Find(record.topic, record.partition));
    call.targets.push_back(target);
  }
  return absl::OkStatus();
}

// Calls that come while one is being written are written together by the first of them: one sync
// for all. Whoever leads is alone with offsets and stamps, so they go together.
absl::StatusOr<std::vector<Appended>> EmbeddedLogImpl::Append(std::span<const NewRecord> records) {
  if (records.empty()) return std::vector<Appended>();
  Call call;
  call.records = records;
  {
    std::unique_lock lock(mu_);
    TW_RETURN_IF_ERROR(FindTargets(call));
    queue_.push_back(&call);
    call.wake.wait(lock, [&] { return call.done || (!leading_ && queue_.front() == &call); });
    if (!call.done) {
      leading_ = true;
      const std::vector<Call*> calls(queue_.begin(), queue_.end());
      queue_.clear();
      for (Call* c : calls) c->stamp = options_.clock();
      lock.unlock();
      const absl::Status status = WriteCalls(calls);
      lock.lock();
      leading_ = false;
      for (Call* c : calls) {
        c->status = status;
        c->done = true;
        if (c != &call) c->wake.notify_one();
      }
      if (!queue_.empty()) queue_.front()->wake.notify_one();
    }
  }
  TW_RETURN_IF_ERROR(call.status);
  CleanIfDue(call);
  return std::move(call.results);
}

absl::Status EmbeddedLogImpl::WriteCalls(const std::vector<Call*>& calls) {
  for (Call* call : calls) {
    call->results.reserve(call->records.size());
    for (size_t i = 0; i < call->records.size(); ++i) {
      const NewRecord& record = call->records[i];
      PartitionState& target = *call->targets[i];
      if (target.next == target.end) touched_.push_back(&target);
      EncodeRecord(call->stamp, record.key, record.headers, record.value, row_);
      batch_.Put(RecordKey(target.topic, target.partition, target.next), row_);
      call->results.push_back({target.next, call->stamp});
      target.next = target.next.Next();
      if (batch_.bytes() >= kMaxWriteBytes) TW_RETURN_IF_ERROR(FlushBatch());
    }
  }
  return FlushBatch();
}

absl::Status EmbeddedLogImpl::FlushBatch() {
  if (touched_.empty()) return absl::OkStatus();
  if (write_failed_) {
    std::lock_guard readers_lock(readers_mu_);
    for (EmbeddedReader* reader : readers_) reader->DropIterator();
  }
  const absl::Status status = store_->Write(batch_, true);
  write_failed_ = !status.ok();
  batch_.Clear();
  std::lock_guard lock(mu_);
  for (PartitionState* state : touched_) {
    if (status.ok()) {
      state->new_records += state->next.value() - state->end.value();
      state->end = state->next;
      state->appended.notify_all();
    } else {
      state->next = state->end;
    }
  }
  touched_.clear();
  return status;
}

absl::StatusOr<std::unique_ptr<LogReader>> EmbeddedLogImpl::OpenReader(std::string_view topic,
                                                                       Partition partition,
                                                                       Offset from) {
  PartitionState* state = nullptr;
  {
    std::lock_guard lock(mu_);
    TW_ASSIGN_OR_RETURN(state, Find(topic, partition));
    if (from < state->begin || from > state->end) {
      return absl::OutOfRangeError(absl::StrCat("offset ", from.value(), " of ",
                                                Place(topic, partition), " is not within ",
                                                state->begin.value(), " to ", state->end.value()));
    }
  }
  // Without the lock: a reader that reads holds its own when it takes this one.
  return std::make_unique<EmbeddedReader>(this, state, from);
}

absl::StatusOr<LogBounds> EmbeddedLogImpl::Bounds(std::string_view topic, Partition partition) {
  PartitionState* state = nullptr;
  LogBounds bounds;
  {
    std::lock_guard lock(mu_);
    TW_ASSIGN_OR_RETURN(state, Find(topic, partition));
    bounds = {state->begin, state->end};
  }
  if (state->cleanup != Cleanup::kCompact) return bounds;
  const RocksIterator first = store_->ForwardRange(RecordKey(state->topic, partition, bounds.begin),
                                                   RecordKey(state->topic, partition, bounds.end));
  TW_RETURN_IF_ERROR(first.status());
  const std::optional<Offset> oldest =
      first.Valid() ? OffsetOfRecordKey(first.key()) : std::optional<Offset>(bounds.end);
  if (!oldest) return Damaged(*state, first.key());
  return LogBounds{*oldest, bounds.end};
}

absl::Status EmbeddedLogImpl::CreateTopics(std::span<const TopicSpec> topics) {
  std::lock_guard lock(mu_);
  RocksBatch batch;
  std::vector<TopicRow> rows;
  uint32_t next_id = 1;
  for (const auto& [name, topic] : topics_) {
    next_id = std::max(next_id, static_cast<uint32_t>(topic->id) + 1);
  }
  for (const TopicSpec& spec : topics) {
    TW_RETURN_IF_ERROR(CheckTopicSpec(spec));
    const TopicSpec* there = nullptr;
    if (const auto it = topics_.find(spec.name); it != topics_.end()) there = &it->second->spec;
    for (const TopicRow& row : rows) {
      if (row.spec.name == spec.name) there = &row.spec;
    }
    if (there != nullptr && *there != spec) {
      return absl::FailedPreconditionError(absl::StrCat("topic ", spec.name, " is there with ",
                                                        embedded::Describe(*there), ", not with ",
                                                        embedded::Describe(spec)));
    }
    if (there != nullptr) continue;
    rows.push_back({TopicId{next_id++}, spec});
    batch.Put(TopicRowKey(spec.name), EncodeTopicRow(rows.back().id, spec));
  }
  if (rows.empty()) return absl::OkStatus();
  TW_RETURN_IF_ERROR(store_->Write(batch, true));
  for (const TopicRow& row : rows) TW_RETURN_IF_ERROR(LoadTopic(row));
  return absl::OkStatus();
}

absl::StatusOr<TopicSpec> EmbeddedLogImpl::Describe(std::string_view topic) {
  std::lock_guard lock(mu_);
  const auto it = topics_.find(topic);
  if (it == topics_.end()) return absl::NotFoundError(absl::StrCat("no topic ", Absl(topic)));
  return it->second->spec;
}

}  // namespace embedded

absl::StatusOr<std::unique_ptr<EmbeddedLog>> EmbeddedLog::Open(Options options) {
  if (!options.clock) options.clock = embedded::MachineTime;
  TW_ASSIGN_OR_RETURN(std::unique_ptr<Rocks> store,
                      OpenRocksBy(options.open_rocks, options.folder,
                                  {.writes = Rocks::Writes::kBatches,
                                   .filters = false,
                                   .rising_prefix = kPartitionPrefixBytes}));
  auto log = std::make_unique<embedded::EmbeddedLogImpl>(std::move(options), std::move(store));
  TW_RETURN_IF_ERROR(log->Load());
  return log;
}

}  // namespace tallywire
