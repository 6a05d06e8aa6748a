// SPDX-License-Identifier: Apache-2.0
#include "ledger/kafka/client.h"

#include <librdkafka/rdkafka.h>
#include <sys/syslog.h>

#include <algorithm>
#include <array>
#include <limits>

#include "absl/strings/str_cat.h"
#include "ledger/status.h"

namespace tallywire {
namespace {

constexpr std::chrono::seconds kQuiet(10);

thread_local KafkaErrorCatcher* catcher = nullptr;

absl::string_view Absl(std::string_view s) { return {s.data(), s.size()}; }

absl::Status Set(rd_kafka_conf_t* conf, const std::string& name, const std::string& value) {
  std::array<char, 512> error{};
  if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), error.data(), error.size()) ==
      RD_KAFKA_CONF_OK) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("Kafka property ", name, "=", value, ": ", error.data()));
}

std::string Get(const rd_kafka_conf_t* conf, const std::string& name) {
  std::array<char, 512> value{};
  size_t size = value.size();
  if (rd_kafka_conf_get(conf, name.c_str(), value.data(), &size) != RD_KAFKA_CONF_OK) return "";
  return value.data();
}

absl::StatusOr<KafkaConf> MakeConf(const KafkaConnection& connection,
                                   const KafkaClient::Setup& setup) {
  KafkaConf conf(rd_kafka_conf_new());
  // Settings that only a newer library has are no trouble for an older one.
  for (const auto& [name, value] : setup.defaults) {
    IgnoreError(Set(conf.get(), name, value), "it goes without");
  }
  // A broker that is back is found within a second, not within ten.
  TW_RETURN_IF_ERROR(Set(conf.get(), "reconnect.backoff.max.ms", "1000"));
  TW_RETURN_IF_ERROR(Set(conf.get(), "client.id", connection.client_id));
  KafkaProperties fixed = setup.fixed;
  fixed.emplace_back("bootstrap.servers", connection.brokers);
  for (const auto& [name, value] : connection.properties) {
    const auto it = std::find_if(fixed.begin(), fixed.end(),
                                 [&n = name](const auto& one) { return one.first == n; });
    if (it != fixed.end() && it->second != value) {
      return absl::InvalidArgumentError(absl::StrCat("Kafka property ", name, "=", value,
                                                     ": the log needs ", name, "=", it->second));
    }
    TW_RETURN_IF_ERROR(Set(conf.get(), name, value));
  }
  for (const auto& [name, value] : fixed) TW_RETURN_IF_ERROR(Set(conf.get(), name, value));
  return conf;
}

// Properties of the other kind of client are in the same list: that is meant so.
bool IsChatter(std::string_view facility, std::string_view text) {
  return facility == "CONFWARN" && (text.find("is a producer property") != text.npos ||
                                    text.find("is a consumer property") != text.npos);
}

}  // namespace

int KafkaMilliseconds(Span span) {
  const int64_t rounded = span.value() <= 0 ? 0 : (span.value() - 1) / 1000 + 1;
  return static_cast<int>(std::min<int64_t>(rounded, std::numeric_limits<int>::max()));
}

std::string KafkaPlace(std::string_view topic, Partition partition) {
  return absl::StrCat(Absl(topic), "/", partition.value());
}

absl::StatusCode KafkaStatusCode(int error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
      return absl::StatusCode::kOk;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      return absl::StatusCode::kNotFound;
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
    case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
    case RD_KAFKA_RESP_ERR_INVALID_REQUEST:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_INVALID_GROUP_ID:
    case RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT:
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
      return absl::StatusCode::kInvalidArgument;
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
      return absl::StatusCode::kOutOfRange;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
      return absl::StatusCode::kPermissionDenied;
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
      return absl::StatusCode::kUnauthenticated;
    case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS:
      return absl::StatusCode::kAlreadyExists;
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
    case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
      return absl::StatusCode::kFailedPrecondition;
    default:
      return absl::StatusCode::kUnavailable;
  }
}

absl::Status KafkaClient::Check(const KafkaConnection& connection, const Setup& setup) {
  return MakeConf(connection, setup).status();
}

