// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace tallywire {

double Percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  const auto count = static_cast<double>(values.size());
  // 0.99 · 100 is a hair above 99.
  const double rank = std::ceil(share * count - 1e-9);
  const auto at = static_cast<std::ptrdiff_t>(std::clamp(rank, 1.0, count)) - 1;
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[static_cast<size_t>(at)];
}

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

double Ratio(double part, double whole) { return whole == 0 ? 0 : part / whole; }

double MedianRatio(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> ratios;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) ratios.push_back(Ratio(a[i], b[i]));
  return Median(std::move(ratios));
}

int64_t DueBy(int64_t elapsed_us, double rate) {
  if (elapsed_us < 0) return 0;
  return static_cast<int64_t>(std::floor(static_cast<double>(elapsed_us) * rate / 1e6 + 1e-9)) + 1;
}

int64_t DueAt(int64_t n, double rate) {
  return static_cast<int64_t>(std::ceil(static_cast<double>(n) * 1e6 / rate - 1e-9));
}

}  // namespace tallywire
