#include "streams/resize.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <stdexcept>

namespace saccade {

Crop fitted(int height, int width, int to_height, int to_width, Fit fit) {
  if (fit == Fit::stretch) return {0, 0, height, width};
  const auto side = [](std::int64_t other, std::int64_t to, std::int64_t to_other, int most) {
    const std::int64_t nearest = (2 * other * to + to_other) / (2 * to_other);
    return static_cast<int>(std::clamp<std::int64_t>(nearest, 1, most));
  };
  // Whichever side is the longer one, relative to the wanted aspect, gives way.
  const int kept_width = side(height, to_width, to_height, width),
            kept_height = side(width, to_height, to_width, height);
  return {(height - kept_height) / 2, (width - kept_width) / 2, kept_height, kept_width};
}

Picture resized(const Picture& picture, int height, int width, Fit fit) {
  const auto channels = static_cast<std::size_t>(picture.channels);
  if (picture.height < 1 || picture.width < 1 || height < 1 || width < 1 || (channels != 1 && channels != 3) ||
      picture.bytes.size() !=
          static_cast<std::size_t>(picture.height) * static_cast<std::size_t>(picture.width) * channels)
    throw std::invalid_argument(fmt::format("resized: {} bytes for {}x{} pixels of {} channels to {}x{}",
                                            picture.bytes.size(), picture.height, picture.width, picture.channels,
                                            height, width));
  if (picture.height == height && picture.width == width) return picture;
  const std::size_t pixels = static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
  std::vector<float> values(pixels * channels);
  std::array<float*, 3> planes{};
  for (std::size_t c = 0; c < channels; ++c) planes[c] = values.data() + c * pixels;
  ResizedCrop().resample(picture.bytes.data(), picture.width, picture.channels,
                         fitted(picture.height, picture.width, height, width, fit), height, width, planes);
  Picture result{height, width, picture.channels, std::vector<std::uint8_t>(values.size())};
  for (std::size_t c = 0; c < channels; ++c)
    for (std::size_t i = 0; i < pixels; ++i)
      result.bytes[i * channels + c] = static_cast<std::uint8_t>(planes[c][i] * 255.0f + 0.5f);
  return result;
}

}  // namespace saccade
