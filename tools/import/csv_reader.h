// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_IMPORT_CSV_READER_H_
#define TALLYWIRE_TOOLS_IMPORT_CSV_READER_H_

// The rows of a CSV file with a header, one after the other, whatever the size of the file. RFC
// 4180: fields may be quoted and then hold delimiters, line ends and doubled quotes; spaces belong
// to the field; lines end with LF or CRLF; a byte order mark is passed over, and so are empty
// lines.
//
// Threads: none; one owner.
// Units: a row's number counts the header as row 1, as a spreadsheet shows it.
// Errors: those of InputFile; INVALID_ARGUMENT for a header that is absent, empty or names a column
// twice. A row that breaks the rules is no error: it comes with `problem` set, and the next row is
// taken from the line after the place where the reader noticed.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/import/input_file.h"

namespace tallywire {

// Bytes that one field may have; more means that a quote was not closed.
inline constexpr size_t kMaxCsvField = 1 << 20;

struct CsvRow {
  int64_t number = 0;
  std::vector<std::string> fields;
  // Empty, or why these are not the fields of a row.
  std::string problem;
};

class CsvReader {
 public:
  static absl::StatusOr<std::unique_ptr<CsvReader>> Open(const std::string& path, char delimiter);
  ~CsvReader();

  const std::vector<std::string>& header() const;

  // The next row into `row`; false at the end. A row without `problem` has as many fields as the
  // header.
  [[nodiscard]] absl::StatusOr<bool> Next(CsvRow* row);

  // For a progress bar.
  const InputFile& file() const;

 private:
  struct Impl;
  explicit CsvReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// `fields` as a line of CSV, with LF, quoted where they have to be.
std::string CsvLine(const std::vector<std::string>& fields, char delimiter);

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_IMPORT_CSV_READER_H_
