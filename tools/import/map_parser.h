// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_IMPORT_MAP_PARSER_H_
#define TALLYWIRE_TOOLS_IMPORT_MAP_PARSER_H_

// From YAML to the parts of a RowMap. Used by map.cc only.
//
// Errors: MapError, thrown; ParseMap catches it (and what yaml-cpp throws) and makes a status of
// it.

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "tools/import/map.h"
#include "yaml-cpp/yaml.h"

namespace tallywire {

class MapError : public std::runtime_error {
 public:
  MapError(int at_line, const std::string& text) : std::runtime_error(text), line(at_line) {}
  const int line;
};

int LineOf(const YAML::Node& node);

// The text of a scalar; `what` names it in the error if it is none.
std::string ScalarOf(const YAML::Node& node, std::string_view what);

// Checks that a node is a map, with none of its keys twice.
void CheckMapping(const YAML::Node& node, std::string_view what);

// Checks moreover that it has no key but these.
void CheckKeys(const YAML::Node& node, std::string_view what,
               const std::vector<std::string>& known);

// Parses what speaks of columns and values, and keeps the list of their names.
class MapParser {
 public:
  explicit MapParser(RowMap* map) : map_(map) {}

  // From here on `name` may be used as a value; before, it is taken for a column.
  void DeclareValue(const std::string& name, int line);

  Expression ParseExpression(const YAML::Node& node);
  Conditions ParseConditions(const YAML::Node& node, std::string_view what);

  // Appends the fields that `node`, a map, sets in a message of that type. `prefix` names the way
  // there for errors; `forbidden` are fields that are set elsewhere.
  void ParseFields(const YAML::Node& node, const google::protobuf::Descriptor& type,
                   const FieldPath& path, const std::string& prefix,
                   const std::vector<std::string>& forbidden, std::vector<MapField>* fields);

 private:
  Expression ParseTextOrFunction(const YAML::Node& node);
  NameIndex NameOf(const std::string& text, int line);
  Expression ParseText(const YAML::Node& node);
  Expression ParseFunction(const YAML::Node& node);
  void ParseTime(const YAML::Node& node, Expression* expression);
  void ParseLookup(const YAML::Node& node, Expression* expression);
  void ParseTests(NameIndex name, const YAML::Node& node, std::vector<Condition>* all);

  RowMap* map_;
  // An alias may stand for what it lies in, or for many that stand for many: by a few lines a map
  // would have values without end.
  int depth_ = 0;
  int count_ = 0;
};

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_IMPORT_MAP_PARSER_H_
