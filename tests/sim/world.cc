// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/world.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "ledger/check.h"
#include "ledger/topics.h"

namespace tallywire::sim {
namespace {

using Duty = ProjectorProcess::Duty;
using Kind = Fault::Kind;

// Longer than a publisher, a checkpoint or a look at a quiet output waits.
constexpr Span kRound = Seconds(7);
// Rounds in which nothing happens: a tick may be a minute off.
constexpr int kQuietRounds = 12;
// Who needs more is going in circles.
constexpr int kMostRounds = 3'000;
constexpr int kMostTurns = 2'000;

Span SkewOf(const std::vector<Fault>& faults, const std::string& who) {
  Span skew(0);
  for (const Fault& fault : faults) {
    if (fault.kind == Kind::kSkew && fault.who == who)
      skew = Span(skew.value() + fault.span.value());
  }
  return skew;
}

Channel::Manner MannerOf(const std::vector<Fault>& faults) {
  Channel::Manner manner;
  for (const Fault& fault : faults) {
    if (fault.kind != Kind::kChannel) continue;
    if (fault.topic == "slow") manner.slow = true;
    if (fault.topic == "lying") manner.lying = true;
    if (fault.topic == "forgetful") manner.forgetful = true;
    if (fault.topic == "twice") manner.twice = true;
  }
  return manner;
}

// -1: it is none.
int ProjectorIndex(const std::string& who, size_t projectors) {
  absl::string_view name = who;
  int index = -1;
  if (!absl::ConsumePrefix(&name, "projector-") || !absl::SimpleAtoi(name, &index)) return -1;
  return index >= 0 && static_cast<size_t>(index) < projectors ? index : -1;
}

}  // namespace

World::World(uint64_t seed, const Setup& setup, const Workload& work, std::vector<Fault> faults)
    : seed_(seed),
      setup_(setup),
      work_(work),
      faults_(std::move(faults)),
      now_(work.start),
      owners_(static_cast<size_t>(setup.partitions)),
      asleep_until_(static_cast<size_t>(setup.projectors), 0),
      cluster_({.id = kSimLogId, .shared = setup.shared, .clock = [this] { return LogClock(); }}),
      injector_(faults_, seed),
      source_(&cluster_, &work_),
      channel_(&cluster_, MannerOf(faults_), seed),
      publisher_("publisher", {&setup_, &cluster_, &disk_, &injector_},
                 SkewOf(faults_, "publisher")),
      second_publisher_("second", {&setup_, &cluster_, &disk_, &injector_}, Span(0)) {
  const auto made = cluster_.OpenView("maker")->CreateTopics(PlanTopics(setup_.partitions));
  TW_CHECK(made.ok(), "topics of a new cluster are made");
  for (int i = 0; i < setup_.projectors; ++i) {
    const std::string name = absl::StrCat("projector-", i);
    projectors_.push_back(std::make_unique<ProjectorProcess>(
        name, Site{&setup_, &cluster_, &disk_, &injector_}, SkewOf(faults_, name)));
  }
  for (size_t p = 0; p < owners_.size(); ++p) {
    owners_[p].owner = static_cast<int>(p) % setup_.projectors;
  }
  injector_.Attach(cluster_, disk_);
}

World::~World() {
  publisher_.Die();
  second_publisher_.Die();
  for (auto& projector : projectors_) projector->Die();
}

void World::Say(std::string finding) {
  if (std::find(findings_.begin(), findings_.end(), finding) != findings_.end()) return;
  findings_.push_back(std::move(finding));
}

void World::Trace(std::string_view what, int64_t number) {
  constexpr uint64_t kPrime = 0x100000001b3;
  for (const char c : what) trace_ = (trace_ ^ static_cast<unsigned char>(c)) * kPrime;
  trace_ = (trace_ ^ static_cast<uint64_t>(number)) * kPrime;
}

Duty World::DutyOf(int index, Partition partition) const {
  const Ownership& own = owners_[static_cast<size_t>(partition.value())];
  if (own.owner == index) {
    // Handed over in order: when the one before has let go, or cannot any more.
    const bool in_order = own.late >= 0 && own.until < 0;
    if (!in_order || own.late == index) return Duty::kOwn;
    const ProjectorProcess& before = *projectors_[static_cast<size_t>(own.late)];
    return before.Holds(partition) && !AnyoneAsleep(own.late) ? Duty::kWait : Duty::kOwn;
  }
  if (own.late == index && own.until >= 0) return step_ < own.until ? Duty::kKeep : Duty::kAbandon;
  return own.late == index && own.until < 0 ? Duty::kRelease : Duty::kAbandon;
}

bool World::AnyoneAsleep(int index) const {
  return step_ < asleep_until_[static_cast<size_t>(index)];
}

void World::Usurp(int32_t partition, int by, int64_t until) {
  if (partition < 0 || static_cast<size_t>(partition) >= owners_.size()) return;
  Ownership& own = owners_[static_cast<size_t>(partition)];
  if (own.owner == by) return;
  own = {.owner = by, .late = own.owner, .until = until};
}

void World::ApplyFault(const Fault& fault) {
  const int index = ProjectorIndex(fault.who, projectors_.size());
  const auto die = [&] {
    if (fault.who == "publisher") publisher_.Die();
    if (index >= 0) projectors_[static_cast<size_t>(index)]->Die();
  };
  switch (fault.kind) {
    case Kind::kCrashAt:
      return die();
    case Kind::kPowerCut:
      die();
      return disk_.LoseUnsynced(fault.who + "/");
    case Kind::kLoseFolder:
      die();
      return disk_.Remove(fault.who + "/");
    case Kind::kHand:
      if (index >= 0) Usurp(fault.partition, index, -1);
      return;
    case Kind::kUsurp:
      if (index >= 0) Usurp(fault.partition, index, fault.at + fault.count);
      return;
    case Kind::kSleep: {
      if (index < 0) return;
      asleep_until_[static_cast<size_t>(index)] = fault.at + fault.count;
      const int other = (index + 1) % setup_.projectors;
      for (int32_t p = 0; p < setup_.partitions && other != index; ++p) {
        if (owners_[static_cast<size_t>(p)].owner != index) continue;
        // It wakes up and goes on for a while before it hears of it.
        Usurp(p, other, fault.at + fault.count + 12);
      }
      return;
    }
    case Kind::kClockBack:
      log_ahead_ = Span(log_ahead_.value() - fault.span.value());
      return;
    case Kind::kClockAhead:
      log_ahead_ = Span(log_ahead_.value() + fault.span.value());
      return;
    case Kind::kGap:
      if (setup_.shared && fault.partition < setup_.partitions) {
        cluster_.SkipOffsets(fault.topic, Partition(fault.partition));
      }
      return;
    case Kind::kCompact:
      return cluster_.Clean(fault.topic);
    default:
      return;
  }
}

void World::ApplyFaults() {
  for (const Fault& fault : faults_) {
    // Those of a call are the injector's.
    if (fault.at == step_ && fault.call.empty()) ApplyFault(fault);
  }
}

void World::StepSource(Random& random) {
  const Op* op = source_.next();
  if (op == nullptr) return;
  if (op->settled) ComeToRest();
  now_ = std::max(now_, op->at);
  const absl::Status status =
      source_.Step(1 + random.Below(6), publisher_.up() ? &publisher_.publisher() : nullptr);
  if (!status.ok() && !IsPassing(status)) Say(absl::StrCat("source stops: ", status.ToString()));
  injector_.Revive("source");
}

void World::StepProjector(int index) {
  if (AnyoneAsleep(index)) return;
  std::vector<Duty> duties;
  for (int32_t p = 0; p < setup_.partitions; ++p) duties.push_back(DutyOf(index, Partition(p)));
  const auto more = projectors_[static_cast<size_t>(index)]->Step(now_, duties);
  if (!more.ok()) Say(std::string(more.status().message()));
}

bool World::HasSecondPublisher() const {
  return std::any_of(faults_.begin(), faults_.end(), [this](const Fault& fault) {
    return fault.kind == Kind::kSecondPublisher && step_ >= fault.at &&
           step_ < fault.at + fault.count;
  });
}

void World::StepPublisher(bool second) {
  const auto more = second ? second_publisher_.Step(now_) : publisher_.Step(now_);
  if (!more.ok()) Say(std::string(more.status().message()));
}

void World::TakeStep() {
  // A stream of its own for each step: a fault more or less shifts nothing that comes later.
  Random random(seed_, absl::StrCat("step", step_));
  injector_.set_step(step_);
  ApplyFaults();
  const uint64_t who = random.Below(100);
  if (who < 25) {
    StepSource(random);
  } else if (who < 70) {
    StepProjector(static_cast<int>(random.Below(projectors_.size())));
  } else if (who < 85) {
    StepPublisher(HasSecondPublisher() && random.Chance(50));
  } else if (who < 90) {
    channel_.Step();
  } else {
    now_ = now_ +
           Milliseconds(random.Chance(50) ? random.Between(1, 900) : random.Between(900, 4'000));
  }
  if (!HasSecondPublisher()) second_publisher_.Die();
  Trace("step", static_cast<int64_t>(who));
  Trace("records", RecordsInAll());
  ++step_;
}

int64_t World::RecordsInAll() const {
  int64_t records = 0;
  for (const TopicSpec& topic : cluster_.Topics()) {
    for (int32_t p = 0; p < topic.partitions; ++p) {
      records += cluster_.BoundsOf(topic.name, Partition(p)).end.value();
    }
  }
  return records;
}

bool World::Round() {
  const size_t findings = findings_.size();
  bool any = false;
  for (size_t i = 0; i < projectors_.size(); ++i) {
    if (AnyoneAsleep(static_cast<int>(i))) continue;
    std::vector<Duty> duties;
    for (int32_t p = 0; p < setup_.partitions; ++p) {
      duties.push_back(DutyOf(static_cast<int>(i), Partition(p)));
    }
    const auto more = projectors_[i]->Step(now_, duties);
    if (!more.ok()) Say(std::string(more.status().message()));
    any = any || (more.ok() && *more);
  }
  const auto more = publisher_.Step(now_);
  if (!more.ok()) Say(std::string(more.status().message()));
  channel_.Step();
  injector_.set_step(++step_);
  return findings_.size() == findings && (any || (more.ok() && *more));
}

bool World::AllIsFolded() const {
  for (size_t p = 0; p < owners_.size(); ++p) {
    const Partition partition(static_cast<int32_t>(p));
    const ProjectorProcess& owner = *projectors_[static_cast<size_t>(owners_[p].owner)];
    if (!owner.Holds(partition)) return false;
    if (owner.NextOf(partition) < cluster_.BoundsOf(kStockEvents, partition).end) return false;
  }
  return true;
}

void World::ComeToRest() {
  int quiet = 0;
  for (int round = 0; quiet < kQuietRounds; ++round) {
    if (round == kMostRounds) return Say("nothing comes to rest: new records again and again");
    const int64_t before = RecordsInAll();
    int turns = 0;
    while (Round()) {
      if (++turns < kMostTurns) continue;
      return Say("nothing comes to rest: there is always more to do");
    }
    quiet = RecordsInAll() == before && AllIsFolded() ? quiet + 1 : 0;
    if (!findings_.empty()) return;
    if (quiet < kQuietRounds) now_ = now_ + kRound;
  }
}

void World::Run() {
  const int64_t most = StepsOf(work_) * 20;
  while ((!source_.done() || step_ < StepsOf(work_)) && findings_.empty()) {
    if (step_ > most) return Say("the source does not come to its end");
    TakeStep();
  }
  // Faults are over: everybody is awake and knows what it has.
  injector_.Stop();
  second_publisher_.Die();
  channel_.Behave();
  log_ahead_ = Span(0);
  for (auto& projector : projectors_) projector->SetSkew(Span(0));
  publisher_.SetSkew(Span(0));
  std::fill(asleep_until_.begin(), asleep_until_.end(), 0);
  for (Ownership& own : owners_) own.late = -1;
  if (findings_.empty()) ComeToRest();
  for (const TopicSpec& topic : cluster_.Topics()) {
    for (int32_t p = 0; p < topic.partitions; ++p) {
      for (const Record& record : cluster_.Records(topic.name, Partition(p))) {
        Trace(record.key, record.offset.value());
        Trace(record.value, record.stamp.value());
      }
    }
  }
}

Projector& World::ProjectorOf(Partition partition) {
  for (auto& projector : projectors_) {
    if (projector->Holds(partition)) return projector->projector();
  }
  TW_CHECK(false, "at rest every partition is held");
  return projectors_.front()->projector();
}

}  // namespace tallywire::sim
