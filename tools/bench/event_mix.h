// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_BENCH_EVENT_MIX_H_
#define TALLYWIRE_TOOLS_BENCH_EVENT_MIX_H_

// Events of a shop that does not exist, encoded, the same for the same seed: 70 % sold, 15 %
// received, 10 % counted (nine of ten as the books have it), 5 % transferred; SKUs by Zipf 0.99,
// locations evenly; random event ids of 16 characters; no occurred_at.
//
// One thread.

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "tallywire/v1/event.pb.h"

namespace tallywire {

// Ranks from 0, the lower the more often: P(r) ~ 1 / (r + 1)^theta. The method of Gray and others,
// "Quickly generating billion-record synthetic databases".
class Zipf {
 public:
  Zipf(int64_t n, double theta);
  // `uniform` in [0, 1).
  int64_t Rank(double uniform) const;

 private:
  const double n_;
  const double theta_;
  double zeta_n_ = 0;
  double eta_ = 0;
};

// Encoded events, one after the other.
struct EncodedEvents {
  std::string bytes;
  std::vector<uint32_t> ends;  // in `bytes`
  std::vector<std::string> keys;

  size_t size() const { return ends.size(); }
  std::string_view value(size_t i) const {
    const uint32_t begin = i == 0 ? 0 : ends[i - 1];
    return std::string_view(bytes).substr(begin, ends[i] - begin);
  }
  void Clear();
};

class EventMix {
 public:
  static constexpr int64_t kOpeningUnits = 1'000;

  // `stocked`: the balances that counts go by begin at kOpeningUnits, not at 0.
  EventMix(int32_t skus, int32_t locations, uint64_t seed, bool stocked = false);

  // The next `n`, in place of what `out` held.
  void Next(size_t n, EncodedEvents* out);
  // Receipts of kOpeningUnits for every (SKU, location) that the last Next named first.
  void Opening(EncodedEvents* out);
  std::string LocationName(int32_t location) const;
  int32_t locations() const { return locations_; }

 private:
  void Fill(v1::StockEvent* event);
  void Append(const v1::StockEvent& event, EncodedEvents* out) const;
  void FillCount(int64_t sku, int32_t location, v1::Counted* counted);
  double Uniform() { return static_cast<double>(random_() >> 11) * 0x1.0p-53; }
  int32_t Below(int32_t n) { return static_cast<int32_t>(random_() % static_cast<uint64_t>(n)); }
  int64_t& Balance(int64_t sku, int32_t location);

  const int32_t skus_;
  const int32_t locations_;
  const bool stocked_;
  const Zipf zipf_;
  std::mt19937_64 random_;
  v1::StockEvent event_;
  std::vector<std::string> location_names_;
  absl::flat_hash_map<int64_t, int64_t> balances_;  // SKU · locations + location → units
  std::vector<int64_t> opened_;                     // likewise, since the last Next
};

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_BENCH_EVENT_MIX_H_
