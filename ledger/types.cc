// SPDX-License-Identifier: Apache-2.0
#include "ledger/types.h"

#include <array>
#include <chrono>
#include <cstdio>

namespace tallywire {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;
constexpr int64_t kSecondsPerDay = 86'400;
// What has four digits for its year.
constexpr Time kFirstTime(-62'135'596'800 * kMicrosPerSecond);     // 0001-01-01
constexpr Time kLastTime(253'402'300'800 * kMicrosPerSecond - 1);  // 9999-12-31

// Rounds towards the past, so that what is left over is never negative.
constexpr int64_t FloorDiv(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }
constexpr int FloorMod(int64_t a, int64_t b) { return static_cast<int>((a % b + b) % b); }

// Takes what it is asked for from the front of a text.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool AtEnd() const { return rest_.empty(); }

  // Exactly `digits` digits.
  std::optional<int> Number(size_t digits) {
    if (rest_.size() < digits) return std::nullopt;
    int number = 0;
    for (size_t i = 0; i < digits; ++i) {
      if (!IsDigit(rest_[i])) return std::nullopt;
      number = number * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(digits);
    return number;
  }

  // One of the characters in `which`, or nothing is taken.
  std::optional<char> OneOf(std::string_view which) {
    if (rest_.empty() || which.find(rest_.front()) == which.npos) return std::nullopt;
    const char found = rest_.front();
    rest_.remove_prefix(1);
    return found;
  }

  // The digits after a decimal point, as microseconds; what is finer is dropped.
  std::optional<int64_t> FractionMicros() {
    if (rest_.empty() || !IsDigit(rest_.front())) return std::nullopt;
    int64_t micros = 0;
    int64_t unit = kMicrosPerSecond / 10;
    while (!rest_.empty() && IsDigit(rest_.front())) {
      micros += unit * (rest_.front() - '0');
      unit /= 10;
      rest_.remove_prefix(1);
    }
    return micros;
  }

 private:
  static bool IsDigit(char c) { return c >= '0' && c <= '9'; }

  std::string_view rest_;
};

// `2026-11-24`, as days since 1970.
std::optional<int64_t> ReadDate(Reader& in) {
  const auto year = in.Number(4);
  if (!year || !in.OneOf("-")) return std::nullopt;
  const auto month = in.Number(2);
  if (!month || !in.OneOf("-")) return std::nullopt;
  const auto day = in.Number(2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count();
}

// `16:00:00.25`, as microseconds since midnight. A leap second is the second after it.
std::optional<int64_t> ReadTimeOfDay(Reader& in) {
  const auto hour = in.Number(2);
  if (!hour || *hour > 23 || !in.OneOf(":")) return std::nullopt;
  const auto minute = in.Number(2);
  if (!minute || *minute > 59 || !in.OneOf(":")) return std::nullopt;
  const auto second = in.Number(2);
  if (!second || *second > 60) return std::nullopt;
  int64_t micros = 0;
  if (in.OneOf(".")) {
    const auto fraction = in.FractionMicros();
    if (!fraction) return std::nullopt;
    micros = *fraction;
  }
  const int64_t seconds = *hour * 3'600 + *minute * 60 + *second;
  return seconds * kMicrosPerSecond + micros;
}

// `Z`, or `+01:00`, as seconds east of UTC.
std::optional<int64_t> ReadZone(Reader& in) {
  if (in.OneOf("Zz")) return 0;
  const auto sign = in.OneOf("+-");
  if (!sign) return std::nullopt;
  const auto hours = in.Number(2);
  if (!hours || *hours > 23 || !in.OneOf(":")) return std::nullopt;
  const auto minutes = in.Number(2);
  if (!minutes || *minutes > 59) return std::nullopt;
  const int64_t seconds = *hours * 3'600 + *minutes * 60;
  return *sign == '-' ? -seconds : seconds;
}

template <class Enum, size_t kSize>
std::string_view NameIn(const std::array<std::string_view, kSize>& names, Enum value) {
  const auto index = static_cast<size_t>(value);
  return index < kSize ? names[index] : "UNKNOWN";
}

}  // namespace

std::string_view Name(Pool pool) {
  static constexpr std::array<std::string_view, kPools> kNames = {
      "AVAILABLE", "COMMITTED", "HELD", "DAMAGED", "USED", "QUALITY_CONTROL", "INCOMING"};
  return NameIn(kNames, pool);
}

std::string_view Name(Counter counter) {
  static constexpr std::array<std::string_view, kCounters> kNames = {"SUPPLIER", "CUSTOMER",
                                                                     "VARIANCE", "CONVERSION"};
  return NameIn(kNames, counter);
}

std::string_view Name(CountSet set) {
  static constexpr std::array<std::string_view, kCountSets> kNames = {"SHELF", "DAMAGED", "USED",
                                                                      "QUALITY_CONTROL"};
  return NameIn(kNames, set);
}

std::string_view Name(SiteKind kind) {
  static constexpr std::array<std::string_view, 5> kNames = {"NONE", "WAREHOUSE", "STORE",
                                                             "DROP_SHIPPER", "THIRD_PARTY"};
  return NameIn(kNames, kind);
}

std::string_view Name(Tracking tracking) {
  static constexpr std::array<std::string_view, 2> kNames = {"TRACKED", "NON_INVENTORY"};
  return NameIn(kNames, tracking);
}

std::string FormatTime(Time time) {
  const int64_t seconds = FloorDiv(time.value(), kMicrosPerSecond);
  const int micros = FloorMod(time.value(), kMicrosPerSecond);
  const int64_t days = FloorDiv(seconds, kSecondsPerDay);
  const int second = FloorMod(seconds, kSecondsPerDay);
  const std::chrono::year_month_day date{
      std::chrono::sys_days(std::chrono::days(static_cast<int>(days)))};
  char text[64];
  std::snprintf(text, sizeof(text), "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                second / 3'600, second / 60 % 60, second % 60);
  std::string result = text;
  if (micros != 0) {
    std::snprintf(text, sizeof(text), ".%06d", micros);
    result += text;
    result.erase(result.find_last_not_of('0') + 1);
  }
  return result + "Z";
}

std::optional<Time> ParseTime(std::string_view text) {
  Reader in(text);
  const auto days = ReadDate(in);
  if (!days || !in.OneOf("Tt ")) return std::nullopt;
  const auto of_day = ReadTimeOfDay(in);
  if (!of_day) return std::nullopt;
  const auto zone = ReadZone(in);
  if (!zone || !in.AtEnd()) return std::nullopt;
  const Time time((*days * kSecondsPerDay - *zone) * kMicrosPerSecond + *of_day);
  // An offset or a leap second may lead out of the years that a text can say in UTC.
  if (time < kFirstTime || time > kLastTime) return std::nullopt;
  return time;
}

}  // namespace tallywire
