// SPDX-License-Identifier: Apache-2.0
#include "ledger/kafka/group.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "ledger/kafka/client.h"
#include "ledger/status.h"

namespace tallywire {
namespace {

using Clock = std::chrono::steady_clock;

constexpr Span kLongestWait = Seconds(3600);

KafkaPartitionList EmptyList(size_t room) {
  return KafkaPartitionList(rd_kafka_topic_partition_list_new(static_cast<int>(room)));
}

std::vector<KafkaGroup::Place> Places(const rd_kafka_topic_partition_list_t& list) {
  std::vector<KafkaGroup::Place> places;
  places.reserve(static_cast<size_t>(list.cnt));
  for (int i = 0; i < list.cnt; ++i) {
    places.push_back({list.elems[i].topic, Partition(list.elems[i].partition)});
  }
  std::sort(places.begin(), places.end());
  return places;
}

class KafkaGroupImpl : public KafkaGroup {
 public:
  static absl::StatusOr<std::unique_ptr<KafkaGroup>> Make(Options options);
  ~KafkaGroupImpl() override {
    IgnoreError(Close(), "without it the session times out, which comes to the same");
  }

  absl::StatusOr<Change> Poll(Span wait) override;
  absl::Status ConfirmRevoked() override;
  absl::Status Commit(std::span<const Position> positions, bool wait) override;
  absl::StatusOr<std::vector<std::optional<Offset>>> Committed(
      std::span<const Place> places) override;
  absl::Status Close() override;

 private:
  explicit KafkaGroupImpl(Options options) : options_(std::move(options)) {}
  std::string What(std::string_view deed) const {
    return absl::StrCat(std::string(deed), " group ", options_.group);
  }
  absl::Status Subscribe();
  absl::StatusOr<Change> OnRebalance(rd_kafka_event_t* event, bool silent);

