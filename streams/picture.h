#pragma once
#include <cstdint>
#include <vector>

namespace saccade {

/// An image in memory, 8 bits a channel, [height][width][channels], channels 1 (grey) or 3 (red, green, blue).
struct Picture {
  int height = 0, width = 0, channels = 3;
  std::vector<std::uint8_t> bytes;
};

}  // namespace saccade
