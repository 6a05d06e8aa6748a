// SPDX-License-Identifier: Apache-2.0
#include "tests/scenarios/event_line.h"

#include <array>
#include <optional>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "ledger/status.h"
#include "tallywire/v1/types.pb.h"

namespace tallywire::scenarios {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// A body's fields in the order of the line; `a>b` is one word for two fields.
struct BodySpec {
  std::string_view name;
  std::string_view fields;
};

constexpr std::array kBodySpecs = {
    BodySpec{"received", "location quantity"},
    BodySpec{"sold", "location quantity"},
    BodySpec{"returned", "location quantity"},
    BodySpec{"counted", "location quantity"},
    BodySpec{"adjusted", "location delta"},
    BodySpec{"moved", "location from_pool>to_pool quantity"},
    BodySpec{"transferred", "from>to quantity"},
    BodySpec{"transfer_shipped", "transfer_id from>to quantity"},
    BodySpec{"transfer_received", "transfer_id to quantity"},
    BodySpec{"transfer_closed", "transfer_id"},
    BodySpec{"sku_defined", ""},
    BodySpec{"sku_location_set", "location"},
    BodySpec{"location_defined", "location kind"},
};

absl::Status Wrong(const std::string& what, const std::string& value) {
  return absl::InvalidArgumentError(absl::StrCat(what, ": `", value, "`"));
}

std::vector<std::string> Split(std::string_view text, char by) {
  return absl::StrSplit(absl::string_view(text.data(), text.size()), by, absl::SkipEmpty());
}

// `{A*65}` anywhere in a word.
std::string Repeat(std::string word) {
  const size_t open = word.find('{');
  const size_t star = word.find('*', open == word.npos ? 0 : open);
  const size_t close = word.find('}', star == word.npos ? 0 : star);
  if (open == word.npos || star == word.npos || close == word.npos) return word;
  int times = 0;
  if (!absl::SimpleAtoi(word.substr(star + 1, close - star - 1), &times)) return word;
  const std::string unit = word.substr(open + 1, star - open - 1);
  std::string result = word.substr(0, open);
  for (int i = 0; i < times; ++i) result += unit;
  return result + word.substr(close + 1);
}

absl::StatusOr<int64_t> ParseSpanMicros(const std::string& text) {
  absl::Duration duration;
  std::string go = text;
  if (go.ends_with("d")) {
    int64_t days = 0;
    if (!absl::SimpleAtoi(go.substr(0, go.size() - 1), &days)) return Wrong("not a span", text);
    return days * 86'400'000'000;
  }
  if (!absl::ParseDuration(go, &duration)) return Wrong("not a span", text);
  return absl::ToInt64Microseconds(duration);
}

template <class SecondsAndNanos>
void SetMicros(int64_t micros, SecondsAndNanos& out) {
  int64_t seconds = micros / 1'000'000;
  int64_t rest = micros % 1'000'000;
  out.set_seconds(seconds);
  out.set_nanos(static_cast<int32_t>(rest * 1'000));
}

absl::Status SetMoney(const std::string& value, v1::Money& money) {
  const size_t digits = value.find_first_not_of("-0123456789");
  int64_t amount = 0;
  if (!absl::SimpleAtoi(value.substr(0, digits), &amount)) return Wrong("not money", value);
  money.set_amount(amount);
  if (digits != value.npos) money.set_currency(value.substr(digits));
  return absl::OkStatus();
}

absl::Status SetMessage(Message& message, const std::string& value, Time now) {
  if (auto* time = dynamic_cast<google::protobuf::Timestamp*>(&message)) {
    TW_ASSIGN_OR_RETURN(const Time parsed, ParseClock(value, now));
    SetMicros(parsed.value(), *time);
    return absl::OkStatus();
  }
  if (auto* span = dynamic_cast<google::protobuf::Duration*>(&message)) {
    TW_ASSIGN_OR_RETURN(const int64_t micros, ParseSpanMicros(value));
    SetMicros(micros, *span);
    return absl::OkStatus();
  }
  if (auto* money = dynamic_cast<v1::Money*>(&message)) return SetMoney(value, *money);
  if (auto* place = dynamic_cast<v1::Coordinates*>(&message)) {
    const std::vector<std::string> parts = Split(value, ',');
    int32_t latitude = 0;
    int32_t longitude = 0;
    if (parts.size() != 2 || !absl::SimpleAtoi(parts[0], &latitude) ||
        !absl::SimpleAtoi(parts[1], &longitude)) {
      return Wrong("not LAT,LON", value);
    }
    place->set_latitude_e7(latitude);
    place->set_longitude_e7(longitude);
    return absl::OkStatus();
  }
  return Wrong("no short form for this field", value);
}

absl::StatusOr<int> EnumNumber(const FieldDescriptor* field, const std::string& value) {
  int number = 0;
  if (absl::SimpleAtoi(value, &number)) return number;
  const auto* type = field->enum_type();
  std::string prefix(type->value(0)->name());
  prefix = prefix.substr(0, prefix.rfind("UNSPECIFIED"));
  const auto* found = type->FindValueByName(prefix + value);
  if (found == nullptr) return Wrong("not a value of " + std::string(type->name()), value);
  return found->number();
}

absl::StatusOr<bool> ParseBool(const std::string& value) {
  if (value == "yes" || value == "true") return true;
  if (value == "no" || value == "false") return false;
  return Wrong("neither yes nor no", value);
}

absl::Status SetScalar(Message& message, const FieldDescriptor* field, const std::string& value) {
  const auto* reflection = message.GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      reflection->SetString(&message, field, value);
      return absl::OkStatus();
    case FieldDescriptor::CPPTYPE_BOOL: {
      TW_ASSIGN_OR_RETURN(const bool parsed, ParseBool(value));
      reflection->SetBool(&message, field, parsed);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_ENUM: {
      TW_ASSIGN_OR_RETURN(const int number, EnumNumber(field, value));
      reflection->SetEnumValue(&message, field, number);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_INT64: {
      int64_t number = 0;
      if (!absl::SimpleAtoi(value, &number)) return Wrong("not a number", value);
      reflection->SetInt64(&message, field, number);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_UINT64: {
      uint64_t number = 0;
      if (!absl::SimpleAtoi(value, &number)) return Wrong("not a number", value);
      reflection->SetUInt64(&message, field, number);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_INT32: {
      int32_t number = 0;
      if (!absl::SimpleAtoi(value, &number)) return Wrong("not a number", value);
      reflection->SetInt32(&message, field, number);
      return absl::OkStatus();
    }
    default:
      return Wrong("no short form for this field", value);
  }
}

absl::Status AddRepeated(Message& message, const FieldDescriptor* field, const std::string& value) {
  const auto* reflection = message.GetReflection();
  for (const std::string& part : Split(value, ',')) {
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_ENUM) {
      TW_ASSIGN_OR_RETURN(const int number, EnumNumber(field, part));
      reflection->AddEnumValue(&message, field, number);
    } else {
      reflection->AddString(&message, field, part);
    }
  }
  return absl::OkStatus();
}

// The envelope's short names.
std::optional<std::string> EnvelopeField(const std::string& name) {
  if (name == "id") return "event_id";
  if (name == "source" || name == "actor" || name == "document" || name == "note") return name;
  if (name == "occurred") return "occurred_at";
  if (name == "seq") return "sequence";
  return std::nullopt;
}

// The positional word `word` for `names`: a field, or two with `>` between them.
absl::Status SetPositional(Message& body, const std::string& names, const std::string& word,
                           Time now) {
  const size_t fork = names.find('>');
  if (fork == names.npos) return SetField(body, names, word, now);
  // Names of places hold no `>`; a `-` before it leaves the first field out.
  const size_t cut = word.find('>');
  if (cut == word.npos) return Wrong("FROM>TO expected", word);
  TW_RETURN_IF_ERROR(SetField(body, names.substr(0, fork), word.substr(0, cut), now));
  return SetField(body, names.substr(fork + 1), word.substr(cut + 1), now);
}

const BodySpec* FindBody(std::string_view word) {
  for (const BodySpec& spec : kBodySpecs) {
    if (spec.name == word) return &spec;
  }
  return nullptr;
}

Message* MutableBody(v1::StockEvent& event, std::string_view name) {
  const auto* field = event.GetDescriptor()->FindFieldByName(std::string(name));
  return event.GetReflection()->MutableMessage(&event, field);
}

}  // namespace

std::vector<std::string> Words(std::string_view line) {
  std::vector<std::string> words;
  for (const std::string& word : Split(line, ' ')) {
    std::string plain;
    const std::string repeated = Repeat(word);
    words.push_back(absl::CUnescape(repeated, &plain) ? plain : repeated);
  }
  return words;
}

absl::StatusOr<Time> ParseClock(std::string_view text, Time now) {
  std::string full(text);
  if (full.find('T') == full.npos) {
    const auto day = absl::ToCivilDay(absl::FromUnixMicros(now.value()), absl::UTCTimeZone());
    full = absl::FormatCivilTime(day) + "T" + full;
  }
  absl::CivilSecond civil;
  if (!absl::ParseLenientCivilTime(full, &civil)) return Wrong("not a time", std::string(text));
  return Time(absl::ToUnixMicros(absl::FromCivil(civil, absl::UTCTimeZone())));
}

absl::Status SetField(Message& message, const std::string& name, const std::string& value,
                      Time now) {
  if (value == "-") return absl::OkStatus();
  const auto* field = message.GetDescriptor()->FindFieldByName(name);
  if (field == nullptr) {
    return Wrong(absl::StrCat("no such field in ", message.GetTypeName()), name);
  }
  if (field->is_repeated()) return AddRepeated(message, field, value);
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    return SetMessage(*message.GetReflection()->MutableMessage(&message, field), value, now);
  }
  return SetScalar(message, field, value);
}

bool IsBody(std::string_view word) { return FindBody(word) != nullptr; }

absl::StatusOr<v1::StockEvent> ParseEvent(const std::vector<std::string>& words,
                                          const std::string& default_id, Time now) {
  v1::StockEvent event;
  event.set_event_id(default_id);
  event.set_source("test");
  const BodySpec* spec = FindBody(words.empty() ? "" : words[0]);
  if (spec == nullptr) return Wrong("not a body", words.empty() ? "" : words[0]);
  Message* body = MutableBody(event, spec->name);
  std::vector<std::string> positional = Split(spec->fields, ' ');
  if (spec->name != "location_defined") positional.insert(positional.begin(), "sku");
  bool reason_given = false;
  size_t next = 0;
  for (size_t i = 1; i < words.size(); ++i) {
    const size_t equals = words[i].find('=');
    if (equals == std::string::npos) {
      if (next == positional.size()) return Wrong("too many words", words[i]);
      const std::string& name = positional[next++];
      Message& target = name == "sku" ? static_cast<Message&>(event) : *body;
      TW_RETURN_IF_ERROR(SetPositional(target, name, words[i], now));
      continue;
    }
    const std::string name = words[i].substr(0, equals);
    const std::string value = words[i].substr(equals + 1);
    reason_given |= name == "reason";
    if (const auto envelope = EnvelopeField(name)) {
      if (value == "-") {
        event.GetReflection()->ClearField(&event,
                                          event.GetDescriptor()->FindFieldByName(*envelope));
      }
      TW_RETURN_IF_ERROR(SetField(event, *envelope, value, now));
    } else if (name == "sku") {
      TW_RETURN_IF_ERROR(SetField(event, name, value, now));
    } else {
      TW_RETURN_IF_ERROR(SetField(*body, name, value, now));
    }
  }
  if (event.has_adjusted() && !reason_given) event.mutable_adjusted()->set_reason("test");
  return event;
}

absl::StatusOr<v1::Listing> ParseListing(const std::vector<std::string>& words, Time now) {
  static constexpr std::array kPositional = {"channel", "listing_id", "sku"};
  v1::Listing listing;
  size_t next = 0;
  for (const std::string& word : words) {
    const size_t equals = word.find('=');
    if (equals != std::string::npos) {
      TW_RETURN_IF_ERROR(SetField(listing, word.substr(0, equals), word.substr(equals + 1), now));
    } else if (word == "paused") {
      listing.set_paused(true);
    } else if (next < kPositional.size()) {
      TW_RETURN_IF_ERROR(SetField(listing, kPositional[next++], word, now));
    } else {
      return Wrong("too many words", word);
    }
  }
  return listing;
}

}  // namespace tallywire::scenarios
