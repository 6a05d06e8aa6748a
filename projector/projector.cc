// SPDX-License-Identifier: Apache-2.0
#include "projector/projector.h"

#include <algorithm>
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
#include "ledger/read_to.h"
#include "ledger/status.h"
#include "ledger/topics.h"
#include "projector/query/digest.h"
#include "projector/query/explain.h"
#include "projector/query/question.h"
#include "projector/query/stock.h"
#include "projector/query/verify.h"
#include "projector/run/outgoing.h"
#include "projector/run/partition.h"
#include "tallywire/v1/api.pb.h"

namespace tallywire {
namespace {

class ProjectorImpl : public Projector {
 public:
  ProjectorImpl(Log* log, Options options) : log_(log), options_(std::move(options)) {}

  absl::Status OpenAll() {
    // Else whoever opens the stores knows where they lie.
    if (!options_.open_rocks) TW_RETURN_IF_ERROR(MakeFolder());
    TW_ASSIGN_OR_RETURN(const TopicSpec topic, log_->Describe(kStockEvents));
    partitions_ = topic.partitions;
    if (options_.partitions.has_value()) {
      for (const Partition p : *options_.partitions) TW_RETURN_IF_ERROR(Take(p));
      return absl::OkStatus();
    }
    for (int32_t p = 0; p < partitions_; ++p) TW_RETURN_IF_ERROR(Take(Partition(p)));
    return absl::OkStatus();
  }

  absl::Status MakeFolder() const {
    std::error_code error;
    std::filesystem::create_directories(options_.folder, error);
    if (!error) return absl::OkStatus();
    return absl::UnavailableError(
        absl::StrCat("cannot make the folder ", options_.folder, ": ", error.message()));
  }

  absl::Status Take(Partition partition) override {
    if (partition.value() < 0 || partition.value() >= partitions_) {
      return absl::InvalidArgumentError(absl::StrCat("stock.events has partitions 0 to ",
                                                     partitions_ - 1, ", not ", partition.value()));
    }
    if (Find(partition) != nullptr) return absl::OkStatus();
    if (!leaving_[partition.value()].expired()) {
      return absl::UnavailableError(absl::StrCat(
          "partition ", partition.value(), " comes back while a question about it is answered"));
    }
    TW_ASSIGN_OR_RETURN(auto loop, PartitionLoop::Open(log_, partition, partitions_, options_));
    const std::lock_guard lock(loops_mu_);
    loops_[partition.value()] = std::move(loop);
    return absl::OkStatus();
  }

  absl::Status Release(Partition partition) override {
    const LoopPtr loop = Find(partition);
    if (loop == nullptr) return absl::OkStatus();
    const absl::Status closed = loop->Close(Time(now_.load(std::memory_order_relaxed)));
    Forget(partition);
    return closed;
  }

  void Abandon(Partition partition) override {
    const LoopPtr loop = Find(partition);
    if (loop == nullptr) return;
    loop->Abandon();
    Forget(partition);
  }

  std::vector<Mark> Marks() const override {
    std::vector<Mark> marks;
    for (const LoopPtr& loop : Loops()) {
      marks.push_back({loop->partition(), loop->next_offset(), loop->stored_offset()});
    }
    return marks;
  }

  absl::StatusOr<bool> RunOnce(Time now) override {
    absl::StatusOr<bool> more = Turn(now);
    log_is_away_.store(absl::IsUnavailable(more.status()), std::memory_order_relaxed);
    return more;
  }

  absl::StatusOr<bool> Turn(Time now) {
    now_.store(now.value(), std::memory_order_relaxed);
    TW_RETURN_IF_ERROR(CheckTopic(now));
    const std::vector<LoopPtr> loops = Loops();
    // Those that are behind need not wait for one another; at the head one append for all of them
    // is less to wait for.
    size_t slices = 1;
    if (std::any_of(loops.begin(), loops.end(), [](const LoopPtr& l) { return l->WasBehind(); })) {
      slices = std::clamp<size_t>(options_.threads, 1, std::max<size_t>(1, loops.size()));
    }
    std::vector<std::vector<LoopPtr>> shares(slices);
    for (size_t i = 0; i < loops.size(); ++i) shares[i % slices].push_back(loops[i]);
    std::vector<absl::StatusOr<bool>> ran(slices, false);
    std::vector<std::thread> others;
    for (size_t i = 1; i < slices; ++i) {
      others.emplace_back([&, i] { ran[i] = TurnOf(shares[i], now); });
    }
    ran[0] = TurnOf(shares[0], now);
    for (std::thread& other : others) other.join();
    bool more = false;
    absl::Status first_error;
    for (const absl::StatusOr<bool>& one : ran) {
      first_error.Update(one.status());
      more = more || (one.ok() && *one);
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
      // What the log says is there is still on its way.
      PartitionLoop::WaitForTheLog();
    }
    for (const LoopPtr& loop : Loops()) TW_RETURN_IF_ERROR(loop->Checkpoint(now));
    return absl::OkStatus();
  }

