// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_API_ROUTER_H_
#define TALLYWIRE_TOOLS_API_ROUTER_H_

// The Api of a ledger in this process: takes a call to what answers it.
//
// A read with `min_version=PARTITION:OFFSET` (as a write answers it; may be given several times)
// waits up to 10 s until those records are folded. A listing that was put or removed answers when
// its rule has taken effect, or after 5 s.
//
// Threads: any. One verify, proof or digest at a time: another is RESOURCE_EXHAUSTED.

#include <functional>
#include <mutex>
#include <string>

#include "tools/api/api.h"
#include "tools/api/calls.h"
#include "tools/api/dead_letters.h"
#include "tools/api/ledger.h"

namespace tallywire {

inline constexpr Span kMinVersionWait = Seconds(10);
inline constexpr Span kRuleWait = Seconds(5);

class LedgerApi : public Api {
 public:
  // `ledger` must outlive it.
  explicit LedgerApi(Ledger* ledger)
      : ledger_(ledger), letters_(&ledger->log(), &ledger->appender()) {}

  [[nodiscard]] absl::Status Call(const ApiRequest& request,
                                  google::protobuf::Message* out) override;
  [[nodiscard]] absl::Status Follow(const ApiRequest& request, google::protobuf::Message* item,
                                    const std::function<bool(const std::string& token)>& on_item,
                                    const std::function<bool()>& stop) override;

 private:
  // Whether this process does what the call asks about.
  absl::Status CheckRole(CallId id) const;
  absl::Status Dispatch(CallId id, const ApiRequest& request, google::protobuf::Message* out);
  absl::Status WaitForVersions(const ApiRequest& request);
  absl::Status OneAtATime(const std::function<absl::Status()>& work);

  Ledger* const ledger_;
  DeadLetters letters_;
  std::mutex heavy_mu_;
};

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_API_ROUTER_H_
