#include "streams/image_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace saccade {

Pixels pixels_of(const ImageSet& images, std::size_t index) {
  if (index >= images.size()) {
    throw std::out_of_range(fmt::format("{}: image {} asked of {}", images.name, index, images.size()));
  }
  Pixels pixels(images.image_bytes());
  std::transform(images.image(index), images.image(index) + pixels.size(), pixels.begin(),
                 [](std::uint8_t byte) { return static_cast<float>(byte) * byte_scale; });
  return pixels;
}

}  // namespace saccade
