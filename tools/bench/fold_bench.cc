// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/fold_bench.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ledger/codec.h"
#include "ledger/status.h"
#include "projector/fold/fold.h"
#include "projector/store/store.h"
#include "tools/bench/event_mix.h"
#include "tools/bench/meter.h"
#include "tools/progress.h"

namespace tallywire {
namespace {

constexpr size_t kChunk = 100'000;        // generated at a time
constexpr size_t kBatch = 10'000;         // records between two looks at effects
constexpr int64_t kCheckpoint = 500'000;  // records between two times that all is clean again
constexpr Partition kPartition{0};
constexpr int32_t kPartitions = 1;
constexpr Time kFirstStamp{1'772'359'200'000'000};
constexpr Span kBetweenStamps{100};

// Remembers identities as a store would, and knows nothing else: all other state stays in memory.
class MemoryReader : public FoldReader {
 public:
  absl::flat_hash_map<Identity, uint64_t, IdentityHash> identities;

  bool LoadSku(Locations&, SkuState*) override { return false; }
  bool LoadTransfer(const TransferKey&, TransferState*) override { return false; }
  bool LoadSource(std::string_view, SequenceState*) override { return false; }
  std::optional<uint64_t> FindIdentity(const Identity& identity) override {
    const auto found = identities.find(identity);
    if (found == identities.end()) return std::nullopt;
    return found->second;
  }
  void WalkJournal(std::string_view, std::string_view, Visit, void*) override {}
};

struct Outcomes {
  int64_t applied = 0;
  int64_t other = 0;
  int64_t alerts = 0;
  int64_t touched = 0;
};

// The whole way of a record, from its bytes on, as the projector's loop goes it, without a log
// before and a store behind it.
class FoldRun {
 public:
  explicit FoldRun(const EventMix& mix) : fold_(&state_, &reader_) {
    for (int32_t i = 0; i < mix.locations(); ++i) DefineLocation(mix.LocationName(i));
    EndBatch();
    outcomes = {};
  }

  void FoldAll(const EncodedEvents& events) {
    for (size_t i = 0; i < events.size(); ++i) {
      if (i % Fold::kAhead == 0) {
        Prefetch(events, i);
      }
      FoldOne(events.value(i), events.keys[i]);
      if (state_.next_offset.value() % static_cast<int64_t>(kBatch) == 0) EndBatch();
    }
    EndBatch();
  }

  // For what comes before the measurement.
  void FoldUncounted(const EncodedEvents& events) {
    const Outcomes before = outcomes;
    FoldAll(events);
    outcomes = before;
  }

  size_t skus() const { return state_.skus.size(); }
  size_t identities() const { return reader_.identities.size() + state_.identities.size(); }
  int64_t places() const {
    int64_t n = 0;
    for (const auto& [name, sku] : state_.skus) n += static_cast<int64_t>(sku->places.size());
    return n;
  }
  // Of everything that was folded: what is left out by a compiler cannot give it.
  int64_t Checksum() const {
    int64_t sum = 0;
    for (const auto& [name, sku] : state_.skus) {
      for (const Place& place : sku->places) {
        for (const Quantity q : place.pools) sum += q;
      }
      sum += sku->touch.offset.value() & 0xFF;
    }
    return sum;
  }

  Outcomes outcomes;

 private:
  void DefineLocation(const std::string& name) {
    const std::string bytes = EncodeLocationCopied(kPartition, kPartition, state_.next_offset, name,
                                                   {.kind = SiteKind::kWarehouse,
                                                    .sellable = true,
                                                    .priority = {},
                                                    .lead_time = {},
                                                    .coordinates = {}});
    FoldOne(bytes, "");
  }

  void Prefetch(const EncodedEvents& events, size_t first) {
    std::array<std::string_view, Fold::kAhead> keys;
    const size_t n = std::min(keys.size(), events.size() - first);
    for (size_t i = 0; i < n; ++i) keys[i] = events.keys[first + i];
    fold_.Prefetch(std::span(keys.data(), n));
  }

  void FoldOne(std::string_view value, std::string_view key) {
    const FoldRecord record{state_.next_offset, kFirstStamp + Span(state_.next_offset.value() *
                                                                   kBetweenStamps.value())};
    const auto decoded = decoder_.Decode(value, {}, {key, kPartition, kPartitions});
    if (const auto* event = std::get_if<const Event*>(&decoded)) {
      const bool applied = fold_.Apply(record, **event) == Outcome::kApplied;
      ++(applied ? outcomes.applied : outcomes.other);
    } else {
      fold_.Refuse(record, std::get<Refusal>(decoded).reason, "", key);
      ++outcomes.other;
    }
  }

  void EndBatch() {
    outcomes.alerts += static_cast<int64_t>(fold_.effects().alerts.size());
    outcomes.touched += static_cast<int64_t>(fold_.effects().touched.size());
    fold_.effects().Clear();
    if (state_.next_offset.value() - checkpoint_ < kCheckpoint) return;
    checkpoint_ = state_.next_offset.value();
    reader_.identities.insert(state_.identities.begin(), state_.identities.end());
    ClearDirty(state_);
  }

  Decoder decoder_;
  FoldState state_;
  MemoryReader reader_;
  Fold fold_;
  int64_t checkpoint_ = 0;
};

// Decoding alone.
int64_t DecodeAll(Decoder& decoder, const EncodedEvents& events) {
  int64_t sum = 0;
  for (size_t i = 0; i < events.size(); ++i) {
    const auto decoded =
        decoder.Decode(events.value(i), {}, {events.keys[i], kPartition, kPartitions});
    if (const auto* event = std::get_if<const Event*>(&decoded)) sum += (*event)->quantity;
  }
  return sum;
}

// The least that could be called folding: decode, and add to one balance in a hash map.
int64_t FloorAll(Decoder& decoder, const EncodedEvents& events,
                 absl::flat_hash_map<std::string, int64_t>& balances, std::string& key) {
  int64_t sum = 0;
  for (size_t i = 0; i < events.size(); ++i) {
    const auto decoded =
        decoder.Decode(events.value(i), {}, {events.keys[i], kPartition, kPartitions});
    const auto* event = std::get_if<const Event*>(&decoded);
    if (event == nullptr) continue;
    key.assign((*event)->sku);
    key += '\0';
    key.append((*event)->location);
    sum += balances[key] +=
        (*event)->body == Body::kSold ? -(*event)->quantity : (*event)->quantity;
  }
  return sum;
}

struct Report {
  BenchFoldOptions options;
  Cost fold;
  Cost decode;
  Cost floor;
  Outcomes outcomes;
  size_t skus = 0;
  int64_t places = 0;
  size_t identities = 0;
  int64_t event_bytes = 0;
  int64_t checksum = 0;
};

double PerSecond(const Cost& cost, int64_t events) {
  return static_cast<double>(events) / std::max(cost.seconds, 1e-9);
}

std::string Nanoseconds(double seconds, int64_t events) {
  return absl::StrFormat("%.0f ns", seconds * 1e9 / static_cast<double>(events));
}

std::string Instructions(const Cost& cost, int64_t events) {
  if (!cost.instructions) return "not available here";
  return absl::StrFormat("%.0f",
                         static_cast<double>(*cost.instructions) / static_cast<double>(events));
}

std::string TimeAndInstructions(const Cost& cost, int64_t events) {
  std::string text = Nanoseconds(cost.seconds, events);
  if (cost.instructions) absl::StrAppend(&text, ", ", Instructions(cost, events), " instructions");
  return text;
}

void PrintTable(Output& out, const Report& r) {
  const int64_t n = r.options.events;
  const auto line = [&out](const char* name, const std::string& value) {
    out.Write(absl::StrFormat("%-24s %s\n", name, value));
  };
  line("events/s a core", WithCommas(static_cast<int64_t>(PerSecond(r.fold, n))));
  line("instructions an event", Instructions(r.fold, n));
  out.Write("\n");
  line("decode and fold", TimeAndInstructions(r.fold, n));
  line("  decode alone", TimeAndInstructions(r.decode, n));
  line("  fold, the difference", Nanoseconds(r.fold.seconds - r.decode.seconds, n));
  line("floor", TimeAndInstructions(r.floor, n) + ": decode and one hash map update");
  line("ratio to the floor", absl::StrFormat("%.2f", r.fold.seconds / r.floor.seconds));
  if (r.fold.wall_seconds > r.fold.seconds * 1.05) {
    line("waiting", absl::StrFormat("others had the processor for %.0f %% of the time; it is not "
                                    "counted above",
                                    100 * (1 - r.fold.seconds / r.fold.wall_seconds)));
  }
  line("memory", absl::StrFormat("%.0f MB: %.0f bytes a row, %d rows of %d SKUs, %d ids",
                                 static_cast<double>(r.fold.bytes) / 1e6,
                                 static_cast<double>(r.fold.bytes) /
                                     static_cast<double>(std::max<int64_t>(1, r.places)),
                                 r.places, r.skus, r.identities));
  out.Write("\n");
  line("events",
       absl::StrFormat("%d, %.0f bytes each, seed %d%s: %d applied, %d not, %d alerts, "
                       "checksum %x",
                       n, static_cast<double>(r.event_bytes) / static_cast<double>(n),
                       r.options.seed, r.options.stocked ? ", stocked" : "", r.outcomes.applied,
                       r.outcomes.other, r.outcomes.alerts, static_cast<uint64_t>(r.checksum)));
}

void PrintJson(Output& out, const Report& r) {
  const int64_t n = r.options.events;
  const auto instructions = [n](const Cost& cost) {
    return cost.instructions ? absl::StrCat(*cost.instructions / static_cast<uint64_t>(n)) : "null";
  };
  out.Write(absl::StrFormat(
      R"({"events":%d,"skus":%d,"locations":%d,"seed":%d,"events_per_second":%.0f,)"
      R"("instructions_per_event":%s,"fold_seconds":%.6f,"decode_seconds":%.6f,)"
      R"("decode_instructions_per_event":%s,"floor_seconds":%.6f,)"
      R"("floor_instructions_per_event":%s,"stocked":%s,"ratio_to_floor":%.3f,"heap_bytes":%d,)"
      R"("rows":%d,"identities":%d,"applied":%d,"not_applied":%d,"alerts":%d,"checksum":"%x"})"
      "\n",
      n, r.options.skus, r.options.locations, r.options.seed, PerSecond(r.fold, n),
      instructions(r.fold), r.fold.seconds, r.decode.seconds, instructions(r.decode),
      r.floor.seconds, instructions(r.floor), r.options.stocked ? "true" : "false",
      r.fold.seconds / r.floor.seconds, r.fold.bytes, r.places, r.identities, r.outcomes.applied,
      r.outcomes.other, r.outcomes.alerts, static_cast<uint64_t>(r.checksum)));
}

// Chunk by chunk, each of the three on the same chunk, so that what slows the machine down for a
// moment slows all of them. Each begins with the chunk equally cold: it has just been written.
absl::Status Measure(const Context& context, Report* report) {
  EventMix mix(report->options.skus, report->options.locations, report->options.seed,
               report->options.stocked);
  FoldRun run(mix);
  Decoder decoder;
  absl::flat_hash_map<std::string, int64_t> balances;
  std::string key;
  EncodedEvents events;
  Meter meter;
  Progress progress(&context.err(), "bench fold", "events");
  for (int64_t done = 0; done < report->options.events;) {
    if (context.host->stop()) return absl::CancelledError("interrupted");
    const auto n = static_cast<size_t>(
        std::min<int64_t>(static_cast<int64_t>(kChunk), report->options.events - done));
    mix.Next(n, &events);
    if (report->options.stocked) {
      EncodedEvents opening;
      mix.Opening(&opening);
      run.FoldUncounted(opening);
    }
    report->event_bytes += static_cast<int64_t>(events.bytes.size());

    meter.Begin();
    report->checksum += DecodeAll(decoder, events);
    meter.End(&report->decode);
    meter.Begin();
    run.FoldAll(events);
    meter.End(&report->fold);
    meter.Begin();
    report->checksum += FloorAll(decoder, events, balances, key);
    meter.End(&report->floor);

    done += static_cast<int64_t>(n);
    progress.Update(done, report->options.events);
  }
  report->outcomes = run.outcomes;
  report->skus = run.skus();
  report->places = run.places();
  report->identities = run.identities();
  report->checksum += run.Checksum();
  return absl::OkStatus();
}

}  // namespace

Result RunBenchFold(Context& context, const BenchFoldOptions& options) {
  Report report;
  report.options = options;
  TW_RETURN_IF_ERROR(Measure(context, &report));
  if (context.format() == Format::kTable) {
    PrintTable(context.out(), report);
  } else {
    PrintJson(context.out(), report);
  }
  TW_RETURN_IF_ERROR(context.out().Flush());
  return Exit::kOk;
}

}  // namespace tallywire
