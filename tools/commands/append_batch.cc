// SPDX-License-Identifier: Apache-2.0
#include "tools/commands/append_batch.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/limits.h"
#include "ledger/status.h"
#include "tools/api/json.h"
#include "tools/exit_code.h"
#include "tools/table.h"

namespace tallywire {
namespace {

constexpr size_t kBatchBytes = 8 << 20;
constexpr size_t kShownBytes = 1'000;
constexpr int kFirstPauseMilliseconds = 100;
constexpr int kMaxTries = 8;

// Of what came, as much as a person can use.
std::string Shown(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  if (text.size() <= kShownBytes) return Printable(text);
  return absl::StrCat(Printable(text.substr(0, kShownBytes)), " …");
}

}  // namespace

AppendBatch::AppendBatch(const Context& context, Api* api, Options options)
    : context_(context), api_(api), options_(std::move(options)) {}

void AppendBatch::Add(int64_t number, std::string_view raw, v1::StockEvent event) {
  bytes_ += raw.size() + event.ByteSizeLong();
  *request_.add_events() = std::move(event);
  items_.push_back(
      {.number = number, .raw = std::string(raw), .shown = {}, .refused = false, .refusal = {}});
}

void AppendBatch::AddRefused(int64_t number, std::string_view raw, std::string_view shown,
                             Refusal refusal) {
  bytes_ += raw.size();
  items_.push_back({.number = number,
                    .raw = std::string(raw),
                    .shown = Shown(shown),
                    .refused = true,
                    .refusal = std::move(refusal)});
}

bool AppendBatch::full() const {
  return static_cast<size_t>(request_.events_size()) >=
             std::min(options_.events, kMaxAppendBatch) ||
         items_.size() >= kMaxAppendBatch || bytes_ >= kBatchBytes;
}

absl::Status AppendBatch::Ask(v1::AppendEventsResponse* response) {
  if (request_.events_size() == 0) return absl::OkStatus();
  ApiRequest call;
  call.method = "POST";
  call.path = {"events"};
  call.body = &request_;
  absl::Status status;
  int pause = kFirstPauseMilliseconds;
  for (int tries = 0; tries < kMaxTries; ++tries, pause *= 2) {
    if (tries > 0) {
      context_.Say(absl::StrCat(std::string(status.message()), "; trying again"));
      context_.host->sleep(pause);
      if (context_.host->stop()) break;
    }
    response->Clear();
    status = api_->Call(call, response);
    if (ExitFor(status) != Exit::kUnavailable) break;
  }
  if (status.ok() && response->results_size() != request_.events_size()) {
    return absl::InternalError(absl::StrCat("the ledger answered for ", response->results_size(),
                                            " events of ", request_.events_size()));
  }
  return status;
}

absl::Status AppendBatch::Send() {
  v1::AppendEventsResponse response;
  TW_RETURN_IF_ERROR(Ask(&response));
  int event = 0;
  for (Item& item : items_) {
    counts_.last_number = item.number;
    if (item.refused) {
      Refuse(item, item.refusal.reason, item.refusal.detail);
      continue;
    }
    const v1::AppendedEvent& result = response.results(event);
    const v1::StockEvent& sent = request_.events(event);
    ++event;
    if (result.refused() == v1::REFUSED_REASON_UNSPECIFIED) {
      ++counts_.appended;
      continue;
    }
    // Lines are shown as they came; of a binary record its JSON says more than its bytes.
    item.shown = Shown(options_.unit == "line" ? item.raw : ToJson(sent, {.zeros = false}));
    Refuse(item, static_cast<RefusedReason>(result.refused()), result.detail());
  }
  IgnoreError(context_.err().Flush(), "nobody is left to be told");
  items_.clear();
  request_.Clear();
  bytes_ = 0;
  return options_.rejected == nullptr ? absl::OkStatus() : options_.rejected->Flush();
}

void AppendBatch::Refuse(const Item& item, RefusedReason reason, const std::string& detail) {
  ++counts_.refused;
  ++counts_.reasons[reason];
  context_.err().Write(absl::StrCat(options_.unit, " ", item.number, ": ",
                                    std::string(Name(reason)), ": ", Printable(detail), "\n  ",
                                    item.shown, "\n"));
  if (options_.rejected != nullptr) options_.rejected->Write(item.raw);
}

void AppendBatch::KeepMore(std::string_view raw) {
  if (options_.rejected != nullptr) options_.rejected->Write(raw);
}

}  // namespace tallywire
