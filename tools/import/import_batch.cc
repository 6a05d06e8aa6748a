// SPDX-License-Identifier: Apache-2.0
#include "tools/import/import_batch.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "ledger/limits.h"
#include "ledger/status.h"
#include "tools/exit_code.h"
#include "tools/table.h"

namespace tallywire {
namespace {

constexpr int kFirstPauseMilliseconds = 100;
constexpr int kMaxTries = 8;
constexpr size_t kShownBytes = 1'000;

// The body's quantity or delta; 0 where it has neither.
int64_t UnitsOf(const v1::StockEvent& event) {
  const google::protobuf::FieldDescriptor* body =
      v1::StockEvent::descriptor()->FindFieldByNumber(event.body_case());
  if (body == nullptr) return 0;
  const google::protobuf::Message& message = event.GetReflection()->GetMessage(event, body);
  for (const char* name : {"quantity", "delta"}) {
    const google::protobuf::FieldDescriptor* field = body->message_type()->FindFieldByName(name);
    if (field != nullptr) return message.GetReflection()->GetInt64(message, field);
  }
  return 0;
}

}  // namespace

std::vector<std::string> RejectedColumns() {
  return {"rejected_row", "rejected_column", "rejected_reason", "rejected_text"};
}

ImportBatch::ImportBatch(const Context& context, Api* api, const RowMap& map, RowMapper* mapper,
                         Options options)
    : context_(context), api_(api), mapper_(mapper), options_(options) {
  counts_.rules.resize(map.rules.size());
}

void ImportBatch::AddRow(CsvRow row, RowOutcome outcome, v1::StockEvent event) {
  if (outcome.kind == RowOutcome::Kind::kEvent) *request_.add_events() = std::move(event);
  Item& item = items_.emplace_back();
  item.row = std::move(row);
  item.outcome = std::move(outcome);
}

void ImportBatch::AddEvent(std::string name, v1::StockEvent event) {
  *request_.add_events() = std::move(event);
  Item& item = items_.emplace_back();
  item.name = std::move(name);
  item.outcome.kind = RowOutcome::Kind::kEvent;
}

bool ImportBatch::full() const {
  return static_cast<size_t>(request_.events_size()) >=
             std::min(options_.events, kMaxAppendBatch) ||
         items_.size() >= kMaxAppendBatch;
}

absl::Status ImportBatch::Ask(v1::AppendEventsResponse* response) {
  if (request_.events_size() == 0) return absl::OkStatus();
  ApiRequest call;
  call.method = "POST";
  call.path = {"events"};
  call.body = &request_;
  absl::Status status;
  int pause = kFirstPauseMilliseconds;
  for (int tries = 0; tries < kMaxTries; ++tries, pause *= 2) {
    if (tries > 0) {
      context_.Say(absl::StrCat(status.message(), "; trying again"));
      context_.host->sleep(pause);
      if (context_.host->stop()) break;
    }
    response->Clear();
    status = api_->Call(call, response);
    if (ExitFor(status) != Exit::kUnavailable) break;
  }
  TW_RETURN_IF_ERROR(status);
  if (response->results_size() != request_.events_size()) {
    return absl::InternalError(absl::StrCat("the ledger answered for ", response->results_size(),
                                            " events of ", request_.events_size()));
  }
  return absl::OkStatus();
}

// What the ledger would say of the events' form.
void ImportBatch::Check(v1::AppendEventsResponse* response) {
  for (const v1::StockEvent& event : request_.events()) {
    v1::AppendedEvent* result = response->add_results();
    const auto checked = decoder_.Check(event, Placement{});
    if (const auto* refusal = std::get_if<Refusal>(&checked)) {
      result->set_refused(static_cast<v1::RefusedReason>(refusal->reason));
      result->set_detail(refusal->detail);
    }
  }
}

absl::Status ImportBatch::Send() {
  v1::AppendEventsResponse response;
  if (api_ != nullptr) {
    TW_RETURN_IF_ERROR(Ask(&response));
  } else {
    Check(&response);
  }
  int next = 0;
  for (const Item& item : items_) {
    if (item.name.empty()) counts_.last_row = item.row.number;
    switch (item.outcome.kind) {
      case RowOutcome::Kind::kRefused:
        Refuse(item, item.outcome.refusal);
        continue;
      case RowOutcome::Kind::kLeftOut:
        Count(item, nullptr);
        continue;
      case RowOutcome::Kind::kEvent:
        break;
    }
    const v1::AppendedEvent& result = response.results(next);
    const v1::StockEvent& event = request_.events(next);
    ++next;
    if (result.refused() == v1::REFUSED_REASON_UNSPECIFIED) {
      Count(item, &event);
      continue;
    }
    RowRefusal refusal;
    refusal.reason = Name(static_cast<RefusedReason>(result.refused()));
    refusal.text = result.detail();
    if (item.name.empty()) refusal.column = mapper_->ColumnOf(item.outcome.rule, refusal.text);
    Refuse(item, refusal);
  }
  IgnoreError(context_.err().Flush(), "nobody is left to be told");
  items_.clear();
  request_.Clear();
  return options_.rejected == nullptr ? absl::OkStatus() : options_.rejected->Flush();
}

void ImportBatch::Count(const Item& item, const v1::StockEvent* event) {
  if (event != nullptr) ++counts_.appended;
  if (!item.name.empty()) return;
  RuleCount& count = counts_.rules[item.outcome.rule];
  ++count.rows;
  if (event == nullptr) return;
  int64_t units = UnitsOf(*event);
  if (__builtin_add_overflow(count.units, units, &count.units)) {
    count.units =
        units > 0 ? std::numeric_limits<int64_t>::max() : std::numeric_limits<int64_t>::min();
  }
}

void ImportBatch::Refuse(const Item& item, const RowRefusal& refusal) {
  ++counts_.refused_rows;
  ++counts_.refused[refusal.reason];
  if (!item.name.empty()) {
    context_.err().Write(
        absl::StrCat(item.name, ": ", refusal.reason, ": ", Printable(refusal.text), "\n"));
    return;
  }
  std::string line = CsvLine(item.row.fields, options_.delimiter);
  line.pop_back();
  if (line.size() > kShownBytes) line = absl::StrCat(line.substr(0, kShownBytes), " …");
  context_.err().Write(absl::StrCat(
      "row ", item.row.number, refusal.column.empty() ? "" : ", column ", refusal.column, ": ",
      refusal.reason, ": ", Printable(refusal.text), "\n  ", Printable(line), "\n"));
  if (options_.rejected == nullptr) return;
  std::vector<std::string> fields = {absl::StrCat(item.row.number), refusal.column, refusal.reason,
                                     refusal.text};
  fields.insert(fields.end(), item.row.fields.begin(), item.row.fields.end());
  options_.rejected->Write(CsvLine(fields, options_.delimiter));
}

}  // namespace tallywire
