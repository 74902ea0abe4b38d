#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "engine/file_system.h"

namespace saccade {

/// Replaces a file as a whole: temporary file, sync, rename, sync of the folder. SystemError; the old file then still
/// stands.
void replace_file(const std::filesystem::path& file, std::string_view bytes, FileSystem& files = real_files());

/// InputError when the file exists and has none of these endings: what replaces a file should not meet one of another
/// kind, of a run for instance.
void check_replaceable(const char* flag, const std::filesystem::path& file, const std::vector<std::string>& endings);

}  // namespace saccade
