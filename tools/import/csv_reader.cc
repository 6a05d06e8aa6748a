// SPDX-License-Identifier: Apache-2.0
#include "tools/import/csv_reader.h"

#include <csv.h>

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/check.h"
#include "ledger/status.h"

namespace tallywire {
namespace {

constexpr size_t kChunk = 64 * 1024;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr char kQuoteProblem[] =
    "a quote stands where none may: a field that holds one is quoted whole, and the quote doubled";
constexpr char kOpenProblem[] = "a quoted field is not closed";

int NeverSpace(unsigned char /*byte*/) { return 0; }

}  // namespace

struct CsvReader::Impl {
  ~Impl() {
    if (parsing) csv_free(&parser);
  }

  // libcsv has no way to go on after an error but to begin anew.
  absl::Status Begin() {
    if (parsing) csv_free(&parser);
    parsing = csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI) == 0;
    if (!parsing) return absl::InternalError("libcsv cannot begin");
    csv_set_delim(&parser, static_cast<unsigned char>(delimiter));
    csv_set_space_func(&parser, NeverSpace);
    fields.clear();
    return absl::OkStatus();
  }

  static void OnField(void* bytes, size_t size, void* self) {
    static_cast<Impl*>(self)->fields.emplace_back(static_cast<const char*>(bytes), size);
  }

  static void OnRow(int /*ended_by*/, void* self) {
    auto* impl = static_cast<Impl*>(self);
    impl->AddRow(std::move(impl->fields), "");
    impl->fields.clear();
  }

  void AddRow(std::vector<std::string> values, std::string problem) {
    CsvRow& row = rows.emplace_back();
    row.number = ++last_number;
    row.fields = std::move(values);
    row.problem = std::move(problem);
  }

  absl::Status GiveUpRow(const char* problem) {
    AddRow(std::move(fields), problem);
    to_next_line = true;
    return Begin();
  }

  // Drops what is left of a line that was given up; false if the line does not end in `bytes`.
  bool SkipLine(std::string_view* bytes) {
    size_t end = bytes->find('\n');
    if (end == std::string_view::npos) return false;
    bytes->remove_prefix(end + 1);
    to_next_line = false;
    return true;
  }

  absl::Status Parse(std::string_view bytes) {
    while (!bytes.empty()) {
      if (to_next_line && !SkipLine(&bytes)) return absl::OkStatus();
      if (bytes.empty()) break;
      size_t n = csv_parse(&parser, bytes.data(), bytes.size(), OnField, OnRow, this);
      if (n == bytes.size()) break;
      if (csv_error(&parser) != CSV_EPARSE) {
        return absl::ResourceExhaustedError(csv_strerror(csv_error(&parser)));
      }
      bytes.remove_prefix(n);
      TW_RETURN_IF_ERROR(GiveUpRow(kQuoteProblem));
    }
    if (parser.entry_pos > kMaxCsvField) return GiveUpRow(kOpenProblem);
    return absl::OkStatus();
  }

  absl::Status ParseEnd() {
    ended = true;
    if (to_next_line) return absl::OkStatus();
    if (csv_fini(&parser, OnField, OnRow, this) == 0) return absl::OkStatus();
    if (csv_error(&parser) != CSV_EPARSE) {
      return absl::ResourceExhaustedError(csv_strerror(csv_error(&parser)));
    }
    AddRow(std::move(fields), kOpenProblem);
    return absl::OkStatus();
  }

  absl::Status ReadMore() {
    TW_ASSIGN_OR_RETURN(size_t n, file->Read(chunk.data(), chunk.size()));
    if (n == 0) return ParseEnd();
    std::string_view bytes(chunk.data(), n);
    if (first && bytes.starts_with(kByteOrderMark)) bytes.remove_prefix(kByteOrderMark.size());
    first = false;
    return Parse(bytes);
  }

  // The next row as it is; false at the end.
  absl::StatusOr<bool> Take(CsvRow* row) {
    while (next_row == rows.size()) {
      if (ended) return false;
      rows.clear();
      next_row = 0;
      TW_RETURN_IF_ERROR(ReadMore());
    }
    std::swap(*row, rows[next_row++]);
    return true;
  }

  std::unique_ptr<InputFile> file;
  char delimiter = ',';
  std::vector<std::string> header;

  csv_parser parser{};
  bool parsing = false;
  std::vector<char> chunk = std::vector<char>(kChunk);
  bool first = true;
  bool ended = false;
  // A row was given up: everything to the end of its line is passed over.
  bool to_next_line = false;

  std::vector<std::string> fields;
  int64_t last_number = 0;
  // Rows of the chunk that were parsed and not taken yet: from next_row on.
  std::vector<CsvRow> rows;
  size_t next_row = 0;
};

CsvReader::CsvReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CsvReader::~CsvReader() = default;

absl::StatusOr<std::unique_ptr<CsvReader>> CsvReader::Open(const std::string& path,
                                                           char delimiter) {
  auto impl = std::make_unique<Impl>();
  impl->delimiter = delimiter;
  TW_ASSIGN_OR_RETURN(impl->file, InputFile::Open(path));
  TW_RETURN_IF_ERROR(impl->Begin());
  CsvRow row;
  TW_ASSIGN_OR_RETURN(bool any, impl->Take(&row));
  if (!any) return absl::InvalidArgumentError(absl::StrCat(path, ": empty, not even a header"));
  if (!row.problem.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": the header: ", row.problem));
  }
  std::set<std::string> seen;
  for (const std::string& name : row.fields) {
    if (!seen.insert(name).second && !name.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(path, ": the header names ", name, " twice"));
    }
  }
  impl->header = std::move(row.fields);
  return std::unique_ptr<CsvReader>(new CsvReader(std::move(impl)));
}

const std::vector<std::string>& CsvReader::header() const { return impl_->header; }
const InputFile& CsvReader::file() const { return *impl_->file; }

absl::StatusOr<bool> CsvReader::Next(CsvRow* row) {
  TW_ASSIGN_OR_RETURN(bool any, impl_->Take(row));
  if (any && row->problem.empty() && row->fields.size() != impl_->header.size()) {
    row->problem =
        absl::StrCat("has ", row->fields.size(), " fields, the header ", impl_->header.size());
  }
  return any;
}

std::string CsvLine(const std::vector<std::string>& fields, char delimiter) {
  std::string line;
  for (const std::string& field : fields) {
    if (&field != &fields.front()) line += delimiter;
    bool quoted = field.find_first_of("\"\r\n") != std::string::npos ||
                  field.find(delimiter) != std::string::npos;
    if (!quoted) {
      line += field;
      continue;
    }
    line += '"';
    for (char c : field) {
      if (c == '"') line += '"';
      line += c;
    }
    line += '"';
  }
  line += '\n';
  return line;
}

}  // namespace tallywire
