// SPDX-License-Identifier: Apache-2.0
#include "tools/commands/append.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/limits.h"
#include "ledger/status.h"
#include "tools/api/json.h"
#include "tools/commands/append_batch.h"
#include "tools/commands/append_input.h"
#include "tools/progress.h"
#include "tools/table.h"

namespace tallywire {
namespace {

using Got = AppendInput::Got;

// What a slow source has given is sent after so long without more.
constexpr int kQuietMilliseconds = 200;

// A descriptor that is closed at the end, unless it is somebody else's.
class File {
 public:
  File() = default;
  File(int fd, bool owned) : fd_(fd), owned_(owned) {}
  ~File() {
    if (owned_ && fd_ >= 0) ::close(fd_);
  }
  File(File&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), owned_(std::exchange(other.owned_, false)) {}
  File& operator=(File&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(owned_, other.owned_);
    return *this;
  }
  int fd() const { return fd_; }

 private:
  int fd_ = -1;
  bool owned_ = false;
};

absl::Status Wrong(const std::string& file, const char* what) {
  const std::string text = absl::StrCat(file, ": ", what, ": ", strerror(errno));
  return errno == ENOENT ? absl::NotFoundError(text) : absl::InvalidArgumentError(text);
}

absl::StatusOr<File> OpenInput(const Context& context, const std::string& file) {
  if (file == "-") return File(context.host->in, false);
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Wrong(file, "cannot be read");
  return File(fd, true);
}

// The file for what is refused; never the input itself.
absl::StatusOr<File> OpenRejected(const std::string& file, int input) {
  if (file.empty()) return File();
  File out(::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666), true);
  if (out.fd() < 0) return Wrong(file, "cannot be written");
  struct stat a {};
  struct stat b {};
  if (::fstat(out.fd(), &a) == 0 && ::fstat(input, &b) == 0 && a.st_dev == b.st_dev &&
      a.st_ino == b.st_ino && S_ISREG(a.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat("--rejected ", file, ": is the input itself"));
  }
  if (S_ISREG(a.st_mode) && ::ftruncate(out.fd(), 0) != 0) return Wrong(file, "cannot be written");
  return out;
}

// How many bytes there are to read; 0 where nobody knows.
int64_t SizeOf(int fd) {
  struct stat s {};
  return ::fstat(fd, &s) == 0 && S_ISREG(s.st_mode) ? s.st_size : 0;
}

bool IsBlank(std::string_view text) {
  return text.find_first_not_of(" \t\r") == std::string_view::npos;
}

class AppendRun {
 public:
  AppendRun(Context& context, const AppendOptions& options, Api* api, int fd, Output* rejected)
      : context_(context),
        binary_(options.format == "binary"),
        unit_(binary_ ? "record" : "line"),
        input_(binary_ ? OpenFrames(fd, context.host->stop) : OpenLines(fd, context.host->stop)),
        batch_(context, api, {.unit = unit_, .events = options.batch, .rejected = rejected}),
        progress_(&context.err(), "append", "bytes"),
        bytes_(SizeOf(fd)) {}

  Result Run() {
    absl::Status status = ReadAll();
    // What was read before the input broke off is whole, and goes in.
    if (status.code() != absl::StatusCode::kCancelled && !failed_) {
      const absl::Status sent = batch_.Send();
      failed_ = !sent.ok();
      if (status.ok() || failed_) status = sent;
    }
    progress_.Done();
    Summarize();
    if (!status.ok()) return Stopped(status);
    return batch_.counts().refused > 0 ? Exit::kFindings : Exit::kOk;
  }

