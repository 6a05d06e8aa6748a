// SPDX-License-Identifier: Apache-2.0
#include "ledger/kafka/reader.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "absl/strings/str_cat.h"
#include "ledger/status.h"

namespace tallywire {
namespace {

using Clock = std::chrono::steady_clock;

// Messages taken out of the queue in one go.
constexpr size_t kChunk = 1024;
// A batch is not larger, whatever is asked for.
constexpr size_t kMaxRecords = 100'000;
// Above this a Poll waits as long as it would for ever: the clock's own arithmetic overflows.
constexpr Span kLongestWait = Seconds(int64_t{365} * 24 * 3600);
// An error does not end the library's waiting.
constexpr int64_t kLongestStepMs = 1'000;

class KafkaReader : public LogReader {
 public:
  KafkaReader(std::shared_ptr<KafkaConsumer> consumer, std::shared_ptr<KafkaControl> control,
              std::shared_ptr<KafkaMissing> missing, std::string topic, Partition partition,
              Offset from)
      : consumer_(std::move(consumer)),
        control_(std::move(control)),
        missing_(std::move(missing)),
        topic_(std::move(topic)),
        partition_(partition),
        position_(from) {}
  ~KafkaReader() override {
    Stop();
    consumer_->Release(topic_, partition_);
  }

  absl::Status Start();
  absl::Status Poll(size_t max, Span wait, RecordBatch& batch) override;
  Offset Position() const override { return position_; }

 private:
  void Stop();
  // Takes up to `room` messages; the first of them is waited for until `until`. How many it saw.
  size_t Take(size_t room, Clock::time_point until, KafkaBatch& memory, RecordBatch& batch);
  void See(KafkaMessage message, KafkaBatch& memory, RecordBatch& batch);
  // The position moves up to `offset`; what is passed over is counted.
  void PassTo(Offset offset);
  // Asks the cluster what an error means, and begins anew if it has passed.
  absl::Status Recover();
  absl::Status Gone();

  const std::shared_ptr<KafkaConsumer> consumer_;
  const std::shared_ptr<KafkaControl> control_;
  const std::shared_ptr<KafkaMissing> missing_;  // may be null
  const std::string topic_;
  const Partition partition_;

  Offset position_;
  KafkaQueue queue_;  // none: stopped
  int trouble_ = 0;   // an error that came behind the records before it
  std::string trouble_text_;
  absl::Status failed_;  // for good
};

absl::Status KafkaReader::Start() {
  queue_.reset(rd_kafka_queue_new(consumer_->client().get()));
  if (rd_kafka_consume_start_queue(consumer_->Topic(topic_), partition_.value(), position_.value(),
                                   queue_.get()) != 0) {
    queue_.reset();
    return consumer_->client().Failure(rd_kafka_last_error(),
                                       "reading " + KafkaPlace(topic_, partition_));
  }
  return absl::OkStatus();
}

void KafkaReader::Stop() {
  if (!queue_) return;
  rd_kafka_consume_stop(consumer_->Topic(topic_), partition_.value());
  queue_.reset();
}

absl::Status KafkaReader::Poll(size_t max, Span wait, RecordBatch& batch) {
  KafkaBatch& memory = KafkaBatch::Of(batch, consumer_);
  memory.Begin(batch);
  if (!failed_.ok()) return failed_;
  const auto until = Clock::now() + std::chrono::microseconds(std::min(wait, kLongestWait).value());
  const Offset before = position_;
  const size_t most = std::min(max, kMaxRecords);
  while (batch.records.size() < most) {
    if (trouble_ != 0 || !queue_) {
      // What came before an error is handed out first.
      if (!batch.records.empty()) break;
      TW_RETURN_IF_ERROR(Recover());
      if (Clock::now() >= until) break;
    }
    // Once there is a record, or the end has moved, nothing is waited for.
    const bool wait_more = batch.records.empty() && position_ == before;
    const size_t seen =
        Take(most - batch.records.size(), wait_more ? until : Clock::time_point{}, memory, batch);
    if (seen == 0) consumer_->client().Drain();
    if (trouble_ != 0) continue;
    if (seen == 0 && (!wait_more || Clock::now() >= until)) break;
  }
  memory.Finish(batch);
  return absl::OkStatus();
}

size_t KafkaReader::Take(size_t room, Clock::time_point until, KafkaBatch& memory,
                         RecordBatch& batch) {
  std::array<rd_kafka_message_t*, kChunk> messages;
  const int64_t left_us =
      std::chrono::duration_cast<std::chrono::microseconds>(until - Clock::now()).count();
  // With a time-out the library would wait until all that was asked for is there.
  const int wait_ms =
      until == Clock::time_point{}
          ? 0
          : static_cast<int>(std::clamp<int64_t>((left_us + 999) / 1000, 0, kLongestStepMs));
  const size_t ask = wait_ms > 0 ? 1 : std::min(room, messages.size());
  const KafkaErrorCatcher catcher;
  const ssize_t count = rd_kafka_consume_batch_queue(queue_.get(), wait_ms, messages.data(), ask);
  for (ssize_t i = 0; i < count; ++i) {
    See(KafkaMessage(messages[static_cast<size_t>(i)]), memory, batch);
  }
  if (catcher.error != 0 && trouble_ == 0) {
    trouble_ = catcher.error;
    trouble_text_ = catcher.text;
  }
  return count > 0 ? static_cast<size_t>(count) : 0;
}

void KafkaReader::See(KafkaMessage message, KafkaBatch& memory, RecordBatch& batch) {
  // Behind an error nothing counts: reading begins anew at the position.
  if (trouble_ != 0) return;
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    const Offset offset(message->offset);
    // A batch is fetched from its beginning.
    if (offset < position_) return;
    PassTo(offset);
    position_ = offset.Next();
    memory.Add(batch, std::move(message));
  } else if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    // Behind the last record may lie marks of transactions, and records of aborted ones.
    PassTo(Offset(message->offset));
  } else {
    trouble_ = message->err;
    const char* const text = rd_kafka_message_errstr(message.get());
    trouble_text_ = text == nullptr ? "" : text;
  }
}

