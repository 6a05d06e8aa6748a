// SPDX-License-Identifier: Apache-2.0

// How fast the embedded log takes and gives records of an event's size (120 bytes, no headers; one
// run with the headers that the appender writes). Every append is synced.

#include <benchmark/benchmark.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "ledger/cloud_events.h"
#include "ledger/embedded_log.h"

namespace tallywire {
namespace {

namespace fs = std::filesystem;

class Bench {
 public:
  Bench()
      : folder_((fs::temp_directory_path() / ("log-bench-" + std::to_string(getpid()))).string()) {
    fs::remove_all(folder_);
    auto log = EmbeddedLog::Open({.folder = folder_});
    if (!log.ok()) Fail(log.status());
    log_ = *std::move(log);
    const TopicSpec spec{"bench", 4};
    if (const absl::Status status = log_->CreateTopics({&spec, 1}); !status.ok()) Fail(status);
    std::mt19937 random(1);
    for (int i = 0; i < 1000; ++i) {
      keys_.push_back("SKU-" + std::to_string(random() % 1'000'000));
      std::string value(105, ' ');
      for (char& c : value) c = static_cast<char>(' ' + random() % 64);
      values_.push_back(value);
    }
    SetCloudEvent("0123456789abcdef/7", "pos-17", headers_);
  }
  ~Bench() {
    log_.reset();
    fs::remove_all(folder_);
  }

  [[noreturn]] static void Fail(const absl::Status& status) {
    std::fprintf(stderr, "%s\n", status.ToString().c_str());
    std::exit(1);
  }

  void Append(size_t count, bool headers) {
    records_.clear();
    for (size_t i = 0; i < count; ++i) {
      const size_t n = next_++ % keys_.size();
      records_.push_back(
          {"bench", Partition(static_cast<int32_t>(n % 4)), keys_[n], values_[n], {}});
      if (headers) records_.back().headers = headers_;
    }
    const auto appended = log_->Append(records_);
    if (!appended.ok()) Fail(appended.status());
  }

  size_t Scan() {
    size_t count = 0;
    for (int p = 0; p < 4; ++p) {
      auto reader = log_->OpenReader("bench", Partition(p), Offset(0));
      if (!reader.ok()) Fail(reader.status());
      do {
        if (const absl::Status s = (*reader)->Poll(1000, Span(0), batch_); !s.ok()) Fail(s);
        count += batch_.records.size();
      } while (!batch_.records.empty());
    }
    return count;
  }

 private:
  const std::string folder_;
  std::unique_ptr<EmbeddedLog> log_;
  std::vector<std::string> keys_;
  std::vector<std::string> values_;
  CloudEventHeaders headers_;
  std::vector<NewRecord> records_;
  RecordBatch batch_;
  size_t next_ = 0;
};

void BM_Append(benchmark::State& state) {
  Bench bench;
  const auto count = static_cast<size_t>(state.range(0));
  for (auto _ : state) bench.Append(count, state.range(1) != 0);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_Append)
    ->ArgNames({"records", "headers"})
    ->Args({1, 0})
    ->Args({100, 0})
    ->Args({10'000, 0})
    ->Args({10'000, 1})
    ->UseRealTime();

void BM_Scan(benchmark::State& state) {
  Bench bench;
  for (int i = 0; i < 100; ++i) bench.Append(10'000, state.range(0) != 0);
  int64_t count = 0;
  for (auto _ : state) count += static_cast<int64_t>(bench.Scan());
  state.SetItemsProcessed(count);
}
BENCHMARK(BM_Scan)->ArgNames({"headers"})->Arg(0)->Arg(1)->UseRealTime();

}  // namespace
}  // namespace tallywire

BENCHMARK_MAIN();
