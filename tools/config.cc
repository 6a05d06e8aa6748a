// SPDX-License-Identifier: Apache-2.0
#include "tools/config.h"

#include <yaml-cpp/yaml.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "ledger/status.h"

namespace tallywire {
namespace {

constexpr char kDefaultLog[] = "embedded:./tallywire-data";
constexpr char kDefaultData[] = "./tallywire-data";
constexpr int32_t kMaxPartitions = 4'096;
constexpr char kDefaultOutput[] = "table";
constexpr size_t kMaxFileBytes = 1 << 20;

constexpr std::string_view kEmbedded = "embedded:";
constexpr std::string_view kKafka = "kafka:";

absl::Status Wrong(const std::string& where, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat(where, ": ", what));
}

bool IsHostAndPort(const std::string& text) {
  const size_t colon = text.rfind(':');
  int port = -1;
  return colon != std::string::npos && colon > 0 &&
         absl::SimpleAtoi(text.substr(colon + 1), &port) && port >= 0 && port <= 65'535;
}

absl::Status SetLog(const std::string& where, const std::string& value, v1::Config* config) {
  const std::string_view v = value;
  if (!(v.starts_with(kEmbedded) && v.size() > kEmbedded.size()) && !v.starts_with(kKafka)) {
    return Wrong(where,
                 absl::StrCat("`", value, "` is no log; write embedded:DIR or kafka:HOST:PORT,…"));
  }
  if (v.starts_with(kKafka)) {
    for (const absl::string_view broker : absl::StrSplit(value.substr(kKafka.size()), ',')) {
      if (IsHostAndPort(std::string(broker))) continue;
      return Wrong(where, absl::StrCat("`", broker, "` is no HOST:PORT of a broker"));
    }
  }
  config->set_log(value);
  return absl::OkStatus();
}

absl::Status SetListen(const std::string& where, const std::string& value, v1::Config* config) {
  if (!IsHostAndPort(value)) {
    return Wrong(where, absl::StrCat("`", value, "` is no HOST:PORT; such as ", kDefaultListen));
  }
  config->set_listen(value);
  return absl::OkStatus();
}

absl::Status SetPartitions(const std::string& where, const std::string& value, v1::Config* config) {
  int32_t n = 0;
  if (!absl::SimpleAtoi(value, &n) || n < 1 || n > kMaxPartitions) {
    return Wrong(where,
                 absl::StrCat("`", value, "` is no whole number from 1 to ", kMaxPartitions));
  }
  config->set_partitions(n);
  return absl::OkStatus();
}

absl::Status SetOutput(const std::string& where, const std::string& value, v1::Config* config) {
  if (value != "table" && value != "json" && value != "jsonl") {
    return Wrong(where, absl::StrCat("`", value, "` is none of table, json, jsonl"));
  }
  config->set_output(value);
  return absl::OkStatus();
}

absl::Status SetData(const std::string& where, const std::string& value, v1::Config* config) {
  if (value.empty()) return Wrong(where, "no folder");
  config->set_data(value);
  return absl::OkStatus();
}

struct Setting {
  const char* name;  // of the field in Config, too
  absl::Status (*set)(const std::string& where, const std::string& value, v1::Config* config);
};
constexpr Setting kSettings[] = {{"log", SetLog},
                                 {"listen", SetListen},
                                 {"partitions", SetPartitions},
                                 {"output", SetOutput},
                                 {"data", SetData}};

const Setting* FindSetting(std::string_view name) {
  for (const Setting& setting : kSettings) {
    if (name == setting.name) return &setting;
  }
  return nullptr;
}

std::string KnownNames() {
  std::string names;
  for (const Setting& setting : kSettings) absl::StrAppend(&names, setting.name, ", ");
  return names + "kafka";
}

// A later value of one property takes the place of the one before.
void SetKafka(const std::string& name, const std::string& value, v1::Config* config) {
  for (v1::KafkaProperty& property : *config->mutable_kafka()) {
    if (property.name() == name) {
      property.set_value(value);
      return;
    }
  }
  v1::KafkaProperty* property = config->add_kafka();
  property->set_name(name);
  property->set_value(value);
}

std::string At(const std::string& file, const YAML::Node& node) {
  return absl::StrCat(file, ":", node.Mark().line + 1);
}

// `kafka:` is a map of names and values, or a list of {name, value}.
absl::Status ReadKafka(const std::string& file, const YAML::Node& node, v1::Config* config) {
  if (node.IsMap()) {
    for (const auto& entry : node) {
      if (!entry.first.IsScalar() || !entry.second.IsScalar()) {
        return Wrong(At(file, entry.first), "kafka: a property is a name and one value");
      }
      SetKafka(entry.first.Scalar(), entry.second.Scalar(), config);
    }
    return absl::OkStatus();
  }
  if (!node.IsSequence()) return Wrong(At(file, node), "kafka: not a map of names and values");
  for (const YAML::Node& item : node) {
    if (!item.IsMap() || item.size() != 2 || !item["name"] || !item["value"] ||
        !item["name"].IsScalar() || !item["value"].IsScalar()) {
      return Wrong(At(file, item), "kafka: an entry is {name: …, value: …}");
    }
    SetKafka(item["name"].Scalar(), item["value"].Scalar(), config);
  }
  return absl::OkStatus();
}

absl::Status ReadRoot(const std::string& file, const YAML::Node& root, v1::Config* config) {
  if (root.IsNull()) return absl::OkStatus();
  if (!root.IsMap()) return Wrong(At(file, root), "not a map of names and values");
  std::set<std::string> seen;
  for (const auto& entry : root) {
    const std::string where = At(file, entry.first);
    if (!entry.first.IsScalar()) return Wrong(where, "a name is one word");
    const std::string name = entry.first.Scalar();
    if (!seen.insert(name).second) return Wrong(where, absl::StrCat("`", name, "` a second time"));
    if (name == "kafka") {
      TW_RETURN_IF_ERROR(ReadKafka(file, entry.second, config));
      continue;
    }
    const Setting* setting = FindSetting(name);
    if (setting == nullptr) {
      return Wrong(where, absl::StrCat("unknown name `", name, "`; there are ", KnownNames()));
    }
    if (!entry.second.IsScalar()) return Wrong(where, absl::StrCat(name, ": not one value"));
    TW_RETURN_IF_ERROR(
        setting->set(absl::StrCat(where, ": ", name), entry.second.Scalar(), config));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text;
  if (in) {
    text.resize(kMaxFileBytes + 1);
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (!in.bad() && (in.gcount() > 0 || in.eof())) {
      text.resize(static_cast<size_t>(in.gcount()));
      if (text.size() > kMaxFileBytes) return Wrong(path, "a configuration of more than 1 MiB");
      return text;
    }
  }
  return Wrong(path, absl::StrCat("cannot be read: ", strerror(errno)));
}

}  // namespace

absl::Status ReadYaml(const std::string& text, const std::string& name, v1::Config* config) {
  try {
    return ReadRoot(name, YAML::Load(text), config);
  } catch (const YAML::Exception& e) {
    return Wrong(absl::StrCat(name, ":", e.mark.line + 1), absl::StrCat("not YAML: ", e.msg));
  }
}

absl::StatusOr<v1::Config> LoadConfig(const ConfigFlags& flags, const Environment& environment) {
  v1::Config config;
  config.set_log(kDefaultLog);
  config.set_listen(kDefaultListen);
  config.set_output(kDefaultOutput);
  config.set_data(kDefaultData);

  std::string file = flags.file;
  if (file.empty()) {
    const char* named = environment("TALLYWIRE_CONFIG");
    if (named != nullptr) file = named;
  }
  if (!file.empty()) {
    TW_ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
    TW_RETURN_IF_ERROR(ReadYaml(text, file, &config));
  }
  for (const Setting& setting : kSettings) {
    const std::string variable = absl::StrCat("TALLYWIRE_", absl::AsciiStrToUpper(setting.name));
    const char* value = environment(variable);
    if (value == nullptr) continue;
    TW_RETURN_IF_ERROR(setting.set(variable, value, &config));
  }
  for (const auto& [name, value] : flags.settings) {
    TW_RETURN_IF_ERROR(FindSetting(name)->set(absl::StrCat("--", name), value, &config));
  }
  for (const std::string& property : flags.kafka) {
    const size_t equals = property.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Wrong("-X", absl::StrCat("`", property, "` is no NAME=VALUE"));
    }
    SetKafka(property.substr(0, equals), property.substr(equals + 1), &config);
  }
  return config;
}

std::string DataFolder(const v1::Config& config) {
  if (!KafkaBrokers(config).empty()) return config.data();
  return config.log().substr(kEmbedded.size());
}

std::string KafkaBrokers(const v1::Config& config) {
  const std::string_view log = config.log();
  return log.starts_with(kKafka) ? std::string(log.substr(kKafka.size())) : "";
}

Format OutputFormat(const v1::Config& config) {
  if (config.output() == "json") return Format::kJson;
  if (config.output() == "jsonl") return Format::kJsonl;
  return Format::kTable;
}

}  // namespace tallywire
