#include "tools/reproduce/presets.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

#include "engine/error.h"
#include "tools/experiment/parse_toml.h"
#include "tools/read_text.h"

namespace saccade {
namespace {

namespace fs = std::filesystem;

std::string text_at(const toml::table& table, const char* key) { return table[key].value_or(std::string()); }

/// A key that the table may have and its type; anything else in a preset file is a slip.
void check_keys(const toml::table& table, const std::vector<std::string>& known, const std::string& origin) {
  for (const auto& [key, value] : table)
    if (std::find(known.begin(), known.end(), key.str()) == known.end())
      throw InputError(fmt::format("{}, line {}: unknown key \"{}\"; known are {}", origin, value.source().begin.line,
                                   key.str(), fmt::join(known, ", ")));
}

PresetCell read_cell(const toml::table& table, const std::string& origin) {
  check_keys(table, {"name", "row", "column", "preset", "published", "at_least", "compared", "note", "probe", "show"},
             origin);
  PresetCell cell;
  cell.name = text_at(table, "name");
  cell.row = text_at(table, "row");
  cell.column = text_at(table, "column");
  cell.preset = text_at(table, "preset");
  cell.published = table["published"].value_or(std::numeric_limits<double>::quiet_NaN());
  cell.at_least = table["at_least"].value_or(false);
  cell.note = text_at(table, "note");
  cell.show = text_at(table, "show");
  const std::string compared = table["compared"].value_or(std::string("plain"));
  cell.deformed = compared.starts_with("deformed");
  cell.classifier = compared.ends_with("classifier");
  const std::vector<std::string> words{"plain", "deformed", "plain classifier", "deformed classifier"};
  const auto line = table.source().begin.line;
  if (std::find(words.begin(), words.end(), compared) == words.end())
    throw InputError(fmt::format("{}, line {}: compared is \"{}\", expected one of {}", origin, line, compared,
                                 fmt::join(words, ", ")));
  if (cell.name.empty() || cell.preset.empty())
    throw InputError(fmt::format("{}, line {}: a cell needs a name and a preset", origin, line));
  if (const toml::array* list = table["probe"].as_array())
    for (const toml::node& item : *list) cell.probe.push_back(item.value_or(std::string()));
  return cell;
}

}  // namespace

const std::vector<std::string>& preset_names() {
  static const std::vector<std::string> names{"table1", "table2",      "table3",      "table4", "table5",
                                              "table6", "dtp-pooling", "mnist-plain", "fig2",   "fig5",
                                              "fig6",   "fig7",        "fig8",        "fig9",   "fig10"};
  return names;
}

PresetTable load_preset_table(const fs::path& folder, const std::string& name) {
  const auto& names = preset_names();
  if (std::find(names.begin(), names.end(), name) == names.end())
    throw InputError(fmt::format("there is no table or figure \"{}\"; known are {}", name, fmt::join(names, ", ")));
  const fs::path file = folder / (name + ".toml");
  const toml::table document = parse_toml(read_text(file), file.string());
  check_keys(document, {"title", "caption", "protocol", "figure", "cell"}, file.string());
  PresetTable table{.name = name,
                    .title = text_at(document, "title"),
                    .caption = text_at(document, "caption"),
                    .protocol = text_at(document, "protocol"),
                    .figure = text_at(document, "figure"),
                    .cells = {}};
  std::replace(table.protocol.begin(), table.protocol.end(), '\n', ' ');
  if (const toml::array* cells = document["cell"].as_array())
    for (const toml::node& cell : *cells)
      if (cell.is_table()) table.cells.push_back(read_cell(*cell.as_table(), file.string()));
  if (table.cells.empty()) throw InputError(fmt::format("{}: there is no [[cell]] in it", file.string()));
  return table;
}

}  // namespace saccade
