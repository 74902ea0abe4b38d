#include "tools/reproduce/experiment_differences.h"

#include <fmt/format.h>

#include "tools/experiment/experiment_keys.h"

namespace saccade {

std::vector<std::string> experiment_differences(const Experiment& published, const Experiment& ours, bool all) {
  std::vector<std::string> differences;
  for (const keys::Key& key : keys::table()) {
    if (std::holds_alternative<keys::Shorthand>(key.type)) continue;
    if (!all && (key.name == "seed" || key.name.starts_with("checkpoint.") || key.name.starts_with("record.")))
      continue;
    std::string expected = keys::value_text(key, published), found = keys::value_text(key, ours);
    if (key.unit == "images")  // a number of images; 0 stands for all
      for (std::string* text : {&expected, &found})
        if (*text == "0") *text = "all";
    if (expected != found) differences.push_back(fmt::format("{} {} instead of {}", key.name, found, expected));
  }
  return differences;
}

}  // namespace saccade
