#include "streams/image_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "engine/hash.h"

namespace saccade {

std::string content_hash(const ImageSet& images) {
  Hash hash;
  for (const int extent : {images.height, images.width, images.channels}) hash.add(static_cast<std::uint64_t>(extent));
  hash.add_array(images.pixels);
  return hash.hex();
}

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
