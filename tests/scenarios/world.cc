// SPDX-License-Identifier: Apache-2.0
#include "tests/scenarios/world.h"

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/embedded_log.h"
#include "ledger/kafka/kafka_log.h"
#include "ledger/read_to.h"
#include "ledger/status.h"
#include "ledger/topics.h"

namespace tallywire::scenarios {
namespace {

// More turns than any scenario has records: who needs more is going in circles.
constexpr int kMaxTurns = 100'000;

absl::StatusOr<std::string> MakeFolder() {
  std::error_code error;
  const bool in_memory = std::filesystem::is_directory("/dev/shm", error);
  std::string pattern =
      (in_memory ? std::string("/dev/shm") : std::filesystem::temp_directory_path().string()) +
      "/tallywire-scenario-XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) {
    return absl::UnavailableError("cannot make a folder like " + pattern);
  }
  return pattern;
}

OwnedRecord Own(const Record& record) {
  return {record.partition,
          record.offset,
          record.stamp,
          std::string(record.key),
          std::string(record.value),
          {record.headers.begin(), record.headers.end()}};
}

}  // namespace

std::string Name(const RunConfig& config) {
  return absl::StrCat(config.partitions, "/", config.batch,
                      config.restart ? "/restart" : "/straight");
}

World::World(const RunConfig& config, Time start, std::string folder)
    : config_(config), folder_(std::move(folder)), now_(start) {}

World::~World() {
  Stop();
  std::error_code error;
  if (config_.folder.empty()) std::filesystem::remove_all(folder_, error);
}

void World::Stop() {
  restarted_ = restarted_ || log_ != nullptr;
  publisher_.reset();
  projector_.reset();
  appender_.reset();
  log_.reset();
  cluster_.reset();
}

absl::StatusOr<std::unique_ptr<World>> World::Make(const RunConfig& config, Time start) {
  std::string folder = config.folder;
  if (folder.empty()) {
    TW_ASSIGN_OR_RETURN(folder, MakeFolder());
  }
  return std::unique_ptr<World>(new World(config, start, std::move(folder)));
}

absl::StatusOr<std::unique_ptr<World>> World::Create(const RunConfig& config, Time start) {
  TW_ASSIGN_OR_RETURN(std::unique_ptr<World> world, Make(config, start));
  TW_RETURN_IF_ERROR(world->Open());
  return world;
}

absl::Status World::OpenLog() {
  const auto clock = [this] { return now_; };
  if (config_.open_log) {
    log_ = config_.open_log(clock);
  } else if (config_.brokers.empty()) {
    EmbeddedLog::Options options;
    options.folder = folder_ + "/log";
    options.clock = clock;
    // Nothing is dropped, so that an audit sees every value that ever went out.
    options.compact_after = 0;
    options.open_rocks = config_.open_rocks;
    TW_ASSIGN_OR_RETURN(log_, EmbeddedLog::Open(std::move(options)));
  } else {
    KafkaLog::Options options;
    options.connection.brokers = config_.brokers;
    // A world reads many partitions from their beginning, and most of them have little.
    options.connection.properties = {{"fetch.wait.max.ms", "3"}};
    options.replication_factor = 1;
    TW_ASSIGN_OR_RETURN(cluster_, KafkaLog::Open(std::move(options)));
    log_ = std::make_unique<SetLog>(cluster_.get(), config_.prefix, &stamps_, clock);
  }
  if (config_.wrap_log) log_ = config_.wrap_log(std::move(log_));
  return log_->CreateTopics(PlanTopics(config_.partitions));
}

