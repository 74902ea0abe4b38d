#include "tools/bench/synthetic.h"

#include <algorithm>

#include "engine/random.h"

namespace saccade::bench {
namespace {

constexpr std::uint64_t seed = 1;
const Random random_numbers(seed, Purpose::layout, 0, 0);

}  // namespace

ImageSet synthetic_images(std::size_t count, int side) {
  ImageSet images{"synthetic", side, side, 3, {}, {}, {}};
  for (char digit = '0'; digit <= '9'; ++digit) images.classes.emplace_back(1, digit);
  images.pixels.resize(count * images.image_bytes());
  for (std::size_t i = 0; i < images.pixels.size(); ++i)
    images.pixels[i] = static_cast<std::uint8_t>(random_numbers.bits(static_cast<std::uint32_t>(i)));
  for (std::size_t i = 0; i < count; ++i) images.labels.push_back(static_cast<std::int32_t>(i % 10));
  return images;
}

std::vector<float> synthetic_floats(std::size_t count, float low, float high) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = random_numbers.uniform(static_cast<std::uint32_t>(i), low, high);
  return values;
}

void fill_maps(const DeviceBuffer<float>& maps, const MapShape& shape, float low, float high) {
  const auto views = static_cast<std::size_t>(maps.views()), row = static_cast<std::size_t>(shape.width);
  const auto channels = static_cast<std::size_t>(shape.channels), lanes = static_cast<std::size_t>(shape.lanes);
  const std::vector<float> values = synthetic_floats(views * shape.features(), low, high);
  std::vector<float> host(maps.elements());
  const float* from = values.data();
  for (std::size_t view = 0; view < views; ++view)
    for (int y = 0; y < shape.height; ++y) {
      float* to = host.data() + view * shape.size() + shape.offset(y, 0);
      for (std::size_t x = 0; x < row; ++x, to += lanes, from += channels) std::copy_n(from, channels, to);
    }
  maps.write(host);
}

}  // namespace saccade::bench
