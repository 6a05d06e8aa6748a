// SPDX-License-Identifier: Apache-2.0
#include "tools/import/input_file.h"

#include <zlib.h>
#include <zstd.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "ledger/check.h"
#include "tools/import/testing.h"

namespace tallywire {
namespace {

// Not periodic, so that a packed form has some length.
std::string Text(size_t size) {
  std::string text;
  uint32_t x = 1;
  while (text.size() < size) {
    x = x * 1664525 + 1013904223;
    text += std::to_string(x >> 12);
    text += '\n';
  }
  return text;
}

std::string Gzip(const std::string& text) {
  z_stream stream{};
  TW_CHECK(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK, "zlib");
  std::string packed(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  TW_CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END, "zlib");
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::string Zstd(const std::string& text) {
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  size_t n = ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 3);
  TW_CHECK(ZSTD_isError(n) == 0, "zstd");
  packed.resize(n);
  return packed;
}

// All of a file, by reads of `step` bytes.
absl::StatusOr<std::string> ReadAll(const std::string& content, size_t step = 1000) {
  TemporaryFile file(content);
  absl::StatusOr<std::unique_ptr<InputFile>> input = InputFile::Open(file.path());
  if (!input.ok()) return input.status();
  EXPECT_EQ((*input)->size(), static_cast<int64_t>(content.size()));
  std::string text;
  std::vector<char> buffer(step);
  while (true) {
    absl::StatusOr<size_t> n = (*input)->Read(buffer.data(), buffer.size());
    if (!n.ok()) return n.status();
    if (*n == 0) break;
    text.append(buffer.data(), *n);
    EXPECT_LE((*input)->position(), (*input)->size());
  }
  EXPECT_EQ((*input)->position(), (*input)->size());
  return text;
}

TEST(InputFile, ReadsPlainFilesOfEverySize) {
  for (size_t size : {0, 1, 2, 3, 4, 1000, 300'000}) {
    std::string text = Text(size).substr(0, size);
    EXPECT_EQ(*ReadAll(text), text) << size;
  }
}

TEST(InputFile, UnpacksByTheFirstBytes) {
  for (size_t size : {0, 1, 5'000, 2'000'000}) {
    std::string text = Text(size).substr(0, size);
    for (size_t step : {1'000, 65'536}) {
      EXPECT_EQ(*ReadAll(Gzip(text), step), text) << size;
      EXPECT_EQ(*ReadAll(Zstd(text), step), text) << size;
    }
  }
}

TEST(InputFile, MembersAndFramesInARowAreOneFile) {
  std::string one = Text(5'000);
  std::string two = Text(700'000);
  EXPECT_EQ(*ReadAll(Gzip(one) + Gzip(two) + Gzip(one)), one + two + one);
  EXPECT_EQ(*ReadAll(Zstd(one) + Zstd(two) + Zstd(one)), one + two + one);
}

TEST(InputFile, APackedFileThatEndsInTheMiddleIsSaidSo) {
  std::string text = Text(500'000);
  for (const std::string& packed : {Gzip(text), Zstd(text)}) {
    for (size_t size : {packed.size() - 1, packed.size() / 2, size_t{5}}) {
      absl::StatusOr<std::string> read = ReadAll(packed.substr(0, size));
      ASSERT_FALSE(read.ok()) << size;
      EXPECT_EQ(read.status().code(), absl::StatusCode::kDataLoss);
      EXPECT_NE(read.status().message().find("ends in the middle"), absl::string_view::npos);
    }
  }
}

TEST(InputFile, ADamagedFileIsSaidSo) {
  std::string text = Text(500'000);
  for (std::string packed : {Gzip(text), Zstd(text)}) {
    packed[packed.size() / 2] = static_cast<char>(packed[packed.size() / 2] ^ 0x55);
    packed[packed.size() / 2 + 1] = static_cast<char>(packed[packed.size() / 2 + 1] ^ 0x55);
    absl::StatusOr<std::string> read = ReadAll(packed);
    // zstd without a checksum may give other bytes; it never gives these.
    if (read.ok()) {
      EXPECT_NE(*read, text);
    } else {
      EXPECT_EQ(read.status().code(), absl::StatusCode::kDataLoss);
    }
  }
}

TEST(InputFile, WhatIsNoFileIsSaidSo) {
  EXPECT_EQ(InputFile::Open("/nowhere/at/all.csv").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(InputFile::Open(testing::TempDir()).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace tallywire
