// SPDX-License-Identifier: Apache-2.0
#include "tools/api/dead_letter.h"

#include <charconv>
#include <limits>
#include <string>

#include "ledger/refused.h"

namespace tallywire {
namespace {

std::string_view HeaderOf(const Record& record, std::string_view name) {
  for (const Header& header : record.headers) {
    if (header.name == name) return header.value;
  }
  return {};
}

std::optional<uint64_t> TakeVarint(std::string_view* bytes) {
  uint64_t value = 0;
  for (int shift = 0; shift < 64 && !bytes->empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes->front());
    bytes->remove_prefix(1);
    value |= uint64_t{byte & 0x7FU} << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

// The message inside a Schema Registry frame: 0, four bytes of schema id, then how many steps lead
// to the message within the schema, and the steps; 0 steps stands for the first message.
std::optional<std::string_view> Unframed(std::string_view value) {
  if (value.empty() || value.front() != '\0') return value;
  if (value.size() < 6) return std::nullopt;
  value.remove_prefix(5);
  auto steps = TakeVarint(&value);
  // Numbers are zigzag there.
  for (uint64_t left = steps ? *steps / 2 : 0; steps && left > 0; --left)
    steps = TakeVarint(&value);
  if (!steps) return std::nullopt;
  return value;
}

// A text of the wire is UTF-8: other bytes become `?`.
std::string ToUtf8(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    size_t length = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    bool good = lead < 0x80 || (lead >= 0xC2 && lead <= 0xF4);
    good = good && i + length <= text.size();
    for (size_t k = 1; good && k < length; ++k) {
      good = (static_cast<unsigned char>(text[i + k]) & 0xC0) == 0x80;
    }
    if (good && length > 2) {
      // Too long a form, a surrogate, or beyond the last character.
      const auto second = static_cast<unsigned char>(text[i + 1]);
      good = !(lead == 0xE0 && second < 0xA0) && !(lead == 0xED && second > 0x9F) &&
             !(lead == 0xF0 && second < 0x90) && !(lead == 0xF4 && second > 0x8F);
    }
    if (!good) length = 1;
    out.append(good ? text.substr(i, length) : std::string_view("?"));
    i += length;
  }
  return out;
}

}  // namespace

std::optional<int64_t> HeaderNumber(std::string_view value) {
  int64_t number = 0;
  const char* end = value.data() + value.size();
  const auto read = std::from_chars(value.data(), end, number);
  if (!value.empty() && read.ec == std::errc() && read.ptr == end) return number;
  if (value.size() != 4 && value.size() != 8) return std::nullopt;
  uint64_t bits = 0;
  for (const char c : value) bits = bits << 8 | static_cast<unsigned char>(c);
  if (value.size() == 4) return static_cast<int32_t>(static_cast<uint32_t>(bits));
  return static_cast<int64_t>(bits);
}

v1::DeadLetter ToDeadLetter(const Record& record) {
  v1::DeadLetter letter;
  if (const auto reason = RefusedReasonFromName(HeaderOf(record, "stock-error-code"))) {
    letter.set_reason(static_cast<v1::RefusedReason>(*reason));
  }
  letter.set_detail(ToUtf8(HeaderOf(record, "kafka_dlt-exception-message")));
  const auto partition = HeaderNumber(HeaderOf(record, "kafka_dlt-original-partition"));
  letter.set_partition(static_cast<int32_t>(partition.value_or(record.partition.value())));
  letter.set_offset(HeaderNumber(HeaderOf(record, "kafka_dlt-original-offset")).value_or(0));
  // Milliseconds, as Kafka's own tools have it.
  if (const auto time = HeaderNumber(HeaderOf(record, "kafka_dlt-original-timestamp"))) {
    letter.mutable_log_time()->set_seconds(*time / 1'000);
    letter.mutable_log_time()->set_nanos(static_cast<int32_t>(*time % 1'000 * 1'000'000));
  }
  letter.set_key(std::string(record.key));
  letter.set_value(std::string(record.value));
  const auto message = Unframed(record.value);
  if (message && !message->empty() && message->size() <= size_t{std::numeric_limits<int>::max()}) {
    v1::StockEvent event;
    if (event.ParseFromArray(message->data(), static_cast<int>(message->size()))) {
      *letter.mutable_event() = std::move(event);
    }
  }
  return letter;
}

}  // namespace tallywire
