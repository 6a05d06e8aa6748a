// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/latency_bench.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <span>
#include <thread>
#include <utility>
#include <variant>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ledger/limits.h"
#include "ledger/status.h"
#include "ledger/topics.h"
#include "tallywire/v1/availability.pb.h"
#include "tallywire/v1/event.pb.h"
#include "tools/api/ledger.h"
#include "tools/bench/bench_place.h"
#include "tools/bench/event_mix.h"
#include "tools/bench/statistics.h"
#include "tools/bench/topic_watch.h"
#include "tools/commands/connect.h"
#include "tools/commands/serve.h"
#include "tools/progress.h"

namespace tallywire {
namespace {

using Clock = TopicWatch::Clock;

constexpr int32_t kPartitions = 6;
constexpr int32_t kLocations = 4;
constexpr int64_t kOpeningUnits = 1'000'000;
constexpr size_t kEchoBytes = 105;  // as an event
constexpr double kZipf = 0.99;
constexpr int kTurns = 5;  // of each of the two, at each rate
constexpr std::chrono::seconds kPatience(30);
constexpr std::string_view kSkuPrefix = "SKU-";

// Milliseconds, from when it was due.
using Latencies = std::vector<double>;

struct RateReport {
  double rate = 0;
  Latencies echo;
  Latencies availability;
};

double Milli(Clock::duration d) { return std::chrono::duration<double, std::milli>(d).count(); }

Clock::duration Micros(int64_t us) { return std::chrono::microseconds(us); }

// Sends `count` things at `rate`: `send` gets those that are due and have not been sent. When the
// first was due.
absl::StatusOr<Clock::time_point> SendOpenLoop(
    int64_t count, double rate, const std::function<bool()>& stop,
    const std::function<absl::Status(int64_t first, int64_t n)>& send) {
  const auto begin = Clock::now();
  for (int64_t sent = 0; sent < count;) {
    if (stop()) return absl::CancelledError("interrupted");
    const int64_t elapsed =
        std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin).count();
    const int64_t due = std::min(DueBy(elapsed, rate), count) - sent;
    if (due <= 0) {
      std::this_thread::sleep_until(begin + Micros(DueAt(sent, rate)));
      continue;
    }
    const int64_t n = std::min<int64_t>(due, static_cast<int64_t>(kMaxAppendBatch));
    TW_RETURN_IF_ERROR(send(sent, n));
    sent += n;
  }
  return begin;
}

// Waits for what has been sent; `missing` says how much of it has not been seen.
absl::Status WaitForAll(const TopicWatch& watch, const std::function<bool()>& stop,
                        const std::function<int64_t()>& missing) {
  const auto until = Clock::now() + kPatience;
  while (const int64_t left = missing()) {
    TW_RETURN_IF_ERROR(watch.status());
    if (stop()) return absl::CancelledError("interrupted");
    if (Clock::now() > until) {
      return absl::DeadlineExceededError(
          absl::StrCat(left, " records were appended and could not be read for ", kPatience.count(),
                       " seconds"));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return absl::OkStatus();
}

// The log alone: a record's number goes in, and when it comes out is kept.
class Echo {
 public:
  static absl::StatusOr<std::unique_ptr<Echo>> Open(Log* log, int32_t partitions,
                                                    std::function<bool()> stop) {
    std::unique_ptr<Echo> echo(new Echo(log, partitions, std::move(stop)));
    const TopicSpec spec{echo->topic_, partitions, Cleanup::kRetention, Seconds(3'600)};
    TW_RETURN_IF_ERROR(log->CreateTopics({&spec, 1}));
    TW_ASSIGN_OR_RETURN(
        echo->watch_,
        TopicWatch::Open(log, echo->topic_, partitions,
                         [e = echo.get()](std::span<const Record> records, Clock::time_point now) {
                           e->See(records, now);
                         }));
    return echo;
  }

  absl::Status Run(double rate, int64_t count, Latencies* out) {
    {
      const std::lock_guard lock(mu_);
      seen_.assign(static_cast<size_t>(count), {});
      left_ = count;
    }
    TW_ASSIGN_OR_RETURN(const auto begin,
                        SendOpenLoop(count, rate, stop_,
                                     [this](int64_t first, int64_t n) { return Send(first, n); }));
    TW_RETURN_IF_ERROR(WaitForAll(*watch_, stop_, [this] {
      const std::lock_guard lock(mu_);
      return left_;
    }));
    const std::lock_guard lock(mu_);
    for (int64_t i = 0; i < count; ++i) {
      out->push_back(Milli(seen_[static_cast<size_t>(i)] - begin - Micros(DueAt(i, rate))));
    }
    return absl::OkStatus();
  }

  const std::string& topic() const { return topic_; }

 private:
  Echo(Log* log, int32_t partitions, std::function<bool()> stop)
      : log_(log),
        partitions_(partitions),
        stop_(std::move(stop)),
        topic_(absl::StrCat("tallywire-bench-", MachineNow().value() / 1'000'000, ".echo")) {}

  absl::Status Send(int64_t first, int64_t n) {
    std::vector<std::string> values(static_cast<size_t>(n), std::string(kEchoBytes, 'x'));
    std::vector<NewRecord> records;
    for (int64_t i = 0; i < n; ++i) {
      const int64_t number = first + i;
      std::string& value = values[static_cast<size_t>(i)];
      std::memcpy(value.data(), &number, sizeof(number));
      records.push_back({.topic = topic_,
                         .partition = Partition(static_cast<int32_t>(number % partitions_)),
                         .key = "SKU-0000000",
                         .value = value});
    }
    return log_->Append(records).status();
  }

  void See(std::span<const Record> records, Clock::time_point now) {
    const std::lock_guard lock(mu_);
    for (const Record& record : records) {
      int64_t number = 0;
      if (record.value.size() != kEchoBytes) continue;
      std::memcpy(&number, record.value.data(), sizeof(number));
      if (number < 0 || number >= std::ssize(seen_)) continue;
      Clock::time_point& seen = seen_[static_cast<size_t>(number)];
      if (seen == Clock::time_point{}) --left_;
      seen = now;
    }
  }

  Log* const log_;
  const int32_t partitions_;
  const std::function<bool()> stop_;
  const std::string topic_;

  std::mutex mu_;
  // Guarded by mu_.
  std::vector<Clock::time_point> seen_;  // by number
  int64_t left_ = 0;

  std::unique_ptr<TopicWatch> watch_;  // last: its thread uses the others
};

// The whole way: a sale is appended, and when the SKU's TOTAL has it is kept.
class Sales {
 public:
  static absl::StatusOr<std::unique_ptr<Sales>> Open(Ledger* ledger, Log* reader_log,
                                                     const BenchLatencyOptions& options,
                                                     std::function<bool()> stop) {
    std::unique_ptr<Sales> sales(new Sales(ledger, options, std::move(stop)));
    TW_RETURN_IF_ERROR(sales->Stock());
    TW_RETURN_IF_ERROR(ledger->SettleNow());
    TW_ASSIGN_OR_RETURN(
        sales->watch_,
        TopicWatch::Open(reader_log, kStockAvailability, ledger->partitions(),
                         [s = sales.get()](std::span<const Record> records, Clock::time_point now) {
                           s->See(records, now);
                         }));
    ledger->Start();
    return sales;
  }

  absl::Status Run(double rate, int64_t count, Latencies* out) {
    sent_.clear();
    {
      const std::lock_guard lock(mu_);
      for (auto& rows : rows_) rows.clear();
    }
    TW_ASSIGN_OR_RETURN(
        const auto begin,
        SendOpenLoop(count, rate, stop_, [this](int64_t, int64_t n) { return Send(n); }));
    TW_RETURN_IF_ERROR(WaitForAll(*watch_, stop_, [this] { return Missing(); }));
    const std::lock_guard lock(mu_);
    for (size_t i = 0; i < sent_.size(); ++i) {
      const Row* row = Find(sent_[i]);
      out->push_back(Milli(row->seen - begin - Micros(DueAt(static_cast<int64_t>(i), rate))));
    }
    return ledger_->Trouble();
  }

 private:
  struct Sent {
    size_t sku = 0;
    int64_t offset = 0;
  };
  struct Row {
    int64_t version = 0;
    Clock::time_point seen;
  };

  Sales(Ledger* ledger, const BenchLatencyOptions& options, std::function<bool()> stop)
      : ledger_(ledger),
        stop_(std::move(stop)),
        zipf_(options.skus, kZipf),
        random_(options.seed),
        rows_(static_cast<size_t>(options.skus)) {}

  static std::string LocationOf(size_t sku) { return absl::StrFormat("WH%02d", sku % kLocations); }

  void Name(size_t sku, v1::StockEvent* event) {
    event->set_event_id(absl::StrCat("event-", next_id_++));
    event->set_source("bench");
    event->set_sku(absl::StrFormat("%s%07d", std::string(kSkuPrefix), sku));
  }

  absl::StatusOr<std::vector<AppendResult>> Append(const std::vector<v1::StockEvent>& events) {
    std::vector<const v1::StockEvent*> pointers;
    for (const v1::StockEvent& event : events) pointers.push_back(&event);
    TW_ASSIGN_OR_RETURN(auto results, ledger_->appender().Append(pointers));
    for (const AppendResult& result : results) {
      if (const auto* refusal = std::get_if<Refusal>(&result)) {
        return absl::InternalError("an event was refused: " + refusal->detail);
      }
    }
    // Nobody wakes a projector for what comes through a cluster.
    if (!ledger_->log().IsShared()) ledger_->Wake();
    return results;
  }

  absl::Status Stock() {
    std::vector<v1::StockEvent> events(kLocations);
    for (size_t i = 0; i < events.size(); ++i) {
      events[i].set_event_id(absl::StrCat("location-", i));
      events[i].set_source("bench");
      v1::LocationDefined* defined = events[i].mutable_location_defined();
      defined->set_location(LocationOf(i));
      defined->set_kind(v1::SITE_KIND_WAREHOUSE);
      defined->set_sellable(true);
    }
    TW_RETURN_IF_ERROR(Append(events).status());
    events.clear();
    for (size_t sku = 0; sku < rows_.size(); ++sku) {
      v1::StockEvent& event = events.emplace_back();
      Name(sku, &event);
      event.mutable_received()->set_location(LocationOf(sku));
      event.mutable_received()->set_quantity(kOpeningUnits);
      if (events.size() < kMaxAppendBatch && sku + 1 < rows_.size()) continue;
      TW_RETURN_IF_ERROR(Append(events).status());
      events.clear();
    }
    return absl::OkStatus();
  }

  absl::Status Send(int64_t n) {
    std::vector<v1::StockEvent> events(static_cast<size_t>(n));
    std::vector<size_t> skus;
    for (v1::StockEvent& event : events) {
      const double uniform = static_cast<double>(random_() >> 11) * 0x1.0p-53;
      const auto sku = static_cast<size_t>(zipf_.Rank(uniform));
      skus.push_back(sku);
      Name(sku, &event);
      event.mutable_sold()->set_location(LocationOf(sku));
      event.mutable_sold()->set_quantity(1);
      event.mutable_sold()->set_channel("shop");
    }
    TW_ASSIGN_OR_RETURN(const auto results, Append(events));
    for (size_t i = 0; i < skus.size(); ++i) {
      sent_.push_back({skus[i], std::get<AppendedEvent>(results[i]).offset.value()});
    }
    return absl::OkStatus();
  }

  void See(std::span<const Record> records, Clock::time_point now) {
    const std::lock_guard lock(mu_);
    for (const Record& record : records) {
      // The TOTAL's key ends with the zero byte.
      size_t sku = 0;
      if (record.key.empty() || record.key.back() != '\0') continue;
      const std::string_view digits =
          record.key.substr(kSkuPrefix.size(), record.key.size() - kSkuPrefix.size() - 1);
      if (!absl::SimpleAtoi(absl::string_view(digits.data(), digits.size()), &sku)) continue;
      if (sku >= rows_.size() ||
          !row_.ParseFromArray(record.value.data(), static_cast<int>(record.value.size()))) {
        continue;
      }
      std::vector<Row>& rows = rows_[sku];
      if (rows.empty() || rows.back().version < row_.version()) {
        rows.push_back({row_.version(), now});
      }
    }
  }

  // The first that has the sale; null: none yet. With mu_ held.
  const Row* Find(const Sent& sent) const {
    const std::vector<Row>& rows = rows_[sent.sku];
    const auto found = std::partition_point(
        rows.begin(), rows.end(), [&](const Row& row) { return row.version < sent.offset; });
    return found == rows.end() ? nullptr : &*found;
  }

  int64_t Missing() {
    const std::lock_guard lock(mu_);
    return std::count_if(sent_.begin(), sent_.end(),
                         [this](const Sent& sent) { return Find(sent) == nullptr; });
  }

  Ledger* const ledger_;
  const std::function<bool()> stop_;
  const Zipf zipf_;
  std::mt19937_64 random_;
  int64_t next_id_ = 0;
  std::vector<Sent> sent_;

  std::mutex mu_;
  // Guarded by mu_.
  std::vector<std::vector<Row>> rows_;  // by SKU, versions rise
  v1::Availability row_;

  std::unique_ptr<TopicWatch> watch_;  // last: its thread uses the others
};

// What is invented does not go where facts are.
absl::Status CheckNothingThere(Log& log) {
  const absl::StatusOr<TopicSpec> events = log.Describe(kStockEvents);
  if (absl::IsNotFound(events.status())) return absl::OkStatus();
  TW_RETURN_IF_ERROR(events.status());
  for (int32_t p = 0; p < events->partitions; ++p) {
    TW_ASSIGN_OR_RETURN(const LogBounds bounds, log.Bounds(kStockEvents, Partition(p)));
    if (bounds.end == Offset(0)) continue;
    return absl::FailedPreconditionError(
        absl::StrCat("stock.events has records already, ", bounds.end.value(), " in partition ", p,
                     ": the measurement appends invented events to the ledger's own topics, so it "
                     "takes a cluster without a ledger (deploy/kafka/up makes one)"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<RateReport>> Measure(const BenchLatencyOptions& options, Echo& echo,
                                                Sales& sales) {
  std::vector<RateReport> reports;
  Latencies warm;
  TW_RETURN_IF_ERROR(echo.Run(1'000, 500, &warm));
  TW_RETURN_IF_ERROR(sales.Run(1'000, 500, &warm));
  for (const double rate : options.rates) {
    RateReport& report = reports.emplace_back();
    report.rate = rate;
    const auto all = static_cast<int64_t>(std::max(1.0, rate * options.seconds));
    // Turns are not shorter than a record.
    const int64_t turns = std::min<int64_t>(kTurns, all);
    for (int64_t turn = 0; turn < turns; ++turn) {
      const int64_t count = all * (turn + 1) / turns - all * turn / turns;
      TW_RETURN_IF_ERROR(echo.Run(rate, count, &report.echo));
      TW_RETURN_IF_ERROR(sales.Run(rate, count, &report.availability));
    }
  }
  return reports;
}

double RatioOfP99(const RateReport& report) {
  return Ratio(Percentile(report.availability, 0.99), Percentile(report.echo, 0.99));
}

void PrintTable(Output& out, const std::vector<RateReport>& reports, int32_t partitions) {
  out.Write(absl::StrFormat("%10s   %-28s %-28s\n%10s   %-28s %-28s %9s %9s\n", "", "echo, ms",
                            "append to availability, ms", "events/s", "   p50      p99      max",
                            "   p50      p99      max", "p99 ratio", "events"));
  const auto three = [](const Latencies& latencies) {
    return absl::StrFormat("%6.1f %8.1f %8.1f", Percentile(latencies, 0.5),
                           Percentile(latencies, 0.99), Percentile(latencies, 1));
  };
  for (const RateReport& r : reports) {
    out.Write(absl::StrFormat("%10s   %-28s %-28s %9.1f %9s\n",
                              WithCommas(static_cast<int64_t>(r.rate)), three(r.echo),
                              three(r.availability), RatioOfP99(r),
                              WithCommas(static_cast<int64_t>(r.availability.size()))));
  }
  const MachineLoad machine = LoadOfMachine();
  out.Write(absl::StrFormat("\n%d partitions; load %.1f on %d processors\n", partitions,
                            machine.load, machine.processors));
}

void PrintJson(Output& out, const std::vector<RateReport>& reports, int32_t partitions) {
  const auto three = [](const Latencies& latencies) {
    return absl::StrFormat(R"({"p50_ms":%.3f,"p99_ms":%.3f,"max_ms":%.3f})",
                           Percentile(latencies, 0.5), Percentile(latencies, 0.99),
                           Percentile(latencies, 1));
  };
  std::string rates;
  for (const RateReport& r : reports) {
    absl::StrAppendFormat(&rates,
                          R"(%s{"events_per_second":%g,"events":%d,"echo":%s,"availability":%s,)"
                          R"("p99_ratio":%.3f})",
                          rates.empty() ? "" : ",", r.rate, r.availability.size(), three(r.echo),
                          three(r.availability), RatioOfP99(r));
  }
  const MachineLoad machine = LoadOfMachine();
  out.Write(absl::StrFormat(R"({"rates":[%s],"partitions":%d,"load":%.2f,"processors":%d})"
                            "\n",
                            rates, partitions, machine.load, machine.processors));
}

}  // namespace

Result RunBenchLatency(Context& context, const BenchLatencyOptions& options) {
  TW_ASSIGN_OR_RETURN(const BenchFolder folder, BenchFolder::Make(options.folder));
  Ledger::Options ledger_options;
  ledger_options.folder = folder.path() + "/ledger";
  ledger_options.log = LogOf(context.config);
  ledger_options.partitions =
      context.config.partitions() == 0 ? kPartitions : context.config.partitions();
  ledger_options.publish = false;
  // As another process would read.
  std::unique_ptr<Log> outside;
  if (ledger_options.log.is_kafka()) {
    ledger_options.group = ServeOptions().group;
    TW_ASSIGN_OR_RETURN(outside, OpenLog(ledger_options.log, "", MachineNow));
    TW_RETURN_IF_ERROR(CheckNothingThere(*outside));
    TW_RETURN_IF_ERROR(outside->CreateTopics(PlanTopics(ledger_options.partitions)));
  }
  TW_ASSIGN_OR_RETURN(const std::unique_ptr<Ledger> ledger,
                      Ledger::Open(std::move(ledger_options)));
  Log* const log = outside ? outside.get() : &ledger->log();
  std::vector<RateReport> reports;
  std::string echo_topic;
  {
    TW_ASSIGN_OR_RETURN(const auto sales,
                        Sales::Open(ledger.get(), log, options, context.host->stop));
    TW_ASSIGN_OR_RETURN(const auto echo, Echo::Open(log, ledger->partitions(), context.host->stop));
    TW_ASSIGN_OR_RETURN(reports, Measure(options, *echo, *sales));
    echo_topic = echo->topic();
  }
  const int32_t partitions = ledger->partitions();
  TW_RETURN_IF_ERROR(ledger->Stop());
  if (context.format() == Format::kTable) {
    PrintTable(context.out(), reports, partitions);
  } else {
    PrintJson(context.out(), reports, partitions);
  }
  TW_RETURN_IF_ERROR(context.out().Flush());
  if (outside) {
    context.Say(absl::StrCat("the ledger's topics and ", echo_topic,
                             " stay, with invented events: the cluster is for nothing else now"));
  }
  return Exit::kOk;
}

}  // namespace tallywire
