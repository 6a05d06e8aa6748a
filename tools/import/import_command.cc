// SPDX-License-Identifier: Apache-2.0
#include "tools/import/import_command.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ledger/codec.h"
#include "ledger/status.h"
#include "tools/api/json.h"
#include "tools/import/csv_reader.h"
#include "tools/import/import_batch.h"
#include "tools/import/map.h"
#include "tools/import/mapper.h"
#include "tools/import/opening.h"
#include "tools/progress.h"
#include "tools/table.h"

namespace tallywire {
namespace {

using Clock = std::chrono::steady_clock;

// How often a line tells of the way that is done, where there is no terminal for a bar.
constexpr std::chrono::seconds kLineEvery{5};
// Rows between two looks at the clock and at ^C.
constexpr int64_t kLookEvery = 256;

double SecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

std::string BaseName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// A bar on a terminal, a line every few seconds elsewhere.
class ReadProgress {
 public:
  ReadProgress(const Context& context, const char* what)
      : context_(context), what_(what), bar_(&context.err(), what, "bytes") {}

  void Update(const InputFile& file, int64_t rows) {
    bar_.Update(file.position(), file.size());
    if (context_.err().IsTerminal() || Clock::now() - told_ < kLineEvery) return;
    told_ = Clock::now();
    context_.Say(absl::StrCat(
        ProgressLine(what_, "bytes", file.position(), file.size(), SecondsSince(begin_)), ", ",
        WithCommas(rows), " rows"));
  }

  void Done() { bar_.Done(); }

 private:
  const Context& context_;
  const std::string what_;
  Progress bar_;
  const Clock::time_point begin_ = Clock::now();
  Clock::time_point told_ = begin_;
};

// The file for rejected rows, with its header; closed at the end of its life.
class RejectedFile {
 public:
  static absl::StatusOr<std::unique_ptr<RejectedFile>> Create(
      const std::string& path, const std::string& input, const std::vector<std::string>& header,
      char delimiter) {
    struct stat there {};
    struct stat in {};
    if (stat(path.c_str(), &there) == 0 && stat(input.c_str(), &in) == 0 &&
        there.st_dev == in.st_dev && there.st_ino == in.st_ino) {
      return absl::InvalidArgumentError(absl::StrCat("--rejected ", path, ": is the input itself"));
    }
    int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
      return absl::InvalidArgumentError(absl::StrCat("--rejected ", path, ": ", strerror(errno)));
    }
    auto file = std::unique_ptr<RejectedFile>(new RejectedFile(fd));
    std::vector<std::string> columns = RejectedColumns();
    columns.insert(columns.end(), header.begin(), header.end());
    file->out_.Write(CsvLine(columns, delimiter));
    TW_RETURN_IF_ERROR(file->out_.Flush());
    return file;
  }

  ~RejectedFile() { close(fd_); }

  Output* out() { return &out_; }

 private:
  explicit RejectedFile(int fd) : fd_(fd), out_(fd) {}

  const int fd_;
  Output out_;
};

// The table as the map reads it, from its first row.
struct Source {
  std::unique_ptr<CsvReader> reader;
  std::unique_ptr<RowMapper> mapper;
};

absl::StatusOr<Source> OpenSource(const RowMap& map, const std::string& file) {
  Source source;
  TW_ASSIGN_OR_RETURN(source.reader, CsvReader::Open(file, map.delimiter));
  TW_ASSIGN_OR_RETURN(source.mapper, RowMapper::Create(&map, source.reader->header()));
  return source;
}

class ImportRun {
 public:
  ImportRun(Context& context, const ImportOptions& options)
      : context_(context), options_(options) {}

  Result Run() {
    TW_ASSIGN_OR_RETURN(map_, LoadMap(options_.map));
    TW_ASSIGN_OR_RETURN(source_, OpenSource(map_, options_.file));
    if (options_.opening_counts) TW_RETURN_IF_ERROR(DeriveOpening());
    if (!options_.rejected.empty()) {
      TW_ASSIGN_OR_RETURN(rejected_,
                          RejectedFile::Create(options_.rejected, options_.file,
                                               source_.reader->header(), map_.delimiter));
    }
    Api* api = nullptr;
    if (!options_.dry_run) {
      const ConnectOptions connect{.settle = false, .create = true, .needs = Needs::kLog};
      TW_ASSIGN_OR_RETURN(Connection* const connection, context_.Connect(connect));
      api = connection->api;
    }
    batch_ = std::make_unique<ImportBatch>(
        context_, api, map_, source_.mapper.get(),
        ImportBatch::Options{.events = options_.batch,
                             .rejected = rejected_ == nullptr ? nullptr : rejected_->out(),
                             .delimiter = map_.delimiter});
    begin_ = Clock::now();
    absl::Status status = SendAll();
    Summarize();
    if (!status.ok()) return Stopped(status);
    return batch_->counts().refused_rows > 0 ? Exit::kFindings : Exit::kOk;
  }

 private:
  // The first pass: reads the table once, appends nothing.
  absl::Status DeriveOpening() {
    TW_ASSIGN_OR_RETURN(Source source, OpenSource(map_, options_.file));
    ReadProgress progress(context_, "opening counts");
    OpeningCounts opening;
    Decoder decoder;
    CsvRow row;
    v1::StockEvent event;
    for (int64_t rows = 0;; ++rows) {
      TW_ASSIGN_OR_RETURN(bool any, source.reader->Next(&row));
      if (!any) break;
      RowOutcome outcome = source.mapper->Map(row, &event);
      // What the ledger refuses moves nothing.
      if (outcome.kind == RowOutcome::Kind::kEvent &&
          std::holds_alternative<const Event*>(decoder.Check(event, Placement{}))) {
        opening.Add(event);
      }
      if (rows % kLookEvery != 0) continue;
      if (context_.host->stop())
        return absl::CancelledError("stopped before anything was appended");
      progress.Update(source.reader->file(), rows);
    }
    opening_ = opening.Derive(map_.source);
    return absl::OkStatus();
  }

