// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/refold.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/check.h"
#include "ledger/status.h"
#include "ledger/topics.h"
#include "projector/projector.h"
#include "tallywire/v1/api.pb.h"
#include "tallywire/v1/event.pb.h"
#include "tallywire/v1/progress.pb.h"
#include "tests/sim/memory_rocks.h"
#include "tests/sim/world.h"

namespace tallywire::sim {
namespace {

constexpr int kMostTurns = 20'000;
// Who is dropped for ever never comes to an end.
constexpr int kMostRestarts = 40;

int64_t RecordsOf(const MemoryCluster& cluster) {
  int64_t records = 0;
  for (const TopicSpec& topic : cluster.Topics()) {
    if (topic.name == kStockProgress) continue;
    for (int32_t p = 0; p < topic.partitions; ++p) {
      records += cluster.BoundsOf(topic.name, Partition(p)).end.value();
    }
  }
  return records;
}

absl::StatusOr<std::unique_ptr<Projector>> OpenProjector(Log* log, const Refold& how) {
  Projector::Options options;
  options.folder = how.folder;
  options.batch = how.batch;
  options.checkpoint_every = Milliseconds(1);
  options.checkpoint_records = how.batch == 1 ? 3 : 500'000;
  options.sweep_step = how.batch == 1 ? 1 : 500;
  options.cache_skus = how.cache_skus;
  options.open_rocks = how.open_rocks;
  return Projector::Open(log, std::move(options));
}

struct Fact {
  Record record;
  bool defines = false;  // a location
};

int32_t PartitionsOf(const MemoryCluster& cluster) {
  for (const TopicSpec& topic : cluster.Topics()) {
    if (topic.name == kStockEvents) return topic.partitions;
  }
  return 0;
}

// What the outside said, definitions first, and else in the order of its stamps.
std::vector<Fact> FactsOf(const MemoryCluster& from) {
  std::vector<Fact> facts;
  const int32_t partitions = PartitionsOf(from);
  v1::StockEvent event;
  for (int32_t p = 0; p < partitions; ++p) {
    for (const Record& record : from.Records(kStockEvents, Partition(p))) {
      if (!event.ParseFromArray(record.value.data(), static_cast<int>(record.value.size()))) {
        continue;
      }
      // What the ledger wrote itself it writes again; what lay astray was refused.
      if (event.has_location_copied() || event.has_ticked()) continue;
      if (PartitionOf(record.key, partitions) != record.partition) continue;
      facts.push_back({record, event.has_location_defined()});
    }
  }
  std::stable_sort(facts.begin(), facts.end(), [](const Fact& a, const Fact& b) {
    return std::tuple(!a.defines, a.record.stamp, a.record.partition, a.record.offset) <
           std::tuple(!b.defines, b.record.stamp, b.record.partition, b.record.offset);
  });
  return facts;
}

// A stale owner may have had the last word on how far the outputs have come. It says too little
// then, never too much.
bool ProgressIsAtEnd(const MemoryCluster& cluster) {
  v1::Progress progress;
  for (int32_t p = 0; p < PartitionsOf(cluster); ++p) {
    const int64_t end = cluster.BoundsOf(kStockEvents, Partition(p)).end.value();
    const std::vector<Record> records = cluster.Records(kStockProgress, Partition(p));
    if (end == 0) continue;
    if (records.empty()) return false;
    const std::string_view last = records.back().value;
    if (!progress.ParseFromArray(last.data(), static_cast<int>(last.size()))) return false;
    if (progress.emitted_through() < end || progress.linked_through() < end) return false;
  }
  return true;
}

}  // namespace

LogCopy::LogCopy(const MemoryCluster& from, bool shared, Time now) : clock_(now) {
  cluster_ = std::make_unique<MemoryCluster>(MemoryCluster::Options{
      .id = kSimLogId, .shared = shared, .clock = [this] { return clock_; }});
  const std::unique_ptr<Log> log = cluster_->OpenView("copy");
  const std::vector<TopicSpec> topics = from.Topics();
  TW_CHECK(log->CreateTopics(topics).ok(), "topics of a new cluster are made");
  for (const TopicSpec& topic : topics) {
    for (int32_t p = 0; p < topic.partitions; ++p) {
      Offset next(0);
      for (const Record& record : from.Records(topic.name, Partition(p))) {
        clock_ = record.stamp;
        const NewRecord copy{topic.name, Partition(p), record.key, record.value, record.headers};
        // What was compacted away is of no matter to anybody: this one stands for it.
        for (; topic.cleanup == Cleanup::kCompact && next < record.offset; next = next.Next()) {
          TW_CHECK(log->Append({&copy, 1}).ok(), "a cluster without faults takes everything");
        }
        if (record.offset > next) {
          cluster_->SkipOffsets(topic.name, Partition(p), record.offset.value() - next.value());
        }
        const auto appended = log->Append({&copy, 1});
        TW_CHECK(appended.ok() && (*appended)[0].offset == record.offset, "it lies where it lay");
        next = record.offset.Next();
      }
      const int64_t left = from.BoundsOf(topic.name, Partition(p)).end.value() - next.value();
      if (left > 0) cluster_->SkipOffsets(topic.name, Partition(p), left);
    }
  }
  clock_ = now;
}

absl::StatusOr<Digests> FoldAgain(MemoryCluster& cluster, const Refold& how, Time now) {
  const int64_t before = RecordsOf(cluster);
  const bool silent = ProgressIsAtEnd(cluster);
  const std::unique_ptr<Log> log = cluster.OpenView("refold");
  TW_ASSIGN_OR_RETURN(std::unique_ptr<Projector> projector, OpenProjector(log.get(), how));
  int turns = 0;
  for (;;) {
    // Up to `now` and not beyond: there a timer may be due.
    const Time clock = std::min(now, now - Seconds(20) + Milliseconds(turns));
    TW_ASSIGN_OR_RETURN(const bool more, projector->RunOnce(clock));
    if (!more) break;
    if (++turns == kMostTurns) return absl::InternalError("a fold of a log at rest has no end");
    const bool drop = how.restart_every > 0 && turns % how.restart_every == 0 &&
                      turns / how.restart_every <= kMostRestarts;
    if (drop) {
      projector.reset();
      TW_ASSIGN_OR_RETURN(projector, OpenProjector(log.get(), how));
    }
  }
  v1::DigestResponse answer;
  TW_RETURN_IF_ERROR(projector->Digest(true, &answer));
  Digests digests;
  digests.state.assign(answer.state().begin(), answer.state().end());
  digests.content = answer.content();
  digests.written = silent ? RecordsOf(cluster) - before : 0;
  return digests;
}

absl::StatusOr<std::string> ContentOn(const MemoryCluster& from, int32_t partitions, Time now) {
  const std::vector<Fact> facts = FactsOf(from);
  Time clock = now;
  MemoryCluster cluster({.id = kSimLogId, .shared = true, .clock = [&clock] { return clock; }});
  MemoryDisk disk;
  const std::unique_ptr<Log> log = cluster.OpenView("facts");
  TW_RETURN_IF_ERROR(log->CreateTopics(PlanTopics(partitions)));
  TW_ASSIGN_OR_RETURN(
      const std::unique_ptr<Projector> projector,
      OpenProjector(log.get(),
                    {.batch = 1'000, .open_rocks = disk.Opener(), .folder = "facts/state"}));
  for (size_t i = 0; i < facts.size(); ++i) {
    const Record& fact = facts[i].record;
    if (i > 0 && facts[i - 1].defines && !facts[i].defines) {
      TW_RETURN_IF_ERROR(projector->RunToEnd(clock));
    }
    clock = fact.stamp;
    const NewRecord record{kStockEvents, PartitionOf(fact.key, partitions), fact.key, fact.value,
                           fact.headers};
    TW_RETURN_IF_ERROR(log->Append({&record, 1}).status());
  }
  TW_RETURN_IF_ERROR(projector->RunToEnd(clock));
  v1::DigestResponse answer;
  TW_RETURN_IF_ERROR(projector->Digest(false, &answer));
  return answer.content();
}

}  // namespace tallywire::sim
