// SPDX-License-Identifier: Apache-2.0
#include "ledger/embedded_log.h"

#include <xxhash.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "ledger/check.h"
#include "ledger/embedded_batch.h"
#include "ledger/log_rows.h"
#include "ledger/mark.h"
#include "ledger/rocks.h"
#include "ledger/status.h"

namespace tallywire {
namespace {

// One write to the store; a larger append is several.
constexpr size_t kMaxWriteBytes = size_t{32} << 20;
constexpr size_t kMaxPollBytes = size_t{8} << 20;
constexpr size_t kDeletionsPerWrite = 10'000;
// Above this a Poll waits as long as it would for ever: the clock's own arithmetic overflows.
constexpr Span kLongestWait = Seconds(int64_t{365} * 24 * 3600);

static_assert(kMaxLogRecordBytes <= kMaxWriteBytes);

absl::string_view Absl(std::string_view s) { return {s.data(), s.size()}; }

Time MachineTime() {
  return Time(std::chrono::duration_cast<std::chrono::microseconds>(
                  std::chrono::system_clock::now().time_since_epoch())
                  .count());
}

// One partition as it is in memory.
struct PartitionState {
  TopicId topic{};
  Partition partition{0};
  Cleanup cleanup = Cleanup::kForever;
  Span retention;

  // Guarded by the log's mu_.
  Offset begin{0};  // nothing below is kept; of a compacted topic what is above may have gaps
  Offset end{0};
  std::condition_variable appended;
  int64_t new_records = 0;  // since the last cleaning
  int64_t kept = 0;         // by it

  // Of the appending thread that leads: `end` as it will be once the write is done.
  Offset next{0};
};

struct Topic {
  TopicId id{};
  TopicSpec spec;
  std::vector<std::unique_ptr<PartitionState>> partitions;
};

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

class EmbeddedLogImpl;

class EmbeddedReader : public LogReader {
 public:
  EmbeddedReader(EmbeddedLogImpl* log, PartitionState* partition, Offset from);
  ~EmbeddedReader() override;

  absl::Status Poll(size_t max, Span wait, RecordBatch& batch) override;
  Offset Position() const override { return position_; }

  // From any thread: lets go of the store.
  void DropIterator() {
    std::lock_guard lock(it_mu_);
    it_.reset();
  }

 private:
  Offset WaitForRecords(Span wait);
  // Reads up to `end`; true if it looked with an iterator that has seen all of it.
  absl::StatusOr<bool> Read(Offset end, size_t max, EmbeddedBatch& batch);

  EmbeddedLogImpl* const log_;
  PartitionState* const partition_;
  Offset position_;

  std::mutex it_mu_;
  // Guarded by it_mu_; kept from poll to poll while it has more.
  std::optional<RocksIterator> it_;
};

class EmbeddedLogImpl : public EmbeddedLog {
 public:
  EmbeddedLogImpl(Options options, std::unique_ptr<Rocks> store)
      : options_(std::move(options)), store_(std::move(store)) {}

  ~EmbeddedLogImpl() override {
    TW_CHECK(readers_.empty(), "readers must be gone before their log");
  }

  absl::Status Load();

  absl::StatusOr<std::vector<Appended>> Append(std::span<const NewRecord> records) override;
  absl::StatusOr<std::unique_ptr<LogReader>> OpenReader(std::string_view topic, Partition partition,
                                                        Offset from) override;
  absl::StatusOr<LogBounds> Bounds(std::string_view topic, Partition partition) override;
  absl::Status CreateTopics(std::span<const TopicSpec> topics) override;
  absl::StatusOr<TopicSpec> Describe(std::string_view topic) override;
  std::string Id() const override { return id_; }
  absl::Status Compact() override;

 private:
  friend class EmbeddedReader;

  // One Append that waits for its turn.
  struct Call {
    std::span<const NewRecord> records;
    std::vector<PartitionState*> targets;
    std::vector<Appended> results;
    Time stamp;
    absl::Status status;
    bool done = false;
    std::condition_variable wake;
  };

  absl::Status LoadTopic(const TopicRow& row);
  absl::Status LoadPartition(PartitionState& state, const std::string& name);
  absl::StatusOr<PartitionState*> Find(std::string_view topic, Partition partition);
  absl::Status CheckRecord(const NewRecord& record) const;
  absl::Status FindTargets(Call& call);
  absl::Status WriteCalls(const std::vector<Call*>& calls);
  absl::Status FlushBatch();
  void CleanIfDue(const Call& call);
  absl::Status Clean(PartitionState& state);
  absl::Status DropOverwritten(PartitionState& state);
  absl::Status DropExpired(PartitionState& state);
  absl::Status Damaged(const PartitionState& state, std::string_view key) const;

  const Options options_;
  const std::unique_ptr<Rocks> store_;
  std::string id_;  // constant after Load

