// SPDX-License-Identifier: Apache-2.0
#include "ledger/log_rows.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"

namespace tallywire {
namespace {

// A record as format 1 writes it: what is in a folder today is read for ever.
constexpr std::string_view kGoldenRow =
    "0100064bf38887c801075245442d544545030102653103000b7472616365706172656e740430302d3176616c7565";

std::vector<Header> GoldenHeaders() {
  return {{"ce_id", "e1"}, {"ce_specversion", "1.0"}, {"traceparent", "00-1"}};
}

TEST(LogRowsTest, GoldenRowIsWrittenAndReadForEver) {
  std::string row;
  EncodeRecord(Time(1'772'359'200'000'001), "RED-TEE", GoldenHeaders(), "value", row);
  EXPECT_EQ(absl::BytesToHexString(row), kGoldenRow);

  const std::string stored = absl::HexStringToBytes(std::string(kGoldenRow));
  RecordRow read;
  ASSERT_TRUE(DecodeRecord(stored, read));
  EXPECT_EQ(read.stamp, Time(1'772'359'200'000'001));
  EXPECT_EQ(read.key, "RED-TEE");
  EXPECT_EQ(read.value, "value");
  ASSERT_EQ(read.headers, 3u);
  std::vector<Header> headers(3);
  ASSERT_TRUE(DecodeHeaders(read, headers));
  EXPECT_EQ(headers, GoldenHeaders());
}

TEST(LogRowsTest, ARowThatIsCutShortIsNone) {
  const std::string stored = absl::HexStringToBytes(std::string(kGoldenRow));
  for (size_t length = 0; length + 5 < stored.size(); ++length) {
    RecordRow read;
    std::vector<Header> headers(3);
    const bool decoded = DecodeRecord(std::string_view(stored).substr(0, length), read) &&
                         read.headers == 3 && DecodeHeaders(read, headers);
    EXPECT_FALSE(decoded) << length;
  }
}

TEST(LogRowsTest, KeysSortAsOffsetsDo) {
  const TopicId topic{7};
  EXPECT_LT(RecordKey(topic, Partition(1), Offset(255)),
            RecordKey(topic, Partition(1), Offset(256)));
  EXPECT_LT(RecordKey(topic, Partition(1), Offset(1'000'000)),
            RecordKey(topic, Partition(2), Offset(0)));
  EXPECT_EQ(absl::BytesToHexString(RecordKey(topic, Partition(2), Offset(258))),
            "00000007000000020000000000000102");
}

}  // namespace
}  // namespace tallywire
