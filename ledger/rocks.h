// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_LEDGER_ROCKS_H_
#define TALLYWIRE_LEDGER_ROCKS_H_

// The small part of RocksDB that log, projector and publisher share: ordered rows of bytes in one
// folder, owned by one process, written atomically. All stores of a process share one block cache,
// one memory bound and one pool of background threads.
//
// A store is written either by batches through the write-ahead log (Write) or by whole sorted files
// (Ingest), never by both: chosen once, at Open.
//
//   auto store = Rocks::Open("state/3", {.writes = Rocks::Writes::kSortedFiles});
//   std::vector<Rocks::Row> rows = {{"a", "1"}, {"b", std::nullopt}};   // sorted; b is deleted
//   (*store)->Ingest(rows);                                             // all of it, or nothing
//   auto value = (*store)->Get("a");                                    // OK and "1"
//   for (auto it = (*store)->Forward("a"); it.Valid(); it.Next()) Use(it.key(), it.value());
//   // then ask it.status(): a scan that failed looks like one that ended
//
// Rocks is an interface: Rocks::Open makes the one that lies on a disk, an OpenRocks whichever its
// maker likes. tests/rocks_conformance.h is the contract in code.
//
// Threads: a Rocks may be used by many threads at once, an iterator by one at a time. Reads are
// never held up by writes. Iterators must be gone before their store is.
// Errors: RESOURCE_EXHAUSTED: no room; nothing of the call was written, and the same call works
// once there is room. DATA_LOSS: what is stored does not read back; stop. FAILED_PRECONDITION:
// another process has the folder; the text names it. UNAVAILABLE: an I/O error; nothing is known of
// the call that got it. INVALID_ARGUMENT: the call is wrong, the text says how.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace rocksdb {
class WriteBatch;
}  // namespace rocksdb

namespace tallywire {

// Walks rows in one direction within bounds, seeing the store as it was when it was made.
class RocksIterator {
 public:
  class Walk {  // what a store gives
   public:
    virtual ~Walk() = default;
    virtual bool Valid() const = 0;
    virtual void Next() = 0;
    virtual void Seek(std::string_view key) = 0;
    virtual std::string_view key() const = 0;
    virtual std::string_view value() const = 0;
    virtual absl::Status status() const = 0;
  };
  explicit RocksIterator(std::unique_ptr<Walk> walk) : walk_(std::move(walk)) {}

  // False at the end of the bounds, and after an error.
  bool Valid() const { return walk_->Valid(); }
  // To the following row of its direction. Only while Valid().
  void Next() { walk_->Next(); }
  // To the first row of its direction that is not before `key`: forward the least that is >= key,
  // backward the greatest that is <= key. A key outside the bounds is moved to the nearer bound.
  void Seek(std::string_view key) { walk_->Seek(key); }
  // Views live until the next call. Only while Valid().
  std::string_view key() const { return walk_->key(); }
  std::string_view value() const { return walk_->value(); }
  // What ended the walk: OK at the end of the bounds.
  [[nodiscard]] absl::Status status() const { return walk_->status(); }

 private:
  std::unique_ptr<Walk> walk_;
};

// Changes that are written together. Reusable after Clear.
class RocksBatch {
 public:
  RocksBatch();
  RocksBatch(RocksBatch&&) noexcept;
  RocksBatch& operator=(RocksBatch&&) noexcept;
  ~RocksBatch();

  void Put(std::string_view key, std::string_view value);
  void Delete(std::string_view key);
  // Every key in [begin, end).
  void DeleteRange(std::string_view begin, std::string_view end);
  void Clear();
  // Bytes it takes in the write-ahead log.
  size_t bytes() const;

  // The changes in the order in which they were made.
  class Visitor {
   public:
    virtual ~Visitor() = default;
    virtual void Put(std::string_view key, std::string_view value) = 0;
    virtual void Delete(std::string_view key) = 0;
    virtual void DeleteRange(std::string_view begin, std::string_view end) = 0;
  };
  void Visit(Visitor& visitor) const;
  bool HasDeleteRange() const;

