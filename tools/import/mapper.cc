// SPDX-License-Identifier: Apache-2.0
#include "tools/import/mapper.h"

#include <fnmatch.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "ledger/check.h"
#include "ledger/names.h"

namespace tallywire {
namespace {

using Kind = Expression::Kind;
using Test = Condition::Kind;

// What a name of the map stands for.
struct Meaning {
  enum class Kind { kColumn, kValue, kRowNumber } kind;
  size_t index = 0;
};

// Whether a format names its own offset from UTC or an absolute second, so that no zone is asked.
bool SaysOffset(const std::string& format) {
  for (size_t i = 0; i + 1 < format.size(); ++i) {
    if (format[i] != '%') continue;
    ++i;
    if (format[i] == 'E' || format[i] == ':') {
      while (i + 1 < format.size() && (format[i] == 'E' || format[i] == '*' || format[i] == ':')) {
        ++i;
      }
    }
    if (format[i] == 'z' || format[i] == 's') return true;
  }
  return false;
}

// The first name that an expression speaks of, for saying which column is at fault.
std::optional<NameIndex> FirstName(const Expression& expression) {
  for (const TextPiece& piece : expression.pieces) {
    if (piece.name) return piece.name;
  }
  for (const Expression& argument : expression.arguments) {
    if (std::optional<NameIndex> name = FirstName(argument)) return name;
  }
  if (!expression.names.empty()) return expression.names.front();
  return std::nullopt;
}

bool HoldsText(const Condition& condition, const std::string& text) {
  auto any = [&](auto holds) {
    return std::any_of(condition.texts.begin(), condition.texts.end(), holds);
  };
  switch (condition.kind) {
    case Test::kIs:
      return any([&](const std::string& t) { return text == t; });
    case Test::kIsNot:
      return !any([&](const std::string& t) { return text == t; });
    case Test::kStartsWith:
      return any([&](const std::string& t) { return std::string_view(text).starts_with(t); });
    case Test::kEndsWith:
      return any([&](const std::string& t) { return std::string_view(text).ends_with(t); });
    case Test::kContains:
      return any([&](const std::string& t) { return text.find(t) != std::string::npos; });
    case Test::kLike:
      return text.find('\0') == std::string::npos &&
             any([&](const std::string& t) { return fnmatch(t.c_str(), text.c_str(), 0) == 0; });
    default:
      return text.empty() == condition.expected;
  }
}

bool IsNumeric(Test kind) { return kind >= Test::kEquals; }

bool HoldsNumber(const Condition& condition, const Decimal& number) {
  switch (condition.kind) {
    case Test::kEquals:
      return number == condition.number;
    case Test::kAbove:
      return number > condition.number;
    case Test::kBelow:
      return number < condition.number;
    case Test::kAtLeast:
      return number >= condition.number;
    default:
      return number <= condition.number;
  }
}

}  // namespace

struct RowMapper::Impl {
  // --- Refusals: the functions below that return false have set `refusal`.

  bool Refuse(std::string column, std::string reason, std::string text) {
    refusal = RowRefusal{std::move(column), std::move(reason), std::move(text)};
    return false;
  }

  // A value's column is the first one that it is made from.
  std::string ColumnBehind(std::optional<NameIndex> name) const {
    while (name && meanings[*name].kind == Meaning::Kind::kValue) {
      name = FirstName(map->values[meanings[*name].index].expression);
    }
    return name ? map->names[*name].text : "";
  }

  bool RefuseFor(const Expression& expression, std::string reason, std::string text) {
    return Refuse(ColumnBehind(FirstName(expression)), std::move(reason), std::move(text));
  }

  // --- Values.

