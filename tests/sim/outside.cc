// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/outside.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "ledger/status.h"
#include "ledger/topics.h"
#include "tallywire/v1/types.pb.h"

namespace tallywire::sim {
namespace {

std::string Where(std::string_view topic, const LogRecord& record) {
  return absl::StrCat(std::string(topic), " ", record.partition, "/", record.offset);
}

std::string Where(const RecordId& id) { return absl::StrCat("record ", id.first, "/", id.second); }

std::map<RecordId, const LogRecord*> ById(const TopicRecords& topic) {
  std::map<RecordId, const LogRecord*> by_id;
  for (const LogRecord& record : topic.records) by_id[{record.partition, record.offset}] = &record;
  return by_id;
}

// All but the ordinal: which of several of a kind is the first is nobody's business.
std::string BodyOf(v1::Alert alert) {
  alert.clear_text();
  alert.mutable_id()->clear_ordinal();
  return alert.SerializeAsString();
}

using AlertName = std::tuple<int32_t, int64_t, int, int32_t>;

AlertName NameOf(const v1::Alert& alert) {
  return {alert.id().partition(), alert.id().offset(), alert.id().kind(), alert.id().ordinal()};
}

// Whether a publisher may have raised it; it depends on when it looked whether it did.
bool IsCapNeeded(const Rules& rules, const Expected& expected, const v1::Alert& alert) {
  const auto listing = rules.find({alert.channel(), alert.listing()});
  if (listing == rules.end()) return false;
  const auto rule = listing->second.find(alert.id().offset());
  if (rule == listing->second.end()) return false;
  v1::Alert should;
  should.mutable_id()->set_partition(HomeOf(rule->second.listing.sku(), expected.partitions));
  should.mutable_id()->set_offset(rule->first);
  should.mutable_id()->set_kind(v1::ALERT_KIND_NEEDS_CAP);
  SetTime(rule->second.stamp, should.mutable_log_time());
  should.set_sku(rule->second.listing.sku());
  should.set_channel(alert.channel());
  should.set_listing(alert.listing());
  if (BodyOf(should) != BodyOf(alert) || alert.id().ordinal() != 0) return false;
  const auto totals = expected.rows.find({alert.sku(), ""});
  if (totals == expected.rows.end()) return false;
  return std::any_of(totals->second.begin(), totals->second.end(), [&](const auto& total) {
    return Shown(rule->first, rule->second, PictureAt(expected, alert.sku(), total.first))
               .state() == v1::LISTING_STATE_NEEDS_CAP;
  });
}

void CheckLetter(const LogRecord& origin, const Verdict& verdict, const LogRecord& letter,
                 Findings& findings) {
  const auto say = [&](const std::string& what, std::string_view should, std::string_view is) {
    if (should == is) return;
    findings.push_back(absl::StrCat(
        Where(kStockDeadLetters, letter), ", of record ", origin.partition, "/", origin.offset,
        ": ", what, " should be `", std::string(should), "` but is `", std::string(is), "`"));
  };
  const std::string code =
      v1::RefusedReason_Name(verdict.reason).substr(std::string("REFUSED_REASON_").size());
  say("the reason", code, letter.HeaderValue("stock-error-code"));
  say("the key", origin.key, letter.key);
  const bool too_large = verdict.reason == v1::REFUSED_REASON_TOO_LARGE;
  if (letter.value != (too_large ? std::string() : origin.value)) {
    say("the value", "as it came", "another");
  }
  say("the topic", kStockEvents, letter.HeaderValue("kafka_dlt-original-topic"));
  say("the stamp", absl::StrCat(origin.stamp / 1'000),
      letter.HeaderValue("kafka_dlt-original-timestamp"));
  for (const Header& header : origin.headers) {
    const bool kept =
        std::find(letter.headers.begin(), letter.headers.end(), header) != letter.headers.end();
    if (!kept) say("header " + header.name, header.value, letter.HeaderValue(header.name));
  }
  if (letter.HeaderValue("kafka_dlt-exception-message").empty()) say("the text", "some", "");
}

std::string WithoutTexts(v1::ListingUpdate update) {
  for (v1::TraceStep& step : *update.mutable_trace()) step.clear_text();
  return update.SerializeAsString();
}

}  // namespace

void AuditAlerts(const Expected& expected, const Rules& rules, const TopicRecords& topic,
                 Findings& findings) {
  std::map<AlertName, v1::Alert> alerts;
  for (const LogRecord& record : topic.records) {
    v1::Alert alert;
    const auto say = [&](const std::string& what) {
      findings.push_back(Where(kStockAlerts, record) + " " + what + ": " +
                         alert.ShortDebugString());
    };
    if (!alert.ParseFromString(record.value)) {
      say("is no Alert");
      continue;
    }
    if (record.key != (alert.sku().empty() ? alert.location() : alert.sku()))
      say("has another key");
    if (record.partition != alert.id().partition()) say("is on another partition than it says");
    if (alert.text().empty()) say("has no text");
    const auto [held, first] = alerts.try_emplace(NameOf(alert), alert);
    if (!first && held->second.SerializeAsString() != alert.SerializeAsString()) {
      say("gives an id a second body");
    }
  }
  std::multimap<std::string, const v1::Alert*> should;
  std::set<AlertName> names;
  for (const v1::Alert& alert : expected.alerts) {
    should.emplace(BodyOf(alert), &alert);
    names.insert(NameOf(alert));
  }
  for (const auto& [name, alert] : alerts) {
    if (alert.id().kind() == v1::ALERT_KIND_NEEDS_CAP) {
      if (!IsCapNeeded(rules, expected, alert)) {
        findings.push_back("stock.alerts: no listing needs: " + alert.ShortDebugString());
      }
      continue;
    }
    const auto found = should.find(BodyOf(alert));
    if (found == should.end()) {
      findings.push_back("stock.alerts: should not be: " + alert.ShortDebugString());
      continue;
    }
    should.erase(found);
    if (!names.contains(name)) {
      findings.push_back("stock.alerts: ordinals have a hole: " + alert.ShortDebugString());
    }
  }
  for (const auto& [body, alert] : should) {
    // Alerts are not kept for ever.
    if (topic.begins[static_cast<size_t>(alert->id().partition())] > 0) continue;
    findings.push_back("stock.alerts: missing: " + alert->ShortDebugString());
  }
}

void AuditCaps(const TopicRecords& updates, const TopicRecords& alerts, Findings& findings) {
  std::set<std::tuple<std::string, std::string, int64_t>> told;
  for (const LogRecord& record : alerts.records) {
    v1::Alert alert;
    if (!alert.ParseFromString(record.value)) continue;
    if (alert.id().kind() != v1::ALERT_KIND_NEEDS_CAP) continue;
    told.insert({alert.channel(), alert.listing(), alert.id().offset()});
  }
  // Alerts are not kept for ever.
  const bool all_there = std::all_of(alerts.begins.begin(), alerts.begins.end(),
                                     [](int64_t begin) { return begin == 0; });
  for (const LogRecord& record : updates.records) {
    v1::ListingUpdate update;
    if (!all_there || !update.ParseFromString(record.value)) continue;
    if (update.state() != v1::LISTING_STATE_NEEDS_CAP) continue;
    if (told.contains({update.channel(), update.listing_id(), update.rules_version()})) continue;
    findings.push_back(Where(kListingUpdates, record) +
                       " needs a cap, and no alert says so: " + update.ShortDebugString());
  }
}

void AuditLetters(const Expected& expected, const TopicRecords& events, const TopicRecords& topic,
                  Findings& findings) {
  const auto by_id = ById(events);
  std::set<RecordId> there;
  for (const LogRecord& letter : topic.records) {
    // A mark of a letter that was redriven.
    if (letter.HeaderValue("stock-error-code").empty()) continue;
    RecordId id = {-1, -1};
    const bool numbers =
        absl::SimpleAtoi(std::string(letter.HeaderValue("kafka_dlt-original-partition")),
                         &id.first) &&
        absl::SimpleAtoi(std::string(letter.HeaderValue("kafka_dlt-original-offset")), &id.second);
    if (!numbers) id = {-1, -1};
    const auto verdict = expected.verdicts.find(id);
    if (verdict == expected.verdicts.end() || id.first != letter.partition) {
      findings.push_back(Where(kStockDeadLetters, letter) + " names no record of its partition");
    } else if (verdict->second.outcome != Outcome::kRefused) {
      findings.push_back(Where(kStockDeadLetters, letter) + " is of " + Where(id) +
                         ", which is not refused; it says " +
                         std::string(letter.HeaderValue("stock-error-code")) + ": " +
                         std::string(letter.HeaderValue("kafka_dlt-exception-message")));
    } else {
      there.insert(id);
      CheckLetter(*by_id.at(id), verdict->second, letter, findings);
    }
  }
  for (const auto& [id, verdict] : expected.verdicts) {
    if (verdict.outcome != Outcome::kRefused || there.contains(id)) continue;
    if (topic.begins[static_cast<size_t>(id.first)] > 0) continue;
    findings.push_back(Where(id) + " is refused (" + v1::RefusedReason_Name(verdict.reason) +
                       ") and has no dead letter");
  }
}

void AuditLinks(const Expected& expected, const TopicRecords& events, Findings& findings) {
  std::map<RecordId, const v1::LocationDefined*> by_record;
  std::map<std::string, const Defined*> newest;
  for (const Defined& defined : expected.defined) {
    by_record[defined.record] = &defined.definition;
    newest[defined.definition.location()] = &defined;
  }
  for (const LogRecord& record : events.records) {
    const Told told = ReadTold(record, expected.partitions);
    if (told.refused.has_value() || !told.event.has_location_copied()) continue;
    const v1::LocationCopied& copied = told.event.location_copied();
    const auto cause = by_record.find({copied.cause().partition(), copied.cause().offset()});
    const bool right = cause != by_record.end() && cause->second->SerializeAsString() ==
                                                       copied.definition().SerializeAsString();
    if (right) continue;
    findings.push_back(Where(kStockEvents, record) +
                       " copies what nobody has defined: " + copied.ShortDebugString());
  }
  for (const auto& [location, defined] : newest) {
    for (int32_t p = 0; p < expected.partitions; ++p) {
      const auto& known = expected.locations[static_cast<size_t>(p)].known;
      const auto held = known.find(location);
      if (held != known.end() && held->second.cause == defined->record.second) continue;
      findings.push_back(absl::StrCat("stock.events ", p, ": the definition of ", location,
                                      " should be that of ", Where(defined->record), " but is ",
                                      held == known.end()
                                          ? std::string("none")
                                          : absl::StrCat("that of offset ", held->second.cause)));
    }
  }
}

void AuditUpdates(const Expected& expected, const Rules& rules, const TopicRecords& topic,
                  const OutsideOptions& options, Findings& findings) {
  std::map<ListingName, v1::ListingUpdate> last;
  for (const LogRecord& record : topic.records) {
    v1::ListingUpdate update;
    const auto say = [&](const std::string& what) {
      findings.push_back(Where(kListingUpdates, record) + " " + what + ": " +
                         update.ShortDebugString());
    };
    if (!update.ParseFromString(record.value)) {
      say("is no ListingUpdate");
      continue;
    }
    const ListingName name = {update.channel(), update.listing_id()};
    if (record.key != name.first + std::string(1, '\0') + name.second) say("has another key");
    const auto before = last.find(name);
    const auto versions = [](const v1::ListingUpdate& u) {
      return std::pair(u.rules_version(), u.stock_version());
    };
    if (options.one_publisher && before != last.end() &&
        versions(update) < versions(before->second)) {
      say(absl::StrCat("is older than the one before, ", before->second.rules_version(), " and ",
                       before->second.stock_version()));
    }
    last[name] = update;
    const auto listing = rules.find(name);
    if (listing == rules.end() || !listing->second.contains(update.rules_version())) {
      say("rests on no rule");
      continue;
    }
    const Rule& rule = listing->second.at(update.rules_version());
    const auto picture = PictureAt(expected, rule.listing.sku(), update.stock_version());
    if (picture.empty() && update.stock_version() != -1) say("rests on no TOTAL");
    const v1::ListingUpdate should = Shown(update.rules_version(), rule, picture);
    if (WithoutTexts(update) == WithoutTexts(should)) continue;
    say("should be " + should.ShortDebugString() + " but is");
  }
  for (const auto& [name, versions] : rules) {
    const auto& [version, rule] = *versions.rbegin();
    const std::string& sku = rule.listing.sku();
    const v1::ListingUpdate should =
        Shown(version, rule, PictureAt(expected, sku, LastTotal(expected, sku)));
    const v1::ListingUpdate& is = last[name];
    // What rests on older stock and says the same need not be said again.
    const bool same = is.rules_version() == should.rules_version() && is.sku() == should.sku() &&
                      is.state() == should.state() && is.has_quantity() == should.has_quantity() &&
                      is.quantity() == should.quantity() &&
                      is.stock_version() <= should.stock_version();
    if (same && !is.channel().empty()) continue;
    findings.push_back("stock.listing-updates: " + name.first + " " + name.second +
                       " should end with " + should.ShortDebugString() + " but ends with " +
                       is.ShortDebugString());
  }
}

void AuditAcknowledged(const TopicRecords& events, const std::vector<Acknowledged>& acknowledged,
                       Findings& findings) {
  const auto by_id = ById(events);
  for (const Acknowledged& each : acknowledged) {
    const RecordId id = {each.partition, each.offset};
    const auto found = by_id.find(id);
    if (found == by_id.end()) {
      findings.push_back(Where(id) + " of " + each.key + " was acknowledged and is lost");
    } else if (found->second->key != each.key || found->second->value != each.value) {
      findings.push_back(Where(id) + " of " + each.key + " was acknowledged and is another one");
    }
  }
}

Findings AuditTopics(const Topics& topics, const OutsideOptions& options) {
  const Expected expected = Judge(topics.events.records, topics.events.partitions);
  const Rules rules = ReadRules(topics.rules.records);
  Findings findings = expected.doubts;
  AuditRows(expected, topics.rows, options, findings);
  AuditAlerts(expected, rules, topics.alerts, findings);
  AuditCaps(topics.updates, topics.alerts, findings);
  AuditLetters(expected, topics.events, topics.letters, findings);
  AuditLinks(expected, topics.events, findings);
  AuditUpdates(expected, rules, topics.updates, options, findings);
  AuditAcknowledged(topics.events, options.acknowledged, findings);
  return findings;
}

absl::StatusOr<Findings> AuditLog(Log& log, const OutsideOptions& options) {
  Topics topics;
  TW_ASSIGN_OR_RETURN(topics.events, ReadTopic(log, kStockEvents));
  TW_ASSIGN_OR_RETURN(topics.rows, ReadTopic(log, kStockAvailability));
  TW_ASSIGN_OR_RETURN(topics.alerts, ReadTopic(log, kStockAlerts));
  TW_ASSIGN_OR_RETURN(topics.letters, ReadTopic(log, kStockDeadLetters));
  TW_ASSIGN_OR_RETURN(topics.rules, ReadTopic(log, kListingRules));
  TW_ASSIGN_OR_RETURN(topics.updates, ReadTopic(log, kListingUpdates));
  return AuditTopics(topics, options);
}

}  // namespace tallywire::sim
