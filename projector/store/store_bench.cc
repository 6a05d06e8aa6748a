// SPDX-License-Identifier: Apache-2.0
// What a checkpoint and a look-up cost. Without flags: a checkpoint of 200,000 places, 500,000
// journal entries and 500,000 identities; SKUs read back; identities that are not there.

#include <benchmark/benchmark.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "ledger/check.h"
#include "projector/store/checkpoint.h"
#include "projector/store/store.h"
#include "projector/store/testing.h"

namespace tallywire::store {
namespace {

constexpr int kSkus = 100'000;
constexpr int kLocations = 20;
constexpr int kPlaces = 200'000;
constexpr int kEntries = 500'000;
constexpr int64_t kStart = 1'700'000'000'000'000;

std::string SkuName(uint64_t n) { return "SKU-" + std::to_string(10'000'000 + n * 7919 % kSkus); }

// Dirties `places` of places made before, with `entries` spread over them and as many identities.
void Dirty(FoldState& state, std::mt19937_64& random, int places, int entries) {
  for (int i = 0; i < entries; ++i) {
    // A place of its own for each of the first, any of those for the others.
    const uint64_t n = i < places ? static_cast<uint64_t>(i) : random() % places;
    const std::string location = "WH" + std::to_string(n / kSkus % kLocations) + "/BIN10";
    const Offset offset = state.next_offset;
    state.next_offset = offset.Next();
    state.log_time = Time(kStart + offset.value() * 1'000);
    const std::string sku_name = SkuName(n);
    JournalEntry& entry = AddEntry(state, sku_name, location, offset);
    Place& place = PlaceOf(state, sku_name, location);
    place.pools[0] += 3;
    const std::string cause = CauseOf("pos-17", std::to_string(random() % 100'000'000));
    place.touch = {offset, state.log_time, CauseKind::kEvent, state.log_time, Cause(cause)};
    SkuState& sku = SkuOf(state, sku_name);
    sku.touch = place.touch;
    sku.counters[0] -= 3;
    entry.changes = 1;
    entry.pools[0] = {Pool::kAvailable, 3, place.pools[0]};
    entry.log_time = entry.max_log_time = entry.occurred_at = state.log_time;
    entry.cause = cause;
    state.identities[{random(), random()}] = random();
  }
}

void BM_Gather(benchmark::State& bench) {
  FoldState state;
  std::mt19937_64 random(1);
  Dirty(state, random, kPlaces, kEntries);
  CheckpointRows rows;
  size_t count = 0;
  for (auto _ : bench) {
    rows.Gather(state, {});
    count = rows.rows().size();
  }
  bench.counters["rows"] = static_cast<double>(count);
  bench.SetItemsProcessed(static_cast<int64_t>(count) * bench.iterations());
}
BENCHMARK(BM_Gather)->Unit(benchmark::kMillisecond);

// Checkpoints one after another into one store: later ones meet what compaction has to do.
void BM_Checkpoint(benchmark::State& bench) {
  const auto places = static_cast<int>(bench.range(0));
  const auto entries = static_cast<int>(bench.range(1));
  TestFolder folder;
  auto store = *Store::Open(folder.path(), TestIdentity());
  FoldState state;
  std::mt19937_64 random(1);
  for (auto _ : bench) {
    bench.PauseTiming();
    Dirty(state, random, places, entries);
    bench.ResumeTiming();
    TW_CHECK(store->WriteCheckpoint(state, {}).ok(), "a checkpoint is written");
    bench.PauseTiming();
    ClearDirty(state);
    bench.ResumeTiming();
  }
  bench.counters["events/s"] =
      benchmark::Counter(static_cast<double>(entries) * static_cast<double>(bench.iterations()),
                         benchmark::Counter::kIsRate);
}
BENCHMARK(BM_Checkpoint)
    ->Args({kPlaces, kEntries})
    ->Args({1'000, 1'000})
    ->Unit(benchmark::kMillisecond)
    ->Iterations(10)
    ->UseRealTime();

void BM_ClearDirty(benchmark::State& bench) {
  FoldState state;
  std::mt19937_64 random(1);
  for (auto _ : bench) {
    bench.PauseTiming();
    Dirty(state, random, kPlaces, kEntries);
    bench.ResumeTiming();
    ClearDirty(state);
  }
}
BENCHMARK(BM_ClearDirty)->Unit(benchmark::kMillisecond)->Iterations(3);

// A store of five checkpoints.
struct Filled {
  Filled() {
    FoldState state;
    std::mt19937_64 random(1);
    for (int i = 0; i < 5; ++i) {
      Dirty(state, random, kPlaces, kEntries);
      TW_CHECK(store->WriteCheckpoint(state, {}).ok(), "a checkpoint is written");
      ClearDirty(state);
    }
  }
  TestFolder folder;
  std::unique_ptr<Store> store = *Store::Open(folder.path(), TestIdentity());
};

Filled& Five() {
  static auto* filled = new std::unique_ptr<Filled>(std::make_unique<Filled>());
  return **filled;
}

void BM_LoadSku(benchmark::State& bench) {
  Store& store = *Five().store;
  Locations locations;
  std::mt19937_64 random(2);
  for (auto _ : bench) {
    SkuState sku;
    sku.sku = SkuName(random() % kSkus);
    TW_CHECK(store.LoadSku(locations, &sku), "it is there");
  }
  bench.SetItemsProcessed(bench.iterations());
}
BENCHMARK(BM_LoadSku);

void BM_LoadSkuAbsent(benchmark::State& bench) {
  Store& store = *Five().store;
  Locations locations;
  std::mt19937_64 random(2);
  for (auto _ : bench) {
    SkuState sku;
    sku.sku = "absent " + std::to_string(random());
    TW_CHECK(!store.LoadSku(locations, &sku), "it is not there");
  }
  bench.SetItemsProcessed(bench.iterations());
}
BENCHMARK(BM_LoadSkuAbsent);

void BM_FindIdentityAbsent(benchmark::State& bench) {
  Store& store = *Five().store;
  std::mt19937_64 random(3);
  for (auto _ : bench) {
    TW_CHECK(!store.FindIdentity({random(), random()}).has_value(), "it is not there");
  }
  bench.SetItemsProcessed(bench.iterations());
}
BENCHMARK(BM_FindIdentityAbsent);

void BM_StateDigest(benchmark::State& bench) {
  Store& store = *Five().store;
  for (auto _ : bench) TW_CHECK(store.StateDigest().ok(), "it reads");
}
BENCHMARK(BM_StateDigest)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace tallywire::store

BENCHMARK_MAIN();
