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

/// InputError when the file exists and has none of these endings (where there are some), belongs to the folder of a
/// run, is no plain file, or is one of those that are `read`: what replaces a file should not meet one of another kind.
void check_replaceable(const char* flag, const std::filesystem::path& file, const std::vector<std::string>& endings,
                       const std::vector<std::filesystem::path>& read = {});

}  // namespace saccade
