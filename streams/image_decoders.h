#pragma once
#include <cstdint>
#include <span>
#include <string>

#include "streams/picture.h"

/// The two decoders behind streams/image_file.h. Internal to this folder.
namespace saccade {

/// Grey or RGB, as in the file. Throw InputError.
Picture decode_png(std::span<const std::uint8_t> bytes, const std::string& name);
Picture decode_jpeg(std::span<const std::uint8_t> bytes, const std::string& name);

/// Throws InputError for a size beyond the limits in streams/image_file.h: called before anything is allocated.
void check_image_size(std::uint64_t height, std::uint64_t width, const std::string& name);

}  // namespace saccade
