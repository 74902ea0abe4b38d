#pragma once
#include <filesystem>
#include <string>

namespace saccade {

/// A file as a whole. InputError when it cannot be read.
std::string read_text(const std::filesystem::path& file);

}  // namespace saccade
