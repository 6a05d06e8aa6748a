// SPDX-License-Identifier: Apache-2.0
#include "ledger/appender.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/cloud_events.h"
#include "ledger/codec.h"
#include "ledger/limits.h"
#include "ledger/status.h"
#include "ledger/topics.h"
#include "tallywire/v1/event.pb.h"

namespace tallywire {
namespace {

// One record that is to be written, with the memory that it needs where the caller has none.
struct Prepared {
  size_t index = 0;  // among the caller's
  NewRecord record;
  std::string value;
  CloudEventHeaders headers;
};

// One call's share of a write.
struct Waiting {
  std::vector<Prepared> events;  // never moved: records point into it
  size_t bytes = 0;
  bool done = false;
  absl::Status status;
  std::vector<Appended> appended;
};

absl::Status CheckCount(const char* what, size_t count) {
  if (count <= kMaxAppendBatch) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(what, ": ", count, " in one call, at most ", kMaxAppendBatch));
}

}  // namespace

// Calls queue up; the first of them that finds nobody writing writes all that is queued, for itself
// and the others. So the more callers there are, the more a sync carries.
struct Appender::Impl {
  Log* const log;
  const Options options;
  const int32_t partitions;

  std::mutex mu;
  std::condition_variable changed;
  std::deque<Waiting*> queue;  // guarded by mu
  size_t pending_bytes = 0;    // guarded by mu
  bool writing = false;        // guarded by mu

  Impl(Log* l, Options o, int32_t p) : log(l), options(o), partitions(p) {}

  AppendResult Prepare(const v1::StockEvent& event, size_t index, Decoder& decoder,
                       Waiting& waiting) const;
  AppendResult PrepareRecord(const NewRecord& record, size_t index, Decoder& decoder,
                             Waiting& waiting) const;
  absl::StatusOr<std::vector<AppendResult>> Finish(Waiting& waiting,
                                                   std::vector<AppendResult> results);
  absl::Status Write(Waiting& mine);
  void WriteAll(const std::vector<Waiting*>& batch) const;
};

AppendResult Appender::Impl::Prepare(const v1::StockEvent& event, size_t index, Decoder& decoder,
                                     Waiting& waiting) const {
  const size_t size = event.ByteSizeLong();
  if (size > kMaxEventBytes) {
    return Refusal{RefusedReason::kTooLarge,
                   absl::StrCat("the event has ", size, " bytes, more than ", kMaxEventBytes)};
  }
  const auto checked = decoder.Check(event, Placement{});
  if (const auto* refusal = std::get_if<Refusal>(&checked)) return *refusal;
  Prepared& prepared = waiting.events.emplace_back();
  prepared.index = index;
  event.SerializeToString(&prepared.value);
  SetCloudEvent(event.event_id(), event.source(), prepared.headers);
  const std::string_view key = KeyOf(event);
  prepared.record = {.topic = kStockEvents,
                     .partition = PartitionOf(key, partitions),
                     .key = key,
                     .value = prepared.value,
                     .headers = prepared.headers};
  waiting.bytes += size;
  return AppendedEvent{};
}

AppendResult Appender::Impl::PrepareRecord(const NewRecord& record, size_t index, Decoder& decoder,
                                           Waiting& waiting) const {
  const auto decoded = decoder.Decode(record.value, record.headers,
                                      Placement{record.key, record.partition, partitions});
  if (const auto* refusal = std::get_if<Refusal>(&decoded)) return *refusal;
  const Body body = std::get<const Event*>(decoded)->body;
  if (IsLinked(body)) {
    return Refusal{RefusedReason::kNotAllowed,
                   absl::StrCat(std::string(Name(body)), ": is written by the ledger only")};
  }
  Prepared& prepared = waiting.events.emplace_back();
  prepared.index = index;
  prepared.record = record;
  prepared.record.topic = kStockEvents;
  waiting.bytes += record.value.size();
  return AppendedEvent{};
}

