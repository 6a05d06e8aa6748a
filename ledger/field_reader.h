// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_LEDGER_FIELD_READER_H_
#define TALLYWIRE_LEDGER_FIELD_READER_H_

// The form rules of single fields: what a name, a place, a quantity, a time may be. Inner part of
// the codec.
//
// Threads: one at a time. Views that come back are those that went in.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "ledger/event.h"
#include "ledger/form_rules.h"
#include "ledger/limits.h"
#include "ledger/refused.h"
#include "ledger/types.h"

namespace google::protobuf {
class Duration;
class Timestamp;
}  // namespace google::protobuf
namespace tallywire::v1 {
class Money;
}

namespace tallywire {

enum class Need { kRequired, kOptional };

// Reads fields, and keeps the first rule that one of them breaks: of several the one that stands
// first in RefusedReason, of equal ones the one found first. So the fields may be read in any
// order.
class FieldReader {
 public:
  explicit FieldReader(Texts texts) : texts_(texts) {}

  // Goes before the names of the fields that are read from now on: `sold.`.
  void Enter(std::string_view prefix) { prefix_ = prefix; }

  void Break(RefusedReason reason, std::string_view field, const std::string& what);
  std::optional<Refusal> TakeBroken() { return std::move(broken_); }

  std::string_view Name(std::string_view field, std::string_view value, Need need);
  std::string_view Location(std::string_view field, std::string_view value);
  std::string_view Reference(std::string_view field, std::string_view value,
                             Need need = Need::kOptional, size_t most = kMaxReferenceBytes);
  // Two places that a movement lies between.
  void Places(Event& event, std::string_view from, std::string_view to);

  // > 0.
  Quantity Units(bool given, int64_t value);
  // >= 0.
  Quantity UnitsOrNone(std::string_view field, bool given, int64_t value);
  Quantity Delta(bool given, int64_t value);

  tallywire::Pool Pool(std::string_view field, int number);
  // Number 0 and 1 are the first value: UNSPECIFIED means the default.
  template <class Enum>
  Enum EnumFromOne(std::string_view field, int number, Enum last);
  SiteKind Kind(std::string_view field, int number);

  std::optional<Time> Timestamp(std::string_view field, bool given,
                                const google::protobuf::Timestamp& value);
  std::optional<Span> Duration(std::string_view field, bool given,
                               const google::protobuf::Duration& value);
  void Money(std::string_view field, bool given, const v1::Money& value,
             std::optional<tallywire::Money>& out);

 private:
  void Utf8(std::string_view field, std::string_view value);
  void AtMost(std::string_view field, std::string_view value, size_t most);
  void UnknownEnum(std::string_view field, int number);

  const Texts texts_;
  std::string_view prefix_;
  std::optional<Refusal> broken_;
};

template <class Enum>
Enum FieldReader::EnumFromOne(std::string_view field, int number, Enum last) {
  if (number < 0 || number > static_cast<int>(last) + 1) {
    UnknownEnum(field, number);
    return last;
  }
  return static_cast<Enum>(number == 0 ? 0 : number - 1);
}

}  // namespace tallywire

#endif  // TALLYWIRE_LEDGER_FIELD_READER_H_
