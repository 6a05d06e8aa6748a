// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ledger/status.h"
#include "tallywire/v1/api.pb.h"
#include "tools/api/json.h"
#include "tools/commands/rows.h"
#include "tools/commands/stock.h"

namespace tallywire {
namespace {

std::vector<Column> ExplainColumns() {
  return {{"LOG TIME"},
          {"OCCURRED", Align::kLeft, true},
          {"LOCATION"},
          {"WHAT"},
          {"POOL"},
          {"CHANGE", Align::kRight},
          {"BEFORE", Align::kRight},
          {"", Align::kLeft},
          {"AFTER", Align::kRight},
          {"WHO"},
          {"EVENT", Align::kLeft, true},
          {"DOCUMENT", Align::kLeft, true},
          {"NOTE", Align::kLeft, true},
          {"RECORD"}};
}

std::string Who(const v1::JournalEntry& entry) {
  if (entry.actor().empty()) return entry.source();
  return absl::StrCat(entry.source(), " (", entry.actor(), ")");
}

// One row for each pool; what is the same for all of them stands in the first.
Rows::Cells ExplainCells(const v1::JournalEntry& entry) {
  const std::string logged = TimeText(entry.has_log_time(), entry.log_time());
  const std::string occurred = TimeText(entry.has_occurred_at(), entry.occurred_at());
  std::vector<std::string> first = {logged,
                                    occurred == logged ? "" : occurred,
                                    entry.location(),
                                    entry.what(),
                                    "",
                                    "",
                                    "",
                                    "",
                                    "",
                                    Who(entry),
                                    entry.event_id(),
                                    entry.document(),
                                    entry.note(),
                                    RecordPlace(entry.partition(), entry.offset())};
  Rows::Cells rows;
  for (const v1::PoolChange& change : entry.changes()) {
    std::vector<std::string> row(first.size());
    if (rows.empty()) row = first;
    row[4] = ShortName(v1::Pool_Name(change.pool()), "POOL_");
    row[5] = Signed(change.delta());
    row[6] = absl::StrCat(change.before());
    row[7] = "→";
    row[8] = absl::StrCat(change.after());
    rows.push_back(std::move(row));
  }
  if (rows.empty()) rows.push_back(std::move(first));
  return rows;
}

using Balances = std::map<v1::Pool, int64_t>;

Balances BalancesOf(const v1::Availability& row) {
  return {{v1::POOL_AVAILABLE, row.available()}, {v1::POOL_COMMITTED, row.committed()},
          {v1::POOL_HELD, row.held()},           {v1::POOL_DAMAGED, row.damaged()},
          {v1::POOL_USED, row.used()},           {v1::POOL_QUALITY_CONTROL, row.quality_control()},
          {v1::POOL_INCOMING, row.incoming()}};
}

// A second look, beside the ledger's own: each entry begins where the one before it ended, and for
// a whole SKU the last balances add up to the TOTAL.
std::vector<std::string> Audit(const v1::ExplainResponse& response) {
  std::vector<std::string> findings;
  std::map<std::pair<std::string, v1::Pool>, int64_t> last;
  for (const v1::JournalEntry& entry : response.entries()) {
    const std::string record = RecordPlace(entry.partition(), entry.offset());
    for (const v1::PoolChange& change : entry.changes()) {
      int64_t& balance = last[{entry.location(), change.pool()}];
      if (balance != change.before() || change.before() + change.delta() != change.after()) {
        findings.push_back(absl::StrCat("record ", record, ": ", entry.location(), " ",
                                        ShortName(v1::Pool_Name(change.pool()), "POOL_"),
                                        " goes from ", change.before(), " by ",
                                        Signed(change.delta()), " to ", change.after(),
                                        ", and was ", balance, " before"));
      }
      balance = change.after();
    }
  }
  if (!response.location().empty()) return findings;
  Balances sums;
  for (const auto& [account, balance] : last) sums[account.second] += balance;
  for (const auto& [pool, shown] : BalancesOf(response.row())) {
    if (sums[pool] == shown) continue;
    findings.push_back(absl::StrCat(ShortName(v1::Pool_Name(pool), "POOL_"),
                                    ": the entries come to ", sums[pool], ", stock shows ", shown));
  }
  return findings;
}

std::string WhatStockShows(const v1::Availability& row) {
  std::vector<std::string> parts = {absl::StrCat("available ", row.available())};
  for (const auto& [pool, n] : BalancesOf(row)) {
    if (n == 0 || pool == v1::POOL_AVAILABLE) continue;
    std::string name = ShortName(v1::Pool_Name(pool), "POOL_");
    for (char& c : name) c = c == '_' ? ' ' : absl::ascii_tolower(static_cast<unsigned char>(c));
    parts.push_back(absl::StrCat(name, " ", n));
  }
  parts.push_back(absl::StrCat("on hand ", row.on_hand()));
  if (row.level() != v1::LEVEL_PLACE) {
    parts.push_back(row.unlimited() ? "available to sell without limit"
                                    : absl::StrCat("available to sell ", row.ats()));
  }
  return absl::StrJoin(parts, ", ");
}

}  // namespace

Result RunExplain(Context& context, const ExplainOptions& options) {
  TW_ASSIGN_OR_RETURN(Connection* const connection, context.Connect());
  TW_RETURN_IF_ERROR(WaitFolded(context, *connection));
  std::vector<std::pair<std::string, std::string>> query;
  if (!options.location.empty()) query.emplace_back("location", options.location);
  if (options.prove) query.emplace_back("prove", "true");
  v1::ExplainResponse response;
  TW_RETURN_IF_ERROR(Get(*connection->api, {"explain", options.sku}, query, &response));

  std::vector<std::string> findings(response.differences().begin(), response.differences().end());
  for (std::string& finding : Audit(response)) {
    if (std::find(findings.begin(), findings.end(), finding) == findings.end()) {
      findings.push_back(std::move(finding));
    }
  }
  const bool agrees = response.consistent() && findings.empty();
  if (context.format() == Format::kJson) {
    context.out().Write(ToJson(response, {.indented = true}));
  } else {
    Rows rows(context, "entries", ExplainColumns(), "");
    for (const v1::JournalEntry& entry : response.entries()) {
      rows.Add(entry, [&] { return ExplainCells(entry); });
    }
    TW_RETURN_IF_ERROR(rows.End());
  }
  if (context.format() == Format::kTable) {
    context.out().Write(absl::StrCat(
        Printable(options.sku), options.location.empty() ? "" : " at ", Printable(options.location),
        ": stock shows ", WhatStockShows(response.row()), "; ",
        agrees ? (response.proved() ? "the log, folded anew, agrees" : "the journal agrees")
               : "THE ENTRIES DO NOT AGREE",
        "\n"));
  }
  if (agrees) return Exit::kOk;
  context.Say("THE ENTRIES DO NOT ADD UP TO WHAT `stock` SHOWS:");
  for (const std::string& finding : findings) context.Say(absl::StrCat("  ", finding));
  return Exit::kFindings;
}

}  // namespace tallywire
