// SPDX-License-Identifier: Apache-2.0
// The codec: any value, with any headers, at any place of a log. What decodes can be encoded, and
// decodes to the same; a refusal is a sentence; what a decoder has read before changes nothing.
//
// Input: partitions, partition, which key, how many headers; then of each header which, and its
// text; a value that was read before; the value.
#include "ledger/codec.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/stubs/logging.h"
#include "ledger/check.h"
#include "ledger/identity.h"
#include "ledger/limits.h"
#include "ledger/names.h"
#include "tallywire/v1/event.pb.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/message_of.h"

namespace tallywire::fuzz {
namespace {

using Decoded = std::variant<const Event*, Refusal>;

// What a decoder said, as text; equal for equal answers.
std::string Told(const Decoded& decoded) {
  if (const auto* refusal = std::get_if<Refusal>(&decoded)) {
    return absl::StrCat(std::string(Name(refusal->reason)), " ", refusal->detail);
  }
  return BytesOf(*std::get<const Event*>(decoded));
}

std::vector<Header> TakeHeaders(Input& in) {
  static constexpr std::array<std::string_view, 5> kNames = {"ce_id", "ce_source", "ce_time",
                                                             "ce_type", "traceparent"};
  std::vector<Header> headers(static_cast<size_t>(in.Below(4)));
  for (Header& header : headers) {
    header.name = kNames[static_cast<size_t>(in.Below(kNames.size()))];
    header.value = in.Text();
  }
  return headers;
}

// What holds of an event, whatever it was read from.
void CheckEvent(const Event& event, const Placement& placement) {
  const std::string bytes = BytesOf(event);
  Decoder decoder;
  // Of a linked record everything is in the body; of others the place was judged before.
  const Decoded again = decoder.Decode(bytes, {}, placement);
  CheckSame("an event and what its encoding decodes to", bytes, Told(again));
  const auto* same = std::get_if<const Event*>(&again);
  TW_CHECK(same != nullptr, "what decodes encodes");
  if (!IsLinked(event.body)) {
    TW_CHECK(IdentityOf(event) == IdentityOf(**same), "one identity");
    TW_CHECK(Fingerprint(event) == Fingerprint(**same), "one fingerprint");
    return;
  }
  const std::string linked =
      event.body == Body::kTicked
          ? EncodeTicked()
          : EncodeLocationCopied(event.target_partition, event.cause_partition, event.cause_offset,
                                 event.location, event.location_definition);
  CheckSame("a linked record and what the ledger writes for it", bytes,
            Told(decoder.Decode(linked, {}, placement)));
}

// The same bytes by protobuf's own parser, which knows no headers and no frame.
void CheckMessage(std::string_view value, const Placement& placement, const std::string& told) {
  v1::StockEvent message;
  if (!message.ParseFromArray(value.data(), static_cast<int>(value.size()))) return;
  Decoder decoder;
  // A message may be smaller than the bytes that it was read from, and so not be too large.
  if (value.size() > kMaxEventBytes) return;
  CheckSame("bytes and their message", told, Told(decoder.Check(message, placement)));
  CheckSame("bytes and their message's bytes", told,
            Told(decoder.Decode(message.SerializeAsString(), {}, placement)));
}

void Run(Input in) {
  const google::protobuf::LogSilencer silencer;
  Placement placement;
  placement.partitions = in.Below(5);
  placement.partition = Partition(in.Below(5));
  const int key = in.Below(4);
  const std::vector<Header> headers = TakeHeaders(in);
  const std::string_view before = in.LongText();
  const std::string_view value = in.Rest();

  // Mostly the right key, else nothing would get past it.
  v1::StockEvent message;
  const bool parses = message.ParseFromArray(value.data(), static_cast<int>(value.size()));
  if (key == 1) placement.key = "WH1";
  if (key >= 2 && parses) placement.key = KeyOf(message);

  Decoder used;
  const std::string first = Told(used.Decode(before, headers, placement));
  const Decoded decoded = used.Decode(value, headers, placement);
  const std::string told = Told(decoded);
  Decoder fresh;
  CheckSame("a used decoder's and a fresh one's answer", told,
            Told(fresh.Decode(value, headers, placement)));
  CheckSame("a first and a later answer", first, Told(fresh.Decode(before, headers, placement)));

  if (const auto* refusal = std::get_if<Refusal>(&decoded)) {
    TW_CHECK(IsUtf8(refusal->detail), "a detail is text");
    TW_CHECK(refusal->detail.find(": ") != std::string::npos, "a detail names the field");
  } else {
    CheckEvent(*std::get<const Event*>(decoded), placement);
  }
  if (headers.empty() && parses && value.substr(0, 1) != std::string_view("\0", 1)) {
    CheckMessage(value, placement, told);
  }
}

}  // namespace
}  // namespace tallywire::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tallywire::fuzz::Run(tallywire::fuzz::Input(data, size));
  return 0;
}
