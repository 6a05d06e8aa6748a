// SPDX-License-Identifier: Apache-2.0
#include "tools/api/service.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/status.h"
#include "tools/api/router.h"

namespace tallywire {

absl::StatusOr<std::unique_ptr<Service>> Service::Start(Options options) {
  const std::string folder = options.ledger.folder;
  std::unique_ptr<Service> service(new Service());
  auto ledger = Ledger::Open(std::move(options.ledger));
  if (absl::IsUnavailable(ledger.status())) {
    if (const auto address = FindServer(folder)) {
      return absl::UnavailableError(
          absl::StrCat("a server answers for ", folder, " on ", *address, " already"));
    }
  }
  TW_RETURN_IF_ERROR(ledger.status());
  service->ledger_ = *std::move(ledger);
  service->api_ = std::make_unique<LedgerApi>(service->ledger_.get());
  service->ledger_->Start();
  TW_ASSIGN_OR_RETURN(service->server_,
                      HttpServer::Start(service->api_.get(), std::move(options.http)));
  TW_ASSIGN_OR_RETURN(service->file_, ServeFile::Write(folder, service->server_->address(),
                                                       service->ledger_->log().Id()));
  return service;
}

Service::~Service() { IgnoreError(Stop(), "whoever wants to know calls Stop first"); }

absl::Status Service::Stop() {
  file_.reset();
  if (server_ != nullptr) server_->Stop();
  server_.reset();
  api_.reset();
  return ledger_ == nullptr ? absl::OkStatus() : ledger_->Stop();
}

}  // namespace tallywire
