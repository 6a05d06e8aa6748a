// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_TABLE_H_
#define TALLYWIRE_TOOLS_TABLE_H_

// Rows for a person, in columns that are as wide as they need to be. Any number of rows: they are
// gathered in blocks, printed, and forgotten; widths only grow.
//
//   Table table(&out, {{"SKU"}, {"AVAILABLE", Align::kRight}, {"HELD", Align::kRight, true}});
//   table.Row({"RED-TEE", "7", ""});
//   table.End();

#include <string>
#include <string_view>
#include <vector>

#include "tools/output.h"

namespace tallywire {

enum class Align { kLeft, kRight };

struct Column {
  std::string title;
  Align align = Align::kLeft;
  // Left out as long as every cell of it is empty. Where the first one that is not comes in a later
  // block, the titles are printed anew above it.
  bool optional = false;
};

class Table {
 public:
  // `out` must outlive the table.
  Table(Output* out, std::vector<Column> columns);
  ~Table();

  // One cell a column; control characters are printed as escapes.
  void Row(std::vector<std::string> cells);
  // Prints what is gathered. A table without rows prints nothing.
  void End();

 private:
  void PrintTitles();
  void PrintRow(const std::vector<std::string>& cells);

  Output* const out_;
  const std::vector<Column> columns_;
  std::vector<bool> shown_;
  std::vector<size_t> widths_;
  std::vector<std::vector<std::string>> rows_;
  bool titles_printed_ = false;
};

// Columns that a text takes on a terminal.
size_t DisplayWidth(std::string_view text);
// The text with control characters as \x1b, so that no text can command a terminal.
std::string Printable(std::string_view text);

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_TABLE_H_