absl::Status World::Open() {
  TW_RETURN_IF_ERROR(OpenLog());
  TW_ASSIGN_OR_RETURN(appender_, Appender::Create(log_.get()));

  Projector::Options projector_options;
  projector_options.folder = folder_ + "/state";
  projector_options.batch = config_.batch;
  projector_options.threads = config_.threads;
  // Odd on purpose: a restart finds the checkpoint somewhere between two events.
  projector_options.checkpoint_records = config_.batch == 1 ? 3 : 500'000;
  projector_options.sweep_step = config_.batch == 1 ? 1 : 500;
  projector_options.open_rocks = config_.open_rocks;
  TW_ASSIGN_OR_RETURN(projector_, Projector::Open(log_.get(), std::move(projector_options)));

  Publisher::Options publisher_options;
  publisher_options.folder = folder_ + "/publisher";
  publisher_options.batch = config_.batch;
  publisher_options.open_rocks = config_.open_rocks;
  TW_ASSIGN_OR_RETURN(publisher_, Publisher::Open(log_.get(), std::move(publisher_options)));
  return absl::OkStatus();
}

absl::Status World::Restart(bool close) {
  restarted_ = true;
  if (close) {
    TW_RETURN_IF_ERROR(publisher_->Close());
    TW_RETURN_IF_ERROR(projector_->Close());
  }
  Stop();
  return Open();
}

absl::StatusOr<bool> World::Turn() {
  TW_ASSIGN_OR_RETURN(const bool folded, projector_->RunOnce(now_));
  TW_ASSIGN_OR_RETURN(const bool published, publisher_->RunOnce(now_));
  return folded || published;
}

absl::StatusOr<int64_t> World::RecordsInAll() {
  int64_t records = 0;
  for (const TopicSpec& topic : PlanTopics(config_.partitions)) {
    for (int32_t p = 0; p < topic.partitions; ++p) {
      TW_ASSIGN_OR_RETURN(const LogBounds bounds, log_->Bounds(topic.name, Partition(p)));
      records += bounds.end.value();
    }
  }
  return records;
}

absl::Status World::Settle() {
  // A cluster hands records over when it likes: that a turn found nothing to do says little.
  if (!config_.brokers.empty()) {
    TW_ASSIGN_OR_RETURN(int64_t before, RecordsInAll());
    while (true) {
      TW_RETURN_IF_ERROR(projector_->RunToEnd(now_));
      TW_RETURN_IF_ERROR(publisher_->RunToEnd(now_));
      TW_ASSIGN_OR_RETURN(const int64_t after, RecordsInAll());
      if (after == std::exchange(before, after)) return absl::OkStatus();
    }
  }
  // Both ways to the log's end are used; after either a turn finds nothing to do.
  if (config_.batch > 1) {
    TW_RETURN_IF_ERROR(projector_->RunToEnd(now_));
    TW_RETURN_IF_ERROR(publisher_->RunToEnd(now_));
  }
  for (int turn = 0; turn < kMaxTurns; ++turn) {
    TW_ASSIGN_OR_RETURN(const bool more, Turn());
    if (!more) return absl::OkStatus();
  }
  return absl::InternalError("does not come to rest");
}

absl::StatusOr<std::vector<OwnedRecord>> World::ReadAll(std::string_view topic) {
  std::vector<OwnedRecord> records;
  TW_ASSIGN_OR_RETURN(const TopicSpec spec, log_->Describe(topic));
  for (int32_t p = 0; p < spec.partitions; ++p) {
    TW_ASSIGN_OR_RETURN(const LogBounds bounds, log_->Bounds(topic, Partition(p)));
    TW_RETURN_IF_ERROR(ReadRange(*log_, topic, Partition(p), bounds.begin, bounds.end,
                                 [&records](const Record& record) {
                                   records.push_back(Own(record));
                                   return absl::OkStatus();
                                 }));
  }
  return records;
}

absl::StatusOr<OwnedRecord> World::ReadEvent(Partition partition, Offset offset) {
  std::optional<OwnedRecord> found;
  TW_RETURN_IF_ERROR(ReadRange(*log_, kStockEvents, partition, offset, offset.Next(),
                               [&found](const Record& record) {
                                 found = Own(record);
                                 return absl::OkStatus();
                               }));
  if (found.has_value()) return *std::move(found);
  return absl::NotFoundError(absl::StrCat("no record ", partition.value(), "/", offset.value()));
}

}  // namespace tallywire::scenarios
