// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TESTS_SIM_OUTSIDE_H_
#define TALLYWIRE_TESTS_SIM_OUTSIDE_H_

// Looks at a ledger from outside: nothing but its topics, and what tests/sim/auditor.h says that
// has to be in them.
//
//   const auto findings = AuditLog(log, {.acknowledged = appended});
//   for (const std::string& finding : *findings) ADD_FAILURE() << finding;
//
// The ledger is at rest: all is folded, no sweep runs, no timer is due, every listing is sent.
// Errors: the log's. What does not hold is a finding: a sentence that names the record, what it
// should be and what it is.

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "ledger/log.h"
#include "tests/sim/auditor.h"
#include "tests/sim/auditor_listing.h"
#include "tests/sim/log_record.h"

namespace tallywire::sim {

using Findings = std::vector<std::string>;

// A record of stock.events that whoever appended it was told is safe.
struct Acknowledged {
  int32_t partition = 0;
  int64_t offset = 0;
  std::string key;
  std::string value;
};

struct OutsideOptions {
  // Every partition has had one owner that was never dropped or restarted, so that no version
  // of a key falls in the topic itself. Otherwise old rows may come again, and be followed by newer
  // ones.
  bool one_life = false;
  // No append failed halfway, and no two owners wrote at once: rows of a SKU stand together, and no
  // TOTAL is older than what stands before it. Otherwise who reads waits for one that is not.
  bool whole_appends = true;
  // One publisher wrote: what an update is compared with is the one before it.
  bool one_publisher = true;
  std::vector<Acknowledged> acknowledged = {};
};

// All of it.
absl::StatusOr<Findings> AuditLog(Log& log, const OutsideOptions& options = {});

// The same of topics that have been read.
struct Topics {
  TopicRecords events;
  TopicRecords rows;
  TopicRecords alerts;
  TopicRecords letters;
  TopicRecords rules;
  TopicRecords updates;
};
Findings AuditTopics(const Topics& topics, const OutsideOptions& options);

// Each part by itself; `topic` is the one that its name says.

// stock.availability: every row has the value of its version, each key ends with its newest, rows
// of a SKU stand together with the TOTAL last, sums agree, and units come from somewhere.
void AuditRows(const Expected& expected, const TopicRecords& topic, const OutsideOptions& options,
               Findings& findings);
// stock.alerts: those of the fold exactly, repeats allowed; NEEDS_CAP where a listing needs one.
void AuditAlerts(const Expected& expected, const Rules& rules, const TopicRecords& topic,
                 Findings& findings);
// The two together: no update needs a cap of which nobody was told.
void AuditCaps(const TopicRecords& updates, const TopicRecords& alerts, Findings& findings);
// stock.events-dlt: every refused record as it came, and no other.
void AuditLetters(const Expected& expected, const TopicRecords& events, const TopicRecords& topic,
                  Findings& findings);
// stock.events: every partition has learnt the newest definition of every location, and nothing
// that nobody has defined.
void AuditLinks(const Expected& expected, const TopicRecords& events, Findings& findings);
// stock.listing-updates: every update is what its rule shows on its stock, each listing ends with
// what the last rule shows on the last stock, and none is older than the one before.
void AuditUpdates(const Expected& expected, const Rules& rules, const TopicRecords& topic,
                  const OutsideOptions& options, Findings& findings);
// stock.events: everything that was acknowledged is there.
void AuditAcknowledged(const TopicRecords& events, const std::vector<Acknowledged>& acknowledged,
                       Findings& findings);

}  // namespace tallywire::sim

#endif  // TALLYWIRE_TESTS_SIM_OUTSIDE_H_
