#include "streams/resized_crop.h"

#include <algorithm>
#include <cmath>

#include "streams/image_set.h"

namespace saccade {

void ResizedCrop::Axis::prepare(int inputs, int outputs) {
  const double scale = static_cast<double>(inputs) / outputs, reach = std::max(scale, 1.0);
  most = 2 * static_cast<std::size_t>(std::ceil(reach)) + 1;
  first.resize(static_cast<std::size_t>(outputs));
  count.resize(first.size());
  weights.resize(first.size() * most);
  for (std::size_t i = 0; i < first.size(); ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * scale;
    first[i] = std::max(0, static_cast<int>(std::floor(centre - reach + 0.5)));
    count[i] = std::min(inputs, static_cast<int>(std::floor(centre + reach + 0.5))) - first[i];
    const auto triangle = [&](int k) { return std::max(0.0, 1.0 - std::fabs(first[i] + k + 0.5 - centre) / reach); };
    double sum = 0;
    for (int k = 0; k < count[i]; ++k) sum += triangle(k);
    for (int k = 0; k < count[i]; ++k)
      weights[i * most + static_cast<std::size_t>(k)] = static_cast<float>(triangle(k) / sum);
  }
}

void ResizedCrop::resample(const std::uint8_t* bytes, int image_width, int channels, const Crop& crop, int height,
                           int width, const std::array<float*, 3>& planes) {
  rows_.prepare(crop.height, height);
  columns_.prepare(crop.width, width);
  const auto w = static_cast<std::size_t>(width);
  narrowed_.resize(static_cast<std::size_t>(crop.height) * w);
  const auto limited = [](float value) { return value < 1.0f ? value : 1.0f; };  // weights sum to 1 but for rounding
  for (int c = 0; c < channels; ++c) {
    for (int row = 0; row < crop.height; ++row) {
      const std::uint8_t* from =
          bytes + (static_cast<std::ptrdiff_t>(crop.top + row) * image_width + crop.left) * channels + c;
      float* to = narrowed_.data() + static_cast<std::size_t>(row) * w;
      for (std::size_t column = 0; column < w; ++column) {
        const float* weight = columns_.weights.data() + column * columns_.most;
        const std::uint8_t* at = from + static_cast<std::ptrdiff_t>(columns_.first[column]) * channels;
        float sum = 0;
        for (int k = 0; k < columns_.count[column]; ++k)
          sum += weight[k] * (static_cast<float>(at[k * channels]) * byte_scale);
        to[column] = sum;
      }
    }
    for (std::size_t row = 0; row < static_cast<std::size_t>(height); ++row) {
      float* __restrict to = planes[static_cast<std::size_t>(c)] + row * w;
      const float* weight = rows_.weights.data() + row * rows_.most;
      std::fill_n(to, w, 0.0f);
      for (int k = 0; k < rows_.count[row]; ++k) {
        const float* __restrict from = narrowed_.data() + static_cast<std::size_t>(rows_.first[row] + k) * w;
        for (std::size_t column = 0; column < w; ++column) to[column] += weight[k] * from[column];
      }
      std::transform(to, to + w, to, limited);
    }
  }
}

}  // namespace saccade
