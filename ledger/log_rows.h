// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_LEDGER_LOG_ROWS_H_
#define TALLYWIRE_LEDGER_LOG_ROWS_H_

// The rows of the embedded log, byte by byte: ledger/FORMAT.md is the same as a page.
//
// Decoders take any bytes: what is not one of our rows gives false or nothing, never a crash.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "ledger/log.h"
#include "ledger/types.h"

namespace tallywire {

// Of the folder as a whole. Another number is refused.
inline constexpr std::string_view kLogFormat = "1";
// Key and value of a record with its headers, in bytes.
inline constexpr size_t kMaxLogRecordBytes = size_t{16} << 20;
inline constexpr size_t kMaxTopicNameBytes = 249;
inline constexpr size_t kRecordKeyBytes = 16;
inline constexpr size_t kPartitionPrefixBytes = 8;

// Topics are numbered from 1; number 0 is what the log says of itself.
enum class TopicId : uint32_t {};

std::string FormatRowKey();
std::string LogIdRowKey();

std::string TopicRowPrefix();
std::string TopicRowKey(std::string_view name);
std::string EncodeTopicRow(TopicId id, const TopicSpec& spec);
struct TopicRow {
  TopicId id;
  TopicSpec spec;
};
std::optional<TopicRow> DecodeTopicRow(std::string_view key, std::string_view value);

// Where a partition begins and ends when that cannot be seen from the records that are kept.
std::string BoundsRowKey(TopicId topic, Partition partition);
std::string EncodeBoundsRow(const LogBounds& bounds);
std::optional<LogBounds> DecodeBoundsRow(std::string_view value);

// The prefix of a partition's record keys, and of all of a topic.
std::string TopicPrefix(TopicId topic);
std::string PartitionPrefix(TopicId topic, Partition partition);
std::string RecordKey(TopicId topic, Partition partition, Offset offset);
// Of a key that PartitionPrefix begins.
std::optional<Offset> OffsetOfRecordKey(std::string_view key);

void EncodeRecord(Time stamp, std::string_view key, std::span<const Header> headers,
                  std::string_view value, std::string& out);

// Views point into the row.
struct RecordRow {
  Time stamp;
  std::string_view key;
  std::string_view value;
  size_t headers = 0;
  std::string_view header_bytes;
};
bool DecodeRecord(std::string_view row, RecordRow& out);
// Fills `out`, which has row.headers elements, and uses the memory of its strings again.
bool DecodeHeaders(const RecordRow& row, std::span<Header> out);

}  // namespace tallywire

#endif  // TALLYWIRE_LEDGER_LOG_ROWS_H_
