// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/topic_watch.h"

#include <utility>

#include "ledger/status.h"

namespace tallywire {
namespace {

constexpr size_t kPoll = 10'000;
// Many partitions are looked at by turns, so nothing waits inside the log; a shorter rest would
// take the processor from what is measured.
constexpr std::chrono::microseconds kRest(100);

}  // namespace

absl::StatusOr<std::unique_ptr<TopicWatch>> TopicWatch::Open(Log* log, std::string_view topic,
                                                             int32_t partitions, See see) {
  std::unique_ptr<TopicWatch> watch(new TopicWatch(std::move(see)));
  for (int32_t p = 0; p < partitions; ++p) {
    TW_ASSIGN_OR_RETURN(const LogBounds bounds, log->Bounds(topic, Partition(p)));
    TW_ASSIGN_OR_RETURN(watch->readers_.emplace_back(),
                        log->OpenReader(topic, Partition(p), bounds.end));
  }
  watch->thread_ = std::thread([w = watch.get()] { w->Run(); });
  return watch;
}

TopicWatch::~TopicWatch() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
}

absl::Status TopicWatch::status() const {
  const std::lock_guard lock(mu_);
  return status_;
}

void TopicWatch::Run() {
  RecordBatch batch;
  while (!stop_) {
    bool any = false;
    for (const auto& reader : readers_) {
      const absl::Status polled = reader->Poll(kPoll, Span(0), batch);
      if (!polled.ok()) {
        const std::lock_guard lock(mu_);
        status_ = polled;
        return;
      }
      if (batch.records.empty()) continue;
      any = true;
      see_(batch.records, Clock::now());
    }
    if (!any) std::this_thread::sleep_for(kRest);
  }
}

}  // namespace tallywire
