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

// One event that is to be written, with the memory its record needs.
struct Prepared {
  size_t index = 0;  // among the caller's events
  std::string_view key;
  Partition partition;
  std::string value;
  CloudEventHeaders headers;
};

// One call's share of a write.
struct Waiting {
  std::vector<Prepared> events;
  size_t bytes = 0;
  bool done = false;
  absl::Status status;
  std::vector<Appended> appended;
};

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
  prepared.key = KeyOf(event);
  prepared.partition = PartitionOf(prepared.key, partitions);
  event.SerializeToString(&prepared.value);
  SetCloudEvent(event.event_id(), event.source(), prepared.headers);
  waiting.bytes += size;
  return AppendedEvent{};
}

void Appender::Impl::WriteAll(const std::vector<Waiting*>& batch) const {
  std::vector<NewRecord> records;
  for (const Waiting* waiting : batch) {
    for (const Prepared& event : waiting->events) {
      records.push_back({.topic = kStockEvents,
                         .partition = event.partition,
                         .key = event.key,
                         .value = event.value,
                         .headers = event.headers});
    }
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

absl::StatusOr<std::vector<AppendResult>> Appender::Append(
    std::span<const v1::StockEvent* const> events) {
  if (events.size() > kMaxAppendBatch) {
    return absl::InvalidArgumentError(
        absl::StrCat("events: ", events.size(), " in one call, at most ", kMaxAppendBatch));
  }
  thread_local Decoder decoder;
  Waiting waiting;
  waiting.events.reserve(events.size());
  std::vector<AppendResult> results;
  results.reserve(events.size());
  for (size_t i = 0; i < events.size(); ++i) {
    results.push_back(impl_->Prepare(*events[i], i, decoder, waiting));
  }
  if (waiting.events.empty()) return results;
  TW_RETURN_IF_ERROR(impl_->Write(waiting));
  for (size_t i = 0; i < waiting.events.size(); ++i) {
    results[waiting.events[i].index] = AppendedEvent{
        waiting.events[i].partition, waiting.appended[i].offset, waiting.appended[i].stamp};
  }
  return results;
}

}  // namespace tallywire
