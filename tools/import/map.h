// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_IMPORT_MAP_H_
#define TALLYWIRE_TOOLS_IMPORT_MAP_H_

// A map: how the rows of a table become events. MAPS.md beside this file says what it may hold and
// what each word means; here it is parsed and checked, with every name of a field resolved.
//
// Ownership: a RowMap is a plain value, constant once loaded; RowMapper (mapper.h) applies it.
// Errors: NOT_FOUND when there is no such file, INVALID_ARGUMENT for anything that a map may not
// hold. Both name the file, the latter the line too.

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tallywire/v1/event.pb.h"
#include "tools/import/decimal.h"
#include "tools/import/field.h"

namespace tallywire {

// A column of the table or a value of the map, by where it stands in RowMap::names.
using NameIndex = size_t;

struct MapName {
  std::string text;
  // Where the map speaks of it first.
  int line = 0;
};

// Written in a text as <#row>: the row's number.
inline constexpr char kRowNumberName[] = "#row";

// Text as it stands, or what a name stands for.
struct TextPiece {
  std::string text;
  std::optional<NameIndex> name;
};

struct Expression {
  enum class Kind {
    kText,
    kAbsolute,
    kNegated,
    kTrimmed,
    kUpper,
    kLower,
    kMinorUnits,
    kFirstOf,
    kLookup,
    kTime,
    kPosition,
  };
  Kind kind = Kind::kText;
  int line = 0;
  // kText.
  std::vector<TextPiece> pieces;
  // What the others are made from: one, of kFirstOf any number, of kPosition none.
  std::vector<Expression> arguments;
  // kMinorUnits: how many digits the currency has after the point.
  int digits = 0;
  // kLookup.
  std::vector<std::pair<std::string, std::string>> table;
  std::optional<std::string> otherwise;
  // kTime: tried in order. absl's spelling, that of strftime.
  std::vector<std::string> formats;
  absl::TimeZone zone;
  // kPosition: rows that have these alike are counted together.
  std::vector<NameIndex> names;
};

struct Condition {
  enum class Kind {
    kIs,
    kIsNot,
    kEmpty,
    kStartsWith,
    kEndsWith,
    kContains,
    kLike,
    kEquals,
    kAbove,
    kBelow,
    kAtLeast,
    kAtMost,
  };
  NameIndex name = 0;
  Kind kind = Kind::kIs;
  // One of these; of kIsNot none of them.
  std::vector<std::string> texts;
  Decimal number;
  // kEmpty: whether it has to be.
  bool expected = true;
};

// One of the inner lists has to hold, each with all its conditions. Empty: says nothing.
using Conditions = std::vector<std::vector<Condition>>;

struct MapValue {
  std::string name;
  Expression expression;
};

struct MapField {
  // `sold.quantity`.
  std::string name;
  FieldPath path;
  Expression expression;
};

struct MapRule {
  // What its rows are counted under.
  std::string name;
  // The event's body: a field of StockEvent. Null: its rows are left out.
  const google::protobuf::FieldDescriptor* body = nullptr;
  Conditions when;
  Conditions unless;
  // Of the envelope and of the body.
  std::vector<MapField> fields;
  int line = 0;
};

struct RowMap {
  std::string file;
  std::string source;
  char delimiter = ',';
  std::vector<MapName> names;
  // Each rests only on columns and on values before it.
  std::vector<MapValue> values;
  // The first that holds for a row decides.
  std::vector<MapRule> rules;
  // Constant events that go before those of the rows.
  std::vector<v1::StockEvent> definitions;
};

absl::StatusOr<RowMap> LoadMap(const std::string& path);

// The same from text; `file` is what errors call it.
absl::StatusOr<RowMap> ParseMap(const std::string& text, const std::string& file);

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_IMPORT_MAP_H_