  bool Lookup(NameIndex name, std::string* out) {
    const Meaning& meaning = meanings[name];
    switch (meaning.kind) {
      case Meaning::Kind::kColumn:
        *out = row->fields[meaning.index];
        return true;
      case Meaning::Kind::kRowNumber:
        *out = absl::StrCat(row->number);
        return true;
      case Meaning::Kind::kValue:
        break;
    }
    std::optional<std::string>& cached = values[meaning.index];
    if (!cached) {
      std::string text;
      if (!Evaluate(map->values[meaning.index].expression, &text)) return false;
      cached = std::move(text);
    }
    *out = *cached;
    return true;
  }

  bool Evaluate(const Expression& expression, std::string* out) {
    switch (expression.kind) {
      case Kind::kText:
        return EvaluateText(expression, out);
      case Kind::kFirstOf:
        out->clear();
        for (const Expression& argument : expression.arguments) {
          if (!Evaluate(argument, out)) return false;
          if (!out->empty()) return true;
        }
        return true;
      case Kind::kPosition:
        *out = absl::StrCat(positions.at(&expression).now);
        return true;
      default:
        break;
    }
    std::string text;
    if (!Evaluate(expression.arguments.front(), &text)) return false;
    switch (expression.kind) {
      case Kind::kTrimmed:
        *out = std::string(absl::StripAsciiWhitespace(text));
        return true;
      case Kind::kUpper:
        *out = absl::AsciiStrToUpper(text);
        return true;
      case Kind::kLower:
        *out = absl::AsciiStrToLower(text);
        return true;
      case Kind::kLookup:
        return EvaluateLookup(expression, text, out);
      case Kind::kTime:
        return EvaluateTime(expression, text, out);
      default:
        return EvaluateNumber(expression, text, out);
    }
  }

  bool EvaluateText(const Expression& expression, std::string* out) {
    if (expression.pieces.size() == 1 && expression.pieces[0].name) {
      return Lookup(*expression.pieces[0].name, out);
    }
    out->clear();
    std::string part;
    for (const TextPiece& piece : expression.pieces) {
      if (!piece.name) {
        *out += piece.text;
        continue;
      }
      if (!Lookup(*piece.name, &part)) return false;
      *out += part;
    }
    return true;
  }

  bool EvaluateLookup(const Expression& expression, const std::string& text, std::string* out) {
    for (const auto& [from, to] : expression.table) {
      if (from != text) continue;
      *out = to;
      return true;
    }
    if (!expression.otherwise) {
      return RefuseFor(
          expression, "BAD_VALUE",
          absl::StrCat(Quoted(text), " is not in the map's table in line ", expression.line));
    }
    *out = *expression.otherwise;
    return true;
  }

  bool EvaluateNumber(const Expression& expression, const std::string& text, std::string* out) {
    out->clear();
    if (text.empty()) return true;
    std::optional<Decimal> number = Decimal::Parse(text);
    int digits = expression.kind == Kind::kMinorUnits ? expression.digits : 0;
    std::optional<int64_t> whole = number ? number->Scaled(digits) : std::nullopt;
    if (!whole) {
      return RefuseFor(expression, "BAD_NUMBER",
                       digits == 0 ? absl::StrCat(Quoted(text), " is not a whole number")
                                   : absl::StrCat(Quoted(text), " is not a number with at most ",
                                                  digits, " digits after the point"));
    }
    if (expression.kind == Kind::kNegated) *whole = -*whole;
    if (expression.kind == Kind::kAbsolute && *whole < 0) *whole = -*whole;
    *out = absl::StrCat(*whole);
    return true;
  }