  absl::Status Close() override {
    absl::Status first;
    for (const LoopPtr& loop : Loops()) first.Update(Release(loop->partition()));
    return first;
  }

  absl::Status GetStock(std::string_view sku, std::string_view location,
                        v1::GetStockResponse* out) override {
    TW_ASSIGN_OR_RETURN(const LoopPtr loop, LoopOf(sku));
    return StockOf(*loop, sku, location, out);
  }

  absl::Status ListStock(const StockQuery& query, v1::GetStockResponse* out) override {
    const std::vector<LoopPtr> loops = Loops();
    return StockOfAll(Bare(loops), query, out);
  }

  absl::Status Explain(std::string_view sku, std::string_view location, bool prove,
                       v1::ExplainResponse* out) override {
    TW_ASSIGN_OR_RETURN(const LoopPtr loop, LoopOf(sku));
    const Scratch scratch{absl::StrCat(options_.folder, "/prove-", scratch_.fetch_add(1)),
                          options_.open_rocks};
    return ExplainSku(log_, *loop, partitions_, sku, location, prove, scratch, out);
  }

  absl::Status Digest(bool state, v1::DigestResponse* out) override {
    ContentDigest content;
    TW_ASSIGN_OR_RETURN(bool at_rest, IsAtEnd());
    for (const LoopPtr& loop : Loops()) {
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
    const std::vector<LoopPtr> loops = Loops();
    return VerifyAll(log_, Bare(loops), {options_.folder, options_.open_rocks},
                     Time(now_.load(std::memory_order_relaxed)), progress, out);
  }

  absl::Status Health(v1::HealthResponse* out) override {
    bool behind = false;
    // Each question to a log that does not answer would take its time.
    absl::Status log = log_is_away_.load(std::memory_order_relaxed)
                           ? absl::UnavailableError("the log does not answer")
                           : absl::OkStatus();
    for (const LoopPtr& loop : Loops()) {
      v1::PartitionHealth* health = out->add_partitions();
      if (log.ok()) log = SayHowFarBehind(*loop, health);
      if (!log.ok()) health->set_log_end(-1);
      const PartitionLoop::Glance state = loop->LastGlance();
      health->set_partition(loop->partition().value());
      health->set_next_offset(loop->next_offset().value());
      health->set_applied(state.counts.applied);
      health->set_duplicates(state.counts.duplicates);
      health->set_refused(state.counts.refused);
      health->set_sweeps(static_cast<int64_t>(state.unfinished));
      health->mutable_log_time()->set_seconds(state.log_time.value() / 1'000'000);
      health->mutable_log_time()->set_nanos(
          static_cast<int32_t>(state.log_time.value() % 1'000'000 * 1'000));
      behind = behind || health->next_offset() < health->log_end() || state.unfinished > 0;
    }
    out->set_state(!log.ok() ? "failing" : behind ? "behind" : "ok");
    out->set_problem(std::string(log.message()));
    out->set_log_id(log_->Id());
    return absl::OkStatus();
  }

  absl::Status WaitFolded(Partition partition, Offset offset, Span timeout) override {
    if (partition.value() < 0 || partition.value() >= partitions_) {
      return absl::InvalidArgumentError(absl::StrCat("there is no partition ", partition.value()));
    }
    TW_ASSIGN_OR_RETURN(const LoopPtr loop, Owned(partition));
    std::unique_lock lock(folded_mu_);
    const bool folded = folded_changed_.wait_for(lock, std::chrono::microseconds(timeout.value()),
                                                 [&] { return loop->next_offset() > offset; });
    if (folded) return absl::OkStatus();
    return absl::DeadlineExceededError(
        absl::StrCat("record ", partition.value(), "/", offset.value(), " is not folded yet"));
  }

 private:
  static constexpr int kMostYields = 1'000;
  static constexpr size_t kPage = 10'000;
  static constexpr Span kCheckEvery = Seconds(3);

  using LoopPtr = std::shared_ptr<PartitionLoop>;

  absl::StatusOr<bool> TurnOf(const std::vector<LoopPtr>& loops, Time now) {
    absl::Status first_error;
    const auto note = [&first_error](const absl::Status& status) {
      if (first_error.ok()) first_error = status;
    };
    // A partition that has to wait does not hold up the others.
    std::vector<LoopPtr> folded;
    Outgoing out;
    for (const LoopPtr& loop : loops) {
      const absl::Status status = loop->Fold(now, out);
      note(status);
      if (status.ok()) folded.push_back(loop);
      for (int i = 0; loop->HasQuestions() && i < kMostYields; ++i) std::this_thread::yield();
    }
    std::vector<std::vector<Offset>> rows(static_cast<size_t>(partitions_));
    TW_RETURN_IF_ERROR(out.Send(log_, [&rows](const NewRecord& record, const Appended& where) {
      if (record.topic != kStockAvailability) return;
      rows[static_cast<size_t>(record.partition.value())].push_back(where.offset);
    }));
    bool more = false;
    for (const LoopPtr& loop : folded) {
      const auto ran = loop->Finish(now, rows[static_cast<size_t>(loop->partition().value())]);
      note(ran.status());
      more = more || (ran.ok() && *ran);
    }
    if (!first_error.ok()) return first_error;
    return more;
  }

  // By partition. What is let go meanwhile stays until who holds it here is done.
  std::vector<LoopPtr> Loops() const {
    const std::lock_guard lock(loops_mu_);
    std::vector<LoopPtr> loops;
    for (const auto& [partition, loop] : loops_) loops.push_back(loop);
    return loops;
  }
  static std::vector<PartitionLoop*> Bare(const std::vector<LoopPtr>& loops) {
    std::vector<PartitionLoop*> bare;
    for (const LoopPtr& loop : loops) bare.push_back(loop.get());
    return bare;
  }
  LoopPtr Find(Partition partition) const {
    const std::lock_guard lock(loops_mu_);
    const auto found = loops_.find(partition.value());
    return found == loops_.end() ? nullptr : found->second;
  }
  void Forget(Partition partition) {
    const std::lock_guard lock(loops_mu_);
    const auto found = loops_.find(partition.value());
    if (found == loops_.end()) return;
    leaving_[partition.value()] = found->second;
    loops_.erase(found);
  }
  absl::StatusOr<LoopPtr> Owned(Partition partition) const {
    LoopPtr loop = Find(partition);
    if (loop != nullptr) return loop;
    return absl::UnavailableError(absl::StrCat("partition ", partition.value(), " of ", partitions_,
                                               " is not folded by this process"));
  }
  absl::StatusOr<LoopPtr> LoopOf(std::string_view sku) const {
    return Owned(PartitionOf(sku, partitions_));
  }

  // Others may have changed it. With another partition count keys go elsewhere from one record to
  // the next.
  absl::Status CheckTopic(Time now) {
    const bool waits = now >= last_check_ && now - last_check_ < kCheckEvery;
    if (!log_->IsShared() || waits) return absl::OkStatus();
    last_check_ = now;
    const absl::StatusOr<TopicSpec> described = log_->Describe(kStockEvents);
    // Each partition says what it has lost.
    if (absl::IsNotFound(described.status())) return absl::OkStatus();
    TW_RETURN_IF_ERROR(described.status());
    const TopicSpec& topic = *described;
    if (topic.cleanup != Cleanup::kForever) {
      const int64_t seconds = topic.retention.value() / 1'000'000;
      return absl::FailedPreconditionError(absl::StrCat(
          "stock.events may drop records now",
          seconds > 0 ? absl::StrCat(" that are older than ", seconds, " s") : "",
          ", and numbers rest on all of them. `tallywire topics plan` shows the setting, ",
          "`tallywire topics apply --execute` puts it right; then start again."));
    }
    if (topic.partitions == partitions_) return absl::OkStatus();
    return absl::FailedPreconditionError(absl::StrCat(
        "stock.events has ", topic.partitions, " partitions now and had ", partitions_,
        ": new records of a SKU go elsewhere than its old ones. Partitions cannot be taken away ",
        "again: copy what was there before into a new topic with a multiple of them."));
  }

  // The log's end, and how long ago the first record came in that is not folded.
  absl::Status SayHowFarBehind(const PartitionLoop& loop, v1::PartitionHealth* out) {
    TW_ASSIGN_OR_RETURN(const LogBounds bounds, log_->Bounds(kStockEvents, loop.partition()));
    out->set_log_end(bounds.end.value());
    const Offset next = loop.next_offset();
    if (next >= bounds.end) return absl::OkStatus();
    Time stamp(now_.load(std::memory_order_relaxed));
    TW_RETURN_IF_ERROR(ReadRange(*log_, kStockEvents, loop.partition(), next, next.Next(),
                                 [&stamp](const Record& record) {
                                   stamp = record.stamp;
                                   return absl::OkStatus();
                                 }));
    const int64_t behind =
        std::max<int64_t>(0, now_.load(std::memory_order_relaxed) - stamp.value());
    out->mutable_behind()->set_seconds(behind / 1'000'000);
    out->mutable_behind()->set_nanos(static_cast<int32_t>(behind % 1'000'000 * 1'000));
    return absl::OkStatus();
  }

  absl::StatusOr<bool> IsAtEnd() {
    for (const LoopPtr& loop : Loops()) {
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
  int32_t partitions_ = 0;  // of stock.events
  mutable std::mutex loops_mu_;
  std::map<int32_t, LoopPtr> loops_;  // by partition
  Time last_check_;                   // of the topic
  // Let go, and perhaps still open. By partition; of the thread of RunOnce.
  std::map<int32_t, std::weak_ptr<PartitionLoop>> leaving_;
  std::atomic<int64_t> now_{0};
  std::atomic<bool> log_is_away_{false};
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
