#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace saccade {

/// An image in memory, 8 bits a channel, [height][width][channels], channels 1 (grey) or 3 (RGB).
struct Picture {
  int height = 0, width = 0, channels = 3;
  std::vector<std::uint8_t> bytes;
};

/// The file bytes of a PNG. std::invalid_argument when sizes do not fit together.
std::vector<std::uint8_t> encode_png(const Picture& picture);

std::string base64(std::span<const std::uint8_t> bytes);

/// "data:image/png;base64,...": a picture inside a page.
std::string png_data_uri(const Picture& picture);

}  // namespace saccade
