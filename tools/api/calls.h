// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_API_CALLS_H_
#define TALLYWIRE_TOOLS_API_CALLS_H_

// The table of calls that tools/api/api.h lists: which method and path is which call, and which
// messages it takes and gives. Server, client and LedgerApi read the same table.

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "google/protobuf/message.h"

namespace tallywire {

enum class CallId {
  kAppendEvents,
  kGetStock,
  kListStock,
  kExplain,
  kPutListing,
  kGetListing,
  kRemoveListing,
  kListListings,
  kListUpdates,
  kListAlerts,
  kListDeadLetters,
  kGetDeadLetter,
  kRedriveDeadLetters,
  kHealth,
  kDigest,
  kVerify,
  kListTopics,
};

using NewMessage = std::unique_ptr<google::protobuf::Message> (*)();

struct ApiCall {
  CallId id;
  std::string_view method;
  // Segments; `*` is any one that is not empty.
  std::vector<std::string_view> path;
  // Query parameters that it knows.
  std::vector<std::string_view> parameters;
  NewMessage new_body;  // null: takes none
  NewMessage new_answer;
  NewMessage new_item;  // null: cannot be followed
  // May take as long as a replay of the log.
  bool slow = false;
};

std::span<const ApiCall> AllCalls();

// The call of a method and the segments after /v1; null if there is none.
const ApiCall* FindCall(std::string_view method, std::span<const std::string> path);

// `GET, PUT`: what a path may be asked with. Empty: no such path.
std::string AllowedMethods(std::span<const std::string> path);

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_API_CALLS_H_