void KafkaReader::PassTo(Offset offset) {
  if (offset <= position_) return;
  if (missing_) {
    missing_->Add(topic_, partition_, position_, offset.value() - position_.value());
  }
  position_ = offset;
}

absl::Status KafkaReader::Gone() {
  return absl::NotFoundError(absl::StrCat("topic ", topic_, " has been deleted, or partition ",
                                          partition_.value(), " of it"));
}

absl::Status KafkaReader::Recover() {
  const std::string place = KafkaPlace(topic_, partition_);
  if (trouble_ == RD_KAFKA_RESP_ERR__BAD_MSG || trouble_ == RD_KAFKA_RESP_ERR__BAD_COMPRESSION ||
      trouble_ == RD_KAFKA_RESP_ERR_INVALID_MSG) {
    return failed_ = absl::DataLossError(absl::StrCat(place, ", at or behind offset ",
                                                      position_.value(), ": ", trouble_text_));
  }
  const absl::StatusCode code = KafkaStatusCode(trouble_);
  if (code == absl::StatusCode::kPermissionDenied || code == absl::StatusCode::kUnauthenticated) {
    const int error = std::exchange(trouble_, 0);
    return consumer_->client().Failure(error, "reading " + place, trouble_text_);
  }
  const auto layout = control_->TopicLayout(topic_);
  if (absl::IsNotFound(layout.status())) return failed_ = Gone();
  TW_RETURN_IF_ERROR(layout.status());
  if (partition_.value() >= layout->partitions) return failed_ = Gone();
  TW_ASSIGN_OR_RETURN(const LogBounds bounds, control_->Bounds(topic_, partition_));
  if (position_ < bounds.begin || position_ > bounds.end) {
    return failed_ = absl::OutOfRangeError(absl::StrCat(
               place, ": offset ", position_.value(), " is not there: it has ",
               bounds.begin.value(), " to ", bounds.end.value(), ". The log has lost records"));
  }
  // Whatever it was, it has passed.
  Stop();
  trouble_ = 0;
  return Start();
}

}  // namespace

absl::StatusOr<std::unique_ptr<LogReader>> MakeKafkaReader(std::shared_ptr<KafkaConsumer> consumer,
                                                           std::shared_ptr<KafkaControl> control,
                                                           std::shared_ptr<KafkaMissing> missing,
                                                           const std::string& topic,
                                                           Partition partition, Offset from) {
  auto reader = std::make_unique<KafkaReader>(std::move(consumer), std::move(control),
                                              std::move(missing), topic, partition, from);
  TW_RETURN_IF_ERROR(reader->Start());
  return reader;
}

}  // namespace tallywire
