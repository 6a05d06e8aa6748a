// SPDX-License-Identifier: Apache-2.0
#include "tools/api/topic_pages.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <memory>
#include <thread>

#include "absl/strings/str_cat.h"
#include "ledger/read_to.h"
#include "ledger/status.h"
#include "tools/api/problem.h"

namespace tallywire {
namespace {

constexpr size_t kBatch = 1'000;
// Between two looks at a topic in which nothing happens.
constexpr std::chrono::milliseconds kShortestRest{2};
constexpr std::chrono::milliseconds kLongestRest{20};

// The offsets after the mark; fewer than there are dots if one is not a number.
std::vector<Offset> ReadOffsets(std::string_view text) {
  std::vector<Offset> offsets;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (true) {
    int64_t value = 0;
    const auto read = std::from_chars(at, end, value);
    if (read.ec != std::errc() || value < 0) return {};
    offsets.emplace_back(value);
    if (read.ptr == end) return offsets;
    if (*read.ptr != '.') return {};
    at = read.ptr + 1;
  }
}

}  // namespace

absl::StatusOr<std::vector<LogBounds>> TopicPages::AllBounds() const {
  TW_ASSIGN_OR_RETURN(const TopicSpec spec, log_->Describe(topic_));
  std::vector<LogBounds> all;
  for (int32_t p = 0; p < spec.partitions; ++p) {
    TW_ASSIGN_OR_RETURN(const LogBounds bounds, log_->Bounds(topic_, Partition(p)));
    all.push_back(bounds);
  }
  return all;
}

absl::StatusOr<TopicPages::Position> TopicPages::Find(std::string_view token,
                                                      std::string_view field) const {
  TW_ASSIGN_OR_RETURN(const std::vector<LogBounds> bounds, AllBounds());
  Position position;
  if (token.empty() || token == "start" || token == "end") {
    for (const LogBounds& b : bounds) position.push_back(token == "end" ? b.end : b.begin);
    return position;
  }
  if (token.front() == mark_) position = ReadOffsets(token.substr(1));
  bool fits = position.size() == bounds.size();
  for (size_t p = 0; fits && p < bounds.size(); ++p) fits = position[p] <= bounds[p].end;
  if (!fits) {
    return FieldError(field,
                      absl::StrCat(std::string(token), " was not given by this ledger here"));
  }
  // What a token was given for may have been dropped since.
  for (size_t p = 0; p < bounds.size(); ++p) position[p] = std::max(position[p], bounds[p].begin);
  return position;
}

std::string TopicPages::Token(const Position& position) const {
  std::string token(1, mark_);
  for (size_t p = 0; p < position.size(); ++p) {
    absl::StrAppend(&token, p == 0 ? "" : ".", position[p].value());
  }
  return token;
}

absl::StatusOr<bool> TopicPages::Read(
    Position* position, const std::function<absl::StatusOr<bool>(const Record&)>& on_record) {
  for (size_t p = 0; p < position->size(); ++p) {
    Offset& next = (*position)[p];
    const Partition partition(static_cast<int32_t>(p));
    TW_ASSIGN_OR_RETURN(const LogBounds bounds, log_->Bounds(topic_, partition));
    if (next >= bounds.end) continue;
    TW_ASSIGN_OR_RETURN(const auto reader,
                        log_->OpenReader(topic_, partition, std::max(next, bounds.begin)));
    bool enough = false;
    const absl::Status read =
        ReadTo(*reader, bounds.end, [&](const Record& record) -> absl::Status {
          next = record.offset.Next();
          TW_ASSIGN_OR_RETURN(const bool more, on_record(record));
          enough = !more;
          return enough ? absl::CancelledError() : absl::OkStatus();
        });
    if (enough) return true;
    TW_RETURN_IF_ERROR(read);
    next = std::max(next, bounds.end);
  }
  return false;
}

absl::Status TopicPages::Follow(Position* position,
                                const std::function<absl::StatusOr<bool>(const Record&)>& on_record,
                                const std::function<bool()>& stop) {
  std::vector<std::unique_ptr<LogReader>> readers;
  for (size_t p = 0; p < position->size(); ++p) {
    TW_ASSIGN_OR_RETURN(
        auto reader, log_->OpenReader(topic_, Partition(static_cast<int32_t>(p)), (*position)[p]));
    readers.push_back(std::move(reader));
  }
  RecordBatch batch;
  std::chrono::milliseconds rest = kShortestRest;
  while (true) {
    bool any = false;
    for (size_t p = 0; p < readers.size(); ++p) {
      TW_RETURN_IF_ERROR(readers[p]->Poll(kBatch, Span(0), batch));
      for (const Record& record : batch.records) {
        (*position)[p] = record.offset.Next();
        TW_ASSIGN_OR_RETURN(const bool more, on_record(record));
        if (!more) return absl::OkStatus();
      }
      any = any || !batch.records.empty();
      if (!batch.records.empty() && stop()) return absl::OkStatus();
    }
    if (any) {
      rest = kShortestRest;
      continue;
    }
    if (stop()) return absl::OkStatus();
    std::this_thread::sleep_for(rest);
    rest = std::min(rest * 2, kLongestRest);
  }
}

}  // namespace tallywire
