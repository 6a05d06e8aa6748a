// SPDX-License-Identifier: Apache-2.0
#include "tools/api/problem.h"

#include <cctype>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"

namespace tallywire {
namespace {

constexpr char kPayload[] = "urn:tallywire:problem";
constexpr std::string_view kTypePrefix = "urn:tallywire:problem:";

struct CodeName {
  absl::StatusCode code;
  std::string_view name;
  int http_status;
};

// The names are part of the interface: a client tells errors apart by them.
constexpr CodeName kCodes[] = {
    {absl::StatusCode::kInvalidArgument, "invalid-argument", 400},
    {absl::StatusCode::kOutOfRange, "out-of-range", 400},
    {absl::StatusCode::kUnauthenticated, "unauthenticated", 401},
    {absl::StatusCode::kPermissionDenied, "permission-denied", 403},
    {absl::StatusCode::kNotFound, "not-found", 404},
    {absl::StatusCode::kAlreadyExists, "already-exists", 409},
    {absl::StatusCode::kAborted, "aborted", 409},
    {absl::StatusCode::kFailedPrecondition, "failed-precondition", 409},
    {absl::StatusCode::kInternal, "internal", 500},
    {absl::StatusCode::kDataLoss, "data-loss", 500},
    {absl::StatusCode::kUnknown, "unknown", 500},
    {absl::StatusCode::kUnimplemented, "unimplemented", 501},
    {absl::StatusCode::kUnavailable, "unavailable", 503},
    {absl::StatusCode::kResourceExhausted, "resource-exhausted", 503},
    {absl::StatusCode::kCancelled, "cancelled", 503},
    {absl::StatusCode::kDeadlineExceeded, "deadline-exceeded", 504},
};

const CodeName& NameOf(absl::StatusCode code) {
  for (const CodeName& entry : kCodes) {
    if (entry.code == code) return entry;
  }
  return kCodes[10];
}

absl::StatusCode CodeOfHttpStatus(int http_status) {
  switch (http_status) {
    case 404:
      return absl::StatusCode::kNotFound;
    case 409:
      return absl::StatusCode::kFailedPrecondition;
    case 429:
      return absl::StatusCode::kResourceExhausted;
    case 408:
    case 504:
      return absl::StatusCode::kDeadlineExceeded;
    case 502:
    case 503:
      return absl::StatusCode::kUnavailable;
    default:
      return http_status >= 400 && http_status < 500 ? absl::StatusCode::kInvalidArgument
                                                     : absl::StatusCode::kInternal;
  }
}

std::optional<v1::Problem> Attached(const absl::Status& status) {
  const auto payload = status.GetPayload(kPayload);
  v1::Problem problem;
  if (!payload || !problem.ParseFromString(std::string(*payload))) return std::nullopt;
  return problem;
}

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

absl::Status FieldError(std::string_view field, std::string_view text) {
  return WithField(absl::InvalidArgumentError(absl::StrCat(View(field), ": ", View(text))), field);
}

absl::Status WithField(absl::Status status, std::string_view field, v1::RefusedReason reason) {
  if (status.ok() || (field.empty() && reason == v1::REFUSED_REASON_UNSPECIFIED)) return status;
  v1::Problem problem;
  problem.set_field(std::string(field));
  problem.set_reason(reason);
  status.SetPayload(kPayload, absl::Cord(problem.SerializeAsString()));
  return status;
}

std::string FieldInText(std::string_view text) {
  const size_t end = text.find(": ");
  if (end == std::string_view::npos || end == 0) return "";
  for (const char c : text.substr(0, end)) {
    const bool part = absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' ||
                      c == '[' || c == ']';
    if (!part) return "";
  }
  return std::string(text.substr(0, end));
}

std::string FieldOf(const absl::Status& status) {
  if (const auto problem = Attached(status)) return problem->field();
  if (status.code() != absl::StatusCode::kInvalidArgument) return "";
  return FieldInText({status.message().data(), status.message().size()});
}

v1::RefusedReason ReasonOf(const absl::Status& status) {
  const auto problem = Attached(status);
  return problem ? problem->reason() : v1::REFUSED_REASON_UNSPECIFIED;
}

int HttpStatusOf(absl::StatusCode code) { return NameOf(code).http_status; }

std::string_view HttpStatusText(int http_status) {
  switch (http_status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 431:
      return "Request Header Fields Too Large";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return http_status >= 500 ? "Internal Server Error" : "Error";
  }
}

v1::Problem ToProblem(const absl::Status& status) {
  const CodeName& name = NameOf(status.code());
  v1::Problem problem;
  problem.set_type(absl::StrCat(View(kTypePrefix), View(name.name)));
  problem.set_title(std::string(HttpStatusText(name.http_status)));
  problem.set_status(name.http_status);
  problem.set_detail(std::string(status.message()));
  problem.set_field(FieldOf(status));
  problem.set_reason(ReasonOf(status));
  return problem;
}

absl::Status FromProblem(const v1::Problem& problem) {
  absl::StatusCode code = CodeOfHttpStatus(problem.status());
  for (const CodeName& entry : kCodes) {
    if (problem.type() == absl::StrCat(View(kTypePrefix), View(entry.name))) code = entry.code;
  }
  const std::string& text = problem.detail().empty() ? problem.title() : problem.detail();
  return WithField(absl::Status(code, text), problem.field(), problem.reason());
}

}  // namespace tallywire
