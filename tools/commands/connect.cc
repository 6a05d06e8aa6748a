// SPDX-License-Identifier: Apache-2.0
#include "tools/commands/connect.h"

#include <memory>
#include <string>
#include <utility>

#include "ledger/status.h"
#include "tools/api/discover.h"

namespace tallywire {

LogChoice LogOf(const v1::Config& config) {
  LogChoice log;
  log.brokers = KafkaBrokers(config);
  for (const v1::KafkaProperty& property : config.kafka()) {
    log.properties.emplace_back(property.name(), property.value());
  }
  return log;
}

absl::StatusOr<Connection> ConnectLedger(const v1::Config& config, const ConnectOptions& options) {
  OpenApiOptions open;
  open.log = LogOf(config);
  open.partitions = config.partitions();
  open.settle = options.settle;
  open.create = options.create;
  open.project = options.needs == Needs::kStock;
  open.publish = options.needs == Needs::kListings;
  TW_ASSIGN_OR_RETURN(std::unique_ptr<OpenedApi> opened, OpenApi(DataFolder(config), open));

  const std::shared_ptr<OpenedApi> owner = std::move(opened);
  Connection connection;
  connection.api = &owner->api();
  connection.served = owner->ledger() == nullptr;
  if (!connection.served && owner->ledger()->has_projector()) {
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
