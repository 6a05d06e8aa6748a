// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/project_bench.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ledger/codec.h"
#include "ledger/status.h"
#include "ledger/topics.h"
#include "projector/projector.h"
#include "tools/api/open_log.h"
#include "tools/bench/bench_place.h"
#include "tools/bench/event_mix.h"
#include "tools/bench/mapped_log.h"
#include "tools/bench/meter.h"
#include "tools/bench/statistics.h"
#include "tools/commands/connect.h"
#include "tools/progress.h"

namespace tallywire {
namespace {

constexpr int32_t kPartitions = 6;
constexpr size_t kAppend = 10'000;    // events appended at once
constexpr size_t kPoll = 10'000;      // records asked for at once, as the projector does
constexpr size_t kOutputs = 20'000;   // outputs appended at once, likewise
constexpr int64_t kSamples = 50'000;  // outputs that the pipe sends again and again
constexpr std::chrono::seconds kPatience(60);

using Names = std::map<std::string, std::string, std::less<>>;

// What the projector put out.
struct Outputs {
  int64_t records = 0;
  int64_t bytes = 0;
  std::map<std::string, int64_t> by_topic;
};

struct Sample {
  Partition partition;
  std::string key;
  std::string value;
};

// One of the three, over all rounds.
struct Runs {
  std::vector<double> per_second;
  std::vector<double> cpu_per_million;

  void Add(const ProcessCost& cost, int64_t events) {
    per_second.push_back(static_cast<double>(events) / std::max(cost.wall_seconds, 1e-9));
    cpu_per_million.push_back(cost.cpu_seconds * 1e6 / static_cast<double>(events));
  }
};

struct Report {
  int64_t events = 0;
  int64_t event_bytes = 0;
  int32_t partitions = 0;
  Runs raw;
  Runs pipe;
  Runs projector;
  Outputs outputs;
  Resident before;
  Resident after;
  MachineLoad load;
};

class ProjectBench {
 public:
  ProjectBench(Context& context, const BenchProjectOptions& options, Log* log, std::string folder)
      : context_(context),
        options_(options),
        log_(log),
        folder_(std::move(folder)),
        prefix_(absl::StrCat("tallywire-bench-", MachineNow().value() / 1'000'000, ".")),
        progress_(&context.err(), "bench project", "events") {}

  absl::Status Run();
  const Report& report() const { return report_; }
  const std::string& prefix() const { return prefix_; }

 private:
  // Topics of one round; those that all have in common aside.
  Names RoundNames(int round) const;
  absl::Status MakeEvents();
  absl::Status AppendEvents(MappedLog& log, const EncodedEvents& events);
  absl::Status DefineLocations(MappedLog& log, const EventMix& mix);

  absl::Status Raw();
  absl::Status Pipe();
  absl::Status Project(int round);
  // Reads all events; `turn` is told how many came with each turn over all partitions.
  absl::Status Read(const std::function<absl::Status(size_t)>& turn);
  void KeepSample(const NewRecord& record);
  absl::Status SendSamples(Log& log, const std::string& topic, size_t count);

