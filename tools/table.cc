// SPDX-License-Identifier: Apache-2.0
#include "tools/table.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "absl/strings/str_format.h"
#include "ledger/check.h"

namespace tallywire {
namespace {

constexpr size_t kBlockRows = 1'000;
constexpr std::string_view kGap = "  ";

struct Range {
  uint32_t first;
  uint32_t last;
};

// Marks that stand on the letter before them.
constexpr std::array<Range, 13> kNoWidth = {{{0x0300, 0x036F},
                                             {0x0483, 0x0489},
                                             {0x0591, 0x05BD},
                                             {0x064B, 0x065F},
                                             {0x0E34, 0x0E3A},
                                             {0x0E47, 0x0E4E},
                                             {0x1AB0, 0x1AFF},
                                             {0x1DC0, 0x1DFF},
                                             {0x200B, 0x200F},
                                             {0x20D0, 0x20FF},
                                             {0xFE00, 0xFE0F},
                                             {0xFE20, 0xFE2F},
                                             {0xFEFF, 0xFEFF}}};

// What terminals draw over two columns: East Asian wide and full width, and emoji.
constexpr std::array<Range, 12> kWide = {{{0x1100, 0x115F},
                                          {0x2E80, 0x303E},
                                          {0x3041, 0x33FF},
                                          {0x3400, 0x4DBF},
                                          {0x4E00, 0x9FFF},
                                          {0xA000, 0xA4CF},
                                          {0xAC00, 0xD7A3},
                                          {0xF900, 0xFAFF},
                                          {0xFE30, 0xFE6F},
                                          {0xFF00, 0xFF60},
                                          {0x1F300, 0x1FAFF},
                                          {0x20000, 0x3FFFD}}};

template <size_t N>
bool IsIn(const std::array<Range, N>& ranges, uint32_t c) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [c](const Range& r) { return c >= r.first && c <= r.last; });
}

// The code point at `i`, which moves past it. A byte that begins none counts as one letter.
uint32_t NextCodePoint(std::string_view text, size_t& i) {
  const auto lead = static_cast<uint8_t>(text[i++]);
  int more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
  uint32_t c = more == 0 ? lead : lead & (0x3Fu >> more);
  for (; more > 0 && i < text.size(); --more, ++i) {
    const auto next = static_cast<uint8_t>(text[i]);
    if ((next & 0xC0) != 0x80) return 0xFFFD;
    c = (c << 6) | (next & 0x3Fu);
  }
  return c;
}

}  // namespace

size_t DisplayWidth(std::string_view text) {
  size_t width = 0;
  for (size_t i = 0; i < text.size();) {
    const uint32_t c = NextCodePoint(text, i);
    width += IsIn(kNoWidth, c) ? 0 : IsIn(kWide, c) ? 2 : 1;
  }
  return width;
}

std::string Printable(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const size_t begin = i;
    const uint32_t c = NextCodePoint(text, i);
    if (c < 0x20 || (c >= 0x7F && c <= 0x9F)) {
      out += absl::StrFormat("\\x%02x", c);
    } else {
      out.append(text.substr(begin, i - begin));
    }
  }
  return out;
}

Table::Table(Output* out, std::vector<Column> columns)
    : out_(out), columns_(std::move(columns)), shown_(columns_.size()), widths_(columns_.size()) {
  for (size_t i = 0; i < columns_.size(); ++i) {
    shown_[i] = !columns_[i].optional;
    widths_[i] = DisplayWidth(columns_[i].title);
  }
}

Table::~Table() { End(); }

void Table::Row(std::vector<std::string> cells) {
  TW_CHECK(cells.size() == columns_.size(), "a row has a cell for each column");
  for (std::string& cell : cells) cell = Printable(cell);
  rows_.push_back(std::move(cells));
  if (rows_.size() >= kBlockRows) End();
}

void Table::End() {
  if (rows_.empty()) return;
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) {
      widths_[i] = std::max(widths_[i], DisplayWidth(row[i]));
      if (!shown_[i] && !row[i].empty()) {
        shown_[i] = true;
        titles_printed_ = false;
      }
    }
  }
  if (!titles_printed_) PrintTitles();
  for (const auto& row : rows_) PrintRow(row);
  rows_.clear();
}

void Table::PrintTitles() {
  std::vector<std::string> titles;
  titles.reserve(columns_.size());
  for (const Column& column : columns_) titles.push_back(column.title);
  PrintRow(titles);
  titles_printed_ = true;
}

void Table::PrintRow(const std::vector<std::string>& cells) {
  std::string line;
  std::string pending;  // blanks are printed only when something comes after them
  for (size_t i = 0; i < cells.size(); ++i) {
    if (!shown_[i]) continue;
    const std::string fill(widths_[i] - DisplayWidth(cells[i]), ' ');
    if (columns_[i].align == Align::kRight) {
      line += pending + fill + cells[i];
      pending.clear();
    } else if (!cells[i].empty()) {
      line += pending + cells[i];
      pending = fill;
    } else {
      pending += fill;
    }
    pending += kGap;
  }
  out_->Write(line + "\n");
}

}  // namespace tallywire
