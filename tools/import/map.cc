// SPDX-License-Identifier: Apache-2.0
#include "tools/import/map.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "ledger/status.h"
#include "tools/import/map_parser.h"

namespace tallywire {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

const Descriptor& EventType() { return *v1::StockEvent::descriptor(); }

// The bodies that a source may write, by name: every body but the ledger's own.
const FieldDescriptor* BodyNamed(const std::string& name) {
  const FieldDescriptor* field = EventType().FindFieldByName(name);
  if (field == nullptr || field->real_containing_oneof() == nullptr) return nullptr;
  if (name == "location_copied" || name == "ticked") return nullptr;
  return field;
}

std::vector<std::string> BodyNames() {
  std::vector<std::string> names;
  for (int i = 0; i < EventType().field_count(); ++i) {
    const std::string& name = EventType().field(i)->name();
    if (BodyNamed(name) != nullptr) names.push_back(name);
  }
  return names;
}

// The key of `node` that names a body, or null. Two of them are an error.
const FieldDescriptor* BodyIn(const YAML::Node& node) {
  const FieldDescriptor* body = nullptr;
  for (const auto& item : node) {
    const FieldDescriptor* found = BodyNamed(item.first.Scalar());
    if (found == nullptr) continue;
    if (body != nullptr) {
      throw MapError(LineOf(item.first),
                     absl::StrCat("one event has one body: ", body->name(), " or ", found->name()));
    }
    body = found;
  }
  return body;
}

// Fields of the envelope that a map may set; the source is set for all of it.
void ParseEnvelope(MapParser* parser, const YAML::Node& node, std::vector<MapField>* fields) {
  parser->ParseFields(node, EventType(), {}, "event", {"source"}, fields);
}

void ParseValues(MapParser* parser, const YAML::Node& node, RowMap* map) {
  CheckMapping(node, "values");
  for (const auto& item : node) {
    std::string name = item.first.Scalar();
    if (name.empty() || name.find_first_of("<>#") != std::string::npos) {
      throw MapError(LineOf(item.first), absl::StrCat("values: ", name, " is no name"));
    }
    Expression expression = parser->ParseExpression(item.second);
    parser->DeclareValue(name, LineOf(item.first));
    map->values.push_back(MapValue{name, std::move(expression)});
  }
}

// Constants only: a definition is not made from a row.
void CheckConstant(const Expression& expression) {
  bool constant = expression.kind == Expression::Kind::kText;
  for (const TextPiece& piece : expression.pieces) constant = constant && !piece.name;
  if (!constant) throw MapError(expression.line, "a definition is not made from columns");
}

v1::StockEvent ParseDefinition(const YAML::Node& node, const RowMap& map) {
  CheckMapping(node, "definition");
  const FieldDescriptor* body = BodyIn(node);
  if (body == nullptr) throw MapError(LineOf(node), "a definition needs a body");
  RowMap unused;
  MapParser parser(&unused);
  std::vector<MapField> fields;
  YAML::Node envelope(YAML::NodeType::Map);
  for (const auto& item : node) {
    if (item.first.Scalar() != body->name()) envelope[item.first] = item.second;
  }
  if (envelope.size() > 0) ParseEnvelope(&parser, envelope, &fields);
  parser.ParseFields(node[body->name()], *body->message_type(), {body}, body->name(), {}, &fields);
  v1::StockEvent event;
  event.set_source(map.source);
  event.GetReflection()->MutableMessage(&event, body);
  for (const MapField& field : fields) {
    CheckConstant(field.expression);
    std::string text;
    for (const TextPiece& piece : field.expression.pieces) text += piece.text;
    absl::Status status = SetField(&event, field.path, text);
    if (!status.ok()) throw MapError(field.expression.line, std::string(status.message()));
  }
  if (event.event_id().empty()) throw MapError(LineOf(node), "a definition needs an event_id");
  return event;
}

// The rule's own fields of the envelope go before those that all rules share.
void AddShared(const std::vector<MapField>& shared, std::vector<MapField>* fields) {
  std::set<std::string> own;
  for (const MapField& field : *fields) own.insert(field.name);
  for (const MapField& field : shared) {
    if (own.count(field.name) == 0) fields->push_back(field);
  }
}

void CheckIdentity(const MapRule& rule) {
  for (const MapField& field : rule.fields) {
    if (field.name != "event_id") continue;
    bool constant = field.expression.kind == Expression::Kind::kText;
    for (const TextPiece& piece : field.expression.pieces) constant = constant && !piece.name;
    if (!constant) return;
    throw MapError(field.expression.line,
                   "event_id: the same for every row, so all but the first would be dropped as "
                   "known; a column is written <Column>");
  }
  throw MapError(rule.line, absl::StrCat(rule.name, ": no event_id, here or under event"));
}

MapRule ParseRule(MapParser* parser, const YAML::Node& node, const std::vector<MapField>& shared) {
  std::vector<std::string> known = {"name", "when", "unless", "event", "left_out"};
  for (const std::string& name : BodyNames()) known.push_back(name);
  CheckKeys(node, "rows", known);
  MapRule rule;
  rule.line = LineOf(node);
  rule.body = BodyIn(node);
  if (node["when"]) rule.when = parser->ParseConditions(node["when"], "when");
  if (node["unless"]) rule.unless = parser->ParseConditions(node["unless"], "unless");
  if (node["left_out"]) {
    if (rule.body != nullptr || node["event"] || node["name"]) {
      throw MapError(rule.line, "left_out: such rows make no event, and its text is their name");
    }
    rule.name = ScalarOf(node["left_out"], "left_out");
    return rule;
  }
  if (rule.body == nullptr) {
    throw MapError(rule.line, "a rule needs left_out or a body: sold, received, …");
  }
  rule.name = node["name"] ? ScalarOf(node["name"], "name") : rule.body->name();
  if (node["event"]) ParseEnvelope(parser, node["event"], &rule.fields);
  AddShared(shared, &rule.fields);
  parser->ParseFields(node[rule.body->name()], *rule.body->message_type(), {rule.body},
                      rule.body->name(), {}, &rule.fields);
  CheckIdentity(rule);
  return rule;
}

void ParseRules(MapParser* parser, const YAML::Node& node, const std::vector<MapField>& shared,
                RowMap* map) {
  if (!node.IsSequence()) throw MapError(LineOf(node), "rows: a list of rules is wanted");
  std::set<std::string> names;
  for (const YAML::Node& item : node) {
    if (!map->rules.empty() && map->rules.back().when.empty() && map->rules.back().unless.empty()) {
      throw MapError(LineOf(item), absl::StrCat("never reached: the rule in line ",
                                                map->rules.back().line, " takes every row"));
    }
    MapRule rule = ParseRule(parser, item, shared);
    if (rule.name.empty() || !names.insert(rule.name).second) {
      throw MapError(rule.line, absl::StrCat("two rules are called \"", rule.name,
                                             "\"; give one of them a name"));
    }
    map->rules.push_back(std::move(rule));
  }
}

RowMap Parse(const YAML::Node& root, const std::string& file) {
  CheckKeys(root, "map", {"source", "delimiter", "definitions", "values", "event", "rows"});
  RowMap map;
  map.file = file;
  if (!root["source"]) throw MapError(1, "map: without source");
  map.source = ScalarOf(root["source"], "source");
  if (map.source.empty()) throw MapError(LineOf(root["source"]), "source: empty");
  if (root["delimiter"]) {
    std::string delimiter = ScalarOf(root["delimiter"], "delimiter");
    if (delimiter.size() != 1 || delimiter == "\"" || delimiter == "\n" || delimiter == "\r") {
      throw MapError(LineOf(root["delimiter"]), "delimiter: one character, such as ; or \"\\t\"");
    }
    map.delimiter = delimiter[0];
  }
  if (root["definitions"]) {
    if (!root["definitions"].IsSequence()) {
      throw MapError(LineOf(root["definitions"]), "definitions: a list is wanted");
    }
    for (const YAML::Node& node : root["definitions"]) {
      map.definitions.push_back(ParseDefinition(node, map));
    }
  }
  MapParser parser(&map);
  if (root["values"]) ParseValues(&parser, root["values"], &map);
  std::vector<MapField> shared;
  if (root["event"]) ParseEnvelope(&parser, root["event"], &shared);
  if (!root["rows"]) throw MapError(1, "map: without rows");
  ParseRules(&parser, root["rows"], shared, &map);
  if (map.rules.empty()) throw MapError(LineOf(root["rows"]), "rows: no rule");
  return map;
}

}  // namespace

absl::StatusOr<RowMap> ParseMap(const std::string& text, const std::string& file) {
  try {
    return Parse(YAML::Load(text), file);
  } catch (const MapError& error) {
    return absl::InvalidArgumentError(absl::StrCat(file, ":", error.line, ": ", error.what()));
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(
        absl::StrCat(file, ":", error.mark.line + 1, ": ", error.msg));
  }
}

absl::StatusOr<RowMap> LoadMap(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return absl::NotFoundError(absl::StrCat(path, ": ", std::strerror(errno)));
  std::ostringstream text;
  text << in.rdbuf();
  if (in.bad()) return absl::FailedPreconditionError(absl::StrCat(path, ": cannot be read"));
  return ParseMap(text.str(), path);
}

}  // namespace tallywire
