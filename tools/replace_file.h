#pragma once
#include <filesystem>
#include <string_view>

namespace saccade {

/// Replaces a file as a whole: temporary file, sync, rename, sync of the folder. SystemError; the old file then still
/// stands.
void replace_file(const std::filesystem::path& file, std::string_view bytes);

}  // namespace saccade
