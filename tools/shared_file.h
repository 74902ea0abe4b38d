#pragma once
#include <filesystem>
#include <functional>

namespace saccade {

/// Writes a file that other processes, also on other machines, may be writing at the same time: theirs or ours stands
/// there, whole. `write` writes the file that it is given. SystemError when it cannot be written.
void publish_file(const std::filesystem::path& file, const std::function<void(const std::filesystem::path&)>& write);

}  // namespace saccade
