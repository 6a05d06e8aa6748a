// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/injector.h"

#include <numeric>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "ledger/status.h"
#include "tests/sim/failing_rocks.h"
#include "tests/sim/random.h"

namespace tallywire::sim {
namespace {

using Kind = Fault::Kind;

absl::Status Dead(const std::string& who) {
  return absl::UnavailableError(absl::StrCat(who, " is dead"));
}

std::string Owner(std::string_view folder) {
  return std::string(folder.substr(0, folder.find('/')));
}

bool IsStoreWrite(const MemoryDisk::Call& call) {
  return call.what == MemoryDisk::Call::What::kWrite ||
         call.what == MemoryDisk::Call::What::kIngest;
}

}  // namespace

void Injector::Attach(MemoryCluster& cluster, MemoryDisk& disk) {
  cluster.before = [this](MemoryCluster::AppendCall& call) { return BeforeAppend(call); };
  cluster.after = [this](MemoryCluster::AppendCall& call) { return AfterAppend(call); };
  cluster.other = [this](MemoryCluster::OtherCall& call) { return Other(call); };
  disk.before = [this](const MemoryDisk::Call& call) { return BeforeDisk(call); };
  disk.after = [this](const MemoryDisk::Call& call) { return AfterDisk(call); };
}

OpenRocks Injector::Opener(MemoryDisk& disk) {
  return FailingReads(disk.Opener(),
                      [this](const std::string& folder) { return Count(Owner(folder), "read"); });
}

bool Injector::Hits(const Fault& fault, Kind kind, const std::string& who,
                    const std::string& call) const {
  if (fault.kind != kind || fault.who != who) return false;
  if (!fault.call.empty() && fault.call != call) return false;
  const auto found = calls_.find({who, call});
  if (found == calls_.end()) return false;
  return found->second >= fault.at && found->second < fault.at + fault.count;
}

absl::Status Injector::Count(const std::string& who, const std::string& call) {
  if (IsDead(who)) return Dead(who);
  if (stopped_) return absl::OkStatus();
  ++calls_.try_emplace({who, call}, -1).first->second;
  for (const Fault& fault : faults_) {
    if (Hits(fault, Kind::kCrashBefore, who, call)) {
      Kill(who);
      return Dead(who);
    }
    if (Hits(fault, Kind::kRefuse, who, call)) return absl::UnavailableError(Print(fault));
    if (Hits(fault, Kind::kFull, who, call)) return absl::ResourceExhaustedError(Print(fault));
  }
  return absl::OkStatus();
}

absl::Status Injector::Uncertain(const std::string& who, const std::string& call) {
  if (stopped_) return absl::OkStatus();
  for (const Fault& fault : faults_) {
    if (Hits(fault, Kind::kCrashAfter, who, call)) {
      Kill(who);
      return Dead(who);
    }
    if (Hits(fault, Kind::kLoseAck, who, call)) return absl::UnavailableError(Print(fault));
  }
  return absl::OkStatus();
}

std::vector<size_t> Injector::PartOf(const MemoryCluster::AppendCall& call) const {
  Random random(seed_, absl::StrCat("part", call.number));
  std::map<std::pair<std::string_view, int32_t>, size_t> left;
  for (const NewRecord& record : call.records) ++left[{record.topic, record.partition.value()}];
  for (auto& [partition, count] : left) count = random.Below(count + 1);
  std::vector<size_t> part;
  for (size_t i = 0; i < call.records.size(); ++i) {
    const NewRecord& record = call.records[i];
    size_t& count = left[{record.topic, record.partition.value()}];
    if (count == 0) continue;
    --count;
    part.push_back(i);
  }
  return part;
}

absl::Status Injector::BeforeAppend(MemoryCluster::AppendCall& call) {
  const std::string who(call.view);
  TW_RETURN_IF_ERROR(Count(who, "append"));
  if (stopped_) return absl::OkStatus();
  for (const Fault& fault : faults_) {
    if (Hits(fault, Kind::kCrashIn, who, "append")) {
      call.through = PartOf(call);
      Kill(who);
      return Dead(who);
    }
    if (Hits(fault, Kind::kTear, who, "append")) {
      call.through = PartOf(call);
      return absl::UnavailableError(Print(fault));
    }
    if (Hits(fault, Kind::kDuplicate, who, "append")) {
      call.through.resize(call.records.size() * 2);
      const auto half = call.through.begin() + static_cast<std::ptrdiff_t>(call.records.size());
      std::iota(call.through.begin(), half, 0);
      std::iota(half, call.through.end(), 0);
      return absl::UnavailableError(Print(fault));
    }
  }
  return absl::OkStatus();
}

absl::Status Injector::AfterAppend(const MemoryCluster::AppendCall& call) {
  return Uncertain(std::string(call.view), "append");
}

absl::Status Injector::Other(MemoryCluster::OtherCall& call) {
  using What = MemoryCluster::OtherCall::What;
  const std::string who(call.view);
  if (call.what != What::kPoll) {
    return call.what == What::kBounds ? Count(who, "bounds")
           : IsDead(who)              ? Dead(who)
                                      : absl::OkStatus();
  }
  TW_RETURN_IF_ERROR(Count(who, "poll"));
  if (stopped_) return absl::OkStatus();
  for (const Fault& fault : faults_) {
    const bool delays = fault.kind == Kind::kDelay && fault.who == who &&
                        fault.partition == call.partition.value() && step_ >= fault.at &&
                        step_ < fault.at + fault.count;
    if (delays) call.max = 0;
  }
  return absl::OkStatus();
}

absl::Status Injector::BeforeDisk(const MemoryDisk::Call& call) {
  return Count(Owner(call.folder), IsStoreWrite(call) ? "checkpoint" : "open");
}

absl::Status Injector::AfterDisk(const MemoryDisk::Call& call) {
  return Uncertain(Owner(call.folder), IsStoreWrite(call) ? "checkpoint" : "open");
}

}  // namespace tallywire::sim
