// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdarg>
#include <filesystem>
#include <mutex>
#include <shared_mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "ledger/check.h"
#include "ledger/rocks.h"
#include "ledger/status.h"
#include "ledger/synced_note.h"
#include "rocksdb/cache.h"
#include "rocksdb/db.h"
#include "rocksdb/env.h"
#include "rocksdb/filter_policy.h"
#include "rocksdb/listener.h"
#include "rocksdb/options.h"
#include "rocksdb/slice.h"
#include "rocksdb/slice_transform.h"
#include "rocksdb/sst_file_writer.h"
#include "rocksdb/table.h"
#include "rocksdb/utilities/table_properties_collectors.h"
#include "rocksdb/write_batch.h"
#include "rocksdb/write_buffer_manager.h"

namespace tallywire {
namespace {

namespace fs = std::filesystem;

// One memory bound for all stores of the process: memtables are charged to the cache.
constexpr size_t kCacheBytes = size_t{512} << 20;
constexpr size_t kMemtableBytes = size_t{192} << 20;
constexpr size_t kWriteBufferBytes = size_t{64} << 20;
constexpr int kBackgroundThreads = 2;
constexpr int kOpenFilesPerStore = 512;
constexpr double kFilterBitsPerKey = 10;
// So many sorted files may overlap before Ingest waits: each is one more place to look.
constexpr uint64_t kMaxPiledFiles = 20;
constexpr std::chrono::milliseconds kPileLook{2};
// Files with so many deletions among so many rows are compacted soon.
constexpr size_t kDeletionWindow = 128 * 1024;
constexpr size_t kDeletionTrigger = 32 * 1024;

// A write is refused when less than this would be left: RocksDB gets over a lack of room that it
// runs into itself less well than over one that it never sees.
constexpr uint64_t kSpareBytes = uint64_t{4} << 20;

constexpr char kIngestPrefix[] = "ingest-";

static_assert(kWriteBufferBytes <= kMemtableBytes && kMemtableBytes < kCacheBytes);

rocksdb::Slice Slice(std::string_view s) { return {s.data(), s.size()}; }
std::string_view View(const rocksdb::Slice& s) { return {s.data(), s.size()}; }
absl::string_view Absl(std::string_view s) { return {s.data(), s.size()}; }

// What all stores of this process share.
struct Shared {
  rocksdb::Env* env = rocksdb::Env::Default();
  std::shared_ptr<rocksdb::Cache> cache = rocksdb::NewLRUCache(kCacheBytes);
  std::shared_ptr<rocksdb::WriteBufferManager> memtables =
      std::make_shared<rocksdb::WriteBufferManager>(kMemtableBytes, cache);
  std::shared_ptr<const rocksdb::FilterPolicy> filter{
      rocksdb::NewBloomFilterPolicy(kFilterBitsPerKey)};

  static Shared& Get() {
    // Never destroyed: stores may outlive statics.
    static Shared* shared = [] {
      auto* s = new Shared;
      s->env->SetBackgroundThreads(kBackgroundThreads, rocksdb::Env::LOW);
      s->env->SetBackgroundThreads(1, rocksdb::Env::HIGH);
      return s;
    }();
    return *shared;
  }
};

bool IsHeldLock(const std::string& text) {
  return text.find("While lock file") != std::string::npos ||
         text.find("lock hold by current process") != std::string::npos;
}

absl::Status ToStatus(const rocksdb::Status& s, std::string_view doing, const std::string& folder) {
  if (s.ok()) return absl::OkStatus();
  const std::string text = absl::StrCat(Absl(doing), " in ", folder, ": ", s.ToString());
  if (s.IsNoSpace()) return absl::ResourceExhaustedError(text);
  // A file that ought to be there comes back by no waiting.
  if (s.IsCorruption() || s.IsPathNotFound()) return absl::DataLossError(text);
  if (s.IsInvalidArgument()) return absl::InvalidArgumentError(text);
  if (s.IsNotSupported()) return absl::FailedPreconditionError(text);
  return absl::UnavailableError(text);
}

absl::Status FromErrno(int error, std::string_view doing, const std::string& path) {
  const std::string text =
      absl::StrCat(Absl(doing), " ", path, ": ", std::generic_category().message(error));
  if (error == ENOSPC || error == EDQUOT) return absl::ResourceExhaustedError(text);
  if (error == EACCES || error == EPERM || error == ENOTDIR || error == EROFS) {
    return absl::FailedPreconditionError(text);
  }
  return absl::UnavailableError(text);
}

absl::Status SyncFolder(const std::string& folder) {
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return FromErrno(errno, "opening folder", folder);
  const int result = fsync(fd);
  const int error = errno;
  close(fd);
  // Some file systems cannot sync folders, and say EINVAL.
  if (result != 0 && error != EINVAL) return FromErrno(error, "syncing folder", folder);
  return absl::OkStatus();
}

// Makes the folder and those above it; their entries are durable, as is what will be acknowledged.
absl::Status MakeFolder(const fs::path& folder) {
  std::error_code error;
  if (fs::is_directory(folder, error)) return absl::OkStatus();
  const fs::path parent = folder.parent_path();
  if (!parent.empty() && parent != folder) TW_RETURN_IF_ERROR(MakeFolder(parent));
  if (!fs::create_directory(folder, error) && error) {
    return FromErrno(error.value(), "making folder", folder.string());
  }
  return SyncFolder(parent.empty() ? "." : parent.string());
}

// A store whose CURRENT is gone would be taken for a new one, and its rows be thrown away.
absl::Status CheckNotBeheaded(const std::string& folder) {
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string extension = it->path().extension().string();
    if (extension == ".sst" || extension == ".log") {
      return absl::DataLossError(absl::StrCat("opening ", folder, ": there is ",
                                              it->path().filename().string(),
                                              " but no file CURRENT, which says what is valid"));
    }
  }
  return absl::OkStatus();
}

// What an Ingest that did not come to its end has left.
absl::Status RemoveLeftovers(const std::string& folder) {
  std::error_code error;
  std::vector<fs::path> leftovers;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->path().filename().string().rfind(kIngestPrefix, 0) == 0) leftovers.push_back(*it);
  }
  for (const fs::path& path : leftovers) {
    if (!error) fs::remove(path, error);
  }
  return error ? FromErrno(error.value(), "tidying up", folder) : absl::OkStatus();
}

