// SPDX-License-Identifier: Apache-2.0
#include "tools/import/map_parser.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace tallywire {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using Kind = Expression::Kind;
using Test = Condition::Kind;

// Far more than a map has.
constexpr int kMostValues = 10'000;
constexpr int kDeepestValue = 32;

// Functions of one argument.
const std::map<std::string, Kind>& Functions() {
  static const std::map<std::string, Kind> functions = {
      {"absolute", Kind::kAbsolute}, {"negated", Kind::kNegated},
      {"trimmed", Kind::kTrimmed},   {"upper", Kind::kUpper},
      {"lower", Kind::kLower},       {"minor_units", Kind::kMinorUnits},
      {"first_of", Kind::kFirstOf},  {"lookup", Kind::kLookup},
      {"time", Kind::kTime},         {"position_among", Kind::kPosition}};
  return functions;
}

const std::map<std::string, Test>& TextTests() {
  static const std::map<std::string, Test> tests = {{"is", Test::kIs},
                                                    {"is_not", Test::kIsNot},
                                                    {"starts_with", Test::kStartsWith},
                                                    {"ends_with", Test::kEndsWith},
                                                    {"contains", Test::kContains},
                                                    {"like", Test::kLike}};
  return tests;
}

const std::map<std::string, Test>& NumberTests() {
  static const std::map<std::string, Test> tests = {{"equals", Test::kEquals},
                                                    {"above", Test::kAbove},
                                                    {"below", Test::kBelow},
                                                    {"at_least", Test::kAtLeast},
                                                    {"at_most", Test::kAtMost}};
  return tests;
}

template <class T>
std::vector<std::string> KeysOf(const std::map<std::string, T>& table) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : table) keys.push_back(key);
  return keys;
}

[[noreturn]] void UnknownKey(const YAML::Node& key, std::string_view what,
                             const std::vector<std::string>& known) {
  throw MapError(LineOf(key), absl::StrCat(std::string(what), ": unknown key ", key.Scalar(),
                                           "; known are ", absl::StrJoin(known, ", ")));
}

// A scalar, or a list of them.
std::vector<std::string> ScalarsOf(const YAML::Node& node, std::string_view what) {
  std::vector<std::string> texts;
  if (node.IsSequence()) {
    for (const YAML::Node& item : node) texts.push_back(ScalarOf(item, what));
  } else {
    texts.push_back(ScalarOf(node, what));
  }
  if (texts.empty()) throw MapError(LineOf(node), absl::StrCat(std::string(what), ": empty list"));
  return texts;
}

bool IsConstant(const Expression& expression) {
  return expression.kind == Kind::kText &&
         std::all_of(expression.pieces.begin(), expression.pieces.end(),
                     [](const TextPiece& piece) { return !piece.name.has_value(); });
}

// A constant is tried at once, so that a slip is told with its line before any row is read.
void CheckConstant(const MapField& field, const Descriptor& root) {
  if (!IsConstant(field.expression)) return;
  std::string text;
  for (const TextPiece& piece : field.expression.pieces) text += piece.text;
  const Message* prototype =
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(&root);
  std::unique_ptr<Message> scratch(prototype->New());
  absl::Status status = SetField(scratch.get(), field.path, text);
  if (!status.ok()) {
    throw MapError(field.expression.line, absl::StrCat(field.name, ": ", status.message()));
  }
}

std::vector<std::string> FieldNames(const Descriptor& type,
                                    const std::vector<std::string>& forbidden) {
  std::vector<std::string> names;
  for (int i = 0; i < type.field_count(); ++i) {
    const std::string& name = type.field(i)->name();
    bool hidden = std::find(forbidden.begin(), forbidden.end(), name) != forbidden.end();
    if (!hidden && type.field(i)->real_containing_oneof() == nullptr) names.push_back(name);
  }
  return names;
}

}  // namespace

int LineOf(const YAML::Node& node) { return node.Mark().line + 1; }

std::string ScalarOf(const YAML::Node& node, std::string_view what) {
  if (!node.IsScalar()) {
    throw MapError(LineOf(node), absl::StrCat(std::string(what), ": text is wanted here"));
  }
  return node.Scalar();
}

void CheckMapping(const YAML::Node& node, std::string_view what) {
  if (!node.IsMap()) {
    throw MapError(LineOf(node),
                   absl::StrCat(std::string(what), ": keys with values are wanted here"));
  }
  std::set<std::string> seen;
  for (const auto& item : node) {
    std::string key = ScalarOf(item.first, what);
    if (!seen.insert(key).second) {
      throw MapError(LineOf(item.first), absl::StrCat(std::string(what), ": ", key, " twice"));
    }
  }
}

