#pragma once
#include <algorithm>
#include <cstring>

#include "files.h"
#include "streams/views.h"

/// Images and renderings that the tests of views share.
namespace saccade::test {

inline ImageSet noise_images(int height, int width, int channels, std::size_t count = 4) {
  ImageSet images{"noise", height, width, channels, {"a", "b"}, {}, {}};
  images.pixels = noise(count * images.image_bytes(), 5);
  for (std::size_t n = 0; n < count; ++n) images.labels.push_back(n % 2);
  // Greys, black, white and pure colours: the special cases of hue.
  const std::uint8_t special[] = {0, 0, 0, 255, 255, 255, 7, 7, 7, 255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 3};
  std::copy_n(special, std::min(sizeof(special), images.image_bytes()), images.pixels.begin());
  return images;
}

inline Pixels rendered(const ImageSet& images, const ViewRecipe& recipe) {
  Pixels out(view_shape(recipe.kind, images).values(), -1.0f);
  render(images, recipe, out.data());
  return out;
}

inline bool same_bits(const Pixels& a, const Pixels& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

struct Shape {
  int height, width, channels;
};

}  // namespace saccade::test
