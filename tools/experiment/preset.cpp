#include "tools/experiment/preset.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>

#include "engine/error.h"

namespace saccade {

namespace fs = std::filesystem;

fs::path shipped_folder(const std::string& name, const char* variable) {
  if (const char* given = std::getenv(variable); given && *given) {
    if (fs::is_directory(given)) return given;
    throw InputError(fmt::format("{} is {}: this is not a folder", variable, given));
  }
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error).parent_path();
  const fs::path installed = program.parent_path() / "share/saccade" / name, built = program / name;
  for (const fs::path& folder : {installed, built})
    if (fs::is_directory(folder, error)) return folder;
  throw InputError(fmt::format("the {} are neither in {} nor in {}; set {} to their folder", name, installed.string(),
                               built.string(), variable));
}

fs::path presets_folder() { return shipped_folder("presets", "SACCADE_PRESETS"); }

std::vector<std::string> experiment_presets() {
  const fs::path folder = presets_folder();
  std::vector<std::string> names;
  // Files at the top describe tables and figures; those in folders are experiments.
  for (const fs::directory_entry& group : fs::directory_iterator(folder)) {
    if (!group.is_directory()) continue;
    for (const fs::directory_entry& file : fs::directory_iterator(group))
      if (file.path().extension() == ".toml")
        names.push_back((group.path().filename() / file.path().stem()).generic_string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

fs::path preset_file(const std::string& name) {
  const std::vector<std::string> known = experiment_presets();
  if (std::find(known.begin(), known.end(), name) != known.end()) return presets_folder() / (name + ".toml");
  const std::string group = name.substr(0, name.find('/')) + "/";
  std::vector<std::string> near;
  std::copy_if(known.begin(), known.end(), std::back_inserter(near),
               [&](const std::string& other) { return other.starts_with(group); });
  throw InputError(
      fmt::format("there is no preset \"{}\"; expected one of {}", name, fmt::join(near.empty() ? known : near, ", ")));
}

}  // namespace saccade
