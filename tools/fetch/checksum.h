#pragma once
#include <filesystem>
#include <string>

#include "tools/fetch/tick.h"

namespace saccade {

/// SHA-256 of a file in lower-case hexadecimal. InputError when it cannot be read.
std::string sha256_of(const std::filesystem::path& file, const Tick& tick);

}  // namespace saccade
