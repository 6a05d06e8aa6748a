// SPDX-License-Identifier: Apache-2.0

// kafka_bench HOST:PORT [RECORDS [NAME=VALUE…]]: appends records of 100 bytes, 10,000 at a time, to
// a topic of six partitions, and reads them back, all partitions by one thread. Without headers,
// then with two. Prints records a second and this process's CPU for each record; the topic stays
// behind.

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "ledger/kafka/kafka_log.h"
#include "ledger/topics.h"

namespace tallywire {
namespace {

constexpr int32_t kPartitions = 6;
constexpr size_t kAppend = 10'000;

[[noreturn]] void Fail(const absl::Status& status) {
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  std::exit(1);
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Prints on its way out.
class Measure {
 public:
  Measure(const char* what, size_t records) : what_(what), records_(records) {}
  ~Measure() {
    const double wall =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
    const double cpu = CpuSeconds() - cpu_;
    const auto records = static_cast<double>(records_);
    std::printf("%-24s %6.3f M records/s   %5.2f us CPU a record\n", what_, records / wall / 1e6,
                cpu / records * 1e6);
  }

 private:
  const char* const what_;
  const size_t records_;
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  const double cpu_ = CpuSeconds();
};

void AppendAll(Log& log, const std::string& topic, size_t total, bool with_headers) {
  const std::vector<Header> headers = {{"ce_id", "0123456789abcdef/7"}, {"ce_source", "pos-17"}};
  std::vector<std::string> keys;
  std::vector<std::string> values;
  uint32_t state = 1;
  for (size_t i = 0; i < kAppend; ++i) {
    keys.push_back("SKU-" + std::to_string((state = state * 1664525 + 1013904223) % 1'000'000));
    values.emplace_back(90, ' ');
    for (char& c : values.back()) {
      c = static_cast<char>('0' + ((state = state * 1664525 + 1013904223) >> 28));
    }
  }
  const Measure measure(with_headers ? "append, two headers" : "append", total);
  for (size_t done = 0; done < total; done += kAppend) {
    std::vector<NewRecord> records;
    for (size_t i = 0; i < kAppend; ++i) {
      records.push_back({topic, PartitionOf(keys[i], kPartitions), keys[i], values[i], {}});
      if (with_headers) records.back().headers = headers;
    }
    if (const auto appended = log.Append(records); !appended.ok()) Fail(appended.status());
  }
}

void ReadAll(Log& log, const std::string& topic, size_t total, bool with_headers) {
  const Measure measure(with_headers ? "read, two headers" : "read", total);
  std::vector<std::unique_ptr<LogReader>> readers;
  for (int p = 0; p < kPartitions; ++p) {
    auto reader = log.OpenReader(topic, Partition(p), Offset(0));
    if (!reader.ok()) Fail(reader.status());
    readers.push_back(*std::move(reader));
  }
  RecordBatch batch;
  size_t seen = 0;
  for (size_t turn = 0; seen < total; ++turn) {
    const absl::Status status =
        readers[turn % readers.size()]->Poll(10'000, Milliseconds(1), batch);
    if (!status.ok()) Fail(status);
    seen += batch.records.size();
  }
}

void Run(const KafkaConnection& connection, size_t total) {
  auto log = KafkaLog::Open({.connection = connection});
  if (!log.ok()) Fail(log.status());
  for (const bool headers : {false, true}) {
    const std::string topic =
        "bench." + std::to_string(getpid()) + (headers ? ".headers" : ".plain");
    const TopicSpec spec{topic, kPartitions};
    if (const absl::Status status = (*log)->CreateTopics({&spec, 1}); !status.ok()) Fail(status);
    // The first append waits for the connection.
    AppendAll(**log, topic, kAppend, headers);
    AppendAll(**log, topic, total, headers);
    ReadAll(**log, topic, total, headers);
  }
}

}  // namespace
}  // namespace tallywire

int main(int argc, char** argv) {
  size_t total = 1'000'000;
  if (argc < 2 || (argc > 2 && !absl::SimpleAtoi(argv[2], &total))) {
    std::fprintf(stderr, "usage: %s HOST:PORT [RECORDS [NAME=VALUE...]]\n", argv[0]);
    return 2;
  }
  tallywire::KafkaConnection connection{.brokers = argv[1]};
  for (int i = 3; i < argc; ++i) {
    const std::string property = argv[i];
    const size_t equals = property.find('=');
    if (equals == std::string::npos) return 2;
    connection.properties.emplace_back(property.substr(0, equals), property.substr(equals + 1));
  }
  // Whole appends.
  tallywire::Run(connection, total - total % tallywire::kAppend);
  return 0;
}