  bool EvaluateTime(const Expression& expression, const std::string& text, std::string* out) {
    out->clear();
    if (text.empty()) return true;
    for (const std::string& format : expression.formats) {
      absl::Time time;
      bool absolute = SaysOffset(format);
      if (!absl::ParseTime(format, text, absl::UTCTimeZone(), &time, nullptr)) continue;
      if (!absolute) {
        absl::CivilSecond civil = absl::ToCivilSecond(time, absl::UTCTimeZone());
        absl::Duration part = time - absl::FromCivil(civil, absl::UTCTimeZone());
        absl::TimeZone::TimeInfo info = expression.zone.At(civil);
        if (info.kind == absl::TimeZone::TimeInfo::SKIPPED) {
          return RefuseFor(expression, "BAD_TIME",
                           absl::StrCat(Quoted(text), " does not exist in ", expression.zone.name(),
                                        ": the clocks went forward"));
        }
        // A time that came twice is taken for the first of the two: nothing in it says which.
        time = info.pre + part;
      }
      *out = absl::FormatTime(absl::RFC3339_full, time, absl::UTCTimeZone());
      return true;
    }
    return RefuseFor(expression, "BAD_TIME",
                     absl::StrCat(Quoted(text), " is not a time as ", expression.formats.front(),
                                  expression.formats.size() > 1 ? " or the other formats" : ""));
  }

  // --- Conditions. Nothing: refused.

  std::optional<bool> Holds(const std::vector<Condition>& all) {
    std::string text;
    for (const Condition& condition : all) {
      if (!Lookup(condition.name, &text)) return std::nullopt;
      if (!IsNumeric(condition.kind)) {
        if (!HoldsText(condition, text)) return false;
        continue;
      }
      std::optional<Decimal> number = Decimal::Parse(text);
      if (!number) {
        Refuse(ColumnBehind(condition.name), "BAD_NUMBER",
               absl::StrCat(Quoted(text), " is not a number"));
        return std::nullopt;
      }
      if (!HoldsNumber(condition, *number)) return false;
    }
    return true;
  }

  std::optional<bool> AnyHolds(const Conditions& conditions) {
    for (const std::vector<Condition>& all : conditions) {
      std::optional<bool> holds = Holds(all);
      if (!holds || *holds) return holds;
    }
    return false;
  }

  std::optional<bool> Applies(const MapRule& rule) {
    if (!rule.when.empty()) {
      std::optional<bool> holds = AnyHolds(rule.when);
      if (!holds || !*holds) return holds;
    }
    if (!rule.unless.empty()) {
      std::optional<bool> holds = AnyHolds(rule.unless);
      if (!holds) return holds;
      return !*holds;
    }
    return true;
  }

  // --- A row.

  void CountPositions() {
    for (auto& [expression, position] : positions) {
      std::string key;
      std::string part;
      for (NameIndex name : expression->names) {
        // Lengths keep ("a", "bc") and ("ab", "c") apart.
        if (!Lookup(name, &part)) part = "";
        absl::StrAppend(&key, part.size(), ":", part);
      }
      position.now = ++position.seen[key];
    }
  }

  bool Fill(const MapRule& rule, v1::StockEvent* event) {
    event->set_source(map->source);
    event->GetReflection()->MutableMessage(event, rule.body);
    std::string text;
    for (const MapField& field : rule.fields) {
      if (!Evaluate(field.expression, &text)) return false;
      absl::Status status = SetField(event, field.path, text);
      if (status.ok()) continue;
      const google::protobuf::FieldDescriptor& target = *field.path.back();
      const char* reason = "BAD_NUMBER";
      if (target.cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_STRING) {
        reason = "BAD_TEXT";
      } else if (target.cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) {
        reason = "BAD_TIME";
      } else if (target.cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_ENUM ||
                 target.cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_BOOL) {
        reason = "BAD_VALUE";
      }
      return RefuseFor(field.expression, reason, absl::StrCat(field.name, ": ", status.message()));
    }
    return true;
  }

  RowOutcome MapRow(v1::StockEvent* event) {
    RowOutcome outcome;
    for (size_t i = 0; i < map->rules.size(); ++i) {
      const MapRule& rule = map->rules[i];
      std::optional<bool> applies = Applies(rule);
      if (!applies) return outcome;
      if (!*applies) continue;
      outcome.rule = i;
      if (rule.body == nullptr) {
        outcome.kind = RowOutcome::Kind::kLeftOut;
      } else if (Fill(rule, event)) {
        outcome.kind = RowOutcome::Kind::kEvent;
      }
      return outcome;
    }
    Refuse("", "NO_RULE", "no rule of the map is about such a row");
    return outcome;
  }

