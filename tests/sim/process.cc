// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/process.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "ledger/status.h"

namespace tallywire::sim {
namespace {

// OK unless it would make a service stop.
absl::Status Stops(const std::string& name, const absl::Status& status) {
  if (status.ok() || IsPassing(status)) return absl::OkStatus();
  return absl::Status(status.code(), absl::StrCat(name, " stops: ", status.ToString()));
}

}  // namespace

bool IsPassing(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsResourceExhausted(status);
}

bool ProjectorProcess::Holds(Partition partition) const {
  if (!up()) return false;
  const std::vector<Projector::Mark> marks = projector_->Marks();
  return std::any_of(marks.begin(), marks.end(),
                     [&](const Projector::Mark& mark) { return mark.partition == partition; });
}

Offset ProjectorProcess::NextOf(Partition partition) const {
  for (const Projector::Mark& mark : projector_->Marks()) {
    if (mark.partition == partition) return mark.next;
  }
  return Offset(-1);
}

void ProjectorProcess::Die() {
  projector_.reset();
  log_.reset();
}

absl::Status ProjectorProcess::Begin(const std::vector<Duty>& duties) {
  site_.injector->Revive(name_);
  log_ = site_.cluster->OpenView(name_);
  Projector::Options options;
  options.folder = name_ + "/state";
  options.batch = site_.setup->batch;
  options.checkpoint_every = site_.setup->checkpoint_every;
  options.checkpoint_records = site_.setup->checkpoint_records;
  options.sweep_step = site_.setup->sweep_step;
  options.cache_skus = site_.setup->cache_skus;
  options.open_rocks = site_.injector->Opener(*site_.disk);
  std::vector<Partition> own;
  for (size_t p = 0; p < duties.size(); ++p) {
    if (duties[p] == Duty::kOwn) own.emplace_back(static_cast<int32_t>(p));
  }
  options.partitions = std::move(own);
  auto opened = Projector::Open(log_.get(), std::move(options));
  if (!opened.ok()) {
    Die();
    return opened.status();
  }
  projector_ = *std::move(opened);
  return absl::OkStatus();
}

absl::Status ProjectorProcess::DoDuties(const std::vector<Duty>& duties) {
  absl::Status first;
  for (size_t p = 0; p < duties.size(); ++p) {
    const Partition partition(static_cast<int32_t>(p));
    const bool holds = Holds(partition);
    if (!holds && duties[p] == Duty::kOwn) first.Update(projector_->Take(partition));
    if (holds && duties[p] == Duty::kRelease) first.Update(projector_->Release(partition));
    if (holds && duties[p] == Duty::kAbandon) projector_->Abandon(partition);
  }
  return first;
}

absl::StatusOr<bool> ProjectorProcess::Step(Time now, const std::vector<Duty>& duties) {
  absl::Status status;
  bool more = true;
  if (!up()) {
    status = Begin(duties);
  } else {
    status = DoDuties(duties);
    if (status.ok()) {
      const absl::StatusOr<bool> ran = projector_->RunOnce(now + skew_);
      status = ran.status();
      more = !ran.ok() || *ran;
    }
  }
  if (site_.injector->IsDead(name_)) {
    Die();
    return true;
  }
  TW_RETURN_IF_ERROR(Stops(name_, status));
  return more;
}

void PublisherProcess::Die() {
  publisher_.reset();
  log_.reset();
}

absl::StatusOr<bool> PublisherProcess::Step(Time now) {
  absl::Status status;
  bool more = true;
  if (!up()) {
    site_.injector->Revive(name_);
    log_ = site_.cluster->OpenView(name_);
    Publisher::Options options;
    options.folder = name_ + "/publisher";
    options.batch = site_.setup->publisher_batch;
    options.open_rocks = site_.injector->Opener(*site_.disk);
    auto opened = Publisher::Open(log_.get(), std::move(options));
    status = opened.status();
    if (opened.ok()) publisher_ = *std::move(opened);
    if (!opened.ok()) Die();
  } else {
    const absl::StatusOr<bool> ran = publisher_->RunOnce(now + skew_);
    status = ran.status();
    more = !ran.ok() || *ran;
  }
  if (site_.injector->IsDead(name_)) {
    Die();
    return true;
  }
  TW_RETURN_IF_ERROR(Stops(name_, status));
  return more;
}

}  // namespace tallywire::sim