void RemoveFolder(const std::string& folder) {
  std::error_code ignored;
  fs::remove_all(folder, ignored);
}

absl::Status CheckRoom(const std::string& folder, uint64_t bytes) {
  struct statvfs stat;
  // Whoever cannot say how much room there is finds out by writing.
  if (statvfs(folder.c_str(), &stat) != 0) return absl::OkStatus();
  const uint64_t room = uint64_t{stat.f_bavail} * stat.f_frsize;
  if (room >= bytes + kSpareBytes) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat("no room to write ", bytes, " bytes in ", folder,
                                                   ": ", room, " are free and ", kSpareBytes,
                                                   " are kept"));
}

// Remembers that RocksDB has stopped writing, until GoOn.
class StopListener : public rocksdb::EventListener {
 public:
  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status*) override {
    if (reason == rocksdb::BackgroundErrorReason::kWriteCallback) log_broken = true;
    stopped = true;
  }
  // RocksDB's own way looks for room every five seconds; our callers ask when they want to know.
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,
                            bool* auto_recovery) override {
    *auto_recovery = false;
  }
  std::atomic<bool> stopped = false;
  // The end of the write-ahead log may be torn: nothing may be written behind it.
  std::atomic<bool> log_broken = false;
};

// RocksDB's own log file would end the process on the second line that finds no room, by an
// assertion of Debian's build. What it has to say of failures comes back as statuses.
class SilentLogger : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

rocksdb::Options MakeOptions(const Rocks::Options& options) {
  Shared& shared = Shared::Get();
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = shared.cache;
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.format_version = 5;
  table.block_size = size_t{8} << 10;
  if (options.filters) table.filter_policy = shared.filter;

  rocksdb::Options o;
  o.env = shared.env;
  o.create_if_missing = !options.must_exist;
  o.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  o.write_buffer_manager = shared.memtables;
  o.write_buffer_size = kWriteBufferBytes;
  o.max_background_jobs = kBackgroundThreads + 1;
  o.max_open_files = kOpenFilesPerStore;
  o.compression = rocksdb::kLZ4Compression;
  // Keys lie everywhere: merging rewrites the level below whole, so the fewer times the better.
  o.level0_file_num_compaction_trigger = 8;
  o.level_compaction_dynamic_level_bytes = true;
  o.bytes_per_sync = size_t{1} << 20;
  o.max_manifest_file_size = uint64_t{16} << 20;
  // Room set aside for files that stay small costs more than it saves: zeroed pages where the
  // folder is in memory, and disk that nobody uses elsewhere.
  o.allow_fallocate = false;
  o.manifest_preallocation_size = size_t{64} << 10;
  o.info_log = std::make_shared<SilentLogger>();
  // Every acknowledged write is synced, so only the very end of the log can be torn. A checksum
  // that fails is damage, and is told; dropping what lies behind it would lose acknowledged writes.
  o.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  o.track_and_verify_wals_in_manifest = true;
  if (options.writes == Rocks::Writes::kBatches) {
    if (options.rising_prefix > 0) {
      // A hint is used only where one thread writes at a time.
      o.allow_concurrent_memtable_write = false;
      o.memtable_insert_with_hint_prefix_extractor.reset(
          rocksdb::NewFixedPrefixTransform(options.rising_prefix));
    }
    o.table_properties_collector_factories.push_back(
        rocksdb::NewCompactOnDeletionCollectorFactory(kDeletionWindow, kDeletionTrigger));
  }
  return o;
}

