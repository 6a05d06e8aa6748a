// SPDX-License-Identifier: Apache-2.0
#include "tools/api/json.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/type.pb.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/type_resolver.h"
#include "google/protobuf/util/type_resolver_util.h"
#include "ledger/check.h"
#include "ledger/names.h"

namespace tallywire {
namespace {

namespace pb = google::protobuf;
namespace util = google::protobuf::util;

constexpr char kUrlPrefix[] = "type.googleapis.com";
constexpr char kZero[] = "UNSPECIFIED";

// Tells the JSON reader about our types, with a second name for each enum value: the one without
// the prefix, which is what the value of number 0 has before UNSPECIFIED. Types are kept, since the
// reader asks for them anew for each message.
class ShortNames : public util::TypeResolver {
 public:
  util::Status ResolveMessageType(const std::string& url, pb::Type* type) override {
    std::lock_guard lock(mu_);
    const auto known = messages_.find(url);
    if (known != messages_.end()) {
      *type = known->second;
      return {};
    }
    const util::Status status = plain_->ResolveMessageType(url, type);
    if (status.ok()) messages_[url] = *type;
    return status;
  }

  util::Status ResolveEnumType(const std::string& url, pb::Enum* type) override {
    const util::Status status = plain_->ResolveEnumType(url, type);
    if (!status.ok() || type->enumvalue_size() == 0) return status;
    absl::string_view prefix = type->enumvalue(0).name();
    if (!absl::ConsumeSuffix(&prefix, kZero) || prefix.empty()) return status;
    for (int i = 0, values = type->enumvalue_size(); i < values; ++i) {
      absl::string_view name = type->enumvalue(i).name();
      if (!absl::ConsumePrefix(&name, prefix)) continue;
      const std::string shorter(name);
      const int32_t number = type->enumvalue(i).number();
      pb::EnumValue* value = type->add_enumvalue();
      value->set_name(shorter);
      value->set_number(number);
    }
    return status;
  }

 private:
  const std::unique_ptr<util::TypeResolver> plain_{
      util::NewTypeResolverForDescriptorPool(kUrlPrefix, pb::DescriptorPool::generated_pool())};
  std::mutex mu_;
  // Guarded by mu_.
  std::unordered_map<std::string, pb::Type> messages_;
};

bool Print(const pb::Message& message, JsonStyle style, std::string* out) {
  util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = style.zeros;
  options.add_whitespace = style.indented;
  out->clear();
  return util::MessageToJsonString(message, out, options).ok();
}

// Clears every time and span, at any depth, that cannot be printed.
void ClearUnprintable(pb::Message* message) {
  const pb::Reflection& reflection = *message->GetReflection();
  std::vector<const pb::FieldDescriptor*> fields;
  reflection.ListFields(*message, &fields);
  std::string ignored;
  for (const pb::FieldDescriptor* field : fields) {
    if (field->message_type() == nullptr) continue;
    if (field->is_repeated()) {
      for (int i = 0; i < reflection.FieldSize(*message, field); ++i) {
        ClearUnprintable(reflection.MutableRepeatedMessage(message, field, i));
      }
    } else if (!absl::StartsWith(field->message_type()->full_name(), "google.protobuf.")) {
      ClearUnprintable(reflection.MutableMessage(message, field));
    } else if (!Print(reflection.GetMessage(*message, field), {}, &ignored)) {
      reflection.ClearField(message, field);
    }
  }
}

// The reader's text goes over several lines to point at a place: text, excerpt, arrow.
std::string OneLine(absl::string_view text) {
  const size_t end = text.find('\n');
  const absl::string_view line = text.substr(0, end);
  const size_t begin = line.find_first_not_of(": ");
  if (begin == absl::string_view::npos) return "not a JSON object";
  std::string out(line.substr(begin));
  if (end == absl::string_view::npos) return out;
  absl::string_view excerpt = text.substr(end + 1);
  excerpt = excerpt.substr(0, excerpt.find('\n'));
  return absl::StrCat(out, " at `", excerpt, "`");
}

}  // namespace

std::string ToJson(const pb::Message& message, JsonStyle style) {
  std::string text;
  // The printer leaves out most of what is not UTF-8, but not all.
  if (Print(message, style, &text)) return IsUtf8(text) ? text : ToUtf8(text);
  const std::unique_ptr<pb::Message> printable(message.New());
  printable->CopyFrom(message);
  ClearUnprintable(printable.get());
  TW_CHECK(Print(*printable, style, &text), "a message without times out of range has JSON");
  return ToUtf8(text);
}

absl::Status FromJson(std::string_view json, pb::Message* out) {
  static auto* const resolver = new ShortNames;
  std::string bytes;
  const util::Status status = util::JsonToBinaryString(
      resolver, absl::StrCat(kUrlPrefix, "/", out->GetDescriptor()->full_name()),
      {json.data(), json.size()}, &bytes, util::JsonParseOptions());
  out->Clear();
  if (!status.ok()) {
    return absl::InvalidArgumentError(OneLine({status.message().data(), status.message().size()}));
  }
  if (!out->ParseFromString(bytes)) {
    out->Clear();
    return absl::InvalidArgumentError("a text that is not UTF-8, or nested too deep");
  }
  return absl::OkStatus();
}

}  // namespace tallywire
