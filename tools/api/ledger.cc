// SPDX-License-Identifier: Apache-2.0
#include "tools/api/ledger.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/status.h"

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
  if (!options_.log.is_kafka() || options_.project || options_.publish) {
    TW_ASSIGN_OR_RETURN(lock_, FolderLock::Take(folder));
  }
  TW_ASSIGN_OR_RETURN(log_, OpenLog(options_.log, folder + "/log", options_.clock));
  TW_ASSIGN_OR_RETURN(partitions_, OpenTopics(*log_, options_.partitions));
  TW_ASSIGN_OR_RETURN(appender_, Appender::Create(log_.get()));
  if (options_.project) TW_RETURN_IF_ERROR(OpenProjector());
  if (!options_.publish) return absl::OkStatus();
  Publisher::Options publisher;
  publisher.folder = folder + "/publisher";
  TW_ASSIGN_OR_RETURN(publisher_, Publisher::Open(log_.get(), std::move(publisher)));
  return absl::OkStatus();
}

absl::Status Ledger::OpenProjector() {
  Projector::Options projector;
  projector.folder = options_.folder + "/state";
  projector.threads = std::max(1u, std::thread::hardware_concurrency());
  projector.partitions = options_.own;
  if (options_.join) projector.partitions.emplace();
  TW_ASSIGN_OR_RETURN(projector_, Projector::Open(log_.get(), std::move(projector)));
  if (options_.group.empty()) return absl::OkStatus();
  TW_ASSIGN_OR_RETURN(ownership_, Ownership::Open({.log = options_.log,
                                                   .group = options_.group,
                                                   .join = options_.join,
                                                   .projector = projector_.get()}));
  return absl::OkStatus();
}

absl::StatusOr<bool> Ledger::Fold() {
  const Time now = options_.clock();
  absl::StatusOr<bool> changed = false;
  if (ownership_ != nullptr) changed = ownership_->Step(now);
  // What cannot be taken yet does not hold up what is there.
  if (!changed.ok() && !absl::IsUnavailable(changed.status())) return changed;
  TW_ASSIGN_OR_RETURN(const bool more, projector_->RunOnce(now));
  if (!changed.ok()) return changed;
  return *changed || more;
}

void Ledger::Start() {
  if (fold_loop_ != nullptr || publish_loop_ != nullptr) return;
  // Nobody wakes a loop for what other processes append.
  const std::chrono::milliseconds idle(log_->IsShared() ? 1 : 20);
  if (publisher_ != nullptr) {
    Loop::Options publish;
    publish.name = "publisher";
    publish.step = [this] { return publisher_->RunOnce(options_.clock()); };
    publish.idle = idle;
    publish_loop_ = std::make_unique<Loop>(std::move(publish));
  }
  if (projector_ == nullptr) return;
  Loop::Options fold;
  fold.name = "projector";
  fold.step = [this] { return Fold(); };
  fold.idle = idle;
  fold.after_work = [this] {
    if (publish_loop_ != nullptr) publish_loop_->Wake();
  };
  fold_loop_ = std::make_unique<Loop>(std::move(fold));
}

absl::Status Ledger::SettleNow() {
  if (fold_loop_ != nullptr || publish_loop_ != nullptr) return absl::OkStatus();
  std::lock_guard lock(settle_mu_);
  if (projector_ != nullptr) TW_RETURN_IF_ERROR(projector_->RunToEnd(options_.clock()));
  return publisher_ == nullptr ? absl::OkStatus() : publisher_->RunToEnd(options_.clock());
}

absl::Status Ledger::Stop() {
  if (fold_loop_ != nullptr) fold_loop_->Stop();
  if (publish_loop_ != nullptr) publish_loop_->Stop();
  absl::Status first;
  if (publisher_ != nullptr) first.Update(publisher_->Close());
  // Before its place in the group goes to another.
  if (projector_ != nullptr) first.Update(projector_->Close());
  if (ownership_ != nullptr) first.Update(ownership_->Close());
  fold_loop_.reset();
  publish_loop_.reset();
  ownership_.reset();
  publisher_.reset();
  projector_.reset();
  appender_.reset();
  log_.reset();
  lock_.reset();
  return first;
}

void Ledger::Wake() {
  if (fold_loop_ != nullptr) fold_loop_->Wake();
  if (publish_loop_ != nullptr) publish_loop_->Wake();
}

absl::Status Ledger::Trouble(bool* for_good) const {
  if (for_good != nullptr) *for_good = false;
  // Who has given up goes before who tries again, and folding before publishing.
  for (const bool given_up : {true, false}) {
    for (const auto& [loop, what] :
         {std::pair(fold_loop_.get(), "folding"), std::pair(publish_loop_.get(), "publishing")}) {
      if (loop == nullptr) continue;
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
  if (fold_loop_ == nullptr && publish_loop_ == nullptr) {
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
  if (projector_ == nullptr) return absl::UnavailableError("this process does not fold");
  return WaitFor([&](Span slice) { return projector_->WaitFolded(partition, offset, slice); },
                 timeout);
}

absl::Status Ledger::WaitRule(Offset offset, Span timeout) {
  if (publisher_ == nullptr) return absl::UnavailableError("this process does not publish");
  return WaitFor([&](Span slice) { return publisher_->WaitRule(offset, slice); }, timeout);
}

}  // namespace tallywire
