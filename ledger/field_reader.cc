// SPDX-License-Identifier: Apache-2.0
#include "ledger/field_reader.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "ledger/names.h"
#include "tallywire/v1/types.pb.h"

namespace tallywire {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;
constexpr int32_t kNanosPerSecond = 1'000'000'000;
// What google.protobuf.Timestamp and Duration can say, in seconds.
constexpr int64_t kFirstSecond = -62'135'596'800;  // 0001-01-01
constexpr int64_t kLastSecond = 253'402'300'799;   // 9999-12-31
constexpr int64_t kLongestSpan = 315'576'000'000;  // 10,000 years

std::string Beyond(int64_t value) { return absl::StrCat(value, " is beyond 2^53"); }

}  // namespace

[[gnu::cold]] void FieldReader::Break(RefusedReason reason, std::string_view field,
                                      const std::string& what) {
  if (broken_.has_value() && broken_->reason <= reason) return;
  broken_ = {reason, absl::StrCat(std::string(prefix_), std::string(field), ": ", what)};
}

void FieldReader::Utf8(std::string_view field, std::string_view value) {
  if (texts_ == Texts::kUtf8 || IsUtf8(value)) return;
  Break(RefusedReason::kUndecodable, field, Quoted(value) + " is not UTF-8");
}

void FieldReader::AtMost(std::string_view field, std::string_view value, size_t most) {
  if (value.size() <= most) return;
  Break(RefusedReason::kBadValue, field,
        absl::StrCat(Quoted(value), " has ", value.size(), " bytes, more than ", most));
}

std::string_view FieldReader::Name(std::string_view field, std::string_view value, Need need) {
  if (value.empty()) {
    if (need == Need::kRequired) Break(RefusedReason::kMissingField, field, "missing");
    return value;
  }
  Utf8(field, value);
  if (HasControlCharacter(value)) {
    Break(RefusedReason::kBadName, field, Quoted(value) + " has a control character");
  }
  AtMost(field, value, kMaxNameBytes);
  return value;
}

std::string_view FieldReader::Location(std::string_view field, std::string_view value) {
  Name(field, value, Need::kRequired);
  if (!value.empty() && HasEmptyLevel(value)) {
    Break(RefusedReason::kBadName, field, Quoted(value) + " has an empty level");
  }
  return value;
}

std::string_view FieldReader::Reference(std::string_view field, std::string_view value, Need need,
                                        size_t most) {
  if (value.empty()) {
    if (need == Need::kRequired) Break(RefusedReason::kMissingField, field, "missing");
    return value;
  }
  Utf8(field, value);
  AtMost(field, value, most);
  return value;
}

void FieldReader::Places(Event& event, std::string_view from, std::string_view to) {
  event.location = Location("from", from);
  event.to = Location("to", to);
  if (from == to) Break(RefusedReason::kBadValue, "to", Quoted(to) + " is `from` too");
}

Quantity FieldReader::Units(bool given, int64_t value) {
  if (!given) {
    Break(RefusedReason::kMissingField, "quantity", "missing");
  } else if (value <= 0) {
    Break(RefusedReason::kBadQuantity, "quantity", absl::StrCat(value, " is not above 0"));
  } else if (value > kMaxQuantity) {
    Break(RefusedReason::kBadQuantity, "quantity", Beyond(value));
  }
  return value;
}

Quantity FieldReader::UnitsOrNone(std::string_view field, bool given, int64_t value) {
  if (!given) {
    Break(RefusedReason::kMissingField, field, "missing");
  } else if (value < 0) {
    Break(RefusedReason::kBadQuantity, field, absl::StrCat(value, " is below 0"));
  } else if (value > kMaxQuantity) {
    Break(RefusedReason::kBadQuantity, field, Beyond(value));
  }
  return value;
}

Quantity FieldReader::Delta(bool given, int64_t value) {
  if (!given) {
    Break(RefusedReason::kMissingField, "delta", "missing");
  } else if (value == 0) {
    Break(RefusedReason::kBadQuantity, "delta", "0 changes nothing");
  } else if (value > kMaxQuantity || value < -kMaxQuantity) {
    Break(RefusedReason::kBadQuantity, "delta", Beyond(value));
  }
  return value;
}

void FieldReader::UnknownEnum(std::string_view field, int number) {
  Break(RefusedReason::kUnknownEnum, field, absl::StrCat(number, " has no meaning"));
}

tallywire::Pool FieldReader::Pool(std::string_view field, int number) {
  const auto pool = EnumFromOne(field, number, tallywire::Pool::kIncoming);
  if (number == v1::POOL_COMMITTED || number == v1::POOL_INCOMING) {
    Break(RefusedReason::kPoolNotAllowed, field,
          absl::StrCat(std::string(tallywire::Name(pool)), " is moved by the ledger only"));
  }
  return pool;
}

SiteKind FieldReader::Kind(std::string_view field, int number) {
  if (number < 0 || number > static_cast<int>(SiteKind::kThirdParty)) {
    UnknownEnum(field, number);
    return SiteKind::kNone;
  }
  return static_cast<SiteKind>(number);
}

std::optional<Time> FieldReader::Timestamp(std::string_view field, bool given,
                                           const google::protobuf::Timestamp& value) {
  if (!given) return std::nullopt;
  if (value.seconds() < kFirstSecond || value.seconds() > kLastSecond || value.nanos() < 0 ||
      value.nanos() >= kNanosPerSecond) {
    Break(RefusedReason::kBadValue, field,
          absl::StrCat("{seconds: ", value.seconds(), " nanos: ", value.nanos(),
                       "} is not a time of the years 1 to 9999"));
    return std::nullopt;
  }
  return Time(value.seconds() * kMicrosPerSecond + value.nanos() / 1'000);
}

std::optional<Span> FieldReader::Duration(std::string_view field, bool given,
                                          const google::protobuf::Duration& value) {
  if (!given) return std::nullopt;
  if (value.seconds() < 0 || value.seconds() > kLongestSpan || value.nanos() < 0 ||
      value.nanos() >= kNanosPerSecond) {
    Break(RefusedReason::kBadValue, field,
          absl::StrCat("{seconds: ", value.seconds(), " nanos: ", value.nanos(),
                       "} is not a span of 0 to 10,000 years"));
    return std::nullopt;
  }
  return Span(value.seconds() * kMicrosPerSecond + value.nanos() / 1'000);
}

void FieldReader::Money(std::string_view field, bool given, const v1::Money& value,
                        std::optional<tallywire::Money>& out) {
  if (!given) return;
  Utf8(absl::StrCat(std::string(field), ".currency"), value.currency());
  if (value.amount() < 0) {
    Break(RefusedReason::kBadValue, absl::StrCat(std::string(field), ".amount"),
          absl::StrCat(value.amount(), " is below 0"));
  }
  const bool capitals = std::all_of(value.currency().begin(), value.currency().end(),
                                    [](char c) { return c >= 'A' && c <= 'Z'; });
  if (value.currency().size() != 3 || !capitals) {
    Break(RefusedReason::kBadValue, absl::StrCat(std::string(field), ".currency"),
          Quoted(value.currency()) + " is not three capital letters");
  }
  out = {.amount = value.amount(), .currency = value.currency()};
}

}  // namespace tallywire
