// SPDX-License-Identifier: Apache-2.0
#include "tools/commands/tail.h"

#include "absl/strings/str_cat.h"
#include "ledger/status.h"
#include "tallywire/v1/api.pb.h"
#include "tools/commands/rows.h"

namespace tallywire {
namespace {

// `base 7 → buffer 5 → percent 3`.
std::string Way(const v1::ListingUpdate& update) {
  std::string way;
  for (const v1::TraceStep& step : update.trace()) {
    absl::StrAppend(&way, way.empty() ? "" : " → ", step.step(), " ", step.result());
  }
  return way;
}

struct Updates {
  using Item = v1::ListingUpdate;
  using Response = v1::ListUpdatesResponse;
  static constexpr const char* kPath = "updates";
  static const auto& Items(const Response& response) { return response.updates(); }
  static std::vector<Column> Columns() {
    return {{"LOG TIME"},
            {"CHANNEL"},
            {"LISTING"},
            {"SKU"},
            {"QUANTITY", Align::kRight},
            {"STATE"},
            {"HOW SO"},
            {"RULES", Align::kRight},
            {"STOCK", Align::kRight}};
  }
  static Rows::Cells Cells(const Item& update) {
    return {{TimeText(update.has_log_time(), update.log_time()), update.channel(),
             update.listing_id(), update.sku(),
             update.has_quantity() ? absl::StrCat(update.quantity()) : "",
             ShortName(v1::ListingState_Name(update.state()), "LISTING_STATE_"), Way(update),
             absl::StrCat(update.rules_version()), absl::StrCat(update.stock_version())}};
  }
};

struct Alerts {
  using Item = v1::Alert;
  using Response = v1::ListAlertsResponse;
  static constexpr const char* kPath = "alerts";
  static const auto& Items(const Response& response) { return response.alerts(); }
  static std::vector<Column> Columns() {
    return {{"LOG TIME"},
            {"KIND"},
            {"SKU"},
            {"LOCATION", Align::kLeft, true},
            {"TEXT"},
            {"SOURCE", Align::kLeft, true},
            {"EVENT", Align::kLeft, true},
            {"RECORD"}};
  }
  static Rows::Cells Cells(const Item& alert) {
    return {{TimeText(alert.has_log_time(), alert.log_time()),
             ShortName(v1::AlertKind_Name(alert.id().kind()), "ALERT_KIND_"), alert.sku(),
             alert.location(), alert.text(), alert.source(), alert.event_id(),
             RecordPlace(alert.id().partition(), alert.id().offset())}};
  }
};

// Prints what is there and what comes. False from Add: that was enough.
template <class Kind>
class Tail {
 public:
  Tail(Context& context, const TailOptions& options)
      : context_(context), options_(options), rows_(context, Kind::kPath, Kind::Columns()) {}

  bool Add(const typename Kind::Item& item) {
    rows_.Add(item, [&] { return Kind::Cells(item); });
    ++printed_;
    return !Enough() && context_.out().status().ok();
  }
  bool Enough() const { return options_.count && printed_ >= *options_.count; }

  absl::Status List(Api& api) {
    if (options_.from == "end") return absl::OkStatus();
    return ForEachPage<typename Kind::Response>(context_, api, {Kind::kPath}, {},
                                                [&](const typename Kind::Response& page) {
                                                  for (const auto& item : Kind::Items(page)) {
                                                    if (!Add(item)) return false;
                                                  }
                                                  return true;
                                                });
  }

  absl::Status Follow(Api& api) {
    ApiRequest request;
    request.path = {Kind::kPath};
    request.query = {{"from", options_.from}};
    typename Kind::Item item;
    const absl::Status status = api.Follow(
        request, &item,
        [&](const std::string&) {
          const bool more = Add(item);
          // Who reads a stream of lines wants each at once; a table is printed when it rests.
          if (context_.format() != Format::kTable) return rows_.Flush().ok() && more;
          return more;
        },
        [&] { return !rows_.Flush().ok() || context_.host->stop(); });
    return context_.host->stop() && status.code() == absl::StatusCode::kCancelled ? absl::OkStatus()
                                                                                  : status;
  }

  absl::Status End() { return rows_.End(); }

 private:
  Context& context_;
  const TailOptions& options_;
  Rows rows_;
  int64_t printed_ = 0;
};

template <class Kind>
Result Run(Context& context, const TailOptions& options) {
  TW_ASSIGN_OR_RETURN(Connection* const connection, context.Connect({.needs = Needs::kLog}));
  Tail<Kind> tail(context, options);
  absl::Status status;
  if (options.count && *options.count == 0) {
    status = absl::OkStatus();
  } else if (options.follow && connection->served) {
    status = tail.Follow(*connection->api);
  } else {
    TW_RETURN_IF_ERROR(WaitFolded(context, *connection));
    status = tail.List(*connection->api);
  }
  const absl::Status ended = tail.End();
  TW_RETURN_IF_ERROR(status);
  TW_RETURN_IF_ERROR(ended);
  if (options.follow && !connection->served && !tail.Enough()) {
    context.Say("that is all: no server runs on this ledger, so nothing can come");
  }
  return Exit::kOk;
}

}  // namespace

Result RunUpdatesTail(Context& context, const TailOptions& options) {
  return Run<Updates>(context, options);
}

Result RunAlertsTail(Context& context, const TailOptions& options) {
  return Run<Alerts>(context, options);
}

}  // namespace tallywire
