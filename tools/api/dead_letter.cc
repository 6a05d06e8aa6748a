// SPDX-License-Identifier: Apache-2.0
#include "tools/api/dead_letter.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/cloud_events.h"
#include "ledger/dead_letters.h"
#include "ledger/refused.h"
#include "ledger/topics.h"

namespace tallywire {
namespace {

const Header* FindHeader(const Record& record, std::string_view name) {
  const auto found = std::find_if(record.headers.rbegin(), record.headers.rend(),
                                  [&](const Header& header) { return header.name == name; });
  return found == record.headers.rend() ? nullptr : &*found;
}

std::string_view HeaderOf(const Record& record, std::string_view name) {
  const Header* header = FindHeader(record, name);
  return header == nullptr ? std::string_view() : std::string_view(header->value);
}

// `stock.events-dlt/`, before the place in a redriven record's header.
std::string FromPrefix() { return absl::StrCat(std::string(kStockDeadLetters), "/"); }

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
  if (const auto reason = RefusedReasonFromName(HeaderOf(record, kDltCode))) {
    letter.set_reason(static_cast<v1::RefusedReason>(*reason));
  }
  letter.set_detail(ToUtf8(HeaderOf(record, kDltMessage)));
  const auto partition = HeaderNumber(HeaderOf(record, kDltOriginalPartition));
  letter.set_partition(static_cast<int32_t>(partition.value_or(record.partition.value())));
  letter.set_offset(HeaderNumber(HeaderOf(record, kDltOriginalOffset)).value_or(0));
  // Milliseconds, as Kafka's own tools have it.
  if (const auto time = HeaderNumber(HeaderOf(record, kDltOriginalTimestamp))) {
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
  const auto or_header = [&](const std::string& given, std::string_view name) {
    return given.empty() ? ToUtf8(HeaderOf(record, name)) : given;
  };
  letter.set_source(or_header(letter.event().source(), kCeSource));
  letter.set_event_id(or_header(letter.event().event_id(), kCeId));
  std::string_view from = HeaderOf(record, kRedrivenFrom);
  if (from.starts_with(FromPrefix())) from.remove_prefix(FromPrefix().size());
  if (const auto place = ParseLetterPlace(from)) letter.set_redriven_from(ToText(*place));
  return letter;
}

std::vector<Header> OriginalHeaders(std::span<const Header> letter) {
  std::vector<Header> headers(letter.begin(), letter.end());
  for (const std::string_view name : {kDltOriginalTopic, kDltOriginalPartition, kDltOriginalOffset,
                                      kDltOriginalTimestamp, kDltMessage, kDltCode}) {
    const auto last = std::find_if(headers.rbegin(), headers.rend(),
                                   [&](const Header& header) { return header.name == name; });
    if (last != headers.rend()) headers.erase(std::prev(last.base()));
  }
  std::erase_if(headers, [](const Header& header) { return header.name == kRedrivenFrom; });
  return headers;
}

std::string ToText(LetterPlace place) {
  return absl::StrCat(place.partition.value(), "/", place.offset.value());
}

std::optional<LetterPlace> ParseLetterPlace(std::string_view text) {
  int32_t partition = 0;
  int64_t offset = 0;
  const char* const end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, partition);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != '/') return std::nullopt;
  const auto second = std::from_chars(first.ptr + 1, end, offset);
  if (second.ec != std::errc() || second.ptr != end) return std::nullopt;
  if (partition < 0 || offset < 0) return std::nullopt;
  return LetterPlace{Partition(partition), Offset(offset)};
}

LetterPlace PlaceOf(const v1::DeadLetter& letter) {
  return {Partition(letter.partition()), Offset(letter.offset())};
}

std::array<Header, 2> MarkHeaders(const RedriveMark& mark) {
  return {
      {{std::string(kRedriven), ToText(mark.letter)}, {std::string(kRedrivenTo), ToText(mark.to)}}};
}

bool IsMark(const Record& record) {
  return FindHeader(record, kRedriven) != nullptr && FindHeader(record, kDltCode) == nullptr;
}

std::optional<RedriveMark> ReadMark(const Record& record) {
  if (!IsMark(record)) return std::nullopt;
  const auto letter = ParseLetterPlace(HeaderOf(record, kRedriven));
  const auto to = ParseLetterPlace(HeaderOf(record, kRedrivenTo));
  if (!letter || !to) return std::nullopt;
  return RedriveMark{*letter, *to};
}

bool LetterFilter::empty() const { return !reason && source.empty() && !since && !until; }

bool LetterFilter::Fits(const v1::DeadLetter& letter) const {
  if (reason && letter.reason() != *reason) return false;
  if (!source.empty() && letter.source() != source) return false;
  if (!since && !until) return true;
  const auto time = letter.has_log_time() ? ToTime(letter.log_time()) : std::nullopt;
  return time && (!since || *time >= *since) && (!until || *time < *until);
}

std::optional<Time> ToTime(const google::protobuf::Timestamp& time) {
  constexpr int64_t kMostSeconds = std::numeric_limits<int64_t>::max() / 1'000'000 - 1;
  if (time.seconds() < -kMostSeconds || time.seconds() > kMostSeconds) return std::nullopt;
  if (time.nanos() < 0 || time.nanos() > 999'999'999) return std::nullopt;
  return Time(time.seconds() * 1'000'000 + time.nanos() / 1'000);
}

}  // namespace tallywire