  std::mutex mu_;
  // Guarded by mu_; topics and partitions, once there, stay where they are.
  std::map<std::string, std::unique_ptr<Topic>, std::less<>> topics_;
  std::deque<Call*> queue_;
  bool leading_ = false;

  // Of the thread that leads.
  RocksBatch batch_;
  std::vector<PartitionState*> touched_;
  std::string row_;

  // The store cannot go on while it is read through, so readers hold no iterators meanwhile.
  std::atomic<bool> write_failed_ = false;
  std::mutex readers_mu_;
  std::set<EmbeddedReader*> readers_;  // guarded by readers_mu_

  // One cleaning at a time.
  std::mutex clean_mu_;
};

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
                                                        tallywire::Describe(*there), ", not with ",
                                                        tallywire::Describe(spec)));
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

EmbeddedReader::EmbeddedReader(EmbeddedLogImpl* log, PartitionState* partition, Offset from)
    : log_(log), partition_(partition), position_(from) {
  std::lock_guard lock(log_->readers_mu_);
  log_->readers_.insert(this);
}

EmbeddedReader::~EmbeddedReader() {
  std::lock_guard lock(log_->readers_mu_);
  log_->readers_.erase(this);
}

Offset EmbeddedReader::WaitForRecords(Span wait) {
  const std::chrono::microseconds span(std::clamp(wait, Span(0), kLongestWait).value());
  std::unique_lock lock(log_->mu_);
  if (span.count() > 0) {
    partition_->appended.wait_for(lock, span, [&] { return partition_->end > position_; });
  }
  return partition_->end;
}

absl::Status EmbeddedReader::Poll(size_t max, Span wait, RecordBatch& out) {
  EmbeddedBatch& batch = EmbeddedBatch::Of(out);
  batch.Begin(out);
  if (max == 0) return absl::OkStatus();
  for (;;) {
    const Offset end = WaitForRecords(wait);
    if (end <= position_) return absl::OkStatus();
    TW_ASSIGN_OR_RETURN(const bool seen_all, Read(end, max, batch));
    if (batch.Finish(out)) {
      position_ = out.records.back().offset.Next();
      return absl::OkStatus();
    }
    // What lay below `end` has been dropped since it was written.
    if (seen_all) position_ = end;
  }
}

absl::StatusOr<bool> EmbeddedReader::Read(Offset end, size_t max, EmbeddedBatch& batch) {
  std::lock_guard it_lock(it_mu_);
  const bool fresh = !it_;
  std::optional<RocksIterator> it = std::exchange(it_, std::nullopt);
  if (fresh) {
    it = log_->store_->ForwardRange(RecordKey(partition_->topic, partition_->partition, position_),
                                    RecordKey(partition_->topic, partition_->partition, end));
  }
  {
    // Looked at when the iterator is there: what is dropped from now on it still sees.
    std::lock_guard lock(log_->mu_);
    if (position_ < partition_->begin) {
      return absl::OutOfRangeError(absl::StrCat(
          "offset ", position_.value(), " of partition ", partition_->partition.value(),
          " has been dropped: it begins at ", partition_->begin.value()));
    }
  }
  size_t records = 0;
  size_t bytes = 0;
  for (; it->Valid() && records < max && bytes < kMaxPollBytes; it->Next()) {
    const std::string_view row = it->value();
    const std::optional<Offset> offset = OffsetOfRecordKey(it->key());
    if (!offset || !batch.Add(partition_->partition, *offset, row)) {
      return log_->Damaged(*partition_, it->key());
    }
    ++records;
    bytes += row.size();
  }
  TW_RETURN_IF_ERROR(it->status());
  if (it->Valid() && !log_->write_failed_) it_ = std::move(it);
  return fresh;
}

void EmbeddedLogImpl::CleanIfDue(const Call& call) {
  if (options_.compact_after <= 0) return;
  PartitionState* last = nullptr;
  for (PartitionState* state : call.targets) {
    if (state == last || state->cleanup == Cleanup::kForever) continue;
    last = state;
    std::unique_lock cleaning(clean_mu_, std::try_to_lock);
    if (!cleaning) return;
    {
      std::lock_guard lock(mu_);
      if (state->new_records < std::max(options_.compact_after, state->kept)) continue;
    }
    IgnoreError(Clean(*state), "the append is done; what was not dropped is dropped another time");
  }
}

absl::Status EmbeddedLogImpl::Clean(PartitionState& state) {
  if (state.cleanup == Cleanup::kForever) return absl::OkStatus();
  {
    std::lock_guard lock(mu_);
    state.new_records = 0;
  }
  return state.cleanup == Cleanup::kCompact ? DropOverwritten(state) : DropExpired(state);
}

