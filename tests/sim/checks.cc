// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/checks.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ledger/topics.h"
#include "tallywire/v1/api.pb.h"
#include "tallywire/v1/availability.pb.h"
#include "tallywire/v1/event.pb.h"
#include "tests/scenarios/print.h"
#include "tests/sim/memory_rocks.h"
#include "tests/sim/random.h"
#include "tests/sim/refold.h"

namespace tallywire::sim {
namespace {

constexpr size_t kMostRecords = 50;
// One run in so many folds its log once more into a store on the real disk.
constexpr uint64_t kRealStoreEvery = 50;

bool AnyOf(const std::vector<Fault>& faults, std::initializer_list<Fault::Kind> kinds) {
  return std::any_of(faults.begin(), faults.end(), [&](const Fault& fault) {
    return std::find(kinds.begin(), kinds.end(), fault.kind) != kinds.end();
  });
}

void CheckFromOutside(const std::vector<Fault>& faults, World& world, Findings& findings) {
  using Kind = Fault::Kind;
  OutsideOptions options;
  options.one_life = faults.empty();
  options.whole_appends =
      !AnyOf(faults, {Kind::kTear, Kind::kCrashIn, Kind::kDuplicate, Kind::kUsurp, Kind::kSleep});
  options.one_publisher = !AnyOf(faults, {Kind::kSecondPublisher});
  options.acknowledged = world.source().acknowledged();
  const std::unique_ptr<Log> log = world.cluster().OpenView("auditor");
  const auto found = AuditLog(*log, options);
  if (!found.ok()) {
    findings.push_back(absl::StrCat("audit: ", found.status().ToString()));
    return;
  }
  findings.insert(findings.end(), found->begin(), found->end());
}

// A folder on the real disk that goes when this does.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::error_code error;
    const bool in_memory = std::filesystem::is_directory("/dev/shm", error);
    path_ =
        (in_memory ? std::string("/dev/shm") : std::filesystem::temp_directory_path().string()) +
        "/tallywire-sim-XXXXXX";
    if (mkdtemp(path_.data()) == nullptr) path_.clear();
  }
  ~TemporaryFolder() {
    std::error_code error;
    if (!path_.empty()) std::filesystem::remove_all(path_, error);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

absl::StatusOr<Digests> FoldCopy(World& world, const Setup& setup, const Refold& how) {
  LogCopy copy(world.cluster(), setup.shared, world.now());
  if (how.open_rocks || !how.folder.empty()) return FoldAgain(copy.cluster(), how, world.now());
  MemoryDisk disk;
  Refold on_disk = how;
  on_disk.open_rocks = disk.Opener();
  on_disk.folder = "refold/state";
  return FoldAgain(copy.cluster(), on_disk, world.now());
}

std::string TextOf(const Record& record) {
  v1::StockEvent event;
  std::string text = absl::StrCat(record.partition.value(), "/", record.offset.value(), " ",
                                  FormatTime(record.stamp), " ");
  if (!event.ParseFromArray(record.value.data(), static_cast<int>(record.value.size()))) {
    return text + "undecodable";
  }
  if (event.has_occurred_at()) {
    const Time occurred(event.occurred_at().seconds() * 1'000'000 +
                        event.occurred_at().nanos() / 1'000);
    absl::StrAppend(&text, "occurred ", FormatTime(occurred), " ");
    event.clear_occurred_at();
  }
  return text + event.ShortDebugString();
}

std::string SkuOf(const Findings& findings, const Workload& work) {
  for (const std::string& finding : findings) {
    for (const std::string& sku : work.skus) {
      if (finding.find(sku) != std::string::npos) return sku;
    }
  }
  return work.skus.front();
}

}  // namespace

Findings CheckEnds(const std::vector<Fault>& faults, World& world) {
  Findings findings;
  CheckFromOutside(faults, world, findings);
  for (const auto& process : world.projectors()) {
    v1::VerifyResponse verified;
    const absl::Status status = process->projector().Verify([](int64_t, int64_t) {}, &verified);
    if (!status.ok()) findings.push_back(absl::StrCat("verify: ", status.ToString()));
    for (const std::string& finding : verified.findings()) {
      findings.push_back(absl::StrCat("verify of ", process->name(), ": ", finding));
    }
  }
  const Findings shown = world.channel().Findings();
  findings.insert(findings.end(), shown.begin(), shown.end());
  return findings;
}

Findings CheckEquivalence(uint64_t seed, const Setup& setup, const Workload& work, World& world) {
  Findings findings;
  std::vector<std::string> live;
  for (int32_t p = 0; p < setup.partitions; ++p) {
    Projector& projector = world.ProjectorOf(Partition(p));
    v1::DigestResponse answer;
    const absl::Status status = projector.Digest(true, &answer);
    if (!status.ok()) return {absl::StrCat("digest: ", status.ToString())};
    const std::vector<Projector::Mark> marks = projector.Marks();
    for (size_t i = 0; i < marks.size(); ++i) {
      if (marks[i].partition == Partition(p)) live.push_back(answer.state(static_cast<int>(i)));
    }
  }
  Random random(seed, "refold");
  const TemporaryFolder folder;
  std::vector<std::pair<std::string, Refold>> ways = {
      {"batches of 1 and restarts",
       {.batch = 1, .restart_every = static_cast<int>(random.Between(1, 9)), .cache_skus = 0}},
      {"batches of 7", {.batch = 7, .restart_every = random.Chance(50) ? 3 : 0, .cache_skus = 1}},
      {"batches of 1000", {.batch = 1'000}}};
  if (seed % kRealStoreEvery == 0) {
    ways.push_back({"a store on disk", {.batch = 7, .folder = folder.path()}});
  }
  std::string content;
  for (const auto& [name, how] : ways) {
    const auto digests = FoldCopy(world, setup, how);
    if (!digests.ok()) {
      findings.push_back(absl::StrCat("folded again in ", name, ": ", digests.status().ToString()));
      continue;
    }
    for (size_t p = 0; p < live.size(); ++p) {
      if (digests->state[p] == live[p]) continue;
      findings.push_back(absl::StrCat("partition ", p, " folded again in ", name,
                                      " has another state: ", digests->state[p], ", not ",
                                      live[p]));
    }
    if (digests->written > 0) {
      findings.push_back(absl::StrCat("folding again in ", name, " wrote ", digests->written,
                                      " records to a log that has everything"));
    }
    content = digests->content;
  }
  if (!work.facts || !findings.empty()) return findings;
  const int32_t other = 1 + (setup.partitions + static_cast<int32_t>(random.Below(5))) % 6;
  const auto found = ContentOn(world.cluster(), other, world.now());
  if (!found.ok()) return {absl::StrCat("the same facts again: ", found.status().ToString())};
  if (*found != content) {
    findings.push_back(absl::StrCat("the same facts on ", other, " partitions, not ",
                                    setup.partitions, ", have another content"));
  }
  return findings;
}

std::string Describe(const Findings& findings, const Workload& work, World& world) {
  const std::string sku = SkuOf(findings, work);
  std::vector<std::string> lines;
  int32_t partitions = 1;
  for (const TopicSpec& topic : world.cluster().Topics()) {
    if (topic.name == kStockEvents) partitions = topic.partitions;
  }
  for (int32_t p = 0; p < partitions; ++p) {
    for (const Record& record : world.cluster().Records(kStockEvents, Partition(p))) {
      if (record.key == sku || record.key.empty()) lines.push_back(TextOf(record));
    }
  }
  if (lines.size() > kMostRecords) {
    lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(kMostRecords));
  }
  std::string text = absl::StrCat("the last records of ", sku, " and without a key:\n  ",
                                  absl::StrJoin(lines, "\n  "), "\n");
  v1::GetStockResponse rows;
  v1::ExplainResponse journal;
  const Partition home = PartitionOf(sku, partitions);
  for (const auto& process : world.projectors()) {
    if (!process->Holds(home)) continue;
    if (!process->projector().GetStock(sku, "", &rows).ok()) continue;
    if (!process->projector().Explain(sku, "", false, &journal).ok()) continue;
    absl::StrAppend(&text, "its rows, as ", process->name(), " says:\n");
    for (const v1::Availability& row : rows.rows()) {
      absl::StrAppend(&text, "  ", row.ShortDebugString(), "\n");
    }
    absl::StrAppend(&text, "its journal:\n");
    for (const v1::JournalEntry& entry : journal.entries()) {
      absl::StrAppend(&text, "  ", scenarios::Print(entry), "\n");
    }
  }
  return text;
}

}  // namespace tallywire::sim
