#include "tools/experiment/experiment_differences.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "tools/experiment/experiment_keys.h"

namespace saccade {

std::vector<DifferingKey> differing_keys(const std::vector<const Experiment*>& experiments, bool all) {
  std::vector<DifferingKey> differing;
  for (const keys::Key& key : keys::table()) {
    if (std::holds_alternative<keys::Shorthand>(key.type)) continue;
    if (!all && (key.name == "seed" || key.name.starts_with("checkpoint.") || key.name.starts_with("record.") ||
                 key.name.starts_with("measure.")))
      continue;
    DifferingKey one{key.name, {}};
    for (const Experiment* experiment : experiments) {
      std::string text = keys::applies(key.name, *experiment) ? keys::value_text(key, *experiment) : "-";
      one.values.push_back(key.unit == "images" && text == "0" ? "all" : text);
    }
    if (std::adjacent_find(one.values.begin(), one.values.end(), std::not_equal_to<>()) != one.values.end())
      differing.push_back(std::move(one));
  }
  return differing;
}

std::vector<std::string> experiment_differences(const Experiment& published, const Experiment& ours, bool all) {
  std::vector<std::string> differences;
  for (const DifferingKey& key : differing_keys({&published, &ours}, all))
    differences.push_back(fmt::format("{} {} instead of {}", key.name, key.values[1], key.values[0]));
  return differences;
}

}  // namespace saccade
