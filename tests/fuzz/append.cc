// SPDX-License-Identifier: Apache-2.0
// What `tallywire append` reads: lines of JSON, or messages with their length before them, in
// pieces as a pipe gives them. No byte is lost or told twice, whatever the pieces; JSON that is
// read can be written, and reads as the same.
//
// Input: lines or frames, the longest line, how long each piece is; then what is read.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "google/protobuf/stubs/logging.h"
#include "ledger/check.h"
#include "ledger/codec.h"
#include "ledger/names.h"
#include "tallywire/v1/event.pb.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/message_of.h"
#include "tools/api/json.h"
#include "tools/commands/append_input.h"

namespace tallywire::fuzz {
namespace {

using Got = AppendInput::Got;

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

class Pipe {
 public:
  Pipe() { TW_CHECK(::pipe2(ends_.data(), O_CLOEXEC | O_NONBLOCK) == 0, "a pipe can be made"); }
  ~Pipe() {
    Close();
    ::close(ends_[0]);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  int reader() const { return ends_[0]; }
  void Write(std::string_view bytes) {
    const ssize_t written = ::write(ends_[1], bytes.data(), bytes.size());
    TW_CHECK(written == static_cast<ssize_t>(bytes.size()), "a pipe takes a few bytes");
  }
  void Close() {
    if (ends_[1] >= 0) ::close(ends_[1]);
    ends_[1] = -1;
  }

 private:
  std::array<int, 2> ends_{};
};

// All that came of an input.
struct Read {
  std::vector<std::string> items;  // payloads; of one that is huge its beginning
  std::vector<bool> huge;
  std::string raw;
  absl::Status end;
};

Read ReadAll(bool lines, size_t longest, size_t piece, std::string_view bytes) {
  Pipe pipe;
  const auto go_on = [] { return false; };
  const std::unique_ptr<AppendInput> input =
      lines ? OpenLines(pipe.reader(), go_on, longest) : OpenFrames(pipe.reader(), go_on);
  Read read;
  bool inside = false;
  while (true) {
    const absl::StatusOr<Got> got = input->Next(0);
    read.end = got.status();
    if (!got.ok() || *got == Got::kEnd) break;
    if (*got == Got::kQuiet) {
      const std::string_view next = bytes.substr(0, piece);
      bytes.remove_prefix(next.size());
      if (next.empty()) {
        pipe.Close();
      } else {
        pipe.Write(next);
      }
      continue;
    }
    TW_CHECK(inside == (*got == Got::kMore),
             "more comes of what has not ended, and of nothing else");
    inside = !input->item_ends();
    TW_CHECK(*got != Got::kItem || !inside, "an item is whole");
    read.raw += input->raw();
    TW_CHECK(input->consumed() == static_cast<int64_t>(read.raw.size()), "bytes are counted");
    if (*got == Got::kMore) continue;
    read.items.emplace_back(input->payload());
    read.huge.push_back(*got == Got::kHuge);
    TW_CHECK(input->number() == static_cast<int64_t>(read.items.size()), "items are counted");
  }
  if (read.end.ok()) TW_CHECK(!inside, "the end is not inside an item");
  return read;
}

// Lines are the text between line feeds.
void CheckLines(std::string_view bytes, size_t longest, const Read& read) {
  TW_CHECK(read.end.ok(), "lines always end");
  CheckSame("what came and what was read", bytes, read.raw);
  size_t n = 0;
  for (std::string_view rest = bytes; !rest.empty(); ++n) {
    const size_t feed = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, feed);
    rest.remove_prefix(std::min(feed + 1, rest.size()));
    TW_CHECK(n < read.items.size(), "as many items as lines");
    TW_CHECK(read.huge[n] == (line.size() > longest), "huge is what is too long");
    // The mark may come in pieces, where a line is shorter than it.
    TW_CHECK(!read.huge[n] || line.find(read.items[n]) <= kByteOrderMark.size(),
             "a huge item is the beginning of its line");
    if (n == 0 && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
    if (!read.huge[n]) CheckSame("a line and its item", line, read.items[n]);
  }
  TW_CHECK(n == read.items.size(), "as many lines as items");
}

std::string Told(const std::variant<const Event*, Refusal>& checked) {
  if (const auto* refusal = std::get_if<Refusal>(&checked)) {
    TW_CHECK(IsUtf8(refusal->detail), "a detail is text");
    return refusal->detail;
  }
  return BytesOf(*std::get<const Event*>(checked));
}

// What JSON has no spelling for, ToJson leaves out, and nothing else.
bool HasJson(const v1::StockEvent& message) {
  const auto told = [](int64_t seconds, int32_t nanos, int64_t first, int64_t last) {
    return seconds >= first && seconds <= last && nanos >= 0 && nanos < 1'000'000'000;
  };
  constexpr int64_t kFirst = -62'135'596'800;
  constexpr int64_t kLast = 253'402'300'799;
  const auto& at = message.occurred_at();
  const auto& until = message.moved().until();
  const auto& lead = message.location_defined().lead_time();
  return told(at.seconds(), at.nanos(), kFirst, kLast) &&
         told(until.seconds(), until.nanos(), kFirst, kLast) &&
         told(lead.seconds(), lead.nanos(), 0, 315'576'000'000);
}

void CheckJson(std::string_view json) {
  v1::StockEvent event;
  const absl::Status status = FromJson(json, &event);
  if (!status.ok()) {
    const std::string_view text(status.message().data(), status.message().size());
    TW_CHECK(!text.empty() && text.find('\n') == std::string_view::npos, "one line of why");
    TW_CHECK(event.ByteSizeLong() == 0, "nothing is left of what was not read");
    return;
  }
  Decoder decoder;
  const std::string told = Told(decoder.Check(event, {}));
  for (const bool zeros : {true, false}) {
    v1::StockEvent again;
    const absl::Status read = FromJson(ToJson(event, {.zeros = zeros}), &again);
    TW_CHECK(read.ok(), "what is written is read");
    if (!HasJson(event)) continue;
    CheckSame("JSON and what is written of it", event.SerializeAsString(),
              again.SerializeAsString());
    CheckSame("what it says", told, Told(decoder.Check(again, {})));
  }
}

void CheckFrame(std::string_view value) {
  v1::StockEvent event;
  if (!event.ParseFromArray(value.data(), static_cast<int>(value.size()))) return;
  // Of an event that was refused its JSON is shown.
  TW_CHECK(!ToJson(event, {.zeros = false}).empty(), "any event has JSON");
}

void Run(Input in) {
  const google::protobuf::LogSilencer silencer;
  static constexpr std::array<size_t, 4> kLongest = {kMaxLineBytes, 64, 16, 1};
  const bool lines = in.Byte() % 4 != 3;
  const size_t longest = kLongest[static_cast<size_t>(in.Below(kLongest.size()))];
  const size_t least = in.Byte();
  const std::string_view bytes = in.Rest().substr(0, 4096);
  // A quarter of a megabyte is made ready for each.
  const size_t piece = std::max(least, bytes.size() / 16) + 1;

  const Read read = ReadAll(lines, longest, piece, bytes);
  const Read whole = ReadAll(lines, longest, 4096, bytes);
  TW_CHECK(read.end.ToString() == whole.end.ToString(), "one end, whatever the pieces");
  TW_CHECK(read.items.size() == whole.items.size(), "as many items, whatever the pieces");
  TW_CHECK(read.huge == whole.huge, "huge is huge, whatever the pieces");
  if (lines) {
    CheckLines(bytes, longest, read);
  } else if (read.end.ok()) {
    CheckSame("what came and what was read", bytes, read.raw);
  }
  for (size_t i = 0; i < read.items.size(); ++i) {
    if (!read.huge[i]) CheckSame("an item, whatever the pieces", read.items[i], whole.items[i]);
    if (read.huge[i]) continue;
    lines ? CheckJson(read.items[i]) : CheckFrame(read.items[i]);
  }
}

}  // namespace
}  // namespace tallywire::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tallywire::fuzz::Run(tallywire::fuzz::Input(data, size));
  return 0;
}
