// SPDX-License-Identifier: Apache-2.0
#include "tools/cli_commands.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "tools/bench/fold_bench.h"
#include "tools/bench/latency_bench.h"
#include "tools/bench/project_bench.h"
#include "tools/commands/append.h"
#include "tools/commands/deadletters.h"
#include "tools/commands/inspect.h"
#include "tools/commands/listing.h"
#include "tools/commands/redrive.h"
#include "tools/commands/serve.h"
#include "tools/commands/stock.h"
#include "tools/commands/tail.h"
#include "tools/import/import_cli.h"

namespace tallywire {
namespace {

CLI::App* AddCommand(CLI::App& parent, const char* name, const char* what, const char* example) {
  CLI::App* command = parent.add_subcommand(name, what);
  command->fallthrough();
  command->footer(std::string("Example:\n  ") + example);
  return command;
}

// A word that only groups others.
CLI::App* AddGroup(CLI::App& parent, const char* name, const char* what) {
  CLI::App* group = parent.add_subcommand(name, what);
  group->fallthrough();
  group->require_subcommand(1);
  return group;
}

// Options live as long as the parser, whose callbacks hold them.
template <class Options, class Run>
void RunWith(CLI::App* command, Chosen* chosen, std::shared_ptr<Options> options, Run run) {
  command->callback([chosen, options, run] {
    *chosen = [options, run](Context& context) { return run(context, *options); };
  });
}

template <class Run>
void RunPlain(CLI::App* command, Chosen* chosen, Run run) {
  command->callback([chosen, run] { *chosen = run; });
}

void AddOwnership(CLI::App* command, ServeOptions* options) {
  command
      ->add_option("--own", options->own,
                   "With kafka: fold these partitions, such as 0-3,7 [those that the group gives]")
      ->type_name("PARTITIONS");
  command
      ->add_option("--group", options->group,
                   "With kafka: the consumer group that shares partitions out and shows the lag")
      ->capture_default_str();
  command
      ->add_option("--from-copy", options->from_copy,
                   "Where there is no state yet, begin from this copy of another's state folder")
      ->type_name("DIR");
}

void AddServices(CLI::App& app, const Services& services, Chosen* chosen) {
  if (!services.serve) return;
  CLI::App* serve = AddCommand(app, "serve",
                               "Run the ledger: fold, publish, and answer /v1 over HTTP. Prints "
                               "its address when it is ready;"
                               " ^C or SIGTERM ends it in good order",
                               "tallywire serve --log embedded:./shop --listen 127.0.0.1:7407");
  RunWith(serve, chosen, std::make_shared<ServeOptions>(), services.serve);

  CLI::App* project =
      AddCommand(app, "project",
                 "Fold only: one of the processes that share the partitions of a "
                 "log in Kafka. Answers /v1 for those it owns",
                 "tallywire project --log kafka:127.0.0.1:9092 --data ./projector-1");
  auto project_options = std::make_shared<ServeOptions>();
  project_options->role = ServeOptions::Role::kProject;
  AddOwnership(project, project_options.get());
  project->add_flag("--until-caught-up", project_options->until_caught_up,
                    "End when what was in the log at the start is folded; owns all if not told");
  RunWith(project, chosen, project_options, services.serve);

  CLI::App* publish =
      AddCommand(app, "publish",
                 "Publish only: from availability and listing rules to listing "
                 "updates. Answers /v1/listings",
                 "tallywire publish --log kafka:127.0.0.1:9092 --data ./publisher-1");
  auto publish_options = std::make_shared<ServeOptions>();
  publish_options->role = ServeOptions::Role::kPublish;
  publish->add_flag("--until-caught-up", publish_options->until_caught_up,
                    "End when what was in its topics at the start is sent");
  RunWith(publish, chosen, publish_options, services.serve);
}

void AddAppend(CLI::App& app, Chosen* chosen) {
  CLI::App* append =
      AddCommand(app, "append",
                 "Append events: JSON lines, each a StockEvent. Refused ones are told on stderr, "
                 "the others are"
                 " in (exit 3). Safe to run again: what is in changes nothing",
                 "echo '{\"event_id\":\"1\",\"source\":\"pos-17\",\"sku\":\"RED-TEE\","
                 "\"received\":{\"location\":\"WH1\",\"quantity\":\"10\"}}' | tallywire append -");
  auto options = std::make_shared<AppendOptions>();
  append->add_option("FILE", options->file, "The input; `-` is standard input")
      ->capture_default_str();
  append->add_option("--format", options->format, "jsonl, or binary: StockEvents with their length")
      ->check(CLI::IsMember({"jsonl", "binary"}))
      ->capture_default_str();
  append
      ->add_option("--rejected", options->rejected,
                   "Write what is refused here as it came, to be mended and appended again")
      ->type_name("FILE");
  append->add_option("--batch", options->batch, "Events sent together")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  RunWith(append, chosen, options, RunAppend);
}

void AddQuestions(CLI::App& app, Chosen* chosen) {
  CLI::App* stock = AddCommand(app, "stock", "What there is: of one SKU or of all, at every level",
                               "tallywire stock RED-TEE --location WH1");
  auto stock_options = std::make_shared<StockOptions>();
  stock->add_option("SKU", stock_options->sku, "Which; without it all");
  stock->add_option("--location", stock_options->location, "This one and what is inside it");
  RunWith(stock, chosen, stock_options, RunStock);

  CLI::App* explain = AddCommand(app, "explain",
                                 "Every change of a SKU's stock, and whether they add up to what "
                                 "`stock` shows (exit 3 if not)",
                                 "tallywire explain RED-TEE --location WH1 --prove");
  auto explain_options = std::make_shared<ExplainOptions>();
  explain->add_option("SKU", explain_options->sku, "Which")->required();
  explain->add_option("--location", explain_options->location, "Only there and inside it");
  explain->add_flag("--prove", explain_options->prove,
                    "Fold the log anew instead of reading the journal");
  RunWith(explain, chosen, explain_options, RunExplain);
}

void AddListingName(CLI::App* command, ListingName* name) {
  command->add_option("CHANNEL", name->channel, "Such as amazon-de")->required();
  command->add_option("ID", name->listing_id, "The listing's id on that channel")->required();
}

void AddPutListing(CLI::App& group, Chosen* chosen) {
  CLI::App* put = AddCommand(
      group, "put", "Make a listing, or put another in its place",
      "tallywire listing put amazon A-1 RED-TEE --location WH1 --buffer 2 --percent 90 --max 50");
  auto options = std::make_shared<PutListingOptions>();
  AddListingName(put, &options->name);
  put->add_option("SKU", options->sku, "What it sells")->required();
  put->add_option("--location", options->locations, "Only this one and inside it; may be repeated")
      ->allow_extra_args(false);
  put->add_option("--kind", options->kinds,
                  "Only sites of this kind: warehouse, store, drop_shipper, third_party; may be "
                  "repeated")
      ->allow_extra_args(false);
  put->add_option("--pool", options->pools, "Count this pool [available]; may be repeated")
      ->allow_extra_args(false);
  put->add_option("--buffer", options->buffer, "Units kept back from this listing");
  put->add_option("--percent", options->percent, "Of what is left after the buffer");
  put->add_option("--max", options->max, "Never show more");
  put->add_option("--fixed", options->fixed, "Show this whatever there is");
  put->add_flag("--paused", options->paused, "Show 0");
  RunWith(put, chosen, options, RunPutListing);
}

void AddListings(CLI::App& app, Chosen* chosen) {
  CLI::App* group =
      AddGroup(app, "listing", "What is offered on which channel: put, get, remove, list");
  AddPutListing(*group, chosen);
  CLI::App* get = AddCommand(*group, "get", "Show one", "tallywire listing get amazon A-1");
  auto get_options = std::make_shared<ListingName>();
  AddListingName(get, get_options.get());
  RunWith(get, chosen, get_options, RunGetListing);

  CLI::App* remove = AddCommand(*group, "remove", "Take one away: its channel is told to show 0",
                                "tallywire listing remove amazon A-1");
  auto remove_options = std::make_shared<ListingName>();
  AddListingName(remove, remove_options.get());
  RunWith(remove, chosen, remove_options, RunRemoveListing);

  RunPlain(AddCommand(*group, "list", "Show all", "tallywire listing list -o jsonl"), chosen,
           RunListListings);
}

void AddTail(CLI::App& app, Chosen* chosen, const char* name, const char* what, const char* example,
             Result (*run)(Context&, const TailOptions&)) {
  CLI::App* group = AddGroup(app, name, what);
  CLI::App* tail =
      AddCommand(*group, "tail",
                 "Print what came out and, while a server runs, what comes out, until ^C", example);
  auto options = std::make_shared<TailOptions>();
  tail->add_option("--from", options->from, "start, or end: only what comes")
      ->check(CLI::IsMember({"start", "end"}))
      ->capture_default_str();
  tail->add_flag("!--no-follow", options->follow, "End when all that is there is printed");
  tail->add_option("-n", options->count, "End after so many")->check(CLI::NonNegativeNumber);
  RunWith(tail, chosen, options, run);
}

void AddDeadLetterChoice(CLI::App* command, DeadLetterChoice* choice) {
  command->add_option("--reason", choice->reason, "Refused for this: WRONG_PARTITION, OVERFLOW, …");
  command->add_option("--source", choice->source, "Of this source");
  command->add_option("--since", choice->since, "Came at this time (RFC 3339) or later")
      ->type_name("TIME");
  command->add_option("--until", choice->until, "Came before this time")->type_name("TIME");
}

void AddRedrive(CLI::App& group, Chosen* chosen) {
  CLI::App* redrive = AddCommand(
      group, "redrive",
      "Append dead letters again, mended. Shows what it would do, and does it with --execute. "
      "What is redriven is marked and never counts twice (exit 3 if some cannot be mended)",
      "tallywire deadletters redrive --reason WRONG_PARTITION --execute");
  auto options = std::make_shared<RedriveOptions>();
  redrive->add_option("RECORD", options->letters,
                      "Letters by their places in stock.events: PARTITION/OFFSET …");
  AddDeadLetterChoice(redrive, &options->choice);
  redrive->add_flag("--all", options->all, "Every letter");
  CLI::Option* by_key = redrive->add_flag(
      "--by-key", options->by_key,
      "The event as it is, under the key and in the partition where it belongs (what "
      "is done unless said otherwise)");
  CLI::Option* replace =
      redrive
          ->add_option("--replace", options->replace,
                       "Mended events, JSON lines; each takes the place of the letter with its "
                       "source and event id, or of the one named: "
                       "{\"letter\": \"PARTITION/OFFSET\", \"event\": {…}}")
          ->type_name("FILE");
  CLI::Option* as_is = redrive->add_flag("--as-is", options->as_is,
                                         "The same bytes, key and headers in the same partition");
  by_key->excludes(replace)->excludes(as_is);
  replace->excludes(as_is);
  redrive->add_flag("--execute", options->execute, "Do it");
  RunWith(redrive, chosen, options, RunRedrive);
}

void AddDeadLetters(CLI::App& app, Chosen* chosen) {
  CLI::App* group = AddGroup(app, "deadletters", "Records that were refused: list, show, redrive");
  CLI::App* list =
      AddCommand(*group, "list", "What was refused, why, and what was redriven since",
                 "tallywire deadletters list --reason WRONG_PARTITION --source pos-17");
  auto choice = std::make_shared<DeadLetterChoice>();
  AddDeadLetterChoice(list, choice.get());
  RunWith(list, chosen, choice, RunListDeadLetters);
  CLI::App* show = AddCommand(*group, "show", "One as it came, by its place in stock.events",
                              "tallywire deadletters show 3 1207");
  auto options = std::make_shared<ShowDeadLetterOptions>();
  show->add_option("PARTITION", options->partition, "")->required()->check(CLI::NonNegativeNumber);
  show->add_option("OFFSET", options->offset, "")->required()->check(CLI::NonNegativeNumber);
  RunWith(show, chosen, options, RunShowDeadLetter);
  AddRedrive(*group, chosen);
}

bool IsInKafka(const Context& context) { return !KafkaBrokers(context.config).empty(); }

void AddTopics(CLI::App& app, const Services& services, Chosen* chosen) {
  CLI::App* topics = AddGroup(app, "topics", "The log's topics: plan, apply");
  RunPlain(AddCommand(*topics, "plan",
                      "What there is, what would be made, and which settings are not as they "
                      "should be (exit 3); changes nothing",
                      "tallywire topics plan --partitions 8"),
           chosen, [services](Context& context) {
             return IsInKafka(context) && services.kafka_topics
                        ? services.kafka_topics(context, false)
                        : RunTopicsPlan(context);
           });
  CLI::App* apply = AddCommand(*topics, "apply",
                               "Make what is missing and alter what can be altered, in Kafka. "
                               "Without --execute it only shows what it would do",
                               "tallywire topics apply --log kafka:127.0.0.1:9092 --execute");
  auto execute = std::make_shared<bool>(false);
  apply->add_flag("--execute", *execute, "Do it");
  RunWith(apply, chosen, execute, [services](Context& context, const bool& really) -> Result {
    if (IsInKafka(context) && services.kafka_topics) return services.kafka_topics(context, really);
    return absl::InvalidArgumentError(
        "an embedded log makes its topics itself; name a cluster: "
        "--log kafka:HOST:PORT");
  });
}

void AddInspection(CLI::App& app, const Services& services, Chosen* chosen) {
  AddTopics(app, services, chosen);
  RunPlain(AddCommand(app, "verify",
                      "Replay the log beside the live state and compare everything (exit 3 if "
                      "something differs). Takes as long as a replay",
                      "tallywire verify"),
           chosen, RunVerify);
  CLI::App* digest =
      AddCommand(app, "digest", "One number for all that is known: equal for equal events per SKU",
                 "tallywire digest --state");
  auto options = std::make_shared<DigestOptions>();
  digest->add_flag("--state", options->state,
                   "That of each partition's state too: equal for equal logs");
  RunWith(digest, chosen, options, RunDigest);
  RunPlain(AddCommand(app, "status",
                      "How far each partition is: lag in records and in seconds (exit 1 if the "
                      "ledger has stopped folding)",
                      "tallywire status -o json"),
           chosen, RunHealth);
  RunPlain(AddCommand(app, "health", "How far the ledger is (exit 1 if it has stopped folding)",
                      "tallywire health -o json"),
           chosen, RunHealth);
}

void AddBenchFold(CLI::App& group, const Services& services, Chosen* chosen) {
  CLI::App* fold = AddCommand(
      group, "fold", "Events a second and instructions an event of decoding and folding, in memory",
      "tallywire bench fold --events 5000000");
  auto options = std::make_shared<BenchFoldOptions>();
  fold->add_option("--events", options->events, "How many")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 32))
      ->capture_default_str();
  fold->add_option("--skus", options->skus, "Of how many SKUs (Zipf 0.99)")
      ->check(CLI::Range(1, 100'000'000))
      ->capture_default_str();
  fold->add_option("--locations", options->locations, "At how many locations")
      ->check(CLI::Range(2, 10'000))
      ->capture_default_str();
  fold->add_option("--seed", options->seed, "Of all chance")->capture_default_str();
  fold->add_flag(
      "--stocked", options->stocked,
      "Put 1,000 units at each place before its first event, not measured: else most first "
      "sales oversell and raise an alert");
  RunWith(fold, chosen, options, services.bench_fold);
}

void AddBenchFolder(CLI::App* command, std::string* folder) {
  command
      ->add_option("--folder", *folder,
                   "For the state: empty or not there yet, removed afterwards [a temporary one]")
      ->type_name("DIR");
}

void AddBenchProject(CLI::App& group, const Services& services, Chosen* chosen) {
  CLI::App* project =
      AddCommand(group, "project",
                 "Reading the log, reading and writing it (the pipe), and projecting, by turns on "
                 "the same events. Makes topics of its own, which stay; --partitions [6]",
                 "tallywire bench project --log kafka:127.0.0.1:9092 --events 3000000");
  auto options = std::make_shared<BenchProjectOptions>();
  project->add_option("--events", options->events, "How many")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 32))
      ->capture_default_str();
  project->add_option("--skus", options->skus, "Of how many SKUs (Zipf 0.99)")
      ->check(CLI::Range(1, 100'000'000))
      ->capture_default_str();
  project->add_option("--locations", options->locations, "At how many locations")
      ->check(CLI::Range(2, 10'000))
      ->capture_default_str();
  project->add_option("--rounds", options->rounds, "Of all three")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  project->add_option("--seed", options->seed, "Of all chance")->capture_default_str();
  project->add_flag("--stocked", options->stocked,
                    "A receipt of 1,000 units before the first event at each place; it counts as "
                    "an event");
  AddBenchFolder(project, &options->folder);
  RunWith(project, chosen, options, services.bench_project);
}

void AddBenchLatency(CLI::App& group, const Services& services, Chosen* chosen) {
  CLI::App* latency = AddCommand(
      group, "latency",
      "From append to availability, beside the log's own echo, at several rates. Appends invented "
      "events to the ledger's topics, so it refuses a log that has any; --partitions [6]",
      "tallywire bench latency --log kafka:127.0.0.1:9092 --rates 1,1000,20000");
  auto options = std::make_shared<BenchLatencyOptions>();
  latency->add_option("--rates", options->rates, "Events a second [1,1000,20000]")
      ->delimiter(',')
      ->check(CLI::Range(0.01, 10'000'000.0));
  latency->add_option("--seconds", options->seconds, "For each rate, of each of the two")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  latency->add_option("--skus", options->skus, "Of how many SKUs (Zipf 0.99)")
      ->check(CLI::Range(2, 10'000'000))
      ->capture_default_str();
  latency->add_option("--seed", options->seed, "Of all chance")->capture_default_str();
  AddBenchFolder(latency, &options->folder);
  RunWith(latency, chosen, options, services.bench_latency);
}

void AddBench(CLI::App& app, const Services& services, Chosen* chosen) {
  if (!services.bench_fold) return;
  CLI::App* group = AddGroup(app, "bench", "Measure: fold, project, latency");
  AddBenchFold(*group, services, chosen);
  if (services.bench_project) AddBenchProject(*group, services, chosen);
  if (services.bench_latency) AddBenchLatency(*group, services, chosen);
}

}  // namespace

void AddCommands(CLI::App& app, const Services& services, Chosen* chosen) {
  AddServices(app, services, chosen);
  AddAppend(app, chosen);
  AddImportCommand(app, chosen);
  AddQuestions(app, chosen);
  AddListings(app, chosen);
  AddTail(app, chosen, "updates", "What the channels are to show: tail",
          "tallywire updates tail --no-follow -o jsonl", RunUpdatesTail);
  AddTail(app, chosen, "alerts", "What a person should know: tail",
          "tallywire alerts tail --from end", RunAlertsTail);
  AddDeadLetters(app, chosen);
  AddInspection(app, services, chosen);
  AddBench(app, services, chosen);
}

}  // namespace tallywire