  const Options options_;
  std::shared_ptr<KafkaClient> client_;
  KafkaQueue queue_;                              // none without topics
  std::chrono::milliseconds longest_silence_{0};  // max.poll.interval.ms
  Clock::time_point polled_ = Clock::now();       // the end of the Poll before this one
  bool revoking_ = false;                         // handed out and not confirmed
  bool closed_ = false;
};

absl::StatusOr<std::unique_ptr<KafkaGroup>> KafkaGroupImpl::Make(Options options) {
  std::unique_ptr<KafkaGroupImpl> group(new KafkaGroupImpl(std::move(options)));
  group->closed_ = true;  // as long as there is nothing to close
  const bool member = !group->options_.topics.empty();
  KafkaClient::Setup setup{.kind = KafkaClient::Kind::kConsumer,
                           .defaults = {{"socket.nagle.disable", "true"}},
                           .fixed = {{"group.id", group->options_.group},
                                     {"enable.auto.commit", "false"},
                                     {"enable.auto.offset.store", "false"},
                                     {"allow.auto.create.topics", "false"},
                                     {"partition.assignment.strategy", "range"}},
                           .prepare = [](rd_kafka_conf_s* conf) {
                             rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_REBALANCE);
                           }};
  TW_ASSIGN_OR_RETURN(group->client_, KafkaClient::Make(group->options_.connection, setup));
  group->closed_ = false;
  int64_t silence_ms = 0;
  if (!absl::SimpleAtoi(group->client_->Property("max.poll.interval.ms"), &silence_ms)) {
    return absl::InternalError("max.poll.interval.ms is no number");
  }
  group->longest_silence_ = std::chrono::milliseconds(silence_ms);
  if (member) TW_RETURN_IF_ERROR(group->Subscribe());
  return group;
}

absl::Status KafkaGroupImpl::Subscribe() {
  const KafkaPartitionList list = EmptyList(options_.topics.size());
  for (const std::string& topic : options_.topics) {
    // The library takes such a name for a pattern.
    if (topic.empty() || topic.front() == '^') {
      return absl::InvalidArgumentError(absl::StrCat("topic name \"", topic, "\""));
    }
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
  }
  queue_.reset(rd_kafka_queue_get_consumer(client_->get()));
  return client_->Failure(rd_kafka_subscribe(client_->get(), list.get()), What("joining"));
}

absl::StatusOr<KafkaGroup::Change> KafkaGroupImpl::Poll(Span wait) {
  if (!queue_) return absl::FailedPreconditionError(What("no topics were given for"));
  if (revoking_) {
    return absl::FailedPreconditionError(What("what was revoked has not been confirmed to"));
  }
  // The group waits no longer than that for a member, whatever the library knows of it yet.
  const bool silent = Clock::now() - polled_ >= longest_silence_;
  const auto until = Clock::now() + std::chrono::microseconds(std::min(wait, kLongestWait).value());
  for (;;) {
    const int64_t left_us =
        std::chrono::duration_cast<std::chrono::microseconds>(until - Clock::now()).count();
    const KafkaEvent event(
        rd_kafka_queue_poll(queue_.get(), KafkaMilliseconds(Span(std::max<int64_t>(left_us, 0)))));
    polled_ = Clock::now();
    client_->Drain();
    if (!event) {
      if (left_us <= 0) return Change{};
      continue;
    }
    if (rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_REBALANCE) {
      return OnRebalance(event.get(), silent);
    }
    const int error = rd_kafka_event_error(event.get());
    // The loss of the membership comes as a rebalance too.
    if (error == 0 || error == RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED) continue;
    return client_->Failure(error, What("following"), rd_kafka_event_error_string(event.get()));
  }
}

absl::StatusOr<KafkaGroup::Change> KafkaGroupImpl::OnRebalance(rd_kafka_event_t* event,
                                                               bool silent) {
  Change change;
  const std::vector<Place> places = Places(*rd_kafka_event_topic_partition_list(event));
  if (rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
    // The group is told that the partitions are taken; this client is given none of them, so that
    // it fetches nothing and asks for no offsets.
    const KafkaPartitionList none = EmptyList(1);
    TW_RETURN_IF_ERROR(
        client_->Failure(rd_kafka_assign(client_->get(), none.get()), What("taking part in")));
    change.assigned = places;
    return change;
  }
  change.lost = silent || rd_kafka_assignment_lost(client_->get()) != 0;
  change.revoked = places;
  revoking_ = true;
  // A member that had nothing has nothing to let go of.
  if (places.empty()) TW_RETURN_IF_ERROR(ConfirmRevoked());
  return change;
}

absl::Status KafkaGroupImpl::ConfirmRevoked() {
  if (!revoking_) return absl::OkStatus();
  revoking_ = false;
  return client_->Failure(rd_kafka_assign(client_->get(), nullptr), What("leaving partitions of"));
}

absl::Status KafkaGroupImpl::Commit(std::span<const Position> positions, bool wait) {
  client_->Drain();
  if (positions.empty()) return absl::OkStatus();
  const KafkaPartitionList list = EmptyList(positions.size());
  for (const Position& one : positions) {
    rd_kafka_topic_partition_list_add(list.get(), one.place.topic.c_str(),
                                      one.place.partition.value())
        ->offset = one.next.value();
  }
  const std::string what = What("committing offsets of");
  if (!wait) return client_->Failure(rd_kafka_commit(client_->get(), list.get(), 1), what);
  const KafkaQueue answer(rd_kafka_queue_new(client_->get()));
  TW_RETURN_IF_ERROR(client_->Failure(
      rd_kafka_commit_queue(client_->get(), list.get(), answer.get(), nullptr, nullptr), what));
  const KafkaEvent event(rd_kafka_queue_poll(answer.get(), KafkaMilliseconds(options_.patience)));
  if (!event) return client_->Failure(RD_KAFKA_RESP_ERR__TIMED_OUT, what);
  TW_RETURN_IF_ERROR(client_->Failure(rd_kafka_event_error(event.get()), what));
  const rd_kafka_topic_partition_list_t* const done =
      rd_kafka_event_topic_partition_list(event.get());
  for (int i = 0; done != nullptr && i < done->cnt; ++i) {
    TW_RETURN_IF_ERROR(client_->Failure(done->elems[i].err, what, done->elems[i].topic));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::optional<Offset>>> KafkaGroupImpl::Committed(
    std::span<const Place> places) {
  std::vector<std::optional<Offset>> offsets(places.size());
  if (places.empty()) return offsets;
  const KafkaPartitionList list = EmptyList(places.size());
  for (const Place& one : places) {
    rd_kafka_topic_partition_list_add(list.get(), one.topic.c_str(), one.partition.value());
  }
  const std::string what = What("asking for the offsets of");
  TW_RETURN_IF_ERROR(client_->Failure(
      rd_kafka_committed(client_->get(), list.get(), KafkaMilliseconds(options_.patience)), what));
  // The list keeps its order.
  for (size_t i = 0; i < places.size(); ++i) {
    const rd_kafka_topic_partition_t& one = list->elems[i];
    TW_RETURN_IF_ERROR(client_->Failure(one.err, what, one.topic));
    if (one.offset >= 0) offsets[i] = Offset(one.offset);
  }
  return offsets;
}

absl::Status KafkaGroupImpl::Close() {
  if (std::exchange(closed_, true)) return absl::OkStatus();
  absl::Status confirmed = ConfirmRevoked();
  queue_.reset();
  TW_RETURN_IF_ERROR(client_->Failure(rd_kafka_consumer_close(client_->get()), What("leaving")));
  return confirmed;
}

}  // namespace

absl::StatusOr<std::unique_ptr<KafkaGroup>> KafkaGroup::Open(Options options) {
  if (options.group.empty()) return absl::InvalidArgumentError("a group without a name");
  return KafkaGroupImpl::Make(std::move(options));
}

}  // namespace tallywire
