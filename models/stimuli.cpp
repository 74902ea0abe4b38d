#include "models/stimuli.h"

#include <fmt/format.h>

#include <stdexcept>

namespace saccade {

DeviceImages::DeviceImages(Device& device, int height, int width, int channels, std::span<const std::uint8_t> bytes)
    : height_(height), width_(width), channels_(channels) {
  const std::size_t size = MapShape::image(height, width, channels).features();
  if (size == 0 || bytes.size() % size != 0)
    throw std::invalid_argument(
        fmt::format("DeviceImages: got {} bytes for images of {}x{}x{}", bytes.size(), height, width, channels));
  count_ = bytes.size() / size;
  bytes_ = DeviceBuffer<std::uint8_t>(device, bytes.size());
  if (!bytes.empty()) device.write(bytes_.data(), bytes.data(), bytes.size());
}

Stimuli Stimuli::from(std::size_t first, std::size_t features) const {
  Stimuli rest = *this;
  if (images)
    rest.recipes = recipes.subspan(first);
  else
    rest.pixels = pixels.subspan(first * features);
  return rest;
}

}  // namespace saccade
