#pragma once
#include <toml++/toml.h>

#include <string>
#include <vector>

#include "tools/sweep/study.h"

/// The points of a study from the tables of its file. Internal to this folder. InputError begins with "ORIGIN, line N".
namespace saccade::points {

/// A key with the node of its value.
struct Leaf {
  std::string key;
  const toml::node* value;
};

/// Keys of nested tables as dotted names, in the order of the file; a table for which `ends` says so is a value.
std::vector<Leaf> leaves(const toml::table& table, bool (*ends)(const toml::table&));

/// The value of a node as TOML on one line. InputError for a date or time.
std::string value_text(const toml::node& node, const std::string& origin);

std::vector<Assignment> assignments(const toml::table& table, const std::string& origin);
/// The last key runs fastest.
std::vector<StudyPoint> grid(const toml::table& table, const std::string& origin);
std::vector<StudyPoint> listed(const toml::array& tables, const std::string& origin);
std::vector<StudyPoint> drawn(const toml::table& table, const std::string& origin);

[[noreturn]] void refuse(const std::string& origin, const toml::node& node, const std::string& what);

}  // namespace saccade::points
