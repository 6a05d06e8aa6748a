// SPDX-License-Identifier: Apache-2.0
#include "tools/progress.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ledger/status.h"

namespace tallywire {
namespace {

constexpr int kBarColumns = 24;
constexpr std::chrono::milliseconds kRedraw{200};

std::string Rate(double per_second) {
  if (per_second >= 999'500) return absl::StrFormat("%.1f M/s", per_second / 1e6);
  if (per_second >= 9'995) return absl::StrFormat("%.0f k/s", per_second / 1e3);
  return absl::StrFormat("%.0f/s", per_second);
}

std::string SpanText(double seconds) {
  const auto s = static_cast<int64_t>(std::ceil(seconds));
  if (s < 90) return absl::StrCat(s, " s");
  if (s < 5'400) return absl::StrCat((s + 30) / 60, " min");
  return absl::StrFormat("%d h %02d min", s / 3'600, s % 3'600 / 60);
}

}  // namespace

std::string WithCommas(int64_t n) {
  std::string digits = absl::StrCat(n);
  const int64_t first = n < 0 ? 1 : 0;
  for (int64_t i = static_cast<int64_t>(digits.size()) - 3; i > first; i -= 3) {
    digits.insert(static_cast<size_t>(i), 1, ',');
  }
  return digits;
}

std::string ProgressLine(const std::string& what, const std::string& unit, int64_t done,
                         int64_t total, double seconds) {
  const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
  if (total < 0) return absl::StrCat(what, "  ", WithCommas(done), " ", unit);
  if (total == 0) {
    return absl::StrCat(what, "  ", WithCommas(done), " ", unit, "  ", Rate(rate));
  }
  const double part = std::clamp(static_cast<double>(done) / static_cast<double>(total), 0.0, 1.0);
  const auto full = static_cast<size_t>(part * kBarColumns);
  std::string line =
      absl::StrFormat("%s  [%s%s]  %d %%  %s of %s %s", what, std::string(full, '#'),
                      std::string(kBarColumns - full, '-'), static_cast<int>(part * 100),
                      WithCommas(done), WithCommas(total), unit);
  if (rate > 0) {
    const double left = static_cast<double>(std::max<int64_t>(0, total - done)) / rate;
    absl::StrAppend(&line, "  ", Rate(rate), "  ", SpanText(left), " left");
  }
  return line;
}

Progress::Progress(Output* err, std::string what, std::string unit)
    : err_(err),
      what_(std::move(what)),
      unit_(std::move(unit)),
      shown_(err->IsTerminal()),
      begin_(Clock::now()),
      last_(begin_) {}

Progress::~Progress() { Done(); }

void Progress::Update(int64_t done, int64_t total) {
  if (!shown_) return;
  const Clock::time_point now = Clock::now();
  if (now - last_ < kRedraw) return;
  last_ = now;
  const double seconds = std::chrono::duration<double>(now - begin_).count();
  std::string line = ProgressLine(what_, unit_, done, total, seconds);
  const int columns = err_->Width();
  if (columns > 1 && line.size() >= static_cast<size_t>(columns)) {
    line.resize(static_cast<size_t>(columns) - 1);
  }
  err_->Write(absl::StrCat("\r\x1b[K", line));
  IgnoreError(err_->Flush(), "a bar that cannot be drawn harms nothing");
  drawn_ = true;
}

void Progress::Done() {
  if (!drawn_) return;
  drawn_ = false;
  err_->Write("\r\x1b[K");
  IgnoreError(err_->Flush(), "a bar that cannot be drawn harms nothing");
}

}  // namespace tallywire
