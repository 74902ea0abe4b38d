#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace saccade {

/// Where files that come with the program are: what the environment's `variable` says, else share/saccade/`name` beside
/// the program's folder (installed), else `name` in the program's folder (built). InputError when there is none.
std::filesystem::path shipped_folder(const std::string& name, const char* variable);

/// "presets", SACCADE_PRESETS.
std::filesystem::path presets_folder();

/// Names of the presets that are experiment files, their paths below the folder without ".toml": "online/rll".
std::vector<std::string> experiment_presets();

/// The experiment file of one of them. InputError for another name, with the nearest ones.
std::filesystem::path preset_file(const std::string& name);

}  // namespace saccade