class DbWalk : public RocksIterator::Walk {
 public:
  DbWalk(std::shared_ptr<rocksdb::DB> db, const std::string& folder, std::string_view lower,
         std::string_view upper, Rocks::Direction direction)
      : lower_(lower),
        upper_(upper),
        lower_slice_(lower_),
        upper_slice_(upper_),
        forward_(direction == Rocks::Direction::kForward),
        folder_(folder),
        db_(std::move(db)) {
    rocksdb::ReadOptions read;
    read.iterate_lower_bound = &lower_slice_;
    if (!upper_.empty()) read.iterate_upper_bound = &upper_slice_;
    it_.reset(db_->NewIterator(read));
    if (forward_) {
      it_->SeekToFirst();
    } else {
      it_->SeekToLast();
    }
  }

  bool Valid() const override { return it_->Valid(); }
  void Next() override {
    TW_CHECK(Valid(), "Next only while Valid");
    if (forward_) {
      it_->Next();
    } else {
      it_->Prev();
    }
  }
  void Seek(std::string_view key) override {
    if (forward_) {
      it_->Seek(Slice(key < lower_ ? lower_ : key));
    } else if (!upper_.empty() && key >= upper_) {
      it_->SeekToLast();
    } else {
      it_->SeekForPrev(Slice(key));
    }
  }
  std::string_view key() const override { return View(it_->key()); }
  std::string_view value() const override { return View(it_->value()); }
  absl::Status status() const override { return ToStatus(it_->status(), "reading", folder_); }

 private:
  // Bounds before the iterator that points to them.
  const std::string lower_;
  const std::string upper_;
  const rocksdb::Slice lower_slice_;
  const rocksdb::Slice upper_slice_;
  const bool forward_;
  const std::string& folder_;
  const std::shared_ptr<rocksdb::DB> db_;  // lives longer than its iterator
  std::unique_ptr<rocksdb::Iterator> it_;
};

}  // namespace

// The store on a disk.
class RocksOnDisk : public Rocks {
 public:
  RocksOnDisk(const std::string& folder, Options options)
      : Rocks(folder, options), rocks_options_(MakeOptions(options)), synced_(folder) {
    rocks_options_.listeners.push_back(listener_);
  }
  ~RocksOnDisk() override {
    db_.reset();
    if (options().scratch) RemoveFolder(folder());
  }

  absl::Status OpenDb();

  absl::StatusOr<bool> Get(std::string_view key, std::string& value) const override;
  RocksIterator Iterate(std::string_view begin, std::string_view end,
                        Direction direction) const override;
  absl::Status Write(const RocksBatch& batch, bool sync) override;
  absl::Status Ingest(std::span<const Row> rows) override;
  absl::Status CompactRange(std::string_view begin, std::string_view end) override;
  absl::Status Verify() const override;
  uint64_t ApproximateBytes() const override;

 private:
  absl::Status CheckNothingIsLost() const;
  absl::Status GoOn();
  absl::Status GoOnIfStopped() { return listener_->stopped ? GoOn() : absl::OkStatus(); }
  absl::Status Gone() const {
    return absl::UnavailableError(
        absl::StrCat("the store in ", folder(), " is closed after an error"));
  }
  absl::Status WaitForRoomInLevel0();
  absl::Status WriteFile(const std::string& path, std::span<const Row> rows);
  absl::Status IngestFile(const std::string& path);

  const std::shared_ptr<StopListener> listener_ = std::make_shared<StopListener>();
  rocksdb::Options rocks_options_;  // constant after construction

  SyncedNote synced_;

  // Every call shares it; GoOn has it alone.
  mutable std::shared_mutex mu_;
  // Guarded by mu_; shared with iterators. None: it could not be opened again yet.
  std::shared_ptr<rocksdb::DB> db_;
  // One Ingest at a time.
  std::mutex ingest_mu_;
  uint64_t next_file_ = 0;  // guarded by ingest_mu_
};