  Context& context_;
  const BenchProjectOptions& options_;
  Log* const log_;
  const std::string folder_;
  const std::string prefix_;
  Progress progress_;
  Report report_;
  std::vector<Offset> ends_;  // of stock.events
  std::vector<Sample> samples_;
  int64_t seen_outputs_ = 0;
  size_t next_sample_ = 0;
};

Names ProjectBench::RoundNames(int round) const {
  Names names;
  for (const std::string_view topic :
       {kStockAvailability, kStockAlerts, kStockDeadLetters, kStockProgress}) {
    names[std::string(topic)] = absl::StrCat(prefix_, "round-", round, ".", std::string(topic));
  }
  names[std::string(kStockEvents)] = prefix_ + std::string(kStockEvents);
  return names;
}

absl::Status ProjectBench::DefineLocations(MappedLog& log, const EventMix& mix) {
  std::vector<std::string> values;
  for (int32_t i = 0; i < mix.locations(); ++i) {
    for (int32_t p = 0; p < report_.partitions; ++p) {
      values.push_back(EncodeLocationCopied(Partition(p), Partition(0), Offset(i),
                                            mix.LocationName(i),
                                            {.kind = SiteKind::kWarehouse,
                                             .sellable = true,
                                             .priority = {},
                                             .lead_time = {},
                                             .coordinates = {}}));
    }
  }
  std::vector<NewRecord> records;
  for (size_t i = 0; i < values.size(); ++i) {
    records.push_back({.topic = kStockEvents,
                       .partition = Partition(static_cast<int32_t>(i) % report_.partitions),
                       .key = "",
                       .value = values[i]});
  }
  return log.Append(records).status();
}

absl::Status ProjectBench::AppendEvents(MappedLog& log, const EncodedEvents& events) {
  std::vector<NewRecord> records;
  for (size_t i = 0; i < events.size(); ++i) {
    records.push_back({.topic = kStockEvents,
                       .partition = PartitionOf(events.keys[i], report_.partitions),
                       .key = events.keys[i],
                       .value = events.value(i)});
    if (records.size() < kAppend && i + 1 < events.size()) continue;
    TW_RETURN_IF_ERROR(log.Append(records).status());
    records.clear();
  }
  report_.events += static_cast<int64_t>(events.size());
  report_.event_bytes += static_cast<int64_t>(events.bytes.size());
  return absl::OkStatus();
}

absl::Status ProjectBench::MakeEvents() {
  MappedLog log(log_, RoundNames(0));
  const std::vector<TopicSpec> topics = PlanTopics(report_.partitions);
  const TopicSpec pipe{prefix_ + "pipe", report_.partitions, Cleanup::kCompact, {}};
  TW_RETURN_IF_ERROR(log_->CreateTopics({&pipe, 1}));
  for (int round = 0; round <= options_.rounds; ++round) {
    TW_RETURN_IF_ERROR(MappedLog(log_, RoundNames(round)).CreateTopics(topics));
  }
  EventMix mix(options_.skus, options_.locations, options_.seed, options_.stocked);
  TW_RETURN_IF_ERROR(DefineLocations(log, mix));
  EncodedEvents events;
  EncodedEvents opening;
  for (int64_t done = 0; done < options_.events;) {
    if (context_.host->stop()) return absl::CancelledError("interrupted");
    const auto n = static_cast<size_t>(
        std::min<int64_t>(static_cast<int64_t>(kAppend), options_.events - done));
    mix.Next(n, &events);
    if (options_.stocked) {
      mix.Opening(&opening);
      TW_RETURN_IF_ERROR(AppendEvents(log, opening));
    }
    TW_RETURN_IF_ERROR(AppendEvents(log, events));
    done += static_cast<int64_t>(n);
    progress_.Update(done, options_.events);
  }
  for (int32_t p = 0; p < report_.partitions; ++p) {
    TW_ASSIGN_OR_RETURN(const LogBounds bounds, log.Bounds(kStockEvents, Partition(p)));
    ends_.push_back(bounds.end);
  }
  return absl::OkStatus();
}

absl::Status ProjectBench::Read(const std::function<absl::Status(size_t)>& turn) {
  using Clock = std::chrono::steady_clock;
  const std::string topic = prefix_ + std::string(kStockEvents);
  std::vector<std::unique_ptr<LogReader>> readers;
  std::vector<RecordBatch> batches(ends_.size());
  for (size_t p = 0; p < ends_.size(); ++p) {
    TW_ASSIGN_OR_RETURN(readers.emplace_back(),
                        log_->OpenReader(topic, Partition(static_cast<int32_t>(p)), Offset(0)));
  }
  auto last = Clock::now();
  for (bool all = false; !all;) {
    all = true;
    size_t records = 0;
    for (size_t p = 0; p < readers.size(); ++p) {
      TW_RETURN_IF_ERROR(readers[p]->Poll(kPoll, Span(0), batches[p]));
      records += batches[p].records.size();
      all = all && readers[p]->Position() >= ends_[p];
    }
    if (records > 0) {
      last = Clock::now();
      TW_RETURN_IF_ERROR(turn(records));
    } else if (!all) {
      if (context_.host->stop()) return absl::CancelledError("interrupted");
      if (Clock::now() - last > kPatience) return absl::UnavailableError("the log gives nothing");
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  return absl::OkStatus();
}

absl::Status ProjectBench::Raw() {
  const ProcessMeter meter;
  TW_RETURN_IF_ERROR(Read([](size_t) { return absl::OkStatus(); }));
  report_.raw.Add(meter.Cost(), report_.events);
  return absl::OkStatus();
}

absl::Status ProjectBench::SendSamples(Log& log, const std::string& topic, size_t count) {
  std::vector<NewRecord> records;
  records.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    const Sample& sample = samples_[next_sample_++ % samples_.size()];
    records.push_back(
        {.topic = topic, .partition = sample.partition, .key = sample.key, .value = sample.value});
  }
  return log.Append(records).status();
}

absl::Status ProjectBench::Pipe() {
  if (samples_.empty()) return absl::FailedPreconditionError("the projector put nothing out");
  const std::string topic = prefix_ + "pipe";
  const double each =
      Ratio(static_cast<double>(report_.outputs.records), static_cast<double>(report_.events));
  const ProcessMeter meter;
  int64_t read = 0;
  int64_t sent = 0;
  const absl::Status piped = Read([&](size_t records) -> absl::Status {
    read += static_cast<int64_t>(records);
    while (static_cast<double>(read) * each - static_cast<double>(sent) >= kOutputs) {
      TW_RETURN_IF_ERROR(SendSamples(*log_, topic, kOutputs));
      sent += static_cast<int64_t>(kOutputs);
    }
    return absl::OkStatus();
  });
  TW_RETURN_IF_ERROR(piped);
  TW_RETURN_IF_ERROR(SendSamples(
      *log_, topic, static_cast<size_t>(std::max<int64_t>(0, report_.outputs.records - sent))));
  report_.pipe.Add(meter.Cost(), report_.events);
  return absl::OkStatus();
}

void ProjectBench::KeepSample(const NewRecord& record) {
  const int64_t stride = std::max<int64_t>(1, report_.events / kSamples);
  if (seen_outputs_++ % stride != 0 || static_cast<int64_t>(samples_.size()) >= kSamples) return;
  samples_.push_back({record.partition, std::string(record.key), std::string(record.value)});
}

absl::Status ProjectBench::Project(int round) {
  MappedLog log(log_, RoundNames(round));
  // The round that nobody counts.
  if (round == 0) log.Watch([this](const NewRecord& record) { KeepSample(record); });
  Projector::Options options;
  options.folder = absl::StrCat(folder_, "/round-", round);
  options.threads = std::max(1u, std::thread::hardware_concurrency());
  const ProcessMeter meter;
  TW_ASSIGN_OR_RETURN(const std::unique_ptr<Projector> projector, Projector::Open(&log, options));
  const auto all_folded = [&] {
    const std::vector<Projector::Mark> marks = projector->Marks();
    return std::all_of(marks.begin(), marks.end(), [this](const Projector::Mark& mark) {
      return mark.next >= ends_[static_cast<size_t>(mark.partition.value())];
    });
  };
  while (!all_folded()) {
    if (context_.host->stop()) return absl::CancelledError("interrupted");
    TW_ASSIGN_OR_RETURN(const bool more, projector->RunOnce(MachineNow()));
    if (!more) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  TW_RETURN_IF_ERROR(projector->RunToEnd(MachineNow()));
  const ProcessCost cost = meter.Cost();
  report_.after = ResidentMemory();
  if (round > 0) {
    report_.projector.Add(cost, report_.events);
  }
  report_.outputs = {};
  for (const auto& [topic, count] : log.appended()) {
    report_.outputs.records += count.records;
    report_.outputs.bytes += count.bytes;
    report_.outputs.by_topic[topic] = count.records;
  }
  return projector->Close();
}

absl::Status ProjectBench::Run() {
  report_.partitions =
      context_.config.partitions() == 0 ? kPartitions : context_.config.partitions();
  TW_RETURN_IF_ERROR(MakeEvents());
  report_.before = ResidentMemory();
  TW_RETURN_IF_ERROR(Project(0));
  for (int round = 1; round <= options_.rounds; ++round) {
    progress_.Update(round - 1, -1);
    TW_RETURN_IF_ERROR(Raw());
    TW_RETURN_IF_ERROR(Pipe());
    TW_RETURN_IF_ERROR(Project(round));
  }
  progress_.Done();
  report_.load = LoadOfMachine();
  return absl::OkStatus();
}

// How much of the other's speed the projector reaches, by the clock and by what it burns.
struct Ratios {
  double clock = 0;
  double cpu = 0;
};

Ratios RatiosTo(const Runs& other, const Runs& projector) {
  return {.clock = MedianRatio(projector.per_second, other.per_second),
          .cpu = MedianRatio(other.cpu_per_million, projector.cpu_per_million)};
}

void PrintTable(Output& out, const BenchProjectOptions& options, const Report& r) {
  out.Write(absl::StrFormat("%-14s %12s %24s\n", "", "events/s", "CPU s a million events"));
  const auto row = [&out](const char* name, const Runs& runs) {
    out.Write(absl::StrFormat("%-14s %12s %24.2f\n", name,
                              WithCommas(static_cast<int64_t>(Median(runs.per_second))),
                              Median(runs.cpu_per_million)));
  };
  row("raw consume", r.raw);
  row("pipe", r.pipe);
  row("projector", r.projector);
  out.Write("\n");
  const auto line = [&out](const char* name, const std::string& value) {
    out.Write(absl::StrFormat("%-18s %s\n", name, value));
  };
  const auto ratio = [&line](const char* name, const Ratios& ratios) {
    line(name, absl::StrFormat("%.2f by the clock, %.2f by CPU", ratios.clock, ratios.cpu));
  };
  ratio("projector / pipe", RatiosTo(r.pipe, r.projector));
  ratio("projector / raw", RatiosTo(r.raw, r.projector));
  const auto events = static_cast<double>(r.events);
  const auto outputs = static_cast<double>(r.outputs.records);
  std::string kinds;
  for (const auto& [topic, count] : r.outputs.by_topic) {
    absl::StrAppend(&kinds, kinds.empty() ? "" : ", ", WithCommas(count), " ", topic);
  }
  line("outputs an event",
       absl::StrFormat("%.2f, %.0f bytes each: %s", Ratio(outputs, events),
                       Ratio(static_cast<double>(r.outputs.bytes), outputs), kinds));
  line("memory", absl::StrFormat("%.0f MB resident (%.0f before the first projector), %.0f at most",
                                 static_cast<double>(r.after.bytes) / 1e6,
                                 static_cast<double>(r.before.bytes) / 1e6,
                                 static_cast<double>(r.after.peak_bytes) / 1e6));
  line("events",
       absl::StrFormat("%s, %.0f bytes each, %d SKUs, %d locations, %d partitions, seed "
                       "%d%s; median of %d rounds",
                       WithCommas(r.events), Ratio(static_cast<double>(r.event_bytes), events),
                       options.skus, options.locations, r.partitions, options.seed,
                       options.stocked ? ", stocked" : "", options.rounds));
  line("machine", absl::StrFormat("load %.1f on %d processors", r.load.load, r.load.processors));
}

void PrintJson(Output& out, const BenchProjectOptions& options, const Report& r) {
  const auto runs = [](const Runs& one) {
    return absl::StrFormat(R"({"events_per_second":%.0f,"cpu_seconds_per_million":%.4f})",
                           Median(one.per_second), Median(one.cpu_per_million));
  };
  const auto ratios = [](const Ratios& one) {
    return absl::StrFormat(R"({"clock":%.4f,"cpu":%.4f})", one.clock, one.cpu);
  };
  out.Write(absl::StrFormat(
      R"({"events":%d,"skus":%d,"locations":%d,"partitions":%d,"rounds":%d,"seed":%d,)"
      R"("stocked":%s,"raw":%s,"pipe":%s,"projector":%s,"projector_to_pipe":%s,)"
      R"("projector_to_raw":%s,"outputs":%d,"output_bytes":%d,)"
      R"("resident_bytes":%d,"resident_bytes_before":%d,"resident_bytes_peak":%d,"load":%.2f,)"
      R"("processors":%d})"
      "\n",
      r.events, options.skus, options.locations, r.partitions, options.rounds, options.seed,
      options.stocked ? "true" : "false", runs(r.raw), runs(r.pipe), runs(r.projector),
      ratios(RatiosTo(r.pipe, r.projector)), ratios(RatiosTo(r.raw, r.projector)),
      r.outputs.records, r.outputs.bytes, r.after.bytes, r.before.bytes, r.after.peak_bytes,
      r.load.load, r.load.processors));
}

}  // namespace

Result RunBenchProject(Context& context, const BenchProjectOptions& options) {
  TW_ASSIGN_OR_RETURN(const BenchFolder folder, BenchFolder::Make(options.folder));
  const LogChoice choice = LogOf(context.config);
  TW_ASSIGN_OR_RETURN(const std::unique_ptr<Log> log,
                      OpenLog(choice, folder.path() + "/log", MachineNow));
  ProjectBench bench(context, options, log.get(), folder.path() + "/state");
  TW_RETURN_IF_ERROR(bench.Run());
  if (context.format() == Format::kTable) {
    PrintTable(context.out(), options, bench.report());
  } else {
    PrintJson(context.out(), options, bench.report());
  }
  TW_RETURN_IF_ERROR(context.out().Flush());
  if (choice.is_kafka()) {
    context.Say(absl::StrCat("the topics that begin with ", bench.prefix(),
                             " stay: delete them when nobody needs them"));
  }
  return Exit::kOk;
}

}  // namespace tallywire