 private:
  friend class RocksOnDisk;
  std::unique_ptr<rocksdb::WriteBatch> batch_;
};

class Rocks {
 public:
  enum class Writes {
    kBatches,      // Write
    kSortedFiles,  // Ingest
  };
  struct Options {
    Writes writes = Writes::kBatches;
    // Filters that spare a Get of an absent key its read; for stores that are asked by key.
    bool filters = true;
    // An existing store only: NOT_FOUND if the folder has none.
    bool must_exist = false;
    // For batches whose keys rise within each of few prefixes of so many bytes, as those of a log
    // do: a put costs a third. No DeleteRange then. 0: none.
    size_t rising_prefix = 0;
    // Whatever the folder has is removed at Open, and the folder when the store goes.
    bool scratch = false;
  };
  // What a row becomes: `value`, or nothing at all.
  struct Row {
    std::string_view key;
    std::optional<std::string_view> value;
  };

  // Opens the store in `folder`; makes it, with the folders above it, unless told otherwise.
  static absl::StatusOr<std::unique_ptr<Rocks>> Open(const std::string& folder, Options options);
  virtual ~Rocks() = default;
  Rocks(const Rocks&) = delete;
  Rocks& operator=(const Rocks&) = delete;

  // Into memory that is used again; false: no such row.
  [[nodiscard]] virtual absl::StatusOr<bool> Get(std::string_view key,
                                                 std::string& value) const = 0;
  // Nothing if there is no such row.
  [[nodiscard]] absl::StatusOr<std::optional<std::string>> Get(std::string_view key) const;

  enum class Direction { kForward, kBackward };
  // Rows with a key in [begin, end); `end` empty: all from `begin` on.
  virtual RocksIterator Iterate(std::string_view begin, std::string_view end,
                                Direction direction) const = 0;
  // Rows whose key begins with `prefix` (empty: all), upwards from the least, downwards from the
  // greatest.
  RocksIterator Forward(std::string_view prefix) const;
  RocksIterator Backward(std::string_view prefix) const;
  RocksIterator ForwardRange(std::string_view begin, std::string_view end) const;
  RocksIterator BackwardRange(std::string_view begin, std::string_view end) const;

  // Writes the batch, all or nothing; with `sync` it is durable when this returns OK. After an
  // error nothing is known about this batch until the store is opened again.
  [[nodiscard]] virtual absl::Status Write(const RocksBatch& batch, bool sync) = 0;

  // Writes all rows as one sorted file, all or nothing, durable when this returns OK. Keys rise and
  // none comes twice, else INVALID_ARGUMENT. No rows: nothing to do. One call at a time; waits
  // for a compaction if too many files have piled up.
  [[nodiscard]] virtual absl::Status Ingest(std::span<const Row> rows) = 0;

  // Merges what lies in [begin, end), so that deleted rows cost nothing more.
  [[nodiscard]] virtual absl::Status CompactRange(std::string_view begin, std::string_view end) = 0;

  // Reads every block of every file and checks its checksum: DATA_LOSS on the first that fails.
  [[nodiscard]] virtual absl::Status Verify() const = 0;

  // Bytes of its files, about.
  virtual uint64_t ApproximateBytes() const = 0;

  const std::string& folder() const { return folder_; }
  const Options& options() const { return options_; }

 protected:
  Rocks(std::string folder, Options options) : folder_(std::move(folder)), options_(options) {}
  // For Write and Ingest: OK if the call is right.
  absl::Status CheckBatch(const RocksBatch& batch) const;
  absl::Status CheckRows(std::span<const Row> rows) const;

 private:
  const std::string folder_;
  const Options options_;
};

// How a part of the program opens its store; empty: by Rocks::Open.
using OpenRocks = std::function<absl::StatusOr<std::unique_ptr<Rocks>>(const std::string& folder,
                                                                       Rocks::Options options)>;
absl::StatusOr<std::unique_ptr<Rocks>> OpenRocksBy(const OpenRocks& open, const std::string& folder,
                                                   Rocks::Options options);
// The least key above every key that begins with `prefix`; empty if there is none.
std::string PrefixEnd(std::string_view prefix);

}  // namespace tallywire

#endif  // TALLYWIRE_LEDGER_ROCKS_H_
