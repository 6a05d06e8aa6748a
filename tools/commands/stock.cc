// SPDX-License-Identifier: Apache-2.0
#include "tools/commands/stock.h"

#include "absl/strings/str_cat.h"
#include "ledger/status.h"
#include "tallywire/v1/api.pb.h"
#include "tools/commands/rows.h"

namespace tallywire {
namespace {

std::vector<Column> StockColumns() {
  const auto number = [](const char* title, bool optional) {
    return Column{title, Align::kRight, optional};
  };
  return {{"SKU"},
          {"LOCATION"},
          {"LEVEL"},
          number("AVAILABLE", false),
          number("COMMITTED", true),
          number("HELD", true),
          number("DAMAGED", true),
          number("USED", true),
          number("QUALITY CONTROL", true),
          number("ON HAND", false),
          number("INCOMING", true),
          number("SAFETY STOCK", true),
          number("ATS", false),
          number("SHORTFALL", true),
          {"SELLABLE"}};
}

std::string UnlessZero(int64_t n) { return n == 0 ? "" : absl::StrCat(n); }

std::string Ats(const v1::Availability& row) {
  if (row.level() == v1::LEVEL_PLACE) return "";
  return row.unlimited() ? "unlimited" : absl::StrCat(row.ats());
}

std::string Sellable(const v1::Availability& row) {
  if (row.sellable()) return "yes";
  const std::string why =
      ShortName(v1::NotSellableBecause_Name(row.not_sellable_because()), "NOT_SELLABLE_BECAUSE_");
  return why.empty() ? "no" : absl::StrCat("no: ", why);
}

Rows::Cells StockCells(const v1::Availability& row) {
  return {{row.sku(), row.level() == v1::LEVEL_TOTAL ? "(all)" : row.location(),
           ShortName(v1::Level_Name(row.level()), "LEVEL_"), absl::StrCat(row.available()),
           UnlessZero(row.committed()), UnlessZero(row.held()), UnlessZero(row.damaged()),
           UnlessZero(row.used()), UnlessZero(row.quality_control()), absl::StrCat(row.on_hand()),
           UnlessZero(row.incoming()), UnlessZero(row.safety_stock()), Ats(row),
           UnlessZero(row.shortfall()), Sellable(row)}};
}

}  // namespace

Result RunStock(Context& context, const StockOptions& options) {
  TW_ASSIGN_OR_RETURN(Connection* const connection, context.Connect());
  TW_RETURN_IF_ERROR(WaitFolded(context, *connection));
  std::vector<std::string> path = {"stock"};
  if (!options.sku.empty()) path.push_back(options.sku);
  std::vector<std::pair<std::string, std::string>> query;
  if (!options.location.empty()) query.emplace_back("location", options.location);

  Rows rows(context, "rows", StockColumns());
  TW_RETURN_IF_ERROR(ForEachPage<v1::GetStockResponse>(
      context, *connection->api, path, query, [&](const v1::GetStockResponse& page) {
        for (const v1::Availability& row : page.rows()) {
          rows.Add(row, [&] { return StockCells(row); });
        }
        return true;
      }));
  TW_RETURN_IF_ERROR(rows.End());
  return Exit::kOk;
}

}  // namespace tallywire