void CheckKeys(const YAML::Node& node, std::string_view what,
               const std::vector<std::string>& known) {
  CheckMapping(node, what);
  for (const auto& item : node) {
    if (std::find(known.begin(), known.end(), item.first.Scalar()) == known.end()) {
      UnknownKey(item.first, what, known);
    }
  }
}

void MapParser::DeclareValue(const std::string& name, int line) {
  for (const MapName& known : map_->names) {
    if (known.text == name) {
      throw MapError(known.line, absl::StrCat(name, " is used before it is set in line ", line));
    }
  }
  map_->names.push_back(MapName{name, line});
}

NameIndex MapParser::NameOf(const std::string& text, int line) {
  if (text.empty()) throw MapError(line, "a name is empty");
  for (NameIndex i = 0; i < map_->names.size(); ++i) {
    if (map_->names[i].text == text) return i;
  }
  map_->names.push_back(MapName{text, line});
  return map_->names.size() - 1;
}

// `<Name>` is what that column or value holds, `<<` is a `<`.
Expression MapParser::ParseText(const YAML::Node& node) {
  std::string text = ScalarOf(node, "a value");
  Expression expression;
  expression.line = LineOf(node);
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '<') {
      plain += text[i];
      continue;
    }
    if (i + 1 < text.size() && text[i + 1] == '<') {
      plain += text[i++];
      continue;
    }
    size_t end = text.find('>', i);
    if (end == std::string::npos) {
      throw MapError(LineOf(node), absl::StrCat(text, ": < without >; write << for the sign"));
    }
    if (!plain.empty()) expression.pieces.push_back(TextPiece{std::move(plain), std::nullopt});
    plain.clear();
    NameIndex name = NameOf(text.substr(i + 1, end - i - 1), LineOf(node));
    expression.pieces.push_back(TextPiece{"", name});
    i = end;
  }
  if (!plain.empty()) expression.pieces.push_back(TextPiece{std::move(plain), std::nullopt});
  return expression;
}

Expression MapParser::ParseExpression(const YAML::Node& node) {
  if (++count_ > kMostValues) {
    throw MapError(LineOf(node), absl::StrCat("a map has at most ", kMostValues, " values"));
  }
  if (++depth_ > kDeepestValue) {
    throw MapError(LineOf(node),
                   absl::StrCat("values lie in one another at most ", kDeepestValue, " deep"));
  }
  Expression expression = ParseTextOrFunction(node);
  --depth_;
  return expression;
}

Expression MapParser::ParseTextOrFunction(const YAML::Node& node) {
  if (node.IsMap()) return ParseFunction(node);
  return ParseText(node);
}

Expression MapParser::ParseFunction(const YAML::Node& node) {
  CheckMapping(node, "a value");
  auto function = Functions().end();
  for (const auto& item : node) {
    auto found = Functions().find(item.first.Scalar());
    if (found == Functions().end()) continue;
    if (function != Functions().end()) {
      throw MapError(LineOf(item.first),
                     absl::StrCat("one of ", function->first, " and ", found->first, " has to go"));
    }
    function = found;
  }
  if (function == Functions().end()) {
    throw MapError(LineOf(node), absl::StrCat("a value needs text or one of ",
                                              absl::StrJoin(KeysOf(Functions()), ", ")));
  }
  Expression expression;
  expression.kind = function->second;
  expression.line = LineOf(node);
  const std::string& name = function->first;
  std::vector<std::string> known = {name};
  if (expression.kind == Kind::kMinorUnits) known.push_back("digits");
  if (expression.kind == Kind::kTime) known.insert(known.end(), {"format", "zone"});
  if (expression.kind == Kind::kLookup) known.insert(known.end(), {"in", "else"});
  CheckKeys(node, name, known);

  const YAML::Node argument = node[name];
  if (expression.kind == Kind::kPosition) {
    for (const std::string& text : ScalarsOf(argument, name)) {
      expression.names.push_back(NameOf(text, LineOf(argument)));
    }
    return expression;
  }
  if (expression.kind == Kind::kFirstOf) {
    if (!argument.IsSequence()) throw MapError(LineOf(argument), "first_of: a list is wanted");
    for (const YAML::Node& item : argument) expression.arguments.push_back(ParseExpression(item));
    return expression;
  }
  expression.arguments.push_back(ParseExpression(argument));
  if (expression.kind == Kind::kMinorUnits) {
    std::string digits = node["digits"] ? ScalarOf(node["digits"], "digits") : "2";
    if (digits.size() != 1 || digits[0] < '0' || digits[0] > '6') {
      throw MapError(LineOf(node), absl::StrCat("digits: ", digits, " is not 0 to 6"));
    }
    expression.digits = digits[0] - '0';
  }
  if (expression.kind == Kind::kTime) ParseTime(node, &expression);
  if (expression.kind == Kind::kLookup) ParseLookup(node, &expression);
  return expression;
}

