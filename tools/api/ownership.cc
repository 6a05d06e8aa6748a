// SPDX-License-Identifier: Apache-2.0
#include "tools/api/ownership.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ledger/status.h"
#include "ledger/topics.h"

namespace tallywire {
namespace {

constexpr Span kCommitEvery = Seconds(1);

std::string Named(const std::vector<KafkaGroup::Place>& places) {
  return absl::StrJoin(places, " ", [](std::string* out, const KafkaGroup::Place& place) {
    absl::StrAppend(out, place.partition.value());
  });
}

}  // namespace

absl::StatusOr<std::unique_ptr<Ownership>> Ownership::Open(Options options) {
  std::unique_ptr<Ownership> ownership(new Ownership(std::move(options)));
  const Options& o = ownership->options_;
  KafkaGroup::Options group;
  group.connection = {.brokers = o.log.brokers, .properties = o.log.properties, .on_log = nullptr};
  group.group = o.group;
  if (o.join) group.topics = {std::string(kStockEvents)};
  TW_ASSIGN_OR_RETURN(ownership->group_, KafkaGroup::Open(std::move(group)));
  return ownership;
}

absl::StatusOr<bool> Ownership::Step(Time now) {
  bool changed = false;
  if (options_.join) {
    TW_ASSIGN_OR_RETURN(const KafkaGroup::Change change, group_->Poll(Span(0)));
    changed = !change.assigned.empty() || !change.revoked.empty();
    if (!change.revoked.empty()) TW_RETURN_IF_ERROR(LetGo(change));
    if (!change.assigned.empty()) spdlog::info("owns partitions {}", Named(change.assigned));
    for (const KafkaGroup::Place& place : change.assigned) to_take_.push_back(place.partition);
  }
  while (!to_take_.empty()) {
    TW_RETURN_IF_ERROR(options_.projector->Take(to_take_.back()));
    to_take_.pop_back();
  }
  if (now - committed_at_ < kCommitEvery) return changed;
  committed_at_ = now;
  IgnoreError(Commit(false), "the next one says more");
  return changed;
}

absl::Status Ownership::LetGo(const KafkaGroup::Change& change) {
  spdlog::info("{} partitions {}", change.lost ? "has lost" : "gives back", Named(change.revoked));
  if (!change.lost) {
    for (const KafkaGroup::Place& place : change.revoked) {
      const absl::Status released = options_.projector->Release(place.partition);
      // Another can fold it from its own checkpoint, whatever became of ours.
      if (!released.ok()) {
        spdlog::warn("partition {} is given back without a last checkpoint: {}",
                     place.partition.value(), std::string(released.message()));
      }
    }
  }
  for (const KafkaGroup::Place& place : change.revoked) {
    options_.projector->Abandon(place.partition);
    std::erase(to_take_, place.partition);
  }
  return group_->ConfirmRevoked();
}

absl::Status Ownership::Commit(bool wait) {
  std::vector<KafkaGroup::Position> positions;
  for (const Projector::Mark& mark : options_.projector->Marks()) {
    positions.push_back({{std::string(kStockEvents), mark.partition}, mark.stored});
  }
  if (positions.empty()) return absl::OkStatus();
  return group_->Commit(positions, wait);
}

absl::Status Ownership::Close() { return group_->Close(); }

}  // namespace tallywire
