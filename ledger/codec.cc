// SPDX-License-Identifier: Apache-2.0
#include "ledger/codec.h"

#include <cstdint>
#include <optional>

#include "absl/strings/str_cat.h"
#include "google/protobuf/stubs/logging.h"
#include "ledger/form_rules.h"
#include "ledger/limits.h"
#include "ledger/names.h"
#include "tallywire/v1/event.pb.h"

namespace tallywire {
namespace {

// Takes base-128 numbers from the front of bytes.
class Varints {
 public:
  explicit Varints(std::string_view bytes) : at_(bytes.data()), end_(at_ + bytes.size()) {}

  bool AtEnd() const { return at_ == end_; }
  // False once there was none to take.
  bool ok() const { return ok_; }
  std::string_view rest() const { return {at_, static_cast<size_t>(end_ - at_)}; }

  uint64_t Take() {
    if (at_ != end_ && static_cast<uint8_t>(*at_) < 0x80) return static_cast<uint8_t>(*at_++);
    return TakeLong();
  }
  void Skip(uint64_t bytes) {
    ok_ = ok_ && bytes <= rest().size();
    if (ok_) at_ += bytes;
  }

 private:
  uint64_t TakeLong() {
    constexpr int kMostBits = 70;
    uint64_t value = 0;
    for (int bits = 0; bits < kMostBits && at_ != end_; bits += 7) {
      const auto byte = static_cast<uint8_t>(*at_++);
      value |= uint64_t{byte & 0x7fU} << bits;
      if (byte < 0x80) return value;
    }
    ok_ = false;
    return 0;
  }

  const char* at_;
  const char* const end_;
  bool ok_ = true;
};

// What a message will have once it is parsed, seen from its outermost tags.
struct Outline {
  bool occurred_at = false;
  uint64_t body = 0;  // field number; 0: none, or the bytes are not what we write
};

Outline OutlineOf(std::string_view bytes) {
  constexpr uint64_t kVarint = 0;
  constexpr uint64_t kLengthDelimited = 2;
  Outline outline;
  Varints in(bytes);
  while (!in.AtEnd()) {
    const uint64_t tag = in.Take();
    const uint64_t number = in.Take();
    if ((tag & 7) == kLengthDelimited) {
      in.Skip(number);
      const uint64_t field = tag >> 3;
      if (field == v1::StockEvent::kOccurredAtFieldNumber) outline.occurred_at = true;
      if (field >= v1::StockEvent::kReceived) outline.body = field;
    } else if ((tag & 7) != kVarint) {
      return {};
    }
    if (!in.ok()) return {};
  }
  return outline;
}

// Empties a body and keeps its memory. False for one that seldom comes.
bool ClearBody(v1::StockEvent& message) {
  switch (message.body_case()) {
    case v1::StockEvent::kReceived:
      message.mutable_received()->Clear();
      return true;
    case v1::StockEvent::kSold:
      message.mutable_sold()->Clear();
      return true;
    case v1::StockEvent::kReturned:
      message.mutable_returned()->Clear();
      return true;
    case v1::StockEvent::kCounted:
      message.mutable_counted()->Clear();
      return true;
    case v1::StockEvent::kAdjusted:
      message.mutable_adjusted()->Clear();
      return true;
    case v1::StockEvent::kMoved:
      message.mutable_moved()->Clear();
      return true;
    case v1::StockEvent::kTransferred:
      message.mutable_transferred()->Clear();
      return true;
    default:
      return false;
  }
}

// Parses `bytes` into `message`, whatever was in it. The same as ParseFromArray, which gives the
// memory of body and time back each time, and takes it anew: half of its cost, where most events
// are alike.
bool Parse(std::string_view bytes, std::string& scratch, v1::StockEvent& message) {
  const auto size = static_cast<int>(bytes.size());
  const Outline outline = OutlineOf(bytes);
  if (outline.body == 0 || outline.body != static_cast<uint64_t>(message.body_case()) ||
      !message.GetReflection()->GetUnknownFields(message).empty() || !ClearBody(message)) {
    return message.ParseFromArray(bytes.data(), size);
  }
  message.clear_event_id();
  message.clear_source();
  message.clear_sku();
  message.clear_sequence();
  message.clear_actor();
  message.clear_document();
  message.clear_note();
  if (!outline.occurred_at) message.clear_occurred_at();
  if (message.has_occurred_at()) message.mutable_occurred_at()->Clear();
  scratch.assign(bytes);
  return message.MergeFromString(scratch);
}

// A Schema Registry frame: 0, four bytes of schema id, the way to the message within its schema as
// zigzag numbers (how many, then so many; a lone 0 means the first message), the message.
std::optional<std::string_view> SkipFrame(std::string_view value) {
  constexpr size_t kMagicAndId = 5;
  if (value.size() < kMagicAndId) return std::nullopt;
  value.remove_prefix(kMagicAndId);
  Varints in(value);
  const uint64_t zigzag = in.Take();
  if ((zigzag & 1) != 0) return std::nullopt;
  for (uint64_t i = 0; i < zigzag / 2 && in.ok(); ++i) in.Take();
  if (!in.ok()) return std::nullopt;
  return in.rest();
}

HeaderFields FromHeaders(std::span<const Header> headers) {
  HeaderFields fields;
  for (const Header& header : headers) {
    if (header.name == "ce_id") fields.event_id = header.value;
    if (header.name == "ce_source") fields.source = header.value;
    if (header.name == "ce_time") fields.time = header.value;
  }
  return fields;
}

// Of the headers that are read, one that is not UTF-8.
std::optional<Refusal> NotUtf8(const v1::StockEvent& message, const HeaderFields& headers) {
  if (message.has_location_copied() || message.has_ticked()) return std::nullopt;
  const auto refusal = [](std::string_view name, std::string_view value) {
    return Refusal{RefusedReason::kUndecodable,
                   absl::StrCat(std::string(name), ": ", Quoted(value), " is not UTF-8")};
  };
  if (message.event_id().empty() && !IsUtf8(headers.event_id)) {
    return refusal("ce_id", headers.event_id);
  }
  if (message.source().empty() && !IsUtf8(headers.source)) {
    return refusal("ce_source", headers.source);
  }
  return std::nullopt;
}

Refusal TooLarge(size_t bytes) {
  return {RefusedReason::kTooLarge,
          absl::StrCat("value: ", bytes, " bytes are more than ", kMaxEventBytes)};
}

Refusal Undecodable(size_t bytes, std::string_view what) {
  return {RefusedReason::kUndecodable,
          absl::StrCat("value: ", bytes, " bytes are not ", std::string(what))};
}

}  // namespace

struct Decoder::Impl {
  std::variant<const Event*, Refusal> Read(const v1::StockEvent& from, Texts texts,
                                           const HeaderFields& headers,
                                           const Placement& placement) {
    if (auto refusal = ReadEvent(from, texts, headers, placement, event)) {
      return *std::move(refusal);
    }
    return &event;
  }

