#include "models/layout.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "engine/error.h"

namespace saccade {
namespace {

/// Calls f(logical index, device index) for every weight of a convolution or of a local layer.
template <class F>
void each_conv_weight(const ConvShape& s, F f) {
  std::size_t logical = 0;
  const auto visit = [&](auto place) {
    for (int k = 0; k < s.out.channels; ++k)
      for (int c = 0; c < s.in.channels; ++c)
        for (int tap = 0; tap < 9; ++tap) f(logical++, place(static_cast<std::size_t>(k), tap, c));
  };
  const auto lanes = static_cast<std::size_t>(s.in.lanes);
  if (!s.local()) return visit([&](std::size_t k, int tap, int c) { return (k * 9 + tap) * lanes + c; });
  for (int row = 0; row < s.rows(); ++row)
    for (int column = 0; column < s.columns(); ++column)
      visit([&](std::size_t k, int tap, int c) {
        return s.position(row, column) + ((k / 16 * 9 + tap) * lanes + c) * 16 + k % 16;
      });
}

template <class F>
void each_head_weight(const HeadShape& s, F f) {
  std::size_t logical = 0;
  for (int e = 0; e < s.embedding; ++e)
    for (int c = 0; c < s.in.channels; ++c)
      for (int pixel = 0; pixel < s.in.height * s.in.width; ++pixel)
        f(logical++, (static_cast<std::size_t>(pixel) * s.in.channels + c) * s.lanes() + e);
}

void expect_shape(const Tensor& tensor, const std::vector<std::size_t>& shape) {
  if (tensor.shape != shape || tensor.data.size() != tensor.elements())
    throw InputError(fmt::format("tensor {}: its shape is [{}], expected [{}]", tensor.name,
                                 fmt::join(tensor.shape, ", "), fmt::join(shape, ", ")));
}

std::vector<std::size_t> conv_dims(const ConvShape& s) {
  const auto k = static_cast<std::size_t>(s.out.channels), c = static_cast<std::size_t>(s.in.channels);
  if (!s.local()) return {k, c, 3, 3};
  return {static_cast<std::size_t>(s.rows()), static_cast<std::size_t>(s.columns()), k, c, 3, 3};
}

std::vector<std::size_t> head_dims(const HeadShape& s) {
  return {static_cast<std::size_t>(s.embedding), s.in.features()};
}

}  // namespace

Tensor conv_to_logical(const ConvShape& shape, const float* weights, std::string name) {
  Tensor tensor{std::move(name), conv_dims(shape), {}};
  tensor.data.resize(tensor.elements());
  each_conv_weight(shape, [&](std::size_t logical, std::size_t device) { tensor.data[logical] = weights[device]; });
  return tensor;
}

Tensor head_to_logical(const HeadShape& shape, const float* weights, std::string name) {
  Tensor tensor{std::move(name), head_dims(shape), {}};
  tensor.data.resize(tensor.elements());
  each_head_weight(shape, [&](std::size_t logical, std::size_t device) { tensor.data[logical] = weights[device]; });
  return tensor;
}

std::vector<float> conv_from_logical(const ConvShape& shape, const Tensor& tensor) {
  expect_shape(tensor, conv_dims(shape));
  std::vector<float> weights(shape.weights());
  each_conv_weight(shape, [&](std::size_t logical, std::size_t device) { weights[device] = tensor.data[logical]; });
  return weights;
}

std::vector<float> head_from_logical(const HeadShape& shape, const Tensor& tensor) {
  expect_shape(tensor, head_dims(shape));
  std::vector<float> weights(shape.weights());
  each_head_weight(shape, [&](std::size_t logical, std::size_t device) { weights[device] = tensor.data[logical]; });
  return weights;
}

std::vector<float> channels_last(const float* image, int channels, int height, int width) {
  std::vector<float> out(static_cast<std::size_t>(channels) * height * width);
  std::size_t at = 0;
  for (int pixel = 0; pixel < height * width; ++pixel)
    for (int c = 0; c < channels; ++c) out[at++] = image[static_cast<std::size_t>(c) * height * width + pixel];
  return out;
}

}  // namespace saccade