absl::Status RocksOnDisk::OpenDb() {
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status s = rocksdb::DB::Open(rocks_options_, folder(), &opened);
  if (s.ok()) {
    db_.reset(opened);
    return CheckNothingIsLost();
  }
  if (IsHeldLock(s.ToString())) {
    return absl::FailedPreconditionError(
        absl::StrCat("another process is using ", folder(), " (", s.ToString(), ")"));
  }
  return ToStatus(s, "opening the store", folder());
}

// RocksDB takes a write-ahead log that ends in the midst of a record for one that a crash has torn.
absl::Status RocksOnDisk::CheckNothingIsLost() const {
  if (options().writes != Writes::kBatches) return absl::OkStatus();
  const std::optional<uint64_t> synced = synced_.Read();
  const uint64_t last = db_->GetLatestSequenceNumber();
  if (!synced || *synced <= last) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(
      "opening the store in ", folder(), ": changes ", last + 1, " to ", *synced,
      " were durable and are gone: a file of it was cut or damaged. Restore the folder; or, to go ",
      "on with what is left, delete ", synced_.path()));
}

// After an error of its background work RocksDB goes on when asked. After one of its write-ahead
// log 7.8 does not: with nothing in memory it would write behind the torn end, and a second failure
// is final. So the store is opened again, which reads back all that was acknowledged.
absl::Status RocksOnDisk::GoOn() {
  std::unique_lock lock(mu_);
  if (!listener_->stopped) return absl::OkStatus();
  uint64_t in_memory = 0;
  if (db_) db_->GetIntProperty(rocksdb::DB::Properties::kCurSizeAllMemTables, &in_memory);
  TW_RETURN_IF_ERROR(CheckRoom(folder(), in_memory));
  if (db_ && !listener_->log_broken) {
    listener_->stopped = false;
    rocksdb::Status s = db_->Resume();
    // Makes it look for waiting compactions, which clearing the error alone does not.
    if (s.ok()) s = db_->PauseBackgroundWork();
    if (s.ok()) s = db_->ContinueBackgroundWork();
    if (s.ok()) return absl::OkStatus();
    listener_->stopped = true;
    if (s.severity() <= rocksdb::Status::kHardError) {
      return ToStatus(s, "going on after an error", folder());
    }
  }
  if (db_.use_count() > 1) {
    return absl::UnavailableError(absl::StrCat(
        "the store in ", folder(), " can go on only when all that read through it are done"));
  }
  listener_->log_broken = true;
  db_.reset();
  absl::Status status = OpenDb();
  if (status.ok()) {
    listener_->log_broken = false;
    listener_->stopped = false;
    return status;
  }
  // Reads go on meanwhile, if that much works.
  rocksdb::DB* readable = nullptr;
  if (rocksdb::DB::OpenForReadOnly(rocks_options_, folder(), &readable).ok()) db_.reset(readable);
  return status;
}

// An ingest does not slow down by itself when compaction falls behind.
absl::Status RocksOnDisk::WaitForRoomInLevel0() {
  for (;;) {
    uint64_t files = 0;
    std::string text;
    std::shared_lock lock(mu_);
    if (!db_) return Gone();
    if (!db_->GetProperty(rocksdb::DB::Properties::kNumFilesAtLevelPrefix + "0", &text)) break;
    if (!absl::SimpleAtoi(text, &files) || files < kMaxPiledFiles) break;
    if (listener_->stopped) {
      return absl::ResourceExhaustedError(absl::StrCat(
          "merging files in ", folder(), ": it stopped, most likely for want of room"));
    }
    lock.unlock();
    std::this_thread::sleep_for(kPileLook);
  }
  return absl::OkStatus();
}

absl::Status RocksOnDisk::WriteFile(const std::string& path, std::span<const Row> rows) {
  rocksdb::SstFileWriter writer(rocksdb::EnvOptions(), rocks_options_);
  rocksdb::Status s = writer.Open(path);
  for (const Row& row : rows) {
    if (!s.ok()) break;
    s = row.value ? writer.Put(Slice(row.key), Slice(*row.value)) : writer.Delete(Slice(row.key));
  }
  if (s.ok()) s = writer.Finish();
  return ToStatus(s, "writing a sorted file", folder());
}

absl::Status RocksOnDisk::IngestFile(const std::string& path) {
  rocksdb::IngestExternalFileOptions ingest;
  ingest.move_files = true;
  ingest.write_global_seqno = false;
  std::shared_lock lock(mu_);
  if (!db_) return Gone();
  return ToStatus(db_->IngestExternalFile({path}, ingest), "taking in a sorted file", folder());
}

