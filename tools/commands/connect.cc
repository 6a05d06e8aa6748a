// SPDX-License-Identifier: Apache-2.0
#include "tools/commands/connect.h"

#include <memory>
#include <string>
#include <utility>

#include "ledger/status.h"
#include "tools/api/discover.h"

namespace tallywire {

absl::StatusOr<Connection> ConnectLedger(const v1::Config& config, const ConnectOptions& options) {
  TW_ASSIGN_OR_RETURN(const std::string folder, LogFolder(config));
  OpenApiOptions open;
  open.partitions = config.partitions();
  open.settle = options.settle;
  open.create = options.create;
  TW_ASSIGN_OR_RETURN(std::unique_ptr<OpenedApi> opened, OpenApi(folder, open));

  const std::shared_ptr<OpenedApi> owner = std::move(opened);
  Connection connection;
  connection.api = &owner->api();
  connection.served = owner->ledger() == nullptr;
  if (!connection.served) {
    connection.verify = [owner](const std::function<void(int64_t, int64_t)>& progress,
                                v1::VerifyResponse* out) {
      return owner->ledger()->projector().Verify(progress, out);
    };
  }
  connection.close = [owner] { return owner->Close(); };
  connection.owner = owner;
  return connection;
}

}  // namespace tallywire
