// SPDX-License-Identifier: Apache-2.0
#include "tools/api/router.h"

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "ledger/codec.h"
#include "ledger/status.h"
#include "ledger/topics.h"
#include "tallywire/v1/api.pb.h"
#include "tools/api/dead_letter.h"
#include "tools/api/parameters.h"
#include "tools/api/problem.h"
#include "tools/api/topic_pages.h"

namespace tallywire {
namespace {

using google::protobuf::Message;

void SetTime(Time time, google::protobuf::Timestamp* out) {
  out->set_seconds(time.value() / 1'000'000);
  out->set_nanos(static_cast<int32_t>(time.value() % 1'000'000 * 1'000));
}

absl::Status AppendEvents(Ledger& ledger, const v1::AppendEventsRequest& request,
                          v1::AppendEventsResponse* out) {
  std::vector<const v1::StockEvent*> events;
  for (const v1::StockEvent& event : request.events()) events.push_back(&event);
  TW_ASSIGN_OR_RETURN(const auto results, ledger.appender().Append(events));
  for (const AppendResult& result : results) {
    v1::AppendedEvent* made = out->add_results();
    if (const auto* refusal = std::get_if<Refusal>(&result)) {
      made->set_refused(static_cast<v1::RefusedReason>(refusal->reason));
      made->set_detail(refusal->detail);
      out->set_refused(out->refused() + 1);
      continue;
    }
    const auto& appended = std::get<AppendedEvent>(result);
    made->set_partition(appended.partition.value());
    made->set_offset(appended.offset.value());
    SetTime(appended.stamp, made->mutable_log_time());
    out->set_appended(out->appended() + 1);
  }
  ledger.Wake();
  return absl::OkStatus();
}

absl::Status ListStock(Ledger& ledger, const Parameters& parameters, v1::GetStockResponse* out) {
  Projector::StockQuery query;
  query.location = parameters.Text("location");
  query.page_token = parameters.Text("page_token");
  TW_ASSIGN_OR_RETURN(query.limit, parameters.Count("limit", kDefaultPage, kMaxPage));
  return ledger.projector().ListStock(query, out);
}

absl::Status PutListing(Ledger& ledger, const ApiRequest& request, v1::Listing* out) {
  v1::Listing listing;
  listing.CopyFrom(*request.body);
  // The path says which listing it is; a body that says otherwise is a slip.
  if (listing.channel().empty()) listing.set_channel(request.path[1]);
  if (listing.listing_id().empty()) listing.set_listing_id(request.path[2]);
  if (listing.channel() != request.path[1]) {
    return FieldError("channel",
                      absl::StrCat(listing.channel(), " is not the path's ", request.path[1]));
  }
  if (listing.listing_id() != request.path[2]) {
    return FieldError("listing_id",
                      absl::StrCat(listing.listing_id(), " is not the path's ", request.path[2]));
  }
  TW_ASSIGN_OR_RETURN(const Offset offset, ledger.publisher().PutListing(listing));
  TW_RETURN_IF_ERROR(ledger.WaitRule(offset, kRuleWait));
  return ledger.publisher().GetListing(listing.channel(), listing.listing_id(), out);
}

absl::Status RemoveListing(Ledger& ledger, const ApiRequest& request, v1::Listing* out) {
  TW_RETURN_IF_ERROR(ledger.publisher().GetListing(request.path[1], request.path[2], out));
  TW_ASSIGN_OR_RETURN(const Offset offset,
                      ledger.publisher().RemoveListing(request.path[1], request.path[2]));
  return ledger.WaitRule(offset, kRuleWait);
}

// A topic as the call's answer shows it.
struct Source {
  std::string_view topic;
  char mark;
};
Source SourceOf(CallId id) {
  switch (id) {
    case CallId::kListUpdates:
      return {kListingUpdates, 'u'};
    case CallId::kListAlerts:
      return {kStockAlerts, 'a'};
    default:
      return {kStockDeadLetters, 'd'};
  }
}

absl::Status ToItem(CallId id, const Record& record, Message* item) {
  if (id == CallId::kListDeadLetters) {
    item->CopyFrom(ToDeadLetter(record));
    return absl::OkStatus();
  }
  if (item->ParseFromArray(record.value.data(), static_cast<int>(record.value.size()))) {
    return absl::OkStatus();
  }
  return absl::DataLossError(absl::StrCat(std::string(SourceOf(id).topic), " ",
                                          record.partition.value(), "/", record.offset.value(),
                                          ": no ", item->GetTypeName()));
}

template <class Response, class AddItem>
absl::Status ListTopic(Ledger& ledger, CallId id, const Parameters& parameters, Response* out,
                       const AddItem& add) {
  TW_ASSIGN_OR_RETURN(const size_t limit, parameters.Count("limit", kDefaultPage, kMaxPage));
  TopicPages pages(&ledger.log(), SourceOf(id).topic, SourceOf(id).mark);
  TW_ASSIGN_OR_RETURN(TopicPages::Position position,
                      pages.Find(parameters.Text("page_token"), "page_token"));
  size_t count = 0;
  TW_ASSIGN_OR_RETURN(const bool more,
                      pages.Read(&position, [&](const Record& record) -> absl::StatusOr<bool> {
                        TW_RETURN_IF_ERROR(ToItem(id, record, add(out)));
                        return ++count < limit;
                      }));
  if (more) out->set_next_page_token(pages.Token(position));
  return absl::OkStatus();
}

absl::Status GetDeadLetter(DeadLetters& letters, const ApiRequest& request, v1::DeadLetter* out) {
  int32_t partition = 0;
  int64_t offset = 0;
  if (!absl::SimpleAtoi(request.path[1], &partition) || partition < 0) {
    return FieldError("partition", absl::StrCat(request.path[1], " is not a partition"));
  }
  if (!absl::SimpleAtoi(request.path[2], &offset) || offset < 0) {
    return FieldError("offset", absl::StrCat(request.path[2], " is not an offset"));
  }
  return letters.Get({Partition(partition), Offset(offset)}, out);
}

absl::Status GetHealth(Ledger& ledger, v1::HealthResponse* out) {
  if (ledger.has_projector()) {
    TW_RETURN_IF_ERROR(ledger.projector().Health(out));
  } else {
    out->set_state("ok");
    out->set_log_id(ledger.log().Id());
  }
  const absl::Status trouble = ledger.Trouble();
  if (trouble.ok()) return absl::OkStatus();
  out->set_state("failing");
  out->set_problem(std::string(trouble.message()));
  return absl::OkStatus();
}

std::string Difference(const TopicSpec& planned, const TopicSpec& found) {
  if (planned.partitions != found.partitions) {
    return absl::StrCat(found.partitions, " partitions, planned are ", planned.partitions);
  }
  if (planned.cleanup != found.cleanup) return "another cleanup than planned";
  if (planned.retention != found.retention) return "another retention than planned";
  return "";
}

absl::Status ListTopics(Ledger& ledger, v1::ListTopicsResponse* out) {
  for (const TopicSpec& planned : PlanTopics(ledger.partitions())) {
    v1::Topic* topic = out->add_topics();
    topic->set_name(planned.name);
    const auto found = ledger.log().Describe(planned.name);
    if (!found.ok() && !absl::IsNotFound(found.status())) return found.status();
    const TopicSpec& spec = found.ok() ? *found : planned;
    topic->set_partitions(spec.partitions);
    topic->set_cleanup(static_cast<v1::TopicCleanup>(static_cast<int>(spec.cleanup) + 1));
    if (spec.cleanup == Cleanup::kRetention) {
      topic->mutable_retention()->set_seconds(spec.retention.value() / 1'000'000);
    }
    topic->set_exists(found.ok());
    if (!found.ok()) continue;
    topic->set_difference(Difference(planned, spec));
    TopicPages pages(&ledger.log(), planned.name, 't');
    TW_ASSIGN_OR_RETURN(TopicPages::Position position, pages.Find("start", ""));
    int64_t records = 0;
    TW_RETURN_IF_ERROR(pages
                           .Read(&position,
                                 [&](const Record&) -> absl::StatusOr<bool> {
                                   ++records;
                                   return true;
                                 })
                           .status());
    topic->set_records(records);
  }
  return absl::OkStatus();
}

// `out` has the type that the call's row in the table names.
template <class M>
M* As(Message* out) {
  return static_cast<M*>(out);
}

}  // namespace

absl::Status LedgerApi::Call(const ApiRequest& request, Message* out) {
  const ApiCall* call = FindCall(request.method, request.path);
  if (call == nullptr) {
    const std::string allowed = AllowedMethods(request.path);
    if (allowed.empty()) return absl::NotFoundError("there is no such path under /v1");
    return absl::UnimplementedError("this path may be asked with " + allowed);
  }
  TW_RETURN_IF_ERROR(Parameters(request).Check(call->parameters));
  TW_RETURN_IF_ERROR(WaitForVersions(request));
  TW_RETURN_IF_ERROR(CheckRole(call->id));
  out->Clear();
  return Dispatch(call->id, request, out);
}

absl::Status LedgerApi::CheckRole(CallId id) const {
  switch (id) {
    case CallId::kGetStock:
    case CallId::kListStock:
    case CallId::kExplain:
    case CallId::kDigest:
    case CallId::kVerify:
      if (ledger_->has_projector()) return absl::OkStatus();
      return absl::UnavailableError("this process does not fold: ask a projector");
    case CallId::kPutListing:
    case CallId::kGetListing:
    case CallId::kRemoveListing:
    case CallId::kListListings:
      if (ledger_->has_publisher()) return absl::OkStatus();
      return absl::UnavailableError("this process does not publish: ask a publisher");
    default:
      return absl::OkStatus();
  }
}

absl::Status LedgerApi::WaitForVersions(const ApiRequest& request) {
  TW_ASSIGN_OR_RETURN(const auto versions, Parameters(request).MinVersions());
  for (const Parameters::Version& version : versions) {
    TW_RETURN_IF_ERROR(ledger_->WaitFolded(version.partition, version.offset, kMinVersionWait));
  }
  return absl::OkStatus();
}

absl::Status LedgerApi::OneAtATime(const std::function<absl::Status()>& work) {
  const std::lock_guard lock(heavy_mu_);
  return work();
}

absl::Status LedgerApi::Dispatch(CallId id, const ApiRequest& request, Message* out) {
  const Parameters parameters(request);
  switch (id) {
    case CallId::kAppendEvents:
      return AppendEvents(*ledger_, static_cast<const v1::AppendEventsRequest&>(*request.body),
                          As<v1::AppendEventsResponse>(out));
    case CallId::kGetStock:
      return ledger_->projector().GetStock(request.path[1], parameters.Text("location"),
                                           As<v1::GetStockResponse>(out));
    case CallId::kListStock:
      return ListStock(*ledger_, parameters, As<v1::GetStockResponse>(out));
    case CallId::kExplain: {
      TW_ASSIGN_OR_RETURN(const bool prove, parameters.Flag("prove"));
      const auto explain = [&] {
        return ledger_->projector().Explain(request.path[1], parameters.Text("location"), prove,
                                            As<v1::ExplainResponse>(out));
      };
      return prove ? OneAtATime(explain) : explain();
    }
    case CallId::kPutListing:
      return PutListing(*ledger_, request, As<v1::Listing>(out));
    case CallId::kGetListing:
      return ledger_->publisher().GetListing(request.path[1], request.path[2],
                                             As<v1::Listing>(out));
    case CallId::kRemoveListing:
      return RemoveListing(*ledger_, request, As<v1::Listing>(out));
    case CallId::kListListings:
      return ledger_->publisher().ListListings(As<v1::ListListingsResponse>(out));
    case CallId::kListUpdates:
      return ListTopic(*ledger_, id, parameters, As<v1::ListUpdatesResponse>(out),
                       [](auto* o) { return o->add_updates(); });
    case CallId::kListAlerts:
      return ListTopic(*ledger_, id, parameters, As<v1::ListAlertsResponse>(out),
                       [](auto* o) { return o->add_alerts(); });
    case CallId::kListDeadLetters:
      return letters_.List(parameters, As<v1::ListDeadLettersResponse>(out));
    case CallId::kGetDeadLetter:
      return GetDeadLetter(letters_, request, As<v1::DeadLetter>(out));
    case CallId::kRedriveDeadLetters: {
      const absl::Status redriven =
          letters_.Redrive(static_cast<const v1::RedriveDeadLettersRequest&>(*request.body),
                           As<v1::RedriveDeadLettersResponse>(out));
      ledger_->Wake();
      return redriven;
    }
    case CallId::kHealth:
      return GetHealth(*ledger_, As<v1::HealthResponse>(out));
    case CallId::kDigest: {
      TW_ASSIGN_OR_RETURN(const bool state, parameters.Flag("state"));
      return OneAtATime(
          [&] { return ledger_->projector().Digest(state, As<v1::DigestResponse>(out)); });
    }
    case CallId::kVerify:
      return OneAtATime([&] {
        return ledger_->projector().Verify([](int64_t, int64_t) {}, As<v1::VerifyResponse>(out));
      });
    case CallId::kListTopics:
      return ListTopics(*ledger_, As<v1::ListTopicsResponse>(out));
  }
  return absl::InternalError("a call without an answer");
}

absl::Status LedgerApi::Follow(const ApiRequest& request, Message* item,
                               const std::function<bool(const std::string& token)>& on_item,
                               const std::function<bool()>& stop) {
  const ApiCall* call = FindCall(request.method, request.path);
  if (call == nullptr || call->new_item == nullptr) {
    return absl::NotFoundError("updates, alerts and deadletters can be followed, nothing else");
  }
  const Parameters parameters(request);
  static constexpr std::string_view kKnown[] = {"from"};
  TW_RETURN_IF_ERROR(parameters.Check(kKnown));
  TopicPages pages(&ledger_->log(), SourceOf(call->id).topic, SourceOf(call->id).mark);
  TW_ASSIGN_OR_RETURN(TopicPages::Position position, pages.Find(parameters.Text("from"), "from"));
  return pages.Follow(
      &position,
      [&](const Record& record) -> absl::StatusOr<bool> {
        if (call->id == CallId::kListDeadLetters && IsMark(record)) return true;
        item->Clear();
        TW_RETURN_IF_ERROR(ToItem(call->id, record, item));
        return on_item(pages.Token(position));
      },
      stop);
}

}  // namespace tallywire
