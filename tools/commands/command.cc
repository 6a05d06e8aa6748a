// SPDX-License-Identifier: Apache-2.0
#include "tools/commands/command.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/status.h"
#include "tallywire/v1/api.pb.h"
#include "tools/progress.h"

namespace tallywire {
namespace {

constexpr int kLookMilliseconds = 25;
constexpr int kMaxWaitMilliseconds = 10'000;

int64_t Behind(const v1::HealthResponse& health, const std::map<int32_t, int64_t>& target) {
  int64_t behind = 0;
  for (const v1::PartitionHealth& partition : health.partitions()) {
    const auto it = target.find(partition.partition());
    if (it != target.end()) behind += std::max<int64_t>(0, it->second - partition.next_offset());
  }
  return behind;
}

std::map<int32_t, int64_t> Ends(const v1::HealthResponse& health) {
  std::map<int32_t, int64_t> ends;
  for (const v1::PartitionHealth& partition : health.partitions()) {
    ends[partition.partition()] = partition.log_end();
  }
  return ends;
}

}  // namespace

void Context::Say(const std::string& line) const {
  err().Write(line + "\n");
  IgnoreError(err().Flush(), "nobody is left to be told");
}

absl::StatusOr<Connection*> Context::Connect(const ConnectOptions& options) {
  if (!connection_) {
    TW_ASSIGN_OR_RETURN(connection_, host->connect(config, options));
  }
  return &*connection_;
}

absl::Status Context::Close() {
  if (!connection_) return absl::OkStatus();
  absl::Status status = connection_->close ? connection_->close() : absl::OkStatus();
  connection_.reset();
  return status;
}

absl::Status Get(Api& api, std::vector<std::string> path,
                 std::vector<std::pair<std::string, std::string>> query,
                 google::protobuf::Message* out) {
  ApiRequest request;
  request.path = std::move(path);
  request.query = std::move(query);
  return api.Call(request, out);
}

absl::Status WaitFolded(const Context& context, const Connection& connection) {
  if (!connection.served) return absl::OkStatus();  // it was folded to the end when it was opened
  int waited = 0;
  int64_t behind = 0;
  // Twice: what is folded can append linked records, which count as well.
  for (int round = 0; round < 2; ++round) {
    v1::HealthResponse health;
    TW_RETURN_IF_ERROR(Get(*connection.api, {"health"}, {}, &health));
    if (health.state() == "failing") {
      context.Say(absl::StrCat("the ledger has stopped folding, what follows may be old: ",
                               health.problem()));
      return absl::OkStatus();
    }
    const std::map<int32_t, int64_t> target = Ends(health);
    while ((behind = Behind(health, target)) > 0 && waited < kMaxWaitMilliseconds &&
           !context.host->stop()) {
      context.host->sleep(kLookMilliseconds);
      waited += kLookMilliseconds;
      TW_RETURN_IF_ERROR(Get(*connection.api, {"health"}, {}, &health));
    }
    if (behind > 0) break;
  }
  if (behind > 0) {
    context.Say(absl::StrCat("the ledger is still ", WithCommas(behind),
                             " records behind its log; what follows is as of where it is"));
  }
  return absl::OkStatus();
}

}  // namespace tallywire
