// SPDX-License-Identifier: Apache-2.0
#include "ledger/topics.h"

#include <cstdint>
#include <string>

#include "ledger/check.h"

namespace tallywire {
namespace {

// Alerts and dead letters are for people; what they are about stays in stock.events.
constexpr Span kKept = Seconds(30 * 24 * 3'600);

// The 32-bit murmur2 of Kafka's Java client (org.apache.kafka.common.utils.Utils.murmur2), which
// differs from the published one in its seed only.
uint32_t Murmur2(std::string_view bytes) {
  constexpr uint32_t kSeed = 0x9747b28c;
  constexpr uint32_t kMultiplier = 0x5bd1e995;
  constexpr int kShift = 24;

  const auto byte = [&](size_t i) { return uint32_t{static_cast<uint8_t>(bytes[i])}; };
  const size_t whole = bytes.size() & ~size_t{3};
  uint32_t hash = kSeed ^ static_cast<uint32_t>(bytes.size());
  for (size_t i = 0; i < whole; i += 4) {
    uint32_t word = byte(i) | byte(i + 1) << 8 | byte(i + 2) << 16 | byte(i + 3) << 24;
    word *= kMultiplier;
    word ^= word >> kShift;
    word *= kMultiplier;
    hash *= kMultiplier;
    hash ^= word;
  }
  const size_t left = bytes.size() - whole;
  if (left == 3) hash ^= byte(whole + 2) << 16;
  if (left >= 2) hash ^= byte(whole + 1) << 8;
  if (left >= 1) {
    hash ^= byte(whole);
    hash *= kMultiplier;
  }
  hash ^= hash >> 13;
  hash *= kMultiplier;
  hash ^= hash >> 15;
  return hash;
}

TopicSpec Topic(std::string_view name, int32_t partitions, Cleanup cleanup,
                Span retention = Span()) {
  return {.name = std::string(name),
          .partitions = partitions,
          .cleanup = cleanup,
          .retention = retention};
}

}  // namespace

std::vector<TopicSpec> PlanTopics(int32_t partitions) {
  return {
      Topic(kStockEvents, partitions, Cleanup::kForever),
      Topic(kStockAvailability, partitions, Cleanup::kCompact),
      Topic(kStockAlerts, partitions, Cleanup::kRetention, kKept),
      Topic(kStockDeadLetters, partitions, Cleanup::kRetention, kKept),
      // One for each owner, so that none writes where another does.
      Topic(kStockProgress, partitions, Cleanup::kCompact),
      // One order over all rules: its offsets are their versions.
      Topic(kListingRules, 1, Cleanup::kForever),
      Topic(kListingUpdates, partitions, Cleanup::kCompact),
  };
}

Partition PartitionOf(std::string_view key, int32_t partitions) {
  TW_CHECK(partitions > 0, "a topic has at least one partition");
  const auto positive = static_cast<int32_t>(Murmur2(key) & 0x7fffffff);
  return Partition(positive % partitions);
}

std::string JoinKey(std::string_view first, std::string_view second) {
  std::string key;
  key.reserve(first.size() + 1 + second.size());
  key.append(first);
  key.push_back('\0');
  key.append(second);
  return key;
}

}  // namespace tallywire