// From the newest to the oldest: a key that has been seen is overwritten. Keys are remembered by
// 128 bits under a seed of this run, which nobody can choose keys against.
absl::Status EmbeddedLogImpl::DropOverwritten(PartitionState& state) {
  LogBounds bounds;
  {
    std::lock_guard lock(mu_);
    bounds = {state.begin, state.end};
  }
  std::random_device random;
  const uint64_t seed = (uint64_t{random()} << 32) | random();
  absl::flat_hash_set<std::pair<uint64_t, uint64_t>> seen;
  RocksBatch batch;
  size_t deletions = 0;
  const auto drop = [&] {
    // Not synced: what comes back is dropped another time.
    const absl::Status status = store_->Write(batch, false);
    batch.Clear();
    deletions = 0;
    return status;
  };
  batch.Put(BoundsRowKey(state.topic, state.partition), EncodeBoundsRow(bounds));
  RocksIterator it = store_->BackwardRange(PartitionPrefix(state.topic, state.partition),
                                           RecordKey(state.topic, state.partition, bounds.end));
  for (; it.Valid(); it.Next()) {
    RecordRow row;
    if (!DecodeRecord(it.value(), row)) return Damaged(state, it.key());
    const XXH128_hash_t hash = XXH3_128bits_withSeed(row.key.data(), row.key.size(), seed);
    if (seen.insert({hash.low64, hash.high64}).second) continue;
    TW_MARK("log.an-overwritten-record-goes");
    batch.Delete(it.key());
    if (++deletions == kDeletionsPerWrite) TW_RETURN_IF_ERROR(drop());
  }
  TW_RETURN_IF_ERROR(it.status());
  if (deletions > 0) TW_RETURN_IF_ERROR(drop());
  std::lock_guard lock(mu_);
  state.kept = static_cast<int64_t>(seen.size());
  return absl::OkStatus();
}

// As far as the first record that is young enough: stamps need not rise.
absl::Status EmbeddedLogImpl::DropExpired(PartitionState& state) {
  LogBounds bounds;
  Time cutoff;
  {
    std::lock_guard lock(mu_);
    bounds = {state.begin, state.end};
    cutoff = options_.clock() - state.retention;
  }
  RocksIterator it = store_->ForwardRange(RecordKey(state.topic, state.partition, bounds.begin),
                                          RecordKey(state.topic, state.partition, bounds.end));
  RocksBatch batch;
  Offset begin = bounds.begin;
  // Told before anything is gone, so that no reader takes the hole for the log's own.
  const auto drop = [&] {
    {
      std::lock_guard lock(mu_);
      state.begin = begin;
    }
    batch.Put(BoundsRowKey(state.topic, state.partition), EncodeBoundsRow({begin, bounds.end}));
    const absl::Status status = store_->Write(batch, true);
    batch.Clear();
    return status;
  };
  size_t deletions = 0;
  for (; it.Valid(); it.Next()) {
    RecordRow row;
    const std::optional<Offset> offset = OffsetOfRecordKey(it.key());
    if (!offset || !DecodeRecord(it.value(), row)) return Damaged(state, it.key());
    if (row.stamp >= cutoff) break;
    TW_MARK("log.an-expired-record-goes");
    begin = offset->Next();
    batch.Delete(it.key());
    if (++deletions % kDeletionsPerWrite == 0) TW_RETURN_IF_ERROR(drop());
  }
  TW_RETURN_IF_ERROR(it.status());
  return deletions % kDeletionsPerWrite == 0 ? absl::OkStatus() : drop();
}

absl::Status EmbeddedLogImpl::Compact() {
  std::vector<const Topic*> topics;
  {
    std::lock_guard lock(mu_);
    for (const auto& [name, topic] : topics_) topics.push_back(topic.get());
  }
  std::lock_guard cleaning(clean_mu_);
  for (const Topic* topic : topics) {
    if (topic->spec.cleanup == Cleanup::kForever) continue;
    for (const auto& state : topic->partitions) TW_RETURN_IF_ERROR(Clean(*state));
    const std::string prefix = TopicPrefix(topic->id);
    TW_RETURN_IF_ERROR(store_->CompactRange(prefix, PrefixEnd(prefix)));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<EmbeddedLog>> EmbeddedLog::Open(Options options) {
  if (!options.clock) options.clock = MachineTime;
  TW_ASSIGN_OR_RETURN(std::unique_ptr<Rocks> store,
                      OpenRocksBy(options.open_rocks, options.folder,
                                  {.writes = Rocks::Writes::kBatches,
                                   .filters = false,
                                   .rising_prefix = kPartitionPrefixBytes}));
  auto log = std::make_unique<EmbeddedLogImpl>(std::move(options), std::move(store));
  TW_RETURN_IF_ERROR(log->Load());
  return log;
}

}  // namespace tallywire
