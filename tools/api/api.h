// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_API_API_H_
#define TALLYWIRE_TOOLS_API_API_H_

// The /v1 interface as calls: the same questions and answers whether the ledger is in this process
// or in a `tallywire serve` that is asked over HTTP. Commands and the HTTP server know only this.
//
// Calls (method, path, body → answer; messages of tallywire/v1/api.proto):
//   POST /v1/events                          AppendEventsRequest → AppendEventsResponse
//   GET  /v1/stock/{sku}                     location=, min_version=P:OFFSET → GetStockResponse
//   GET  /v1/stock                           location=, page_token=, limit= → GetStockResponse
//   GET  /v1/explain/{sku}                   location=, prove=true → ExplainResponse
//   PUT  /v1/listings/{channel}/{id}         Listing → Listing
//   GET  /v1/listings/{channel}/{id}         → Listing
//   DELETE /v1/listings/{channel}/{id}       → Listing (as it was)
//   GET  /v1/listings                        → ListListingsResponse
//   GET  /v1/updates  /v1/alerts  /v1/deadletters
//                                            page_token=, limit= → List…Response; each may be
//                                            followed. deadletters also: reason=, source=, since=,
//                                            until=, min_version=
//   GET  /v1/deadletters/{partition}/{offset} → DeadLetter
//   POST /v1/deadletters/redrive             RedriveDeadLettersRequest →
//                                            RedriveDeadLettersResponse
//   GET  /v1/health                          → HealthResponse
//   GET  /v1/digest                          state=true → DigestResponse
//   POST /v1/verify                          → VerifyResponse
//   GET  /v1/topics                          → ListTopicsResponse
//
// Threads: an Api may be called by many threads at once.
// Errors: INVALID_ARGUMENT (a problem that names the field), NOT_FOUND, RESOURCE_EXHAUSTED and
// UNAVAILABLE (try again), DEADLINE_EXCEEDED, DATA_LOSS, FAILED_PRECONDITION, INTERNAL.

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "google/protobuf/message.h"

namespace tallywire {

struct ApiRequest {
  std::string method = "GET";
  // Path segments after /v1, not percent-encoded: {"stock", "RED-TEE"}.
  std::vector<std::string> path = {};
  std::vector<std::pair<std::string, std::string>> query = {};
  const google::protobuf::Message* body = nullptr;
};

class Api {
 public:
  virtual ~Api() = default;

  // One question. `out` has the type that the list above names.
  [[nodiscard]] virtual absl::Status Call(const ApiRequest& request,
                                          google::protobuf::Message* out) = 0;

  // What is in `updates`, `alerts` or `deadletters` from the request's `from` (`start`, the
  // default, `end`, or the token of an item) on, then what comes, until `on_item` returns false or
  // `stop` does (asked at least every 200 ms). `item` is the message that each item is read into;
  // the token is that of the next one.
  [[nodiscard]] virtual absl::Status Follow(
      const ApiRequest& request, google::protobuf::Message* item,
      const std::function<bool(const std::string& token)>& on_item,
      const std::function<bool()>& stop) = 0;
};

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_API_API_H_
