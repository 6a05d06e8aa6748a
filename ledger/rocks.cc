// SPDX-License-Identifier: Apache-2.0
#include "ledger/rocks.h"

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
#include "ledger/status.h"
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
  if (s.IsCorruption()) return absl::DataLossError(text);
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

}  // namespace

struct RocksIterator::Impl {
  // Bounds before the iterator that points to them.
  std::string lower;
  std::string upper;
  rocksdb::Slice lower_slice;
  rocksdb::Slice upper_slice;
  rocksdb::ReadOptions read;
  bool forward = true;
  std::shared_ptr<rocksdb::DB> db;        // lives longer than its iterator
  std::unique_ptr<rocksdb::Iterator> it;  // none: the bounds hold nothing, or `error` says why
  absl::Status error;
  const std::string* folder = nullptr;
};

RocksIterator::RocksIterator(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RocksIterator::RocksIterator(RocksIterator&&) noexcept = default;
RocksIterator& RocksIterator::operator=(RocksIterator&&) noexcept = default;
RocksIterator::~RocksIterator() = default;

bool RocksIterator::Valid() const { return impl_->it && impl_->it->Valid(); }

void RocksIterator::Next() {
  TW_CHECK(Valid(), "Next only while Valid");
  if (impl_->forward) {
    impl_->it->Next();
  } else {
    impl_->it->Prev();
  }
}

void RocksIterator::Seek(std::string_view key) {
  if (!impl_->it) return;
  if (impl_->forward) {
    impl_->it->Seek(Slice(key < impl_->lower ? impl_->lower : key));
  } else if (!impl_->upper.empty() && key >= impl_->upper) {
    impl_->it->SeekToLast();
  } else {
    impl_->it->SeekForPrev(Slice(key));
  }
}

std::string_view RocksIterator::key() const { return View(impl_->it->key()); }
std::string_view RocksIterator::value() const { return View(impl_->it->value()); }

absl::Status RocksIterator::status() const {
  if (!impl_->it) return impl_->error;
  return ToStatus(impl_->it->status(), "reading", *impl_->folder);
}

struct RocksBatch::Impl {
  rocksdb::WriteBatch batch;
};

RocksBatch::RocksBatch() : impl_(std::make_unique<Impl>()) {}
RocksBatch::RocksBatch(RocksBatch&&) noexcept = default;
RocksBatch& RocksBatch::operator=(RocksBatch&&) noexcept = default;
RocksBatch::~RocksBatch() = default;

// WriteBatch refuses only what is 4 GiB and more, and then so does the write.
void RocksBatch::Put(std::string_view key, std::string_view value) {
  impl_->batch.Put(Slice(key), Slice(value)).PermitUncheckedError();
}
void RocksBatch::Delete(std::string_view key) {
  impl_->batch.Delete(Slice(key)).PermitUncheckedError();
}
void RocksBatch::DeleteRange(std::string_view begin, std::string_view end) {
  impl_->batch.DeleteRange(Slice(begin), Slice(end)).PermitUncheckedError();
}
void RocksBatch::Clear() { impl_->batch.Clear(); }
size_t RocksBatch::bytes() const { return impl_->batch.GetDataSize(); }

struct Rocks::Impl {
  // Constant after Open.
  std::string folder;
  Options options;
  rocksdb::Options rocks_options;
  std::shared_ptr<StopListener> listener = std::make_shared<StopListener>();

  // Every call shares it; GoOn has it alone.
  mutable std::shared_mutex mu;
  // Guarded by mu; shared with iterators. None: it could not be opened again yet.
  std::shared_ptr<rocksdb::DB> db;
  // One Ingest at a time.
  std::mutex ingest_mu;
  uint64_t next_file = 0;  // guarded by ingest_mu

  absl::Status OpenDb();
  absl::Status GoOn();
  absl::Status GoOnIfStopped() { return listener->stopped ? GoOn() : absl::OkStatus(); }
  absl::Status Gone() const {
    return absl::UnavailableError(
        absl::StrCat("the store in ", folder, " is closed after an error"));
  }
  absl::Status WaitForRoomInLevel0();
  absl::Status WriteFile(const std::string& path, std::span<const Row> rows);
  absl::Status IngestFile(const std::string& path);
  RocksIterator Iterate(std::string_view lower, std::string_view upper, bool forward) const;
};

absl::Status Rocks::Impl::OpenDb() {
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status s = rocksdb::DB::Open(rocks_options, folder, &opened);
  if (s.ok()) {
    db.reset(opened);
    return absl::OkStatus();
  }
  if (IsHeldLock(s.ToString())) {
    return absl::FailedPreconditionError(
        absl::StrCat("another process is using ", folder, " (", s.ToString(), ")"));
  }
  return ToStatus(s, "opening the store", folder);
}

// After an error of its background work RocksDB goes on when asked. After one of its write-ahead
// log 7.8 does not: with nothing in memory it would write behind the torn end, and a second failure
// is final. So the store is opened again, which reads back all that was acknowledged.
absl::Status Rocks::Impl::GoOn() {
  std::unique_lock lock(mu);
  if (!listener->stopped) return absl::OkStatus();
  uint64_t in_memory = 0;
  if (db) db->GetIntProperty(rocksdb::DB::Properties::kCurSizeAllMemTables, &in_memory);
  TW_RETURN_IF_ERROR(CheckRoom(folder, in_memory));
  if (db && !listener->log_broken) {
    listener->stopped = false;
    rocksdb::Status s = db->Resume();
    // Makes it look for waiting compactions, which clearing the error alone does not.
    if (s.ok()) s = db->PauseBackgroundWork();
    if (s.ok()) s = db->ContinueBackgroundWork();
    if (s.ok()) return absl::OkStatus();
    listener->stopped = true;
    if (s.severity() <= rocksdb::Status::kHardError) {
      return ToStatus(s, "going on after an error", folder);
    }
  }
  if (db.use_count() > 1) {
    return absl::UnavailableError(absl::StrCat(
        "the store in ", folder, " can go on only when all that read through it are done"));
  }
  listener->log_broken = true;
  db.reset();
  absl::Status status = OpenDb();
  if (status.ok()) {
    listener->log_broken = false;
    listener->stopped = false;
    return status;
  }
  // Reads go on meanwhile, if that much works.
  rocksdb::DB* readable = nullptr;
  if (rocksdb::DB::OpenForReadOnly(rocks_options, folder, &readable).ok()) db.reset(readable);
  return status;
}

// An ingest does not slow down by itself when compaction falls behind.
absl::Status Rocks::Impl::WaitForRoomInLevel0() {
  for (;;) {
    uint64_t files = 0;
    std::string text;
    std::shared_lock lock(mu);
    if (!db) return Gone();
    if (!db->GetProperty(rocksdb::DB::Properties::kNumFilesAtLevelPrefix + "0", &text)) break;
    if (!absl::SimpleAtoi(text, &files) || files < kMaxPiledFiles) break;
    if (listener->stopped) {
      return absl::ResourceExhaustedError(
          absl::StrCat("merging files in ", folder, ": it stopped, most likely for want of room"));
    }
    lock.unlock();
    std::this_thread::sleep_for(kPileLook);
  }
  return absl::OkStatus();
}

absl::Status Rocks::Impl::WriteFile(const std::string& path, std::span<const Row> rows) {
  rocksdb::SstFileWriter writer(rocksdb::EnvOptions(), rocks_options);
  rocksdb::Status s = writer.Open(path);
  for (const Row& row : rows) {
    if (!s.ok()) break;
    s = row.value ? writer.Put(Slice(row.key), Slice(*row.value)) : writer.Delete(Slice(row.key));
  }
  if (s.ok()) s = writer.Finish();
  return ToStatus(s, "writing a sorted file", folder);
}

absl::Status Rocks::Impl::IngestFile(const std::string& path) {
  rocksdb::IngestExternalFileOptions ingest;
  ingest.move_files = true;
  ingest.write_global_seqno = false;
  std::shared_lock lock(mu);
  if (!db) return Gone();
  return ToStatus(db->IngestExternalFile({path}, ingest), "taking in a sorted file", folder);
}

RocksIterator Rocks::Impl::Iterate(std::string_view lower, std::string_view upper,
                                   bool forward) const {
  auto impl = std::make_unique<RocksIterator::Impl>();
  impl->folder = &folder;
  impl->forward = forward;
  impl->lower = lower;
  impl->upper = upper;
  if (!upper.empty() && lower >= upper) return RocksIterator(std::move(impl));
  std::shared_lock lock(mu);
  if (!db) impl->error = Gone();
  if (!db) return RocksIterator(std::move(impl));
  impl->db = db;
  impl->lower_slice = impl->lower;
  impl->read.iterate_lower_bound = &impl->lower_slice;
  if (!impl->upper.empty()) {
    impl->upper_slice = impl->upper;
    impl->read.iterate_upper_bound = &impl->upper_slice;
  }
  impl->it.reset(db->NewIterator(impl->read));
  if (forward) {
    impl->it->SeekToFirst();
  } else {
    impl->it->SeekToLast();
  }
  return RocksIterator(std::move(impl));
}

Rocks::Rocks(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Rocks::~Rocks() = default;

absl::StatusOr<std::unique_ptr<Rocks>> Rocks::Open(const std::string& folder, Options options) {
  if (folder.empty()) return absl::InvalidArgumentError("the folder of a store has no name");
  const bool exists = [&] {
    std::error_code error;
    return fs::exists(fs::path(folder) / "CURRENT", error);
  }();
  if (!exists) {
    if (options.must_exist) return absl::NotFoundError(absl::StrCat("no store in ", folder));
    TW_RETURN_IF_ERROR(MakeFolder(fs::path(folder).lexically_normal()));
    TW_RETURN_IF_ERROR(CheckNotBeheaded(folder));
  }
  auto impl = std::make_unique<Impl>();
  impl->folder = folder;
  impl->options = options;
  impl->rocks_options = MakeOptions(options);
  impl->rocks_options.listeners.push_back(impl->listener);
  TW_RETURN_IF_ERROR(impl->OpenDb());
  TW_RETURN_IF_ERROR(RemoveLeftovers(folder));
  return std::unique_ptr<Rocks>(new Rocks(std::move(impl)));
}

absl::StatusOr<bool> Rocks::Get(std::string_view key, std::string& value) const {
  std::shared_lock lock(impl_->mu);
  if (!impl_->db) return impl_->Gone();
  const rocksdb::Status s = impl_->db->Get(rocksdb::ReadOptions(), Slice(key), &value);
  if (s.ok()) return true;
  if (s.IsNotFound()) return false;
  return ToStatus(s, "reading a row", impl_->folder);
}

absl::StatusOr<std::optional<std::string>> Rocks::Get(std::string_view key) const {
  std::string value;
  TW_ASSIGN_OR_RETURN(const bool found, Get(key, value));
  if (!found) return std::nullopt;
  return value;
}

RocksIterator Rocks::Forward(std::string_view prefix) const {
  return impl_->Iterate(prefix, PrefixEnd(prefix), true);
}
RocksIterator Rocks::Backward(std::string_view prefix) const {
  return impl_->Iterate(prefix, PrefixEnd(prefix), false);
}
RocksIterator Rocks::ForwardRange(std::string_view begin, std::string_view end) const {
  return impl_->Iterate(begin, end, true);
}
RocksIterator Rocks::BackwardRange(std::string_view begin, std::string_view end) const {
  return impl_->Iterate(begin, end, false);
}

absl::Status Rocks::Write(const RocksBatch& batch, bool sync) {
  if (impl_->options.writes != Writes::kBatches) {
    return absl::InvalidArgumentError(absl::StrCat("the store in ", impl_->folder,
                                                   " is written by sorted files, not by batches"));
  }
  // 7.8 takes the hint of a row for a range's too, and goes wrong.
  if (impl_->options.rising_prefix > 0 && batch.impl_->batch.HasDeleteRange()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the store in ", impl_->folder, " has rising prefixes, and so no deletion of ranges"));
  }
  TW_RETURN_IF_ERROR(CheckRoom(impl_->folder, batch.bytes()));
  TW_RETURN_IF_ERROR(impl_->GoOnIfStopped());
  rocksdb::WriteOptions write;
  write.sync = sync;
  std::shared_lock lock(impl_->mu);
  if (!impl_->db) return impl_->Gone();
  // RocksDB takes the batch as mutable for a header that the next write overwrites.
  const rocksdb::Status s = impl_->db->Write(write, &batch.impl_->batch);
  if (!s.ok()) impl_->listener->stopped = true;
  return ToStatus(s, "writing", impl_->folder);
}

absl::Status Rocks::Ingest(std::span<const Row> rows) {
  if (impl_->options.writes != Writes::kSortedFiles) {
    return absl::InvalidArgumentError(absl::StrCat("the store in ", impl_->folder,
                                                   " is written by batches, not by sorted files"));
  }
  if (rows.empty()) return absl::OkStatus();
  uint64_t bytes = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    bytes += rows[i].key.size() + (rows[i].value ? rows[i].value->size() : 0);
    if (i > 0 && rows[i - 1].key >= rows[i].key) {
      return absl::InvalidArgumentError(
          absl::StrCat("row ", i, " of ", rows.size(), " does not come after the one before it"));
    }
  }
  std::lock_guard ingest_lock(impl_->ingest_mu);
  TW_RETURN_IF_ERROR(CheckRoom(impl_->folder, bytes));
  TW_RETURN_IF_ERROR(impl_->GoOnIfStopped());
  TW_RETURN_IF_ERROR(impl_->WaitForRoomInLevel0());
  const std::string path = absl::StrCat(impl_->folder, "/", kIngestPrefix, impl_->next_file++);
  absl::Status status = impl_->WriteFile(path, rows);
  if (status.ok()) status = impl_->IngestFile(path);
  if (!status.ok()) unlink(path.c_str());
  return status;
}

absl::Status Rocks::CompactRange(std::string_view begin, std::string_view end) {
  TW_RETURN_IF_ERROR(impl_->GoOnIfStopped());
  const rocksdb::Slice lower = Slice(begin);
  const rocksdb::Slice upper = Slice(end);
  rocksdb::CompactRangeOptions options;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
  std::shared_lock lock(impl_->mu);
  if (!impl_->db) return impl_->Gone();
  return ToStatus(impl_->db->CompactRange(options, &lower, end.empty() ? nullptr : &upper),
                  "compacting", impl_->folder);
}

absl::Status Rocks::Verify() const {
  std::shared_lock lock(impl_->mu);
  if (!impl_->db) return impl_->Gone();
  return ToStatus(impl_->db->VerifyChecksum(rocksdb::ReadOptions()), "verifying", impl_->folder);
}

uint64_t Rocks::ApproximateBytes() const {
  uint64_t files = 0;
  std::shared_lock lock(impl_->mu);
  if (!impl_->db || !impl_->db->GetIntProperty(rocksdb::DB::Properties::kTotalSstFilesSize, &files))
    return 0;
  return files;
}

const std::string& Rocks::folder() const { return impl_->folder; }

std::string PrefixEnd(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xff) end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

}  // namespace tallywire
