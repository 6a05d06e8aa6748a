// SPDX-License-Identifier: Apache-2.0
#include "tools/api/calls.h"

#include "tallywire/v1/api.pb.h"

namespace tallywire {
namespace {

template <class M>
std::unique_ptr<google::protobuf::Message> New() {
  return std::make_unique<M>();
}

std::vector<ApiCall> MakeCalls() {
  using namespace v1;  // NOLINT: the table reads better with bare names
  return {
      {CallId::kAppendEvents,
       "POST",
       {"events"},
       {},
       New<AppendEventsRequest>,
       New<AppendEventsResponse>,
       nullptr},
      {CallId::kGetStock,
       "GET",
       {"stock", "*"},
       {"location", "min_version"},
       nullptr,
       New<GetStockResponse>,
       nullptr},
      {CallId::kListStock,
       "GET",
       {"stock"},
       {"location", "page_token", "limit", "min_version"},
       nullptr,
       New<GetStockResponse>,
       nullptr},
      {CallId::kExplain,
       "GET",
       {"explain", "*"},
       {"location", "prove", "min_version"},
       nullptr,
       New<ExplainResponse>,
       nullptr,
       true},
      {CallId::kPutListing, "PUT", {"listings", "*", "*"}, {}, New<Listing>, New<Listing>, nullptr},
      {CallId::kGetListing, "GET", {"listings", "*", "*"}, {}, nullptr, New<Listing>, nullptr},
      {CallId::kRemoveListing,
       "DELETE",
       {"listings", "*", "*"},
       {},
       nullptr,
       New<Listing>,
       nullptr},
      {CallId::kListListings, "GET", {"listings"}, {}, nullptr, New<ListListingsResponse>, nullptr},
      {CallId::kListUpdates,
       "GET",
       {"updates"},
       {"page_token", "limit"},
       nullptr,
       New<ListUpdatesResponse>,
       New<ListingUpdate>},
      {CallId::kListAlerts,
       "GET",
       {"alerts"},
       {"page_token", "limit"},
       nullptr,
       New<ListAlertsResponse>,
       New<Alert>},
      {CallId::kListDeadLetters,
       "GET",
       {"deadletters"},
       {"reason", "source", "since", "until", "page_token", "limit", "min_version"},
       nullptr,
       New<ListDeadLettersResponse>,
       New<DeadLetter>},
      {CallId::kGetDeadLetter,
       "GET",
       {"deadletters", "*", "*"},
       {},
       nullptr,
       New<DeadLetter>,
       nullptr,
       true},
      {CallId::kRedriveDeadLetters,
       "POST",
       {"deadletters", "redrive"},
       {},
       New<RedriveDeadLettersRequest>,
       New<RedriveDeadLettersResponse>,
       nullptr,
       true},
      {CallId::kHealth, "GET", {"health"}, {}, nullptr, New<HealthResponse>, nullptr},
      {CallId::kDigest,
       "GET",
       {"digest"},
       {"state", "min_version"},
       nullptr,
       New<DigestResponse>,
       nullptr,
       true},
      {CallId::kVerify, "POST", {"verify"}, {}, nullptr, New<VerifyResponse>, nullptr, true},
      {CallId::kListTopics, "GET", {"topics"}, {}, nullptr, New<ListTopicsResponse>, nullptr, true},
  };
}

bool Matches(const ApiCall& call, std::span<const std::string> path) {
  if (call.path.size() != path.size()) return false;
  for (size_t i = 0; i < path.size(); ++i) {
    if (call.path[i] == "*" ? path[i].empty() : call.path[i] != path[i]) return false;
  }
  return true;
}

}  // namespace

std::span<const ApiCall> AllCalls() {
  static const auto* const calls = new std::vector<ApiCall>(MakeCalls());
  return *calls;
}

const ApiCall* FindCall(std::string_view method, std::span<const std::string> path) {
  for (const ApiCall& call : AllCalls()) {
    if (call.method == method && Matches(call, path)) return &call;
  }
  return nullptr;
}

std::string AllowedMethods(std::span<const std::string> path) {
  std::string out;
  for (const ApiCall& call : AllCalls()) {
    if (!Matches(call, path)) continue;
    if (!out.empty()) out += ", ";
    out += call.method;
  }
  return out;
}

}  // namespace tallywire
