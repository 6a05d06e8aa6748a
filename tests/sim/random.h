// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_SIM_RANDOM_H_
#define TALLYWIRE_TESTS_SIM_RANDOM_H_

// Numbers drawn from a seed: the same on every machine and with every standard library.
//
//   Random random(seed, "workload");      // another name is another stream of the same seed
//   if (random.Chance(3)) …               // 3 in 100
//   const char* sku = random.Pick(skus);
//
// Thread-compatible.

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

namespace tallywire::sim {

class Random {
 public:
  Random(uint64_t seed, std::string_view stream) : state_(seed) {
    for (const char c : stream) state_ = Mix(state_ + static_cast<unsigned char>(c));
  }

  uint64_t Next() { return Mix(state_ += 0x9e3779b97f4a7c15); }
  // From 0 on, below `n`, which is above 0.
  uint64_t Below(uint64_t n) { return Next() % n; }
  // Both ends included.
  int64_t Between(int64_t least, int64_t most) {
    return least + static_cast<int64_t>(Below(static_cast<uint64_t>(most - least) + 1));
  }
  bool Chance(uint64_t percent) { return Below(100) < percent; }
  template <class Container>
  const auto& Pick(const Container& from) {
    return *std::next(std::begin(from), static_cast<std::ptrdiff_t>(Below(std::size(from))));
  }

 private:
  static uint64_t Mix(uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
  }

  uint64_t state_;
};

}  // namespace tallywire::sim

#endif  // TALLYWIRE_TESTS_SIM_RANDOM_H_