 private:
  absl::Status ReadAll() {
    for (;;) {
      TW_ASSIGN_OR_RETURN(const Got got, input_->Next(kQuietMilliseconds));
      if (got == Got::kEnd) return absl::OkStatus();
      if (got == Got::kItem) TakeItem();
      if (got == Got::kHuge) TakeHuge();
      if (got == Got::kMore) batch_.KeepMore(Raw());
      if (huge_ || batch_.full() || (got == Got::kQuiet && !batch_.empty())) {
        const absl::Status sent = batch_.Send();
        failed_ = !sent.ok();
        if (failed_) return sent;
        huge_ = false;
      }
      progress_.Update(input_->consumed(), bytes_);
    }
  }

  void TakeItem() {
    const std::string_view payload = input_->payload();
    if (!binary_ && IsBlank(payload)) return;
    v1::StockEvent event;
    std::optional<std::string> wrong;
    if (binary_) {
      if (!event.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) {
        wrong = "not a StockEvent";
      }
    } else if (const absl::Status status = FromJson(payload, &event); !status.ok()) {
      wrong = std::string(status.message());
    }
    if (!wrong) return batch_.Add(input_->number(), Raw(), std::move(event));
    batch_.AddRefused(input_->number(), Raw(), payload,
                      {.reason = RefusedReason::kUndecodable, .detail = *std::move(wrong)});
  }

  void TakeHuge() {
    batch_.AddRefused(
        input_->number(), Raw(), input_->payload(),
        {.reason = RefusedReason::kTooLarge,
         .detail = binary_ ? absl::StrCat("more than ", kMaxEventBytes, " bytes")
                           : absl::StrCat("more than ", kMaxLineBytes, " bytes in one line")});
    huge_ = true;
  }

  // As it came, and the last line of a file made whole.
  std::string Raw() const {
    std::string raw(input_->raw());
    if (!binary_ && input_->item_ends() && !raw.ends_with('\n')) raw += '\n';
    return raw;
  }

  void Summarize() {
    const AppendCounts& counts = batch_.counts();
    v1::AppendEventsResponse response;
    response.set_appended(counts.appended);
    response.set_refused(counts.refused);
    Output& out = context_.out();
    switch (context_.format()) {
      case Format::kJson:
        out.Write(ToJson(response, {.indented = true}));
        break;
      case Format::kJsonl:
        out.Write(ToJson(response) + "\n");
        break;
      case Format::kTable:
        out.Write(
            absl::StrCat("appended  ", counts.appended, "\nrefused   ", counts.refused, "\n"));
        for (const auto& [reason, n] : counts.reasons) {
          out.Write(absl::StrCat("  ", std::string(Name(reason)), "  ", n, "\n"));
        }
        break;
    }
  }

  absl::Status Stopped(const absl::Status& status) {
    context_.Say(absl::StrCat("stopped after ", unit_, " ", batch_.counts().last_number,
                              ": everything up to it is in, or told above as refused. Append the "
                              "same input again to go on: what is in changes nothing."));
    return status;
  }

  Context& context_;
  const bool binary_;
  const std::string unit_;
  const std::unique_ptr<AppendInput> input_;
  AppendBatch batch_;
  Progress progress_;
  const int64_t bytes_;
  bool failed_ = false;
  bool huge_ = false;  // the item refused last has more bytes to come
};

}  // namespace

Result RunAppend(Context& context, const AppendOptions& options) {
  TW_ASSIGN_OR_RETURN(const File input, OpenInput(context, options.file));
  TW_ASSIGN_OR_RETURN(const File rejected_file, OpenRejected(options.rejected, input.fd()));
  TW_ASSIGN_OR_RETURN(Connection* const connection,
                      context.Connect({.settle = false, .create = true, .needs = Needs::kLog}));
  Output rejected(rejected_file.fd());
  AppendRun run(context, options, connection->api, input.fd(),
                options.rejected.empty() ? nullptr : &rejected);
  Result result = run.Run();
  const absl::Status kept = rejected.Flush();
  if (!kept.ok()) {
    return absl::UnknownError(
        absl::StrCat("--rejected ", options.rejected, ": ", std::string(kept.message())));
  }
  return result;
}

}  // namespace tallywire
