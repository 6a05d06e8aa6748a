// SPDX-License-Identifier: Apache-2.0
#include "ledger/log_rows.h"

#include <array>
#include <bit>
#include <cstring>

#include "ledger/cloud_events.h"

namespace tallywire {
namespace {

constexpr char kRecordVersion = 1;
constexpr char kTopicVersion = 1;
constexpr char kFormatRow = 'F';
constexpr char kLogIdRow = 'I';
constexpr char kTopicRow = 'T';
constexpr char kBoundsRow = 'B';

// Headers that come with every event are one byte each instead of their name, or of name and value.
// The numbers are for ever.
struct KnownHeader {
  std::string_view name;
  std::optional<std::string_view> value;
};
constexpr uint8_t kLiteralHeader = 0;
constexpr std::array<KnownHeader, 5> kKnownHeaders = {{
    {kCeId, std::nullopt},                 // 1
    {kCeSource, std::nullopt},             // 2
    {kCeSpecVersion, kCeSpecVersion10},    // 3
    {kCeType, kCeTypeStockEvent},          // 4
    {kContentType, kContentTypeProtobuf},  // 5
}};

template <class Int>
void PutBigEndian(Int value, std::string& out) {
  for (int shift = 8 * (static_cast<int>(sizeof(Int)) - 1); shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(static_cast<std::make_unsigned_t<Int>>(value) >> shift));
  }
}

template <class Int>
Int GetBigEndian(const char* bytes) {
  std::make_unsigned_t<Int> value = 0;
  for (size_t i = 0; i < sizeof(Int); ++i) {
    value = static_cast<std::make_unsigned_t<Int>>((uint64_t{value} << 8) |
                                                   static_cast<unsigned char>(bytes[i]));
  }
  return static_cast<Int>(value);
}

void PutVarint(uint64_t value, std::string& out) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

bool TakeVarint(std::string_view& bytes, uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 35 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    value |= uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

void PutString(std::string_view text, std::string& out) {
  PutVarint(text.size(), out);
  out.append(text);
}

bool TakeString(std::string_view& bytes, std::string_view& text) {
  uint64_t size = 0;
  if (!TakeVarint(bytes, size) || size > bytes.size()) return false;
  text = bytes.substr(0, size);
  bytes.remove_prefix(size);
  return true;
}

uint8_t CodeOf(const Header& header) {
  for (size_t i = 0; i < kKnownHeaders.size(); ++i) {
    const KnownHeader& known = kKnownHeaders[i];
    if (header.name == known.name && (!known.value || header.value == *known.value)) {
      return static_cast<uint8_t>(i + 1);
    }
  }
  return kLiteralHeader;
}

bool TakeHeader(std::string_view& bytes, std::string_view& name, std::string_view& value) {
  if (bytes.empty()) return false;
  const auto code = static_cast<uint8_t>(bytes.front());
  bytes.remove_prefix(1);
  if (code == kLiteralHeader) return TakeString(bytes, name) && TakeString(bytes, value);
  if (code > kKnownHeaders.size()) return false;
  const KnownHeader& known = kKnownHeaders[code - 1];
  name = known.name;
  if (!known.value) return TakeString(bytes, value);
  value = *known.value;
  return true;
}

std::string OwnRowKey(char kind) {
  std::string key = TopicPrefix(TopicId{0});
  key.push_back(kind);
  return key;
}

}  // namespace

std::string FormatRowKey() { return OwnRowKey(kFormatRow); }
std::string LogIdRowKey() { return OwnRowKey(kLogIdRow); }
std::string TopicRowPrefix() { return OwnRowKey(kTopicRow); }

std::string TopicRowKey(std::string_view name) {
  std::string key = TopicRowPrefix();
  key.append(name);
  return key;
}

std::string EncodeTopicRow(TopicId id, const TopicSpec& spec) {
  std::string row(1, kTopicVersion);
  PutBigEndian(static_cast<uint32_t>(id), row);
  PutBigEndian(spec.partitions, row);
  row.push_back(static_cast<char>(spec.cleanup));
  PutBigEndian(spec.retention.value(), row);
  return row;
}

std::optional<TopicRow> DecodeTopicRow(std::string_view key, std::string_view value) {
  const std::string prefix = TopicRowPrefix();
  if (!key.starts_with(prefix) || value.size() != 18 || value[0] != kTopicVersion) {
    return std::nullopt;
  }
  const auto cleanup = static_cast<unsigned char>(value[9]);
  if (cleanup > static_cast<unsigned char>(Cleanup::kRetention)) return std::nullopt;
  TopicRow row;
  row.id = TopicId{GetBigEndian<uint32_t>(&value[1])};
  row.spec.name = key.substr(prefix.size());
  row.spec.partitions = GetBigEndian<int32_t>(&value[5]);
  row.spec.cleanup = static_cast<Cleanup>(cleanup);
  row.spec.retention = Span(GetBigEndian<int64_t>(&value[10]));
  if (row.id == TopicId{0} || row.spec.partitions < 1) return std::nullopt;
  return row;
}

std::string BoundsRowKey(TopicId topic, Partition partition) {
  std::string key = OwnRowKey(kBoundsRow);
  PutBigEndian(static_cast<uint32_t>(topic), key);
  PutBigEndian(partition.value(), key);
  return key;
}

std::string EncodeBoundsRow(const LogBounds& bounds) {
  std::string row;
  PutBigEndian(bounds.begin.value(), row);
  PutBigEndian(bounds.end.value(), row);
  return row;
}

std::optional<LogBounds> DecodeBoundsRow(std::string_view value) {
  if (value.size() != 16) return std::nullopt;
  const LogBounds bounds{Offset(GetBigEndian<int64_t>(&value[0])),
                         Offset(GetBigEndian<int64_t>(&value[8]))};
  if (bounds.begin.value() < 0 || bounds.end < bounds.begin) return std::nullopt;
  return bounds;
}

std::string TopicPrefix(TopicId topic) {
  std::string key;
  PutBigEndian(static_cast<uint32_t>(topic), key);
  return key;
}

std::string PartitionPrefix(TopicId topic, Partition partition) {
  std::string key = TopicPrefix(topic);
  PutBigEndian(partition.value(), key);
  return key;
}

std::string RecordKey(TopicId topic, Partition partition, Offset offset) {
  std::string key = PartitionPrefix(topic, partition);
  PutBigEndian(offset.value(), key);
  return key;
}

std::optional<Offset> OffsetOfRecordKey(std::string_view key) {
  if (key.size() != kRecordKeyBytes) return std::nullopt;
  uint64_t offset;
  std::memcpy(&offset, &key[8], sizeof(offset));
  if constexpr (std::endian::native == std::endian::little) offset = __builtin_bswap64(offset);
  return Offset(static_cast<int64_t>(offset));
}

void EncodeRecord(Time stamp, std::string_view key, std::span<const Header> headers,
                  std::string_view value, std::string& out) {
  out.clear();
  out.push_back(kRecordVersion);
  PutBigEndian(stamp.value(), out);
  PutString(key, out);
  PutVarint(headers.size(), out);
  for (const Header& header : headers) {
    const uint8_t code = CodeOf(header);
    out.push_back(static_cast<char>(code));
    if (code == kLiteralHeader) PutString(header.name, out);
    if (code == kLiteralHeader || !kKnownHeaders[code - 1u].value) PutString(header.value, out);
  }
  out.append(value);
}

bool DecodeRecord(std::string_view row, RecordRow& out) {
  if (row.size() < 9 || row[0] != kRecordVersion) return false;
  out.stamp = Time(GetBigEndian<int64_t>(&row[1]));
  row.remove_prefix(9);
  uint64_t headers = 0;
  if (!TakeString(row, out.key) || !TakeVarint(row, headers)) return false;
  // Each takes a byte at least, which keeps a count made up by damage from asking for memory.
  if (headers > row.size()) return false;
  out.headers = headers;
  const std::string_view begin = row;
  std::string_view name;
  std::string_view value;
  for (uint64_t i = 0; i < headers; ++i) {
    if (!TakeHeader(row, name, value)) return false;
  }
  out.header_bytes = begin.substr(0, begin.size() - row.size());
  out.value = row;
  return true;
}

bool DecodeHeaders(const RecordRow& row, std::span<Header> out) {
  std::string_view bytes = row.header_bytes;
  std::string_view name;
  std::string_view value;
  for (Header& header : out) {
    if (!TakeHeader(bytes, name, value)) return false;
    header.name.assign(name);
    header.value.assign(value);
  }
  return bytes.empty();
}

}  // namespace tallywire
