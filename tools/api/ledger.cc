// SPDX-License-Identifier: Apache-2.0
#include "tools/api/ledger.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/status.h"
#include "ledger/topics.h"

namespace tallywire {
namespace {

// How long one wait lasts before it is looked whether the thread waited for still goes on.
constexpr Span kWaitSlice = Milliseconds(200);

Time MachineTime() {
  return Time(std::chrono::duration_cast<std::chrono::microseconds>(
                  std::chrono::system_clock::now().time_since_epoch())
                  .count());
}

}  // namespace

Ledger::Ledger(Options options) : options_(std::move(options)) {
  if (!options_.clock) options_.clock = MachineTime;
}

Ledger::~Ledger() { IgnoreError(Stop(), "whoever wants to know calls Stop first"); }

absl::StatusOr<std::unique_ptr<Ledger>> Ledger::Open(Options options) {
  std::unique_ptr<Ledger> ledger(new Ledger(std::move(options)));
  TW_RETURN_IF_ERROR(ledger->OpenParts());
  return ledger;
}

absl::Status Ledger::OpenParts() {
  const std::string& folder = options_.folder;
  TW_ASSIGN_OR_RETURN(lock_, FolderLock::Take(folder));
  EmbeddedLog::Options log;
  log.folder = folder + "/log";
  log.clock = options_.clock;
  TW_ASSIGN_OR_RETURN(log_, EmbeddedLog::Open(std::move(log)));
  TW_RETURN_IF_ERROR(OpenTopics());
  TW_ASSIGN_OR_RETURN(appender_, Appender::Create(log_.get()));
  Projector::Options projector;
  projector.folder = folder + "/state";
  TW_ASSIGN_OR_RETURN(projector_, Projector::Open(log_.get(), std::move(projector)));
  Publisher::Options publisher;
  publisher.folder = folder + "/publisher";
  TW_ASSIGN_OR_RETURN(publisher_, Publisher::Open(log_.get(), std::move(publisher)));
  return absl::OkStatus();
}

absl::Status Ledger::OpenTopics() {
  const absl::StatusOr<TopicSpec> events = log_->Describe(kStockEvents);
  if (!events.ok() && !absl::IsNotFound(events.status())) return events.status();
  partitions_ = options_.partitions != 0 ? options_.partitions : kDefaultPartitions;
  if (partitions_ < 0) {
    return absl::InvalidArgumentError(absl::StrCat("partitions: ", partitions_, " is not above 0"));
  }
  if (events.ok()) {
    if (options_.partitions != 0 && options_.partitions != events->partitions) {
      return absl::FailedPreconditionError(
          absl::StrCat("the log in ", options_.folder, " has ", events->partitions,
                       " partitions and keeps them for life; ", options_.partitions,
                       " were asked for. Ask for none to take it as it is, or make a new log in "
                       "another folder"));
    }
    partitions_ = events->partitions;
  }
  return log_->CreateTopics(PlanTopics(partitions_));
}

void Ledger::Start() {
  if (fold_loop_ != nullptr) return;
  Loop::Options publish;
  publish.name = "publisher";
  publish.step = [this] { return publisher_->RunOnce(options_.clock()); };
  publish_loop_ = std::make_unique<Loop>(std::move(publish));
  Loop::Options fold;
  fold.name = "projector";
  fold.step = [this] { return projector_->RunOnce(options_.clock()); };
  fold.after_work = [loop = publish_loop_.get()] { loop->Wake(); };
  fold_loop_ = std::make_unique<Loop>(std::move(fold));
}

absl::Status Ledger::SettleNow() {
  if (fold_loop_ != nullptr) return absl::OkStatus();
  std::lock_guard lock(settle_mu_);
  TW_RETURN_IF_ERROR(projector_->RunToEnd(options_.clock()));
  return publisher_->RunToEnd(options_.clock());
}

absl::Status Ledger::Stop() {
  if (fold_loop_ != nullptr) {
    fold_loop_->Stop();
    publish_loop_->Stop();
  }
  absl::Status first;
  if (publisher_ != nullptr) first.Update(publisher_->Close());
  if (projector_ != nullptr) first.Update(projector_->Close());
  fold_loop_.reset();
  publish_loop_.reset();
  publisher_.reset();
  projector_.reset();
  appender_.reset();
  log_.reset();
  lock_.reset();
  return first;
}

void Ledger::Wake() {
  if (fold_loop_ == nullptr) return;
  fold_loop_->Wake();
  publish_loop_->Wake();
}

absl::Status Ledger::Trouble(bool* for_good) const {
  if (for_good != nullptr) *for_good = false;
  if (fold_loop_ == nullptr) return absl::OkStatus();
  // Who has given up goes before who tries again, and folding before publishing.
  for (const bool given_up : {true, false}) {
    for (const auto& [loop, what] :
         {std::pair(fold_loop_.get(), "folding"), std::pair(publish_loop_.get(), "publishing")}) {
      const absl::Status trouble = loop->Trouble();
      if (trouble.ok() || loop->GivenUp() != given_up) continue;
      if (for_good != nullptr) *for_good = given_up;
      return absl::Status(trouble.code(), absl::StrCat(what, given_up ? " has stopped: " : ": ",
                                                       trouble.message()));
    }
  }
  return absl::OkStatus();
}

absl::Status Ledger::WaitFor(const std::function<absl::Status(Span)>& wait, Span timeout) {
  if (fold_loop_ == nullptr) {
    TW_RETURN_IF_ERROR(SettleNow());
    return wait(Span(0));
  }
  Wake();
  while (true) {
    const Span slice = std::min(timeout, kWaitSlice);
    const absl::Status waited = wait(slice);
    timeout = Span(timeout.value() - slice.value());
    if (!absl::IsDeadlineExceeded(waited)) return waited;
    bool for_good = false;
    const absl::Status trouble = Trouble(&for_good);
    if (for_good) return trouble;
    if (timeout <= Span(0)) return waited;
  }
}

absl::Status Ledger::WaitFolded(Partition partition, Offset offset, Span timeout) {
  return WaitFor([&](Span slice) { return projector_->WaitFolded(partition, offset, slice); },
                 timeout);
}

absl::Status Ledger::WaitRule(Offset offset, Span timeout) {
  return WaitFor([&](Span slice) { return publisher_->WaitRule(offset, slice); }, timeout);
}

}  // namespace tallywire
