// SPDX-License-Identifier: Apache-2.0
#include "tools/cli.h"

#include <CLI/CLI.hpp>
#include <exception>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "ledger/status.h"
#include "tools/cli_commands.h"
#include "tools/table.h"

#ifndef TALLYWIRE_VERSION
#define TALLYWIRE_VERSION "unknown"
#endif

namespace tallywire {
namespace {

constexpr char kFooter[] =
    "Settings: a flag goes before the environment (TALLYWIRE_LOG, TALLYWIRE_LISTEN, "
    "TALLYWIRE_PARTITIONS,\nTALLYWIRE_OUTPUT, TALLYWIRE_CONFIG), that before the file, that before "
    "the defaults.\n"
    "Exit codes: 0 ok, 1 failed, 2 usage, 3 findings, 4 not found, 5 unavailable.\n"
    "`tallywire COMMAND --help` has an example for each.";

// Of a flag given twice the last one counts, so that an alias can be overruled.
constexpr auto kLastCounts = CLI::MultiOptionPolicy::TakeLast;

struct GlobalFlags {
  std::string config;
  std::string log;
  std::string data;
  std::string listen;
  std::string partitions;
  std::string output;
  std::vector<std::string> kafka;
};

void AddGlobalFlags(CLI::App& app, GlobalFlags* flags) {
  app.add_option("--config", flags->config,
                 "Settings in YAML: log, data, listen, partitions, output, kafka")
      ->type_name("FILE")
      ->multi_option_policy(kLastCounts);
  app.add_option("--log", flags->log,
                 "The ledger: embedded:DIR, or kafka:HOST:PORT,… [embedded:./tallywire-data]")
      ->type_name("LOG")
      ->multi_option_policy(kLastCounts);
  app.add_option("--data", flags->data,
                 "With kafka: the folder of this process's own state [./tallywire-data]")
      ->type_name("DIR")
      ->multi_option_policy(kLastCounts);
  app.add_option("-o,--output", flags->output, "table, json or jsonl [table]")
      ->type_name("FORMAT")
      ->multi_option_policy(kLastCounts);
  app.add_option("--listen", flags->listen, "Where `serve` answers [127.0.0.1:7407]")
      ->type_name("HOST:PORT")
      ->multi_option_policy(kLastCounts);
  app.add_option("--partitions", flags->partitions, "Partitions of a new ledger [4, in Kafka 24]")
      ->type_name("N")
      ->multi_option_policy(kLastCounts);
  app.add_option("-X", flags->kafka, "A property of librdkafka; may be given often")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
}

ConfigFlags ToConfigFlags(const CLI::App& app, const GlobalFlags& flags) {
  ConfigFlags out{.file = flags.config, .settings = {}, .kafka = flags.kafka};
  const std::pair<const char*, const std::string*> settings[] = {{"log", &flags.log},
                                                                 {"data", &flags.data},
                                                                 {"listen", &flags.listen},
                                                                 {"partitions", &flags.partitions},
                                                                 {"output", &flags.output}};
  for (const auto& [name, value] : settings) {
    if (app.count(absl::StrCat("--", name)) > 0) out.settings.emplace_back(name, *value);
  }
  return out;
}

int Code(Exit exit) { return static_cast<int>(exit); }

// Tells what went wrong, and gives its exit code. A reader that has gone needs no words.
Exit Tell(const Host& host, const absl::Status& status) {
  if (host.out->status().code() != absl::StatusCode::kCancelled) {
    std::string text(status.message());
    if (text.empty()) text = absl::StatusCodeToString(status.code());
    host.err->Write(absl::StrCat("tallywire: ", Printable(text), "\n"));
  }
  return ExitFor(status);
}

// Help goes to `out` and is no error; everything else of the parser's is one of usage.
int AfterParsing(const CLI::App& app, const CLI::Error& error, Host& host) {
  std::ostringstream out;
  std::ostringstream err;
  const int code = app.exit(error, out, err);
  host.out->Write(out.str());
  if (code == 0) return Code(host.out->Flush().ok() ? Exit::kOk : Exit::kFailed);
  host.err->Write(absl::StrCat("tallywire: ", error.what(), "\n",
                               "`tallywire --help` names the commands, `tallywire COMMAND --help` "
                               "its options\n"));
  return Code(Exit::kUsage);
}

Exit RunChosen(const Chosen& chosen, const v1::Config& config, Host& host) {
  Context context(&host, config);
  Result result = chosen(context);
  const absl::Status closed = context.Close();
  const absl::Status written = host.out->Flush();
  if (!result.ok()) return Tell(host, result.status());
  if (!written.ok()) return Tell(host, written);
  if (!closed.ok()) return Tell(host, closed);
  return *result;
}

int Run(int argc, const char* const* argv, Host& host, const Services& services,
        const Environment& environment) {
  CLI::App app("Tallywire: how many are left to sell, from every event that has happened.",
               "tallywire");
  GlobalFlags flags;
  Chosen chosen;
  app.set_version_flag("--version", std::string("tallywire " TALLYWIRE_VERSION));
  app.set_help_all_flag("--help-all", "Help for all commands");
  app.footer(kFooter);
  app.fallthrough();
  app.require_subcommand(1);
  AddGlobalFlags(app, &flags);
  AddCommands(app, services, &chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Error& error) {
    return AfterParsing(app, error, host);
  }
  const absl::StatusOr<v1::Config> config = LoadConfig(ToConfigFlags(app, flags), environment);
  if (!config.ok()) return Code(Tell(host, config.status()));
  return Code(RunChosen(chosen, *config, host));
}

}  // namespace

int RunCli(int argc, const char* const* argv, Host& host, const Services& services,
           const Environment& environment) {
  int code = Code(Exit::kFailed);
  try {
    code = Run(argc, argv, host, services, environment);
  } catch (const std::exception& error) {
    host.err->Write(absl::StrCat("tallywire: ", error.what(), "\n"));
  }
  IgnoreError(host.err->Flush(), "nobody is left to be told");
  return code;
}

}  // namespace tallywire