absl::StatusOr<std::shared_ptr<KafkaClient>> KafkaClient::Make(const KafkaConnection& connection,
                                                               const Setup& setup) {
  std::shared_ptr<KafkaClient> client(new KafkaClient(connection));
  TW_ASSIGN_OR_RETURN(KafkaConf conf, MakeConf(connection, setup));
  rd_kafka_conf_set_opaque(conf.get(), client.get());
  rd_kafka_conf_set_log_cb(conf.get(), &KafkaClient::OnLog);
  rd_kafka_conf_set_error_cb(conf.get(), &KafkaClient::OnError);
  if (setup.prepare) setup.prepare(conf.get());
  for (const char* name : {"message.max.bytes", "max.poll.interval.ms"}) {
    client->in_force_[name] = Get(conf.get(), name);
  }
  std::array<char, 512> error{};
  const auto type = setup.kind == Kind::kProducer ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER;
  client->handle_.reset(rd_kafka_new(type, conf.get(), error.data(), error.size()));
  if (!client->handle_) {
    return absl::InvalidArgumentError(absl::StrCat("no Kafka client: ", error.data()));
  }
  // It is the client's now.
  static_cast<void>(conf.release());
  return client;
}

KafkaClient::~KafkaClient() = default;

std::string KafkaClient::Property(const std::string& name) const {
  const auto it = in_force_.find(name);
  return it == in_force_.end() ? "" : it->second;
}

absl::Status KafkaClient::Failure(int error, std::string_view what, std::string_view detail) const {
  const absl::StatusCode code = KafkaStatusCode(error);
  if (code == absl::StatusCode::kOk) return absl::OkStatus();
  std::string text =
      absl::StrCat(Absl(what), ": ", rd_kafka_err2str(static_cast<rd_kafka_resp_err_t>(error)));
  if (!detail.empty()) absl::StrAppend(&text, ": ", Absl(detail));
  if (code == absl::StatusCode::kUnavailable) {
    absl::StrAppend(&text, " (brokers ", connection_.brokers, ")");
    if (const std::string trouble = LastTrouble(); !trouble.empty()) {
      absl::StrAppend(&text, "; last: ", trouble);
    }
  }
  return {code, text};
}

std::string KafkaClient::LastTrouble() const {
  const std::lock_guard lock(mu_);
  return last_trouble_;
}

void KafkaClient::Drain() const { rd_kafka_poll(handle_.get(), 0); }

void KafkaClient::OnError(rd_kafka_s* /*handle*/, int error, const char* text, void* /*client*/) {
  if (catcher == nullptr) return;
  catcher->error = error;
  catcher->text = text;
}

KafkaErrorCatcher::KafkaErrorCatcher() { catcher = this; }
KafkaErrorCatcher::~KafkaErrorCatcher() { catcher = nullptr; }

void KafkaClient::OnLog(const rd_kafka_s* handle, int level, const char* facility,
                        const char* text) {
  static_cast<KafkaClient*>(rd_kafka_opaque(handle))->Log(level, facility, text);
}

void KafkaClient::Log(int level, std::string_view facility, std::string_view text) {
  if (IsChatter(facility, text)) return;
  // Lines begin with the thread that speaks: "[thrd:127.0.0.1:9092/bootstrap]: ".
  if (const size_t end = text.find("]: "); text.starts_with("[thrd:") && end != text.npos) {
    text.remove_prefix(end + 3);
  }
  {
    const std::lock_guard lock(mu_);
    const auto now = std::chrono::steady_clock::now();
    // "(after 0ms in state CONNECT, 1 identical error(s) suppressed)" differs from time to time.
    std::string same(text.substr(0, text.find(" (after ")));
    if (level <= LOG_ERR || facility == "FAIL") last_trouble_ = same;
    auto& said = said_[std::string(facility)];
    if (said.first == same && now - said.second < kQuiet) return;
    said = {std::move(same), now};
  }
  if (!connection_.on_log) return;
  const KafkaLogLevel to = level <= LOG_ERR       ? KafkaLogLevel::kError
                           : level == LOG_WARNING ? KafkaLogLevel::kWarning
                           : level <= LOG_INFO    ? KafkaLogLevel::kInfo
                                                  : KafkaLogLevel::kDebug;
  connection_.on_log(to, absl::StrCat(Absl(facility), ": ", Absl(text)));
}

}  // namespace tallywire
