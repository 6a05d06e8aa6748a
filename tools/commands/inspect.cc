// SPDX-License-Identifier: Apache-2.0
#include "tools/commands/inspect.h"

#include <atomic>
#include <chrono>
#include <thread>

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/time_util.h"
#include "ledger/status.h"
#include "ledger/topics.h"
#include "tallywire/v1/api.pb.h"
#include "tools/commands/rows.h"
#include "tools/progress.h"

namespace tallywire {
namespace {

constexpr int32_t kPlannedPartitions = 4;

v1::TopicCleanup CleanupOf(Cleanup cleanup) {
  switch (cleanup) {
    case Cleanup::kForever:
      return v1::TOPIC_CLEANUP_FOREVER;
    case Cleanup::kCompact:
      return v1::TOPIC_CLEANUP_COMPACT;
    case Cleanup::kRetention:
      return v1::TOPIC_CLEANUP_RETENTION;
  }
  return v1::TOPIC_CLEANUP_UNSPECIFIED;
}

// What a ledger that does not exist yet would be made of.
v1::ListTopicsResponse Planned(int32_t partitions) {
  v1::ListTopicsResponse response;
  for (const TopicSpec& spec : PlanTopics(partitions)) {
    v1::Topic* topic = response.add_topics();
    topic->set_name(spec.name);
    topic->set_partitions(spec.partitions);
    topic->set_cleanup(CleanupOf(spec.cleanup));
    if (spec.cleanup == Cleanup::kRetention) {
      *topic->mutable_retention() =
          google::protobuf::util::TimeUtil::MicrosecondsToDuration(spec.retention.value());
    }
  }
  return response;
}

std::string Kept(const v1::Topic& topic) {
  switch (topic.cleanup()) {
    case v1::TOPIC_CLEANUP_FOREVER:
      return "for ever";
    case v1::TOPIC_CLEANUP_COMPACT:
      return "last of each key";
    case v1::TOPIC_CLEANUP_RETENTION:
      return absl::StrCat(topic.retention().seconds() / 86'400, " days");
    default:
      return "";
  }
}

Rows::Cells TopicCells(const v1::Topic& topic) {
  return {{topic.name(), absl::StrCat(topic.partitions()), Kept(topic),
           topic.exists() ? "exists" : "to be created",
           topic.exists() ? absl::StrCat(topic.records()) : "", topic.difference()}};
}

// Replays in this process with a bar, or asks a server and shows that time goes by.
absl::Status Verify(Context& context, Connection& connection, v1::VerifyResponse* response) {
  Progress progress(&context.err(), "verify", "records");
  if (connection.verify) {
    return connection.verify([&](int64_t done, int64_t total) { progress.Update(done, total); },
                             response);
  }
  Progress seconds(&context.err(), "verify: the server replays its log", "seconds");
  const auto begin = std::chrono::steady_clock::now();
  std::atomic<bool> done{false};
  std::thread clock([&] {
    while (!done.load()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      const auto now = std::chrono::steady_clock::now();
      seconds.Update(std::chrono::duration_cast<std::chrono::seconds>(now - begin).count(), -1);
    }
  });
  ApiRequest request;
  request.method = "POST";
  request.path = {"verify"};
  absl::Status status = connection.api->Call(request, response);
  done.store(true);
  clock.join();
  return status;
}

}  // namespace

Result RunTopicsPlan(Context& context) {
  v1::ListTopicsResponse response;
  const absl::StatusOr<Connection*> connection =
      context.Connect({.settle = false, .needs = Needs::kLog});
  if (connection.ok()) {
    TW_RETURN_IF_ERROR(Get(*(*connection)->api, {"topics"}, {}, &response));
  } else if (connection.status().code() == absl::StatusCode::kNotFound) {
    const int32_t asked = context.config.partitions();
    response = Planned(asked > 0 ? asked : kPlannedPartitions);
    context.Say("there is no ledger yet; this is what it will be made of");
  } else {
    return connection.status();
  }
  Rows rows(context, "topics",
            {{"TOPIC"},
             {"PARTITIONS", Align::kRight},
             {"KEPT"},
             {"STATE"},
             {"RECORDS", Align::kRight, true},
             {"DIFFERENCE", Align::kLeft, true}},
            "");
  bool differs = false;
  for (const v1::Topic& topic : response.topics()) {
    rows.Add(topic, [&] { return TopicCells(topic); });
    differs = differs || (topic.exists() && !topic.difference().empty());
  }
  TW_RETURN_IF_ERROR(rows.End());
  return differs ? Exit::kFindings : Exit::kOk;
}

Result RunVerify(Context& context) {
  TW_ASSIGN_OR_RETURN(Connection* const connection, context.Connect());
  v1::VerifyResponse response;
  TW_RETURN_IF_ERROR(Verify(context, *connection, &response));
  if (!WriteMessage(context, response)) {
    for (const std::string& check : response.checks()) {
      context.out().Write(absl::StrCat("checked  ", Printable(check), "\n"));
    }
    for (const std::string& finding : response.findings()) {
      context.out().Write(absl::StrCat("FINDING  ", Printable(finding), "\n"));
    }
    context.out().Write(absl::StrCat(response.ok() ? "clean" : "NOT CLEAN", ": ",
                                     WithCommas(response.records()), " records, ",
                                     response.findings_size(), " findings\n"));
  }
  TW_RETURN_IF_ERROR(context.out().Flush());
  return response.ok() && response.findings().empty() ? Exit::kOk : Exit::kFindings;
}

Result RunDigest(Context& context, const DigestOptions& options) {
  TW_ASSIGN_OR_RETURN(Connection* const connection, context.Connect());
  TW_RETURN_IF_ERROR(WaitFolded(context, *connection));
  v1::DigestResponse response;
  std::vector<std::pair<std::string, std::string>> query;
  if (options.state) query.emplace_back("state", "true");
  TW_RETURN_IF_ERROR(Get(*connection->api, {"digest"}, query, &response));
  if (!WriteMessage(context, response)) {
    context.out().Write(
        absl::StrCat(response.content(), "  content of ", WithCommas(response.skus()), " SKUs\n"));
    for (int i = 0; i < response.state_size(); ++i) {
      context.out().Write(absl::StrCat(response.state(i), "  state of partition ", i, "\n"));
    }
  }
  TW_RETURN_IF_ERROR(context.out().Flush());
  if (!response.at_rest()) {
    context.Say(
        "not at rest: records or timers are under way, so the digest will change by itself");
  }
  return Exit::kOk;
}

Result RunHealth(Context& context) {
  TW_ASSIGN_OR_RETURN(Connection* const connection, context.Connect());
  v1::HealthResponse response;
  TW_RETURN_IF_ERROR(Get(*connection->api, {"health"}, {}, &response));
  if (!WriteMessage(context, response)) {
    context.out().Write(absl::StrCat(response.state(), response.problem().empty() ? "" : ": ",
                                     Printable(response.problem()), "\nlog ", response.log_id(),
                                     connection->served ? ", a server answers" : "", "\n"));
    Table table(&context.out(), {{"PARTITION", Align::kRight},
                                 {"NEXT OFFSET", Align::kRight},
                                 {"LOG END", Align::kRight},
                                 {"LAG", Align::kRight},
                                 {"BEHIND", Align::kRight},
                                 {"APPLIED", Align::kRight},
                                 {"DUPLICATES", Align::kRight},
                                 {"REFUSED", Align::kRight},
                                 {"SWEEPS", Align::kRight},
                                 {"LOG TIME"}});
    for (const v1::PartitionHealth& p : response.partitions()) {
      const bool known = p.log_end() >= 0;
      table.Row({absl::StrCat(p.partition()), absl::StrCat(p.next_offset()),
                 known ? absl::StrCat(p.log_end()) : "?",
                 known ? WithCommas(p.log_end() - p.next_offset()) : "?",
                 absl::StrCat(p.behind().seconds(), " s"), absl::StrCat(p.applied()),
                 absl::StrCat(p.duplicates()), absl::StrCat(p.refused()), absl::StrCat(p.sweeps()),
                 TimeText(p.has_log_time(), p.log_time())});
    }
    table.End();
  }
  TW_RETURN_IF_ERROR(context.out().Flush());
  return response.state() == "failing" ? Exit::kFailed : Exit::kOk;
}

}  // namespace tallywire