  absl::Status SendAll() {
    for (const v1::StockEvent& event : map_.definitions) {
      batch_->AddEvent(absl::StrCat("definition ", event.event_id()), event);
      if (batch_->full()) TW_RETURN_IF_ERROR(batch_->Send());
    }
    for (v1::StockEvent& event : opening_) {
      batch_->AddEvent(absl::StrCat("opening count of ", event.sku()), event);
      if (batch_->full()) TW_RETURN_IF_ERROR(batch_->Send());
    }
    TW_RETURN_IF_ERROR(batch_->Send());
    absl::Status read = SendRows();
    if (read.code() == absl::StatusCode::kCancelled || failed_) return read;
    // What was read before the file broke off is whole, and goes in.
    absl::Status sent = batch_->Send();
    return read.ok() ? sent : read;
  }

  absl::Status SendRows() {
    ReadProgress progress(context_, "import");
    CsvRow row;
    v1::StockEvent event;
    for (int64_t rows = 0;; ++rows) {
      TW_ASSIGN_OR_RETURN(bool any, source_.reader->Next(&row));
      if (!any) break;
      int64_t number = row.number;
      RowOutcome outcome = source_.mapper->Map(row, &event);
      if (number < options_.from_row) {
        ++passed_over_;
        continue;
      }
      batch_->AddRow(std::move(row), std::move(outcome), std::move(event));
      if (batch_->full()) {
        absl::Status sent = batch_->Send();
        failed_ = !sent.ok();
        TW_RETURN_IF_ERROR(sent);
      }
      if (rows % kLookEvery != 0) continue;
      if (context_.host->stop()) return absl::CancelledError("stopped");
      progress.Update(source_.reader->file(), rows);
    }
    progress.Done();
    return absl::OkStatus();
  }

  // --- What a person is told at the end.

  void Summarize() {
    const ImportCounts& counts = batch_->counts();
    v1::AppendEventsResponse response;
    response.set_appended(counts.appended);
    response.set_refused(counts.refused_rows);
    switch (context_.format()) {
      case Format::kJson:
        context_.out().Write(ToJson(response, {.indented = true}));
        return;
      case Format::kJsonl:
        context_.out().Write(ToJson(response) + "\n");
        return;
      case Format::kTable:
        SummarizeRows(counts);
        SummarizeEvents(counts);
        return;
    }
  }

  void SummarizeRows(const ImportCounts& counts) {
    Table table(&context_.out(),
                {{"ROWS", Align::kRight}, {"UNITS", Align::kRight}, {"WHAT"}, {""}});
    int64_t rows = 0;
    for (size_t i = 0; i < map_.rules.size(); ++i) {
      const MapRule& rule = map_.rules[i];
      const RuleCount& count = counts.rules[i];
      rows += count.rows;
      table.Row({WithCommas(count.rows), rule.body == nullptr ? "" : WithCommas(count.units),
                 rule.body == nullptr ? "left out" : rule.body->name(), rule.name});
    }
    for (const auto& [reason, n] : counts.refused) {
      rows += n;
      table.Row({WithCommas(n), "", "refused", reason});
    }
    table.Row({WithCommas(rows), "", "in all", ""});
    table.End();
  }

  void SummarizeEvents(const ImportCounts& counts) {
    const double seconds = SecondsSince(begin_);
    std::string text;
    if (passed_over_ > 0) {
      absl::StrAppend(&text, WithCommas(passed_over_), " rows before row ", options_.from_row,
                      " were read and not appended.\n");
    }
    if (options_.dry_run) {
      absl::StrAppend(&text, "Nothing was appended (--dry-run); it would be ",
                      WithCommas(counts.appended), " events");
    } else {
      absl::StrAppend(&text, WithCommas(counts.appended), " events appended");
    }
    absl::StrAppend(&text, ", among them ", map_.definitions.size(), " of the map's definitions");
    if (options_.opening_counts) {
      absl::StrAppend(&text, " and ", WithCommas(static_cast<int64_t>(opening_.size())),
                      " opening counts that are derived, not counted");
    }
    absl::StrAppend(&text, ".\n");
    if (!options_.dry_run) {
      absl::StrAppend(&text, "It took ", absl::StrFormat("%.1f", seconds), " s. The ledger ",
                      "drops each event that it knows already (by source, SKU and event id), so ",
                      "importing ", BaseName(options_.file), " again changes nothing.\n");
    }
    context_.out().Write(text);
  }

  absl::Status Stopped(const absl::Status& status) {
    const int64_t last = batch_->counts().last_row;
    if (last == 0) {
      context_.Say("stopped before the first row was in");
      return status;
    }
    context_.Say(absl::StrCat(
        "stopped after row ", last,
        ": everything up to it is in, left out, or told above as "
        "refused. Run the same command again to go on, as it is (what is in changes nothing) or, "
        "to be quicker, with --from-row ",
        last + 1));
    return status;
  }

  Context& context_;
  const ImportOptions& options_;

  // Set at the beginning of Run, in this order.
  RowMap map_;
  Source source_;
  std::vector<v1::StockEvent> opening_;
  std::unique_ptr<RejectedFile> rejected_;
  std::unique_ptr<ImportBatch> batch_;
  Clock::time_point begin_;

  int64_t passed_over_ = 0;
  // The ledger could not be reached: what is in the batch does not go in.
  bool failed_ = false;
};

}  // namespace

Result RunImport(Context& context, const ImportOptions& options) {
  return ImportRun(context, options).Run();
}

}  // namespace tallywire