  // Protobuf would write a line to stderr for each text that is not UTF-8; the refusal says it.
  google::protobuf::LogSilencer silencer;
  std::string scratch;
  v1::StockEvent message;
  Event event;
};

Decoder::Decoder() : impl_(std::make_unique<Impl>()) {}
Decoder::~Decoder() = default;

std::variant<const Event*, Refusal> Decoder::Decode(std::string_view value,
                                                    std::span<const Header> headers,
                                                    const Placement& placement) {
  if (value.size() > kMaxEventBytes) return TooLarge(value.size());
  std::string_view bytes = value;
  if (!value.empty() && value.front() == '\0') {
    const auto framed = SkipFrame(value);
    if (!framed) return Undecodable(value.size(), "a Schema Registry frame");
    bytes = *framed;
  }
  if (!Parse(bytes, impl_->scratch, impl_->message)) {
    return Undecodable(value.size(), "a StockEvent");
  }
  const HeaderFields fields = FromHeaders(headers);
  if (auto refusal = NotUtf8(impl_->message, fields)) return *std::move(refusal);
  return impl_->Read(impl_->message, Texts::kUtf8, fields, placement);
}

Misplaced Decoder::LastMisplaced() const {
  const auto name = [](std::string_view text) {
    return text.size() <= kMaxNameBytes ? text : std::string_view();
  };
  return {.source = name(impl_->event.source), .sku = name(impl_->event.sku)};
}

std::variant<const Event*, Refusal> Decoder::Check(const v1::StockEvent& message,
                                                   const Placement& placement) {
  const size_t bytes = message.ByteSizeLong();
  if (bytes > kMaxEventBytes) return TooLarge(bytes);
  return impl_->Read(message, Texts::kUnknown, {}, placement);
}

std::string EncodeLocationCopied(Partition target, Partition cause_partition, Offset cause_offset,
                                 std::string_view location, const LocationDefinition& definition) {
  constexpr int64_t kMicrosPerSecond = 1'000'000;
  v1::StockEvent message;
  v1::LocationCopied& copied = *message.mutable_location_copied();
  copied.set_target_partition(target.value());
  copied.mutable_cause()->set_partition(cause_partition.value());
  copied.mutable_cause()->set_offset(cause_offset.value());
  v1::LocationDefined& defined = *copied.mutable_definition();
  defined.set_location(std::string(location));
  defined.set_kind(static_cast<v1::SiteKind>(definition.kind));
  if (definition.sellable) defined.set_sellable(*definition.sellable);
  if (definition.priority) defined.set_priority(*definition.priority);
  if (definition.lead_time) {
    const int64_t micros = definition.lead_time->value();
    defined.mutable_lead_time()->set_seconds(micros / kMicrosPerSecond);
    defined.mutable_lead_time()->set_nanos(static_cast<int32_t>(micros % kMicrosPerSecond) * 1'000);
  }
  if (definition.coordinates) {
    defined.mutable_coordinates()->set_latitude_e7(definition.coordinates->latitude_e7);
    defined.mutable_coordinates()->set_longitude_e7(definition.coordinates->longitude_e7);
  }
  return message.SerializeAsString();
}

std::string EncodeTicked() {
  v1::StockEvent message;
  message.mutable_ticked();
  return message.SerializeAsString();
}

std::string_view KeyOf(const v1::StockEvent& message) {
  if (message.has_location_defined()) return message.location_defined().location();
  if (message.has_location_copied()) return message.location_copied().definition().location();
  return message.sku();
}

}  // namespace tallywire
