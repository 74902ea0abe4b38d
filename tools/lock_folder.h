#pragma once
#include <filesystem>
#include <memory>

namespace saccade {

/// Keeps other processes that ask for it out of a folder while the result lives; the system lets go of it however the
/// process ends. `flag` is the option that named the folder. InputError when another holds it. A file system without
/// locks is no reason to refuse.
std::shared_ptr<void> lock_folder(const std::filesystem::path& folder, const char* flag);

}  // namespace saccade
