// SPDX-License-Identifier: Apache-2.0
#include "tools/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <map>

namespace tallywire {
namespace {

using ::testing::HasSubstr;

Environment Variables(std::map<std::string, std::string> variables) {
  return [variables](const std::string& name) {
    const auto it = variables.find(name);
    return it == variables.end() ? nullptr : it->second.c_str();
  };
}

std::string WriteFile(const std::string& name, const std::string& text) {
  const std::string path = ::testing::TempDir() + name;
  std::ofstream(path) << text;
  return path;
}

std::string YamlError(const std::string& text) {
  v1::Config config;
  const absl::Status status = ReadYaml(text, "t.yaml", &config);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
  return std::string(status.message());
}

TEST(ConfigTest, DefaultsAreThere) {
  const absl::StatusOr<v1::Config> config = LoadConfig({}, Variables({}));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->log(), "embedded:./tallywire-data");
  EXPECT_EQ(config->listen(), "127.0.0.1:7407");
  EXPECT_EQ(config->output(), "table");
  EXPECT_EQ(config->partitions(), 0) << "nobody asked for a number";
  EXPECT_EQ(DataFolder(*config), "./tallywire-data");
}

TEST(ConfigTest, FlagGoesBeforeEnvironmentBeforeFileBeforeDefault) {
  const std::string file = WriteFile("order.yaml",
                                     "log: embedded:file\n"
                                     "listen: 127.0.0.1:1\n"
                                     "partitions: 3\n");
  const auto config = LoadConfig(
      {.file = file, .settings = {{"log", "embedded:flag"}}, .kafka = {}},
      Variables({{"TALLYWIRE_LOG", "embedded:env"}, {"TALLYWIRE_LISTEN", "127.0.0.1:2"}}));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->log(), "embedded:flag");
  EXPECT_EQ(config->listen(), "127.0.0.1:2");
  EXPECT_EQ(config->partitions(), 3);
  EXPECT_EQ(config->output(), "table");
}

TEST(ConfigTest, EnvironmentNamesTheFileUnlessAFlagDoes) {
  const std::string a = WriteFile("a.yaml", "output: json\n");
  const std::string b = WriteFile("b.yaml", "output: jsonl\n");
  const Environment environment = Variables({{"TALLYWIRE_CONFIG", a}});
  EXPECT_EQ(LoadConfig({}, environment)->output(), "json");
  EXPECT_EQ(LoadConfig({.file = b, .settings = {}, .kafka = {}}, environment)->output(), "jsonl");
}

TEST(ConfigTest, AnUnknownNameIsAnErrorWithItsLine) {
  EXPECT_THAT(YamlError("log: embedded:x\n\nlistne: 127.0.0.1:1\n"),
              HasSubstr("t.yaml:3: unknown name `listne`"));
}

TEST(ConfigTest, WrongValuesAreErrorsWithTheirLine) {
  EXPECT_THAT(YamlError("partitions: many\n"), HasSubstr("t.yaml:1: partitions: `many`"));
  EXPECT_THAT(YamlError("partitions: 0\n"), HasSubstr("`0`"));
  EXPECT_THAT(YamlError("output: xml\n"), HasSubstr("`xml`"));
  EXPECT_THAT(YamlError("listen: here\n"), HasSubstr("`here`"));
  EXPECT_THAT(YamlError("listen: 127.0.0.1:70000\n"), HasSubstr("70000"));
  EXPECT_THAT(YamlError("log: ./data\n"), HasSubstr("embedded:DIR"));
  EXPECT_THAT(YamlError("log: 'embedded:'\n"), HasSubstr("embedded:DIR"));
  EXPECT_THAT(YamlError("\nlog: [a]\n"), HasSubstr("t.yaml:2"));
  EXPECT_THAT(YamlError("log: embedded:a\nlog: embedded:b\n"),
              HasSubstr("t.yaml:2: `log` a second"));
  EXPECT_THAT(YamlError("log: {x\n"), HasSubstr("not YAML"));
  EXPECT_THAT(YamlError("- a\n"), HasSubstr("t.yaml:1"));
}

TEST(ConfigTest, AnEmptyFileSaysNothing) {
  v1::Config config;
  EXPECT_TRUE(ReadYaml("", "t.yaml", &config).ok());
  EXPECT_TRUE(ReadYaml("# only a remark\n", "t.yaml", &config).ok());
}

TEST(ConfigTest, KafkaIsAMapOrAListAndFlagsReplaceByName) {
  const std::string file =
      WriteFile("kafka.yaml", "kafka:\n  bootstrap.servers: a:1,b:2\n  linger.ms: 5\n");
  const auto config =
      LoadConfig({.file = file, .settings = {}, .kafka = {"linger.ms=0", "x=y=z"}}, Variables({}));
  ASSERT_TRUE(config.ok()) << config.status();
  ASSERT_EQ(config->kafka_size(), 3);
  EXPECT_EQ(config->kafka(0).value(), "a:1,b:2");
  EXPECT_EQ(config->kafka(1).value(), "0");
  EXPECT_EQ(config->kafka(2).value(), "y=z");

  v1::Config listed;
  ASSERT_TRUE(ReadYaml("kafka:\n- name: a\n  value: b\n", "t.yaml", &listed).ok());
  EXPECT_EQ(listed.kafka(0).name(), "a");
  EXPECT_THAT(YamlError("kafka: 3\n"), HasSubstr("kafka"));
  EXPECT_FALSE(LoadConfig({.file = "", .settings = {}, .kafka = {"nothing"}}, Variables({})).ok());
}

TEST(ConfigTest, AMissingFileIsAnErrorThatNamesIt) {
  const auto config =
      LoadConfig({.file = "/nowhere/x.yaml", .settings = {}, .kafka = {}}, Variables({}));
  EXPECT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(config.status().message()), HasSubstr("/nowhere/x.yaml"));
}

TEST(ConfigTest, ALogInKafkaHasItsDataElsewhere) {
  const auto config = LoadConfig(
      {.file = "", .settings = {{"log", "kafka:a:9092,b:9093"}, {"data", "d"}}, .kafka = {}},
      Variables({}));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(KafkaBrokers(*config), "a:9092,b:9093");
  EXPECT_EQ(DataFolder(*config), "d");
  const auto wrong =
      LoadConfig({.file = "", .settings = {{"log", "kafka:a:9092,b"}}, .kafka = {}}, Variables({}));
  EXPECT_EQ(wrong.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(wrong.status().message()), HasSubstr("`b` is no HOST:PORT"));
}

}  // namespace
}  // namespace tallywire
