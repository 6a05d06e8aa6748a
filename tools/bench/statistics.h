// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_BENCH_STATISTICS_H_
#define TALLYWIRE_TOOLS_BENCH_STATISTICS_H_

// The arithmetic of what a measurement prints. Pure functions.

#include <cstdint>
#include <vector>

namespace tallywire {

// The least value that at least `share` of all values do not exceed (nearest rank): 0.5 is the
// median of an odd number of values, 1 the greatest. 0 if there are none.
double Percentile(std::vector<double> values, double share);

// The mean of the two in the middle for an even number of values. 0 if there are none.
double Median(std::vector<double> values);

// 0 where there is nothing to divide by.
double Ratio(double part, double whole);

// The median of a[i] / b[i]: what slows the machine down for a moment slows both of a pair.
double MedianRatio(const std::vector<double>& a, const std::vector<double>& b);

// How many of `rate` things a second are due `elapsed_us` after the first was.
int64_t DueBy(int64_t elapsed_us, double rate);

// When thing number `n` is due, in microseconds after thing 0.
int64_t DueAt(int64_t n, double rate);

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_BENCH_STATISTICS_H_
