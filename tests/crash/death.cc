// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/death.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/forwarding_log.h"
#include "ledger/status.h"
#include "tests/forwarding_rocks.h"

namespace tallywire::crash {
namespace {

// The embedded log's store lies in a folder of this name.
constexpr std::string_view kLogFolder = "/log";

class LogThatDies : public ForwardingLog {
 public:
  LogThatDies(std::unique_ptr<Log> below, Death* death)
      : ForwardingLog(std::move(below)), death_(*death) {}

  absl::StatusOr<std::vector<Appended>> Append(std::span<const NewRecord> records) override {
    if (death_.dead) return death_.Error();
    if (records.empty()) return ForwardingLog::Append(records);
    const bool now = death_.Reaches(
        {absl::StrCat("append ", records.size(), " to ", std::string(records.front().topic)),
         records.size() > 1});
    if (!now) return ForwardingLog::Append(records);
    if (death_.how == Death::How::kHalf) records = records.first(records.size() / 2);
    // What becomes of it nobody learns any more.
    if (death_.how != Death::How::kNothing)
      TW_RETURN_IF_ERROR(ForwardingLog::Append(records).status());
    return death_.Error();
  }
  absl::Status CreateTopics(std::span<const TopicSpec> topics) override {
    if (death_.dead || death_.Reaches({"create topics"})) return death_.Error();
    return ForwardingLog::CreateTopics(topics);
  }

 private:
  Death& death_;
};

class RocksThatDies : public ForwardingRocks {
 public:
  RocksThatDies(std::unique_ptr<Rocks> below, Death* death)
      : ForwardingRocks(std::move(below)), death_(*death) {}

  absl::Status Write(const RocksBatch& batch, bool sync) override {
    TW_RETURN_IF_ERROR(Count("write"));
    return ForwardingRocks::Write(batch, sync);
  }
  absl::Status Ingest(std::span<const Row> rows) override {
    TW_RETURN_IF_ERROR(Count("ingest"));
    return ForwardingRocks::Ingest(rows);
  }
  absl::Status CompactRange(std::string_view begin, std::string_view end) override {
    TW_RETURN_IF_ERROR(Count("compact"));
    return ForwardingRocks::CompactRange(begin, end);
  }

 private:
  absl::Status Count(std::string_view what) {
    if (death_.dead) return death_.Error();
    if (death_.Reaches({absl::StrCat(std::string(what), " in ", folder())})) return death_.Error();
    return absl::OkStatus();
  }

  Death& death_;
};

}  // namespace

bool Death::Reaches(Point point) {
  const bool now = static_cast<int64_t>(points.size()) == at;
  points.push_back(std::move(point));
  dead = dead || now;
  return now;
}

std::string_view Name(Death::How how) {
  switch (how) {
    case Death::How::kNothing:
      return "before";
    case Death::How::kHalf:
      return "half of";
    case Death::How::kAll:
      return "after";
  }
  return "";
}

std::function<std::unique_ptr<Log>(std::unique_ptr<Log>)> DyingLog(Death* death) {
  return [death](std::unique_ptr<Log> log) {
    return std::make_unique<LogThatDies>(std::move(log), death);
  };
}

OpenRocks DyingRocks(Death* death, OpenRocks open) {
  return [death, open = std::move(open)](
             const std::string& folder,
             Rocks::Options options) -> absl::StatusOr<std::unique_ptr<Rocks>> {
    if (death->dead || death->Reaches({absl::StrCat("open ", folder)})) return death->Error();
    TW_ASSIGN_OR_RETURN(auto rocks, OpenRocksBy(open, folder, options));
    if (std::string_view(folder).ends_with(kLogFolder)) return rocks;
    return std::make_unique<RocksThatDies>(std::move(rocks), death);
  };
}

}  // namespace tallywire::crash