  // Gives each position its counter; they are counted for every row, also where no rule asks.
  void CollectPositions(const Expression& expression) {
    if (expression.kind == Kind::kPosition) positions[&expression];
    for (const Expression& argument : expression.arguments) CollectPositions(argument);
  }

  const RowMap* map = nullptr;
  // For each name of the map.
  std::vector<Meaning> meanings;

  struct Position {
    std::unordered_map<std::string, int64_t> seen;
    int64_t now = 0;
  };
  std::unordered_map<const Expression*, Position> positions;

  // Of the row at hand.
  const CsvRow* row = nullptr;
  std::vector<std::optional<std::string>> values;
  RowRefusal refusal;
};

RowMapper::RowMapper(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RowMapper::~RowMapper() = default;

absl::StatusOr<std::unique_ptr<RowMapper>> RowMapper::Create(
    const RowMap* map, const std::vector<std::string>& header) {
  auto impl = std::make_unique<Impl>();
  impl->map = map;
  impl->values.resize(map->values.size());
  for (const MapName& name : map->names) {
    auto column = std::find(header.begin(), header.end(), name.text);
    auto value = std::find_if(map->values.begin(), map->values.end(),
                              [&](const MapValue& v) { return v.name == name.text; });
    auto wrong = [&](const std::string& text) {
      return absl::InvalidArgumentError(absl::StrCat(map->file, ":", name.line, ": ", text));
    };
    if (name.text == kRowNumberName) {
      impl->meanings.push_back({Meaning::Kind::kRowNumber, 0});
    } else if (value != map->values.end()) {
      if (column != header.end()) {
        return wrong(absl::StrCat(name.text, " is a column of the file; call the value otherwise"));
      }
      impl->meanings.push_back(
          {Meaning::Kind::kValue, static_cast<size_t>(value - map->values.begin())});
    } else if (column != header.end()) {
      impl->meanings.push_back(
          {Meaning::Kind::kColumn, static_cast<size_t>(column - header.begin())});
    } else {
      std::string known;
      for (const std::string& text : header)
        absl::StrAppend(&known, known.empty() ? "" : ", ", text);
      return wrong(absl::StrCat("no column ", name.text, " in the file; it has ", known));
    }
  }
  for (const MapValue& value : map->values) impl->CollectPositions(value.expression);
  for (const MapRule& rule : map->rules) {
    for (const MapField& field : rule.fields) impl->CollectPositions(field.expression);
  }
  return std::unique_ptr<RowMapper>(new RowMapper(std::move(impl)));
}

RowOutcome RowMapper::Map(const CsvRow& row, v1::StockEvent* event) {
  event->Clear();
  RowOutcome outcome;
  if (!row.problem.empty()) {
    outcome.refusal = RowRefusal{"", "BAD_ROW", row.problem};
    return outcome;
  }
  impl_->row = &row;
  for (std::optional<std::string>& value : impl_->values) value.reset();
  impl_->CountPositions();
  outcome = impl_->MapRow(event);
  if (outcome.kind == RowOutcome::Kind::kRefused) outcome.refusal = std::move(impl_->refusal);
  return outcome;
}

std::string RowMapper::ColumnOf(size_t rule, const std::string& detail) const {
  TW_CHECK(rule < impl_->map->rules.size(), "a rule of this map");
  for (const MapField& field : impl_->map->rules[rule].fields) {
    if (detail.size() > field.name.size() && detail.starts_with(field.name) &&
        detail[field.name.size()] == ':') {
      return impl_->ColumnBehind(FirstName(field.expression));
    }
  }
  return "";
}

}  // namespace tallywire