void MapParser::ParseTime(const YAML::Node& node, Expression* expression) {
  if (!node["format"]) throw MapError(LineOf(node), "time: without format");
  expression->formats = ScalarsOf(node["format"], "format");
  expression->zone = absl::UTCTimeZone();
  if (!node["zone"]) throw MapError(LineOf(node), "time: without zone (UTC, Europe/London, …)");
  std::string zone = ScalarOf(node["zone"], "zone");
  if (zone != "UTC" && !absl::LoadTimeZone(zone, &expression->zone)) {
    throw MapError(LineOf(node["zone"]), absl::StrCat("zone: ", zone,
                                                      " is not in this machine's time zone data "
                                                      "(Debian: package tzdata)"));
  }
}

void MapParser::ParseLookup(const YAML::Node& node, Expression* expression) {
  if (!node["in"]) throw MapError(LineOf(node), "lookup: without in");
  CheckMapping(node["in"], "in");
  for (const auto& item : node["in"]) {
    expression->table.emplace_back(item.first.Scalar(), ScalarOf(item.second, "in"));
  }
  if (node["else"]) expression->otherwise = ScalarOf(node["else"], "else");
}

Conditions MapParser::ParseConditions(const YAML::Node& node, std::string_view what) {
  std::vector<YAML::Node> alternatives;
  if (node.IsSequence()) {
    for (const YAML::Node& item : node) alternatives.push_back(item);
  } else {
    alternatives.push_back(node);
  }
  Conditions any;
  for (const YAML::Node& alternative : alternatives) {
    CheckMapping(alternative, what);
    std::vector<Condition>& all = any.emplace_back();
    for (const auto& item : alternative) {
      ParseTests(NameOf(item.first.Scalar(), LineOf(item.first)), item.second, &all);
    }
    if (all.empty()) {
      throw MapError(LineOf(alternative), absl::StrCat(std::string(what), ": no condition"));
    }
  }
  if (any.empty()) throw MapError(LineOf(node), absl::StrCat(std::string(what), ": empty list"));
  return any;
}

void MapParser::ParseTests(NameIndex name, const YAML::Node& node, std::vector<Condition>* all) {
  std::vector<std::string> known = KeysOf(TextTests());
  std::vector<std::string> numeric = KeysOf(NumberTests());
  known.insert(known.end(), numeric.begin(), numeric.end());
  known.push_back("empty");
  CheckKeys(node, absl::StrCat("condition on ", map_->names[name].text), known);
  for (const auto& item : node) {
    const std::string key = item.first.Scalar();
    Condition condition;
    condition.name = name;
    if (auto text = TextTests().find(key); text != TextTests().end()) {
      condition.kind = text->second;
      condition.texts = ScalarsOf(item.second, key);
    } else if (auto number = NumberTests().find(key); number != NumberTests().end()) {
      condition.kind = number->second;
      std::string value = ScalarOf(item.second, key);
      std::optional<Decimal> parsed = Decimal::Parse(value);
      if (!parsed) {
        throw MapError(LineOf(item.second), absl::StrCat(key, ": ", value, " is not a number"));
      }
      condition.number = *parsed;
    } else {
      condition.kind = Test::kEmpty;
      std::string value = ScalarOf(item.second, key);
      if (value != "true" && value != "false") {
        throw MapError(LineOf(item.second), absl::StrCat(key, ": true or false is wanted"));
      }
      condition.expected = value == "true";
    }
    all->push_back(std::move(condition));
  }
}

void MapParser::ParseFields(const YAML::Node& node, const Descriptor& type, const FieldPath& path,
                            const std::string& prefix, const std::vector<std::string>& forbidden,
                            std::vector<MapField>* fields) {
  std::vector<std::string> known = FieldNames(type, forbidden);
  CheckKeys(node, prefix, known);
  for (const auto& item : node) {
    const FieldDescriptor* field = type.FindFieldByName(item.first.Scalar());
    MapField parsed;
    parsed.path = path;
    parsed.path.push_back(field);
    parsed.name = path.empty() ? field->name() : absl::StrCat(prefix, ".", field->name());
    if (!TakesText(*field)) {
      if (field->is_repeated() || field->message_type() == nullptr) {
        throw MapError(LineOf(item.first), absl::StrCat(parsed.name, " cannot be mapped"));
      }
      ParseFields(item.second, *field->message_type(), parsed.path, parsed.name, {}, fields);
      continue;
    }
    parsed.expression = ParseExpression(item.second);
    CheckConstant(parsed, *v1::StockEvent::descriptor());
    fields->push_back(std::move(parsed));
  }
}

}  // namespace tallywire
