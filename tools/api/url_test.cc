// SPDX-License-Identifier: Apache-2.0
#include "tools/api/url.h"

#include <gmock/gmock.h>

namespace tallywire {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(Url, SegmentsAreDecodedAfterTheyAreCut) {
  const auto target = ParseTarget("/v1/stock/A%2FB%3F%25%20%C3%A9?location=WH3%2FBIN10&x=a+b%2B");
  ASSERT_TRUE(target.has_value());
  EXPECT_THAT(target->path, ElementsAre("v1", "stock", "A/B?% \xC3\xA9"));
  EXPECT_THAT(target->query, ElementsAre(Pair("location", "WH3/BIN10"), Pair("x", "a b+")));
}

TEST(Url, APlusInAPathIsAPlus) {
  EXPECT_THAT(ParseTarget("/v1/stock/A+B")->path, ElementsAre("v1", "stock", "A+B"));
}

TEST(Url, FormatIsTheReverseOfParse) {
  std::string every;
  for (int c = 1; c < 256; ++c) every.push_back(static_cast<char>(c));
  const Target target{{"v1", every, "a/b"}, {{"from", every}, {"x", ""}}};
  const auto read = ParseTarget(FormatTarget(target));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->path, target.path);
  EXPECT_EQ(read->query, target.query);
}

TEST(Url, AbsoluteTargetsLoseTheirHost) {
  EXPECT_THAT(ParseTarget("http://localhost:7407/v1/health")->path, ElementsAre("v1", "health"));
  EXPECT_THAT(ParseTarget("http://localhost")->path, ElementsAre(""));
}

TEST(Url, WhatIsBadlyEncodedIsNoTarget) {
  for (const char* bad : {"", "v1/health", "*", "/v1/%", "/v1/%4", "/v1/%zz", "/v1?x=%g0"}) {
    EXPECT_FALSE(ParseTarget(bad).has_value()) << bad;
  }
}

TEST(Url, MediaTypes) {
  EXPECT_EQ(MediaType(" Application/JSON ; charset=utf-8"), "application/json");
  const std::string_view offered[] = {kJsonType, kProtobufType};
  EXPECT_EQ(ChooseMediaType("", offered), kJsonType);
  EXPECT_EQ(ChooseMediaType("*/*", offered), kJsonType);
  EXPECT_EQ(ChooseMediaType("application/x-protobuf", offered), kProtobufType);
  EXPECT_EQ(ChooseMediaType("application/x-protobuf, */*", offered), kProtobufType);
  EXPECT_EQ(ChooseMediaType("text/html, application/*;q=0.5", offered), kJsonType);
  EXPECT_EQ(ChooseMediaType("application/json;q=0.2, application/x-protobuf;q=0.9", offered),
            kProtobufType);
  EXPECT_EQ(ChooseMediaType("application/json;q=0, */*", offered), kProtobufType);
  EXPECT_EQ(ChooseMediaType("text/html", offered), std::nullopt);
  EXPECT_EQ(ChooseMediaType("application/json;q=abc", offered), std::nullopt);
  EXPECT_TRUE(AcceptsExplicitly("text/event-stream", kEventStreamType));
  EXPECT_FALSE(AcceptsExplicitly("*/*", kEventStreamType));
}

TEST(Url, HostsAndPorts) {
  EXPECT_EQ(ParseHostPort("127.0.0.1:7407")->port, 7407);
  EXPECT_EQ(ParseHostPort("[::1]:80")->host, "::1");
  EXPECT_EQ(FormatHostPort({"::1", 80}), "[::1]:80");
  EXPECT_EQ(FormatHostPort({"127.0.0.1", 0}), "127.0.0.1:0");
  for (const char* bad : {"", "127.0.0.1", ":80", "::1:80", "a:", "a:70000", "a:8x", "[]:1"}) {
    EXPECT_FALSE(ParseHostPort(bad).has_value()) << bad;
  }
}

TEST(Url, OnlyLoopbackNamesAreLoopback) {
  for (const char* host : {"localhost", "LocalHost", "127.0.0.1", "127.1.2.3", "::1", "[::1]"}) {
    EXPECT_TRUE(IsLoopbackHost(host)) << host;
  }
  for (const char* host : {"", "0.0.0.0", "10.0.0.1", "127.0.0.1.example.org", "example.org"}) {
    EXPECT_FALSE(IsLoopbackHost(host)) << host;
  }
}

}  // namespace
}  // namespace tallywire
