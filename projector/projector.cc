// SPDX-License-Identifier: Apache-2.0
#include "projector/projector.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/status.h"
#include "ledger/topics.h"
#include "projector/query/digest.h"
#include "projector/query/explain.h"
#include "projector/query/question.h"
#include "projector/query/stock.h"
#include "projector/query/verify.h"
#include "projector/run/partition.h"
#include "tallywire/v1/api.pb.h"
#include "tallywire/v1/progress.pb.h"

namespace tallywire {
namespace {

// What stock.progress says of this log, by partition.
absl::StatusOr<std::map<int32_t, ProgressMarks>> ReadProgress(Log* log) {
  std::map<int32_t, ProgressMarks> marks;
  TW_ASSIGN_OR_RETURN(const TopicSpec topic, log->Describe(kStockProgress));
  RecordBatch batch;
  v1::Progress progress;
  for (int32_t p = 0; p < topic.partitions; ++p) {
    TW_ASSIGN_OR_RETURN(const LogBounds bounds, log->Bounds(kStockProgress, Partition(p)));
    TW_ASSIGN_OR_RETURN(const auto reader,
                        log->OpenReader(kStockProgress, Partition(p), bounds.begin));
    while (reader->Position() < bounds.end) {
      TW_RETURN_IF_ERROR(reader->Poll(1'000, Span(0), batch));
      if (batch.records.empty()) break;
      for (const Record& record : batch.records) {
        if (!progress.ParseFromArray(record.value.data(), static_cast<int>(record.value.size()))) {
          return absl::DataLossError(
              absl::StrCat("stock.progress ", p, "/", record.offset.value(), ": no Progress"));
        }
        if (progress.log_id() != log->Id()) continue;
        marks[progress.partition()] = {Offset(progress.emitted_through()),
                                       Offset(progress.linked_through())};
      }
    }
  }
  return marks;
}

class ProjectorImpl : public Projector {
 public:
  ProjectorImpl(Log* log, Options options) : log_(log), options_(std::move(options)) {}

  absl::Status OpenAll() {
    std::error_code error;
    std::filesystem::create_directories(options_.folder, error);
    if (error) {
      return absl::UnavailableError(
          absl::StrCat("cannot make the folder ", options_.folder, ": ", error.message()));
    }
    TW_ASSIGN_OR_RETURN(const TopicSpec topic, log_->Describe(kStockEvents));
    TW_ASSIGN_OR_RETURN(const auto progress, ReadProgress(log_));
    for (int32_t p = 0; p < topic.partitions; ++p) {
      const auto marks = progress.find(p);
      TW_ASSIGN_OR_RETURN(
          auto loop,
          PartitionLoop::Open(log_, Partition(p), topic.partitions,
                              marks == progress.end() ? ProgressMarks{} : marks->second, options_));
      loops_.push_back(loop.get());
      owned_.push_back(std::move(loop));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<bool> RunOnce(Time now) override {
    now_.store(now.value(), std::memory_order_relaxed);
    bool more = false;
    absl::Status first_error;
    for (PartitionLoop* loop : loops_) {
      const absl::StatusOr<bool> ran = loop->RunOnce(now);
      // A partition that has to wait does not hold up the others.
      if (!ran.ok()) {
        if (first_error.ok()) first_error = ran.status();
      } else {
        more = more || *ran;
      }
      for (int i = 0; loop->HasQuestions() && i < kMostYields; ++i) std::this_thread::yield();
    }
    { const std::lock_guard lock(folded_mu_); }
    folded_changed_.notify_all();
    if (!first_error.ok()) return first_error;
    return more;
  }

  absl::Status RunToEnd(Time now) override {
    while (true) {
      TW_ASSIGN_OR_RETURN(const bool more, RunOnce(now));
      if (more) continue;
      TW_ASSIGN_OR_RETURN(const bool at_end, IsAtEnd());
      if (at_end) break;
    }
    for (PartitionLoop* loop : loops_) TW_RETURN_IF_ERROR(loop->Checkpoint(now));
    return absl::OkStatus();
  }

  absl::Status Close() override {
    const Time now(now_.load(std::memory_order_relaxed));
    for (PartitionLoop* loop : loops_) TW_RETURN_IF_ERROR(loop->Close(now));
    return absl::OkStatus();
  }

  absl::Status GetStock(std::string_view sku, std::string_view location,
                        v1::GetStockResponse* out) override {
    return StockOf(LoopOf(sku), sku, location, out);
  }

  absl::Status ListStock(const StockQuery& query, v1::GetStockResponse* out) override {
    return StockOfAll(loops_, query, out);
  }

  absl::Status Explain(std::string_view sku, std::string_view location, bool prove,
                       v1::ExplainResponse* out) override {
    return ExplainSku(log_, LoopOf(sku), partitions(), sku, location, prove,
                      absl::StrCat(options_.folder, "/prove-", scratch_.fetch_add(1)), out);
  }

  absl::Status Digest(bool state, v1::DigestResponse* out) override {
    ContentDigest content;
    TW_ASSIGN_OR_RETURN(bool at_rest, IsAtEnd());
    for (PartitionLoop* loop : loops_) {
      const Question question(*loop);
      TW_RETURN_IF_ERROR(loop->CheckpointLocked(Time(now_.load(std::memory_order_relaxed))));
      at_rest = at_rest && loop->unfinished() == 0;
      ContentDigest part;
      TW_RETURN_IF_ERROR(DigestOf(*loop, &part));
      content.Add(part);
      if (!state) continue;
      TW_ASSIGN_OR_RETURN(const std::string digest, loop->store().StateDigest());
      out->add_state(digest);
    }
    out->set_content(content.Hex());
    out->set_skus(content.skus());
    out->set_at_rest(at_rest);
    return absl::OkStatus();
  }

  absl::Status Verify(const std::function<void(int64_t, int64_t)>& progress,
                      v1::VerifyResponse* out) override {
    // Two at once would share a folder.
    const std::lock_guard lock(verify_mu_);
    return VerifyAll(log_, loops_, options_.folder, Time(now_.load(std::memory_order_relaxed)),
                     progress, out);
  }

  absl::Status Health(v1::HealthResponse* out) override {
    bool behind = false;
    for (PartitionLoop* loop : loops_) {
      TW_ASSIGN_OR_RETURN(const LogBounds bounds, log_->Bounds(kStockEvents, loop->partition()));
      const Question question(*loop);
      const FoldState& state = loop->state();
      v1::PartitionHealth* health = out->add_partitions();
      health->set_partition(loop->partition().value());
      health->set_next_offset(state.next_offset.value());
      health->set_log_end(bounds.end.value());
      health->set_applied(state.counts.applied);
      health->set_duplicates(state.counts.duplicates);
      health->set_refused(state.counts.refused);
      health->set_sweeps(static_cast<int64_t>(loop->unfinished()));
      health->mutable_log_time()->set_seconds(state.log_time.value() / 1'000'000);
      health->mutable_log_time()->set_nanos(
          static_cast<int32_t>(state.log_time.value() % 1'000'000 * 1'000));
      behind = behind || state.next_offset < bounds.end || loop->unfinished() > 0;
    }
    out->set_state(behind ? "behind" : "ok");
    out->set_log_id(log_->Id());
    return absl::OkStatus();
  }

  absl::Status WaitFolded(Partition partition, Offset offset, Span timeout) override {
    if (partition.value() < 0 || partition.value() >= partitions()) {
      return absl::InvalidArgumentError(absl::StrCat("there is no partition ", partition.value()));
    }
    const PartitionLoop& loop = *loops_[static_cast<size_t>(partition.value())];
    std::unique_lock lock(folded_mu_);
    const bool folded = folded_changed_.wait_for(lock, std::chrono::microseconds(timeout.value()),
                                                 [&] { return loop.next_offset() > offset; });
    if (folded) return absl::OkStatus();
    return absl::DeadlineExceededError(
        absl::StrCat("record ", partition.value(), "/", offset.value(), " is not folded yet"));
  }

 private:
  static constexpr int kMostYields = 1'000;
  static constexpr size_t kPage = 10'000;

  int32_t partitions() const { return static_cast<int32_t>(loops_.size()); }

  PartitionLoop& LoopOf(std::string_view sku) {
    return *loops_[static_cast<size_t>(PartitionOf(sku, partitions()).value())];
  }

  absl::StatusOr<bool> IsAtEnd() {
    for (PartitionLoop* loop : loops_) {
      TW_ASSIGN_OR_RETURN(const LogBounds bounds, log_->Bounds(kStockEvents, loop->partition()));
      if (loop->next_offset() < bounds.end) return false;
    }
    return true;
  }

  static absl::Status DigestOf(PartitionLoop& loop, ContentDigest* out) {
    std::string after;
    std::vector<std::string> names;
    do {
      names.clear();
      TW_RETURN_IF_ERROR(loop.store().ListSkus(after, kPage, &names));
      for (const std::string& name : names) {
        SkuState sku;
        sku.sku = name;
        loop.store().LoadSku(loop.state().locations, &sku);
        TW_RETURN_IF_ERROR(loop.store().TakeReadError());
        TW_RETURN_IF_ERROR(out->AddSku(sku, loop.state().locations, loop.store()));
        after = name;
      }
    } while (names.size() == kPage);
    return loop.store().ReadHomes([out](std::string_view location, const HomeLocation& home) {
      out->AddLocation(location, home.definition);
    });
  }

  Log* const log_;
  const Options options_;
  std::vector<std::unique_ptr<PartitionLoop>> owned_;
  std::vector<PartitionLoop*> loops_;
  std::atomic<int64_t> now_{0};
  std::atomic<int> scratch_{0};
  std::mutex verify_mu_;
  std::mutex folded_mu_;
  std::condition_variable folded_changed_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Projector>> Projector::Open(Log* log, Options options) {
  auto projector = std::make_unique<ProjectorImpl>(log, std::move(options));
  TW_RETURN_IF_ERROR(projector->OpenAll());
  return projector;
}

}  // namespace tallywire
