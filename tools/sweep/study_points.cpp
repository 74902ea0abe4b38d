#include "tools/sweep/study_points.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "engine/elementary.h"
#include "engine/error.h"
#include "engine/random.h"

namespace saccade::points {
namespace {

constexpr std::size_t most_points = 100'000;

unsigned line_of(const toml::node& node) { return node.source().begin.line; }

/// toml++ keeps a table's keys in alphabetical order; a study's columns and loops follow the file.
std::vector<std::pair<std::string, const toml::node*>> in_file_order(const toml::table& table) {
  std::vector<std::pair<toml::source_position, std::pair<std::string, const toml::node*>>> placed;
  for (const auto& [key, node] : table) placed.push_back({key.source().begin, {std::string(key.str()), &node}});
  std::stable_sort(placed.begin(), placed.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::pair<std::string, const toml::node*>> ordered;
  for (auto& one : placed) ordered.push_back(std::move(one.second));
  return ordered;
}

/// "window-0.5-negatives-4", of letters, digits, dots and dashes.
std::string name_of(const std::vector<Assignment>& assignments) {
  std::string name;
  const auto add = [&](const std::string& text) {
    for (const char c : text)
      if (std::isalnum(static_cast<unsigned char>(c)) || c == '.')
        name += c;
      else if (!name.empty() && name.back() != '-')
        name += '-';
  };
  for (const Assignment& a : assignments) {
    add("-");
    add(a.key.substr(a.key.rfind('.') + 1));
    add("-");
    add(a.value);
  }
  constexpr std::size_t longest = 80;  // the number before it tells runs apart
  if (name.size() > longest) name.resize(longest);
  while (name.ends_with('-')) name.pop_back();
  return name;
}

/// What a drawn key is drawn from.
bool is_range(const toml::table& table) {
  return table.contains("min") || table.contains("max") || table.contains("choices") || table.contains("log");
}

void check_range(const Leaf& leaf, const toml::table& range, const std::string& origin) {
  for (const auto& [part, node] : range)
    if (part != "min" && part != "max" && part != "log" && part != "choices")
      refuse(origin, node,
             fmt::format("{}.{} is unknown; a range has min, max and log, or choices", leaf.key,
                         std::string_view(part.str())));
  if (range.contains("choices") && range.size() > 1)
    refuse(origin, range, fmt::format("{} has choices and more; expected choices alone, or min and max", leaf.key));
}

/// A float with four digits: what is shown is what was run.
std::string four_digits(double value) {
  std::string text = fmt::format("{:.4g}", value);
  if (text.find_first_of(".en") == std::string::npos) text += ".0";
  return text;
}

std::string draw(const Leaf& leaf, const Random& random, const std::string& origin) {
  const toml::table* range = leaf.value->as_table();
  if (!range)
    refuse(origin, *leaf.value,
           fmt::format("{}: expected {{min = A, max = B}} (and log = true) or {{choices = [...]}}", leaf.key));
  check_range(leaf, *range, origin);
  if (const toml::node* choices = range->get("choices")) {
    const toml::array* list = choices->as_array();
    if (!list || list->empty())
      refuse(origin, *choices, fmt::format("{}.choices: expected a list of values", leaf.key));
    return value_text(*list->get(random.below(0, static_cast<std::uint32_t>(list->size()))), origin);
  }
  const toml::node *low = range->get("min"), *high = range->get("max");
  if (!low || !high || !low->is_number() || !high->is_number())
    refuse(origin, *range, fmt::format("{}: expected two numbers, min and max", leaf.key));
  const bool log = (*range)["log"].value_or(false);
  const double a = *low->value<double>(), b = *high->value<double>();
  if (!(a < b) || !std::isfinite(b - a) || (log && !(a > 0)))
    refuse(origin, *range,
           fmt::format("{}: min is {} and max {}, expected finite numbers, min below max{}", leaf.key, a, b,
                       log ? " and, with log, above 0" : ""));
  const bool whole = low->is_integer() && high->is_integer();
  const double end = whole ? b + 1 : b;
  const double u = (random.bits(0) * 4294967296.0 + random.bits(1)) * 0x1p-64;  // 53 bits of it count
  const double value = log ? own_exp(own_log(a) + u * (own_log(end) - own_log(a))) : a + u * (end - a);
  if (whole) return fmt::format("{}", static_cast<std::int64_t>(std::clamp(std::floor(value), a, b)));
  return four_digits(std::clamp(value, a, b));
}

bool same(const StudyPoint& a, const StudyPoint& b) {
  return std::equal(a.assignments.begin(), a.assignments.end(), b.assignments.begin(), b.assignments.end(),
                    [](const Assignment& x, const Assignment& y) { return x.text() == y.text(); });
}

bool never(const toml::table&) { return false; }

/// Keys of an experiment; the study's seeds are not among them.
std::vector<Leaf> experiment_leaves(const toml::table& table, const std::string& origin) {
  std::vector<Leaf> all = leaves(table, never);
  for (const Leaf& leaf : all)
    if (leaf.key == "seed") refuse(origin, *leaf.value, "seed: the seeds of a study are given by seeds = [1, 2, 3]");
  return all;
}

}  // namespace

void refuse(const std::string& origin, const toml::node& node, const std::string& what) {
  throw InputError(fmt::format("{}, line {}: {}", origin, line_of(node), what));
}

std::vector<Leaf> leaves(const toml::table& table, bool (*ends)(const toml::table&)) {
  std::vector<Leaf> all;
  for (const auto& [key, node] : in_file_order(table)) {
    const toml::table* inner = node->as_table();
    if (!inner || inner->empty() || ends(*inner)) {
      all.push_back({key, node});
      continue;
    }
    for (const Leaf& leaf : leaves(*inner, ends)) all.push_back({key + "." + leaf.key, leaf.value});
  }
  return all;
}

std::string value_text(const toml::node& node, const std::string& origin) {
  if (const auto* text = node.as_string()) return toml_string(text->get());
  if (const auto* integer = node.as_integer()) return fmt::format("{}", integer->get());
  if (const auto* boolean = node.as_boolean()) return boolean->get() ? "true" : "false";
  if (const auto* real = node.as_floating_point()) {
    std::string text = fmt::format("{}", real->get());
    return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
  }
  std::vector<std::string> parts;
  if (const toml::array* list = node.as_array()) {
    for (const toml::node& one : *list) parts.push_back(value_text(one, origin));
    return fmt::format("[{}]", fmt::join(parts, ", "));
  }
  if (const toml::table* table = node.as_table()) {
    for (const auto& [key, value] : in_file_order(*table))
      parts.push_back(fmt::format("{} = {}", key, value_text(*value, origin)));
    return fmt::format("{{{}}}", fmt::join(parts, ", "));
  }
  refuse(origin, node, "found a date or time, expected a value of an experiment key");
}

std::vector<Assignment> assignments(const toml::table& table, const std::string& origin) {
  std::vector<Assignment> all;
  for (const Leaf& leaf : experiment_leaves(table, origin))
    all.push_back({leaf.key, value_text(*leaf.value, origin), line_of(*leaf.value)});
  return all;
}

std::vector<StudyPoint> grid(const toml::table& table, const std::string& origin) {
  std::vector<StudyPoint> all(1);
  for (const Leaf& leaf : experiment_leaves(table, origin)) {
    const toml::array* list = leaf.value->as_array();
    if (!list || list->empty())
      refuse(origin, *leaf.value, fmt::format("grid.{}: expected a list of values", leaf.key));
    std::vector<StudyPoint> longer;
    if (all.size() * list->size() > most_points)
      refuse(origin, *leaf.value, fmt::format("the grid has more than {} points", most_points));
    for (const StudyPoint& point : all)
      for (const toml::node& value : *list) {
        longer.push_back(point);
        longer.back().assignments.push_back({leaf.key, value_text(value, origin), line_of(value)});
      }
    std::set<std::string> texts;
    for (const toml::node& value : *list)
      if (!texts.insert(value_text(value, origin)).second)
        refuse(origin, value, fmt::format("grid.{}: {} stands there twice", leaf.key, value_text(value, origin)));
    all = std::move(longer);
  }
  if (table.empty()) refuse(origin, table, "grid: expected keys with lists of values");
  for (StudyPoint& point : all) point.name = name_of(point.assignments), point.kind = StudyPoint::Kind::grid;
  return all;
}

std::vector<StudyPoint> listed(const toml::array& tables, const std::string& origin) {
  std::vector<StudyPoint> all;
  std::set<std::string> names;
  for (const toml::node& node : tables) {
    const toml::table* table = node.as_table();
    if (!table) refuse(origin, node, "point: expected tables, [[point]]");
    const toml::node* name = table->get("name");
    const std::string text = name ? name->value<std::string>().value_or("") : "";
    if (text.empty()) refuse(origin, node, "a point needs a name = \"...\"");
    if (!names.insert(text).second) refuse(origin, *name, fmt::format("two points are called \"{}\"", text));
    StudyPoint point{text, StudyPoint::Kind::listed, assignments(*table, origin)};
    std::erase_if(point.assignments, [](const Assignment& a) { return a.key == "name"; });
    all.push_back(std::move(point));
  }
  return all;
}

std::vector<StudyPoint> drawn(const toml::table& table, const std::string& origin) {
  const auto number = [&](const char* key, std::int64_t otherwise, std::int64_t least, std::int64_t most) {
    const toml::node* node = table.get(key);
    if (!node) return otherwise;
    const auto* value = node->as_integer();
    if (!value || value->get() < least || value->get() > most)
      refuse(origin, *node, fmt::format("random.{}: expected an integer from {} to {}", key, least, most));
    return value->get();
  };
  const std::int64_t draws = number("draws", 0, 1, most_points), seed = number("seed", 1, 0, INT64_MAX);
  if (draws == 0) refuse(origin, table, "random: expected draws = N, the number of points");
  std::vector<StudyPoint> all;
  for (std::int64_t i = 0; i < draws; ++i) {
    StudyPoint point{{}, StudyPoint::Kind::drawn, {}};
    std::uint32_t key = 0;
    for (const Leaf& leaf : leaves(table, is_range)) {
      if (leaf.key == "draws" || leaf.key == "seed") continue;
      const Random random(static_cast<std::uint64_t>(seed), Purpose::study_point, key++, static_cast<std::uint64_t>(i));
      point.assignments.push_back({leaf.key, draw(leaf, random, origin), line_of(*leaf.value)});
    }
    if (point.assignments.empty()) refuse(origin, table, "random: expected keys to draw");
    point.name = name_of(point.assignments);
    // Choices and integers may repeat themselves; the same run would count as two.
    if (std::none_of(all.begin(), all.end(), [&](const StudyPoint& other) { return same(other, point); }))
      all.push_back(std::move(point));
  }
  return all;
}

}  // namespace saccade::points
