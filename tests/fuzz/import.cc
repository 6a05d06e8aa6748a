// SPDX-License-Identifier: Apache-2.0
// `tallywire import`: any map over any file. A map that is taken makes the same of the same rows,
// and what it makes are messages that the ledger can judge; counts that are derived from them are
// events.
//
// Input: the map, with two bytes of length before it (none: one that has a bit of everything), then
// the file: CSV, gzip or zstd.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/stubs/logging.h"
#include "ledger/check.h"
#include "ledger/codec.h"
#include "ledger/names.h"
#include "tallywire/v1/event.pb.h"
#include "tests/fuzz/input.h"
#include "tools/import/csv_reader.h"
#include "tools/import/map.h"
#include "tools/import/mapper.h"
#include "tools/import/opening.h"

namespace tallywire::fuzz {
namespace {

// More are in no file that a few bytes are packed from in good faith.
constexpr int64_t kMostRows = 500;

constexpr char kMap[] = R"(
source: till
definitions: [{event_id: l, location_defined: {location: W, kind: STORE, lead_time: 90s}}]
values:
  n: {position_among: [Id]}
  q: {absolute: {trimmed: <Units>}}
  day: {time: <When>, format: ["%Y-%m-%d %H:%M:%E*S", "%d.%m.%y %z"], zone: Europe/London}
event: {event_id: <Id>/<n>, sku: {upper: <Sku>}, occurred_at: <day>, sequence: <#row>}
rows:
  - left_out: none
    when: [{Units: {empty: true}}, {Units: {equals: 0}, Sku: {like: "*[!a-z]?"}}]
  - received: {location: W, quantity: <q>, unit_cost: {amount: {minor_units: <Price>, digits: 3},
      currency: {lookup: <Sku>, in: {x: EUR}, else: GBP}}}
    when: {Units: {at_least: 10.5, at_most: 1000}}
    unless: {Sku: {is: [A, B], starts_with: x, ends_with: y, contains: z}}
  - moved: {location: W, from_pool: {first_of: [<Price>, USED]}, to_pool: HELD, quantity: <q>,
      until: <When>}
    when: {Units: {above: 5}}
  - sold: {location: W, quantity: {negated: <Units>}, channel: {lower: <Sku>}}
    when: {Units: {below: 0}}
  - counted: {location: <Sku>, quantity: <Units>, set: <Price>}
    when: {Sku: {is_not: C}}
)";
constexpr char kHeader[] = "Id,Sku,Units,Price,When";

// A file that is in memory only.
class File {
 public:
  explicit File(std::string_view bytes) : descriptor_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    TW_CHECK(descriptor_ >= 0, "a file can be made");
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    TW_CHECK(written == static_cast<ssize_t>(bytes.size()), "memory takes a few bytes");
  }
  ~File() { ::close(descriptor_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  std::string path() const { return absl::StrCat("/proc/self/fd/", descriptor_); }

 private:
  const int descriptor_;
};

struct Table {
  std::vector<std::string> header;
  std::vector<CsvRow> rows;
};

// The rows of a file, as far as it can be read; false: not even a header.
bool ReadTable(std::string_view bytes, char delimiter, Table* table) {
  const File file(bytes);
  const auto reader = CsvReader::Open(file.path(), delimiter);
  if (!reader.ok()) {
    TW_CHECK(!reader.status().message().empty(), "why");
    return false;
  }
  table->header = (*reader)->header();
  while (static_cast<int64_t>(table->rows.size()) < kMostRows) {
    CsvRow row;
    const auto any = (*reader)->Next(&row);
    if (!any.ok() || !*any) break;
    TW_CHECK(row.number == static_cast<int64_t>(table->rows.size()) + 2, "rows are numbered");
    TW_CHECK(!row.problem.empty() || row.fields.size() == table->header.size(),
             "a row has as many fields as the header");
    table->rows.push_back(std::move(row));
  }
  return true;
}

// Rows that are written are read as they were.
void CheckWritten(const Table& table, char delimiter) {
  std::string text = CsvLine(table.header, delimiter);
  std::vector<std::vector<std::string>> good;
  for (const CsvRow& row : table.rows) {
    if (!row.problem.empty()) continue;
    const std::string line = CsvLine(row.fields, delimiter);
    if (line == "\n") continue;
    text += line;
    good.push_back(row.fields);
  }
  // What a packed file or an empty line begins with is no header of a plain one; a mark is left
  // out.
  const std::string_view begin(text);
  if (begin.starts_with("\n") || begin.starts_with("\x1f\x8b") ||
      begin.starts_with("\x28\xb5\x2f\xfd") || begin.starts_with("\xef\xbb\xbf")) {
    return;
  }
  Table again;
  TW_CHECK(ReadTable(text, delimiter, &again), "what is written is read");
  TW_CHECK(again.header == table.header, "the header again");
  TW_CHECK(again.rows.size() == good.size(), "all rows again");
  for (size_t i = 0; i < good.size(); ++i) {
    TW_CHECK(again.rows[i].fields == good[i], "the fields again");
  }
}

void CheckRefusal(const RowRefusal& refusal) {
  TW_CHECK(!refusal.reason.empty() && !refusal.text.empty(), "a refusal says why");
}

// What a row becomes, in words.
std::string Told(const RowOutcome& outcome, const v1::StockEvent& event) {
  if (outcome.kind == RowOutcome::Kind::kRefused) {
    return absl::StrCat(outcome.refusal.column, " ", outcome.refusal.reason, " ",
                        outcome.refusal.text);
  }
  if (outcome.kind == RowOutcome::Kind::kLeftOut) return absl::StrCat("left out ", outcome.rule);
  return absl::StrCat(outcome.rule, " ", event.SerializeAsString());
}

void MapRows(const RowMap& map, const Table& table) {
  const auto mapper = RowMapper::Create(&map, table.header);
  const auto second = RowMapper::Create(&map, table.header);
  TW_CHECK(mapper.ok() == second.ok(), "twice the same");
  if (!mapper.ok()) return;
  Decoder decoder;
  OpeningCounts counts;
  for (const CsvRow& row : table.rows) {
    v1::StockEvent event;
    v1::StockEvent again;
    const RowOutcome outcome = (*mapper)->Map(row, &event);
    CheckSame("what two mappers make of a row", Told(outcome, event),
              Told((*second)->Map(row, &again), again));
    if (outcome.kind == RowOutcome::Kind::kRefused) CheckRefusal(outcome.refusal);
    if (outcome.kind != RowOutcome::Kind::kEvent) continue;
    TW_CHECK(!event.source().empty() || map.source.empty(), "an event has the map's source");
    const auto checked = decoder.Check(event, {});
    if (const auto* refusal = std::get_if<Refusal>(&checked)) {
      TW_CHECK(IsUtf8(refusal->detail), "a detail is text");
      (*mapper)->ColumnOf(outcome.rule, refusal->detail);
    } else {
      counts.Add(event);
    }
  }
  for (const v1::StockEvent& event : counts.Derive("till")) {
    const auto checked = decoder.Check(event, {});
    const auto* refusal = std::get_if<Refusal>(&checked);
    CheckSame("no refusal, and what a derived count gets", "",
              refusal == nullptr ? "" : refusal->detail);
  }
}

void Run(Input in) {
  const google::protobuf::LogSilencer silencer;
  std::string text(in.LongText());
  std::string file(in.Rest());
  if (text.empty()) {
    text = kMap;
    // Plain text needs no header of its own.
    if (!file.starts_with("\x1f\x8b") && !file.starts_with("\x28\xb5\x2f\xfd")) {
      file = absl::StrCat(kHeader, "\n", file);
    }
  }
  const auto map = ParseMap(text, "map.yaml");
  if (!map.ok()) {
    TW_CHECK(map.status().message().substr(0, 9) == "map.yaml:", "an error names file and line");
  } else {
    for (const v1::StockEvent& definition : map->definitions) {
      TW_CHECK(definition.body_case() != v1::StockEvent::BODY_NOT_SET, "a definition has a body");
    }
  }
  const char delimiter = map.ok() ? map->delimiter : ',';
  Table table;
  if (!ReadTable(file, delimiter, &table)) return;
  CheckWritten(table, delimiter);
  if (map.ok()) MapRows(*map, table);
}

}  // namespace
}  // namespace tallywire::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tallywire::fuzz::Run(tallywire::fuzz::Input(data, size));
  return 0;
}