RocksIterator RocksOnDisk::Iterate(std::string_view begin, std::string_view end,
                                   Direction direction) const {
  if (!end.empty() && begin >= end) {
    return RocksIterator(absl::OkStatus());
  }
  std::shared_lock lock(mu_);
  if (!db_) return RocksIterator(Gone());
  return RocksIterator(std::make_unique<DbWalk>(db_, folder(), begin, end, direction));
}

absl::StatusOr<bool> RocksOnDisk::Get(std::string_view key, std::string& value) const {
  std::shared_lock lock(mu_);
  if (!db_) return Gone();
  const rocksdb::Status s = db_->Get(rocksdb::ReadOptions(), Slice(key), &value);
  if (s.ok()) return true;
  if (s.IsNotFound()) return false;
  return ToStatus(s, "reading a row", folder());
}

absl::Status RocksOnDisk::Write(const RocksBatch& batch, bool sync) {
  TW_RETURN_IF_ERROR(CheckBatch(batch));
  TW_RETURN_IF_ERROR(CheckRoom(folder(), batch.bytes()));
  TW_RETURN_IF_ERROR(GoOnIfStopped());
  rocksdb::WriteOptions write;
  write.sync = sync;
  std::shared_lock lock(mu_);
  if (!db_) return Gone();
  // Others' writes that come in between lie before this one or are not counted.
  const uint64_t last = db_->GetLatestSequenceNumber() + batch.batch_->Count();
  // RocksDB takes the batch as mutable for a header that the next write overwrites.
  const rocksdb::Status s = db_->Write(write, batch.batch_.get());
  if (!s.ok()) listener_->stopped = true;
  if (s.ok() && sync) synced_.Write(last);
  return ToStatus(s, "writing", folder());
}

absl::Status RocksOnDisk::Ingest(std::span<const Row> rows) {
  TW_RETURN_IF_ERROR(CheckRows(rows));
  if (rows.empty()) return absl::OkStatus();
  uint64_t bytes = 0;
  for (const Row& row : rows) bytes += row.key.size() + (row.value ? row.value->size() : 0);
  std::lock_guard ingest_lock(ingest_mu_);
  TW_RETURN_IF_ERROR(CheckRoom(folder(), bytes));
  TW_RETURN_IF_ERROR(GoOnIfStopped());
  TW_RETURN_IF_ERROR(WaitForRoomInLevel0());
  const std::string path = absl::StrCat(folder(), "/", kIngestPrefix, next_file_++);
  absl::Status status = WriteFile(path, rows);
  if (status.ok()) status = IngestFile(path);
  if (!status.ok()) unlink(path.c_str());
  return status;
}

absl::Status RocksOnDisk::CompactRange(std::string_view begin, std::string_view end) {
  TW_RETURN_IF_ERROR(GoOnIfStopped());
  const rocksdb::Slice lower = Slice(begin);
  const rocksdb::Slice upper = Slice(end);
  rocksdb::CompactRangeOptions options;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
  std::shared_lock lock(mu_);
  if (!db_) return Gone();
  return ToStatus(db_->CompactRange(options, &lower, end.empty() ? nullptr : &upper), "compacting",
                  folder());
}

absl::Status RocksOnDisk::Verify() const {
  std::shared_lock lock(mu_);
  if (!db_) return Gone();
  return ToStatus(db_->VerifyChecksum(rocksdb::ReadOptions()), "verifying", folder());
}

uint64_t RocksOnDisk::ApproximateBytes() const {
  uint64_t files = 0;
  std::shared_lock lock(mu_);
  if (!db_ || !db_->GetIntProperty(rocksdb::DB::Properties::kTotalSstFilesSize, &files)) return 0;
  return files;
}

absl::StatusOr<std::unique_ptr<Rocks>> Rocks::Open(const std::string& folder, Options options) {
  if (folder.empty()) return absl::InvalidArgumentError("the folder of a store has no name");
  if (options.scratch) RemoveFolder(folder);
  const bool exists = [&] {
    std::error_code error;
    return fs::exists(fs::path(folder) / "CURRENT", error);
  }();
  if (!exists) {
    if (options.must_exist) return absl::NotFoundError(absl::StrCat("no store in ", folder));
    TW_RETURN_IF_ERROR(MakeFolder(fs::path(folder).lexically_normal()));
    TW_RETURN_IF_ERROR(CheckNotBeheaded(folder));
  }
  auto store = std::make_unique<RocksOnDisk>(folder, options);
  TW_RETURN_IF_ERROR(store->OpenDb());
  TW_RETURN_IF_ERROR(RemoveLeftovers(folder));
  return store;
}

}  // namespace tallywire
