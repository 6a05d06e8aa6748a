// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_CONFIG_H_
#define TALLYWIRE_TOOLS_CONFIG_H_

// The settings of a run, from where they come: a flag goes before the environment, that before the
// file, that before the defaults. Names are those of tallywire.v1.Config.
//
// Errors: INVALID_ARGUMENT, and the text says where (`tallywire.yaml:3`, `TALLYWIRE_LOG`, `--log`)
// and what would be right.

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tallywire/v1/config.pb.h"

namespace tallywire {

// The value of an environment variable, or null.
using Environment = std::function<const char*(const std::string& name)>;

// What was given on the command line.
struct ConfigFlags {
  std::string file;                                           // --config
  std::vector<std::pair<std::string, std::string>> settings;  // field name → text
  std::vector<std::string> kafka;                             // -X: `name=value`
};

// All layers in one. Without --config the file is what TALLYWIRE_CONFIG names; without that, none.
// `partitions` stays 0 where nobody named a number: then an existing log is right as it is.
absl::StatusOr<v1::Config> LoadConfig(const ConfigFlags& flags, const Environment& environment);

// One file's text (YAML) over `config`; `name` is what errors call it.
absl::Status ReadYaml(const std::string& text, const std::string& name, v1::Config* config);

inline constexpr char kDefaultListen[] = "127.0.0.1:7407";

// The folder that this process's data lies in: an embedded log's own, or what `data` says.
std::string DataFolder(const v1::Config& config);
// HOST:PORT,… of a log in Kafka; empty: it is embedded.
std::string KafkaBrokers(const v1::Config& config);

enum class Format { kTable, kJson, kJsonl };
// Of a config that was loaded.
Format OutputFormat(const v1::Config& config);

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_CONFIG_H_
