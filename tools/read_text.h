#pragma once
#include <filesystem>
#include <string>

namespace saccade {

class FileSystem;

/// A file as a whole. InputError when it cannot be read.
std::string read_text(const std::filesystem::path& file);
/// The same of a plain file behind the seam.
std::string read_text(const std::filesystem::path& file, FileSystem& files);

}  // namespace saccade
