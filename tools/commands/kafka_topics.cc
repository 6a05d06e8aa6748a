// SPDX-License-Identifier: Apache-2.0
#include "tools/commands/kafka_topics.h"

#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ledger/kafka/kafka_log.h"
#include "ledger/status.h"
#include "ledger/topics.h"
#include "tallywire/v1/api.pb.h"
#include "tools/api/open_log.h"
#include "tools/commands/connect.h"
#include "tools/commands/rows.h"
#include "tools/table.h"

namespace tallywire {
namespace {

absl::StatusOr<std::vector<TopicSpec>> Wanted(Log& log, int32_t asked) {
  const absl::StatusOr<TopicSpec> events = log.Describe(kStockEvents);
  if (!events.ok() && !absl::IsNotFound(events.status())) return events.status();
  if (asked != 0) return PlanTopics(asked);
  return PlanTopics(events.ok() ? events->partitions : kDefaultClusterPartitions);
}

v1::TopicSetting ToMessage(const KafkaTopicDifference& difference) {
  v1::TopicSetting out;
  out.set_topic(difference.topic);
  out.set_setting(difference.setting);
  out.set_is(difference.is);
  out.set_should(difference.should);
  out.set_dangerous(difference.dangerous);
  out.set_alterable(difference.alterable);
  out.set_sentence(difference.sentence);
  return out;
}

v1::TopicSetting Missing(const TopicSpec& spec) {
  v1::TopicSetting out;
  out.set_topic(spec.name);
  out.set_setting("topic");
  out.set_is("missing");
  out.set_should(absl::StrCat(spec.partitions, " partitions"));
  out.set_alterable(true);
  out.set_sentence("will be made");
  return out;
}

}  // namespace

Result RunKafkaTopics(Context& context, bool execute) {
  const LogChoice choice = LogOf(context.config);
  KafkaLog::Options options;
  options.connection = {.brokers = choice.brokers, .properties = choice.properties};
  TW_ASSIGN_OR_RETURN(const std::unique_ptr<KafkaLog> log, KafkaLog::Open(std::move(options)));
  TW_ASSIGN_OR_RETURN(const auto wanted, Wanted(*log, context.config.partitions()));
  TW_ASSIGN_OR_RETURN(const KafkaTopicPlan plan, log->Plan(wanted));

  Rows rows(context, "settings",
            {{"TOPIC"}, {"SETTING"}, {"IS"}, {"SHOULD BE"}, {"WHAT IT MEANS", Align::kLeft, true}},
            "");
  const auto add = [&rows](const v1::TopicSetting& one) {
    rows.Add(one, [&]() -> Rows::Cells {
      return {{one.topic(), one.setting(), one.is(), one.should(),
               absl::StrCat(one.dangerous() ? "DANGEROUS: " : "", one.sentence())}};
    });
  };
  bool left = false;
  for (const TopicSpec& spec : plan.missing) add(Missing(spec));
  for (const KafkaTopicDifference& difference : plan.differences) {
    add(ToMessage(difference));
    left = left || !difference.alterable;
  }
  TW_RETURN_IF_ERROR(rows.End());
  const bool nothing = plan.missing.empty() && plan.differences.empty();
  if (nothing) {
    context.Say("every topic is as it should be");
    return Exit::kOk;
  }
  if (!execute) {
    context.Say("nothing was changed; `tallywire topics apply --execute` does it");
    return Exit::kFindings;
  }
  TW_RETURN_IF_ERROR(log->Apply(plan));
  context.Say(left ? "done, but for what cannot be altered" : "done");
  return left ? Exit::kFindings : Exit::kOk;
}

}  // namespace tallywire
