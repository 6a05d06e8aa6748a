// SPDX-License-Identifier: Apache-2.0
#include "tools/import/field.h"

#include <cstdint>
#include <limits>
#include <optional>

#include "absl/strings/str_cat.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "google/protobuf/util/time_util.h"
#include "ledger/check.h"
#include "ledger/names.h"
#include "ledger/types.h"
#include "tools/import/decimal.h"

namespace tallywire {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::Duration;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Timestamp;

absl::Status IsNot(std::string_view text, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat(Quoted(text), " is not ", what));
}

absl::Status SetTimestamp(Timestamp* field, std::string_view text) {
  const std::optional<Time> time = ParseTime(text);
  if (!time.has_value()) return IsNot(text, "a time of the years 1 to 9999");
  int64_t seconds = time->value() / 1'000'000;
  if (time->value() % 1'000'000 < 0) --seconds;
  field->set_seconds(seconds);
  field->set_nanos(static_cast<int32_t>((time->value() - seconds * 1'000'000) * 1'000));
  return absl::OkStatus();
}

// POOL_UNSPECIFIED says that the values of Pool begin with POOL_.
std::string EnumPrefix(const FieldDescriptor& field) {
  constexpr std::string_view kZero = "UNSPECIFIED";
  std::string prefix = field.enum_type()->value(0)->name();
  TW_CHECK(prefix.ends_with(kZero), "enum value 0 is UNSPECIFIED");
  prefix.resize(prefix.size() - kZero.size());
  return prefix;
}

absl::Status SetEnum(Message* message, const FieldDescriptor& field, std::string_view text) {
  std::string name(text);
  const EnumValueDescriptor* value = field.enum_type()->FindValueByName(name);
  if (value == nullptr) {
    value = field.enum_type()->FindValueByName(absl::StrCat(EnumPrefix(field), name));
  }
  if (value == nullptr) {
    std::string known;
    for (int i = 1; i < field.enum_type()->value_count(); ++i) {
      absl::StrAppend(&known, i == 1 ? "" : ", ",
                      field.enum_type()->value(i)->name().substr(EnumPrefix(field).size()));
    }
    return IsNot(text, absl::StrCat("one of ", known));
  }
  message->GetReflection()->SetEnum(message, &field, value);
  return absl::OkStatus();
}

absl::Status SetNumber(Message* message, const FieldDescriptor& field, std::string_view text) {
  std::optional<Decimal> number = Decimal::Parse(text);
  std::optional<int64_t> whole = number ? number->Whole() : std::nullopt;
  if (!whole) return IsNot(text, "a whole number");
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT64:
      message->GetReflection()->SetInt64(message, &field, *whole);
      return absl::OkStatus();
    case FieldDescriptor::CPPTYPE_UINT64:
      if (*whole < 0) return IsNot(text, "0 or more");
      message->GetReflection()->SetUInt64(message, &field, static_cast<uint64_t>(*whole));
      return absl::OkStatus();
    default:
      if (*whole < std::numeric_limits<int32_t>::min() ||
          *whole > std::numeric_limits<int32_t>::max()) {
        return IsNot(text, "within 32 bits");
      }
      message->GetReflection()->SetInt32(message, &field, static_cast<int32_t>(*whole));
      return absl::OkStatus();
  }
}

absl::Status SetMessage(Message* message, const FieldDescriptor& field, std::string_view text) {
  Message* inner = message->GetReflection()->MutableMessage(message, &field);
  if (field.message_type() == Timestamp::descriptor()) {
    return SetTimestamp(static_cast<Timestamp*>(inner), text);
  }
  TW_CHECK(field.message_type() == Duration::descriptor(), "TakesText was asked before");
  if (!google::protobuf::util::TimeUtil::FromString(std::string(text),
                                                    static_cast<Duration*>(inner))) {
    return IsNot(text, "a span such as 90s");
  }
  return absl::OkStatus();
}

}  // namespace

bool TakesText(const FieldDescriptor& field) {
  if (field.is_repeated()) return false;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return field.type() == FieldDescriptor::TYPE_STRING;
    case FieldDescriptor::CPPTYPE_INT64:
    case FieldDescriptor::CPPTYPE_INT32:
    case FieldDescriptor::CPPTYPE_UINT64:
    case FieldDescriptor::CPPTYPE_BOOL:
    case FieldDescriptor::CPPTYPE_ENUM:
      return true;
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return field.message_type() == Timestamp::descriptor() ||
             field.message_type() == Duration::descriptor();
    default:
      return false;
  }
}

absl::Status SetField(Message* message, const FieldPath& path, std::string_view text) {
  if (text.empty()) return absl::OkStatus();
  TW_CHECK(!path.empty(), "a way to a field");
  for (size_t i = 0; i + 1 < path.size(); ++i) {
    message = message->GetReflection()->MutableMessage(message, path[i]);
  }
  const FieldDescriptor& field = *path.back();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      if (!IsUtf8(text)) return absl::InvalidArgumentError("the text is not UTF-8");
      message->GetReflection()->SetString(message, &field, std::string(text));
      return absl::OkStatus();
    case FieldDescriptor::CPPTYPE_BOOL:
      if (text != "true" && text != "false") return IsNot(text, "true or false");
      message->GetReflection()->SetBool(message, &field, text == "true");
      return absl::OkStatus();
    case FieldDescriptor::CPPTYPE_ENUM:
      return SetEnum(message, field, text);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return SetMessage(message, field, text);
    default:
      return SetNumber(message, field, text);
  }
}

}  // namespace tallywire
