#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "streams/picture.h"

namespace saccade {

/// The file bytes of a PNG. std::invalid_argument when sizes do not fit together.
std::vector<std::uint8_t> encode_png(const Picture& picture);

std::string base64(std::span<const std::uint8_t> bytes);

/// "data:image/png;base64,...": a picture inside a page.
std::string png_data_uri(const Picture& picture);

}  // namespace saccade