void Appender::Impl::WriteAll(const std::vector<Waiting*>& batch) const {
  std::vector<NewRecord> records;
  for (const Waiting* waiting : batch) {
    for (const Prepared& event : waiting->events) records.push_back(event.record);
  }
  const auto appended = log->Append(records);
  size_t next = 0;
  for (Waiting* waiting : batch) {
    waiting->status = appended.status();
    if (!appended.ok()) continue;
    const auto begin = appended->begin() + static_cast<std::ptrdiff_t>(next);
    next += waiting->events.size();
    waiting->appended.assign(begin, begin + static_cast<std::ptrdiff_t>(waiting->events.size()));
  }
}

absl::Status Appender::Impl::Write(Waiting& mine) {
  std::unique_lock lock(mu);
  if (pending_bytes > 0 && pending_bytes + mine.bytes > options.max_pending_bytes) {
    return absl::ResourceExhaustedError(absl::StrCat(
        pending_bytes, " bytes of events wait to be written already; try again later"));
  }
  pending_bytes += mine.bytes;
  queue.push_back(&mine);
  changed.wait(lock, [&] { return mine.done || !writing; });
  if (!mine.done) {
    writing = true;
    const std::vector<Waiting*> batch(queue.begin(), queue.end());
    queue.clear();
    lock.unlock();
    WriteAll(batch);
    lock.lock();
    for (Waiting* waiting : batch) {
      waiting->done = true;
      pending_bytes -= waiting->bytes;
    }
    writing = false;
    changed.notify_all();
  }
  return mine.status;
}

Appender::Appender(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Appender::~Appender() = default;

absl::StatusOr<std::unique_ptr<Appender>> Appender::Create(Log* log) {
  return Create(log, Options());
}

absl::StatusOr<std::unique_ptr<Appender>> Appender::Create(Log* log, Options options) {
  TW_ASSIGN_OR_RETURN(const TopicSpec topic, log->Describe(kStockEvents));
  return std::unique_ptr<Appender>(
      new Appender(std::make_unique<Impl>(log, options, topic.partitions)));
}

// Writes what is prepared, and fills in where it came to lie.
absl::StatusOr<std::vector<AppendResult>> Appender::Impl::Finish(
    Waiting& waiting, std::vector<AppendResult> results) {
  if (waiting.events.empty()) return results;
  TW_RETURN_IF_ERROR(Write(waiting));
  for (size_t i = 0; i < waiting.events.size(); ++i) {
    const Prepared& event = waiting.events[i];
    results[event.index] = AppendedEvent{event.record.partition, waiting.appended[i].offset,
                                         waiting.appended[i].stamp};
  }
  return results;
}

absl::StatusOr<std::vector<AppendResult>> Appender::Append(
    std::span<const v1::StockEvent* const> events) {
  TW_RETURN_IF_ERROR(CheckCount("events", events.size()));
  thread_local Decoder decoder;
  Waiting waiting;
  waiting.events.reserve(events.size());
  std::vector<AppendResult> results;
  results.reserve(events.size());
  for (size_t i = 0; i < events.size(); ++i) {
    results.push_back(impl_->Prepare(*events[i], i, decoder, waiting));
  }
  return impl_->Finish(waiting, std::move(results));
}

absl::StatusOr<std::vector<AppendResult>> Appender::AppendRecords(
    std::span<const NewRecord> records) {
  TW_RETURN_IF_ERROR(CheckCount("records", records.size()));
  thread_local Decoder decoder;
  Waiting waiting;
  waiting.events.reserve(records.size());
  std::vector<AppendResult> results;
  results.reserve(records.size());
  for (size_t i = 0; i < records.size(); ++i) {
    results.push_back(impl_->PrepareRecord(records[i], i, decoder, waiting));
  }
  return impl_->Finish(waiting, std::move(results));
}

}  // namespace tallywire
