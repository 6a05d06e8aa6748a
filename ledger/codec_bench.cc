// SPDX-License-Identifier: Apache-2.0
// How long it takes to decode one event of about 105 bytes, and to hash it.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ledger/check.h"
#include "ledger/codec.h"
#include "ledger/identity.h"
#include "ledger/topics.h"
#include "tallywire/v1/event.pb.h"

namespace tallywire {
namespace {

constexpr int kEvents = 4'096;
constexpr int32_t kPartitions = 6;

struct Sample {
  std::string key;
  std::string value;
  Placement placement;
};

v1::StockEvent Sold(int i) {
  v1::StockEvent message;
  message.set_event_id(absl::StrCat("till-17/2026-03-01/", 1'000'000 + i));
  message.set_source(absl::StrCat("pos-", i % 40));
  message.set_sku(absl::StrCat("SKU-", 100'000 + i * 37 % 65'536));
  message.mutable_occurred_at()->set_seconds(1'772'359'200 + i);
  message.mutable_occurred_at()->set_nanos(250'000'000);
  message.set_sequence(static_cast<uint64_t>(i));
  v1::Sold& sold = *message.mutable_sold();
  sold.set_location(absl::StrCat("WH", i % 20));
  sold.set_quantity(1 + i % 5);
  sold.set_channel("amazon");
  sold.set_order(absl::StrCat("order-", 5'000'000 + i));
  return message;
}

v1::StockEvent Mixed(int i) {
  v1::StockEvent message = Sold(i);
  const v1::Sold sold = message.sold();
  if (i % 10 == 0) {
    message.mutable_received()->set_location(sold.location());
    message.mutable_received()->set_quantity(100);
  } else if (i % 10 == 1) {
    message.mutable_counted()->set_location(sold.location());
    message.mutable_counted()->set_quantity(7);
  } else if (i % 10 == 2) {
    message.mutable_transferred()->set_from(sold.location());
    message.mutable_transferred()->set_to("STORE7");
    message.mutable_transferred()->set_quantity(2);
  }
  return message;
}

std::vector<Sample> Samples(v1::StockEvent (*make)(int)) {
  std::vector<Sample> samples(kEvents);
  for (int i = 0; i < kEvents; ++i) {
    const v1::StockEvent message = make(i);
    Sample& sample = samples[static_cast<size_t>(i)];
    sample.key = message.sku();
    sample.value = message.SerializeAsString();
    sample.placement = {.key = sample.key,
                        .partition = PartitionOf(sample.key, kPartitions),
                        .partitions = kPartitions};
  }
  return samples;
}

const Event& MustDecode(Decoder& decoder, const Sample& sample) {
  const auto result = decoder.Decode(sample.value, {}, sample.placement);
  TW_CHECK(std::holds_alternative<const Event*>(result), "the sample keeps the form rules");
  return *std::get<const Event*>(result);
}

void Decode(benchmark::State& state, v1::StockEvent (*make)(int)) {
  const std::vector<Sample> samples = Samples(make);
  Decoder decoder;
  size_t i = 0;
  size_t bytes = 0;
  for (auto _ : state) {
    const Sample& sample = samples[i++ % kEvents];
    bytes += sample.value.size();
    benchmark::DoNotOptimize(MustDecode(decoder, sample).quantity);
  }
  state.SetItemsProcessed(state.iterations());
  state.counters["bytes/event"] = static_cast<double>(bytes) / static_cast<double>(i);
}

// The parser alone, for comparison.
void Parse(benchmark::State& state) {
  const std::vector<Sample> samples = Samples(Sold);
  v1::StockEvent message;
  size_t i = 0;
  for (auto _ : state) {
    const std::string& value = samples[i++ % kEvents].value;
    benchmark::DoNotOptimize(message.ParseFromString(value));
  }
  state.SetItemsProcessed(state.iterations());
}

void Identify(benchmark::State& state) {
  const std::vector<Sample> samples = Samples(Sold);
  Decoder decoder;
  const Event& event = MustDecode(decoder, samples[0]);
  for (auto _ : state) benchmark::DoNotOptimize(IdentityOf(event));
  state.SetItemsProcessed(state.iterations());
}

void Fingerprinting(benchmark::State& state) {
  const std::vector<Sample> samples = Samples(Sold);
  Decoder decoder;
  const Event& event = MustDecode(decoder, samples[0]);
  for (auto _ : state) benchmark::DoNotOptimize(Fingerprint(event));
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK_CAPTURE(Decode, sold, Sold);
BENCHMARK_CAPTURE(Decode, mixed, Mixed);
BENCHMARK(Parse);
BENCHMARK(Identify);
BENCHMARK(Fingerprinting);

}  // namespace
}  // namespace tallywire

BENCHMARK_MAIN();
