// SPDX-License-Identifier: Apache-2.0
// The fold: any records in a partition. Whatever the checkpoints, evictions and crashes, the same
// follows from the same records, and it is what the auditor says.
//
// Input: tests/fuzz/fold_input.h.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/stubs/logging.h"
#include "ledger/check.h"
#include "tests/fuzz/fold_input.h"
#include "tests/fuzz/fold_player.h"
#include "tests/fuzz/input.h"
#include "tests/sim/outside.h"

namespace tallywire::fuzz {
namespace {

// The auditor goes through all that ever was for each record.
constexpr size_t kMostAudited = 120;

sim::Outcome Of(Outcome outcome) {
  switch (outcome) {
    case Outcome::kApplied:
      return sim::Outcome::kApplied;
    case Outcome::kDuplicate:
      return sim::Outcome::kDuplicate;
    case Outcome::kRefused:
      break;
  }
  return sim::Outcome::kRefused;
}

template <class T>
void Append(const T& message, const std::string& key, sim::TopicRecords* topic) {
  topic->records.push_back({.partition = 0,
                            .offset = static_cast<int64_t>(topic->records.size()),
                            .stamp = 0,
                            .key = key,
                            .value = message.SerializeAsString(),
                            .headers = {}});
}

sim::TopicRecords EmptyTopic(int32_t partitions) {
  sim::TopicRecords topic;
  topic.partitions = partitions;
  topic.begins.assign(static_cast<size_t>(partitions), 0);
  return topic;
}

void Audit(const FoldInput& input, const std::vector<ToldOf>& told) {
  const sim::Expected expected = sim::Judge(input.records, input.partitions);
  sim::Findings findings = expected.doubts;
  sim::TopicRecords rows = EmptyTopic(input.partitions);
  sim::TopicRecords alerts = EmptyTopic(input.partitions);
  for (size_t i = 0; i < told.size(); ++i) {
    const sim::Verdict& verdict = expected.verdicts.at({0, static_cast<int64_t>(i)});
    if (verdict.outcome != Of(told[i].outcome) || verdict.reason != told[i].reason) {
      findings.push_back(absl::StrCat("record ", i, ": outcome ", told[i].outcome, " reason ",
                                      told[i].reason, ", should be ", verdict.outcome, " ",
                                      verdict.reason));
    }
    for (const v1::Availability& row : told[i].rows) {
      Append(row, absl::StrCat(row.sku(), std::string(1, '\0'), row.location()), &rows);
    }
    for (const v1::Alert& alert : told[i].alerts) {
      Append(alert, alert.sku().empty() ? alert.location() : alert.sku(), &alerts);
    }
  }
  sim::AuditRows(expected, rows, {.one_life = true}, findings);
  sim::AuditAlerts(expected, {}, alerts, findings);
  if (findings.empty()) return;
  for (const std::string& finding : findings) std::fprintf(stderr, "%s\n", finding.c_str());
  std::abort();
}

void CheckStores(const Player& calm, const Player& lively) {
  std::vector<std::string> differences;
  const absl::Status compared = calm.store().Compare(lively.store(), 10, &differences);
  CheckSame("comparing stores", "OK", compared.ToString());
  for (const std::string& difference : differences) {
    std::fprintf(stderr, "stores: %s\n", difference.c_str());
  }
  TW_CHECK(differences.empty(), "one state, whatever the checkpoints and crashes");
  const auto one = calm.store().StateDigest();
  const auto other = lively.store().StateDigest();
  TW_CHECK(one.ok() && other.ok(), "states have digests");
  CheckSame("digests", *one, *other);
}

void Run(Input in) {
  const google::protobuf::LogSilencer silencer;
  const FoldInput input = TakeFoldInput(in);
  Player calm(input, /*calm=*/true);
  calm.Play();
  calm.CheckState();
  Player lively(input, /*calm=*/false);
  lively.Play();
  lively.CheckState();
  for (size_t i = 0; i < input.records.size(); ++i) {
    CheckSame("what followed from a record, whatever the checkpoints", calm.told()[i].Text(),
              lively.told()[i].Text());
  }
  CheckStores(calm, lively);
  if (input.records.size() <= kMostAudited) Audit(input, calm.told());
}

}  // namespace
}  // namespace tallywire::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tallywire::fuzz::Run(tallywire::fuzz::Input(data, size));
  return 0;
}
