#include "models/layout.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "engine/error.h"

namespace saccade {
namespace {

/// Calls f(logical index, device index) for every weight of a convolution.
template <class F>
void each_conv_weight(const ConvShape& s, F f) {
  std::size_t logical = 0;
  for (int k = 0; k < s.out.channels; ++k)
    for (int c = 0; c < s.in.channels; ++c)
      for (int tap = 0; tap < 9; ++tap) f(logical++, (static_cast<std::size_t>(k) * 9 + tap) * s.in.lanes + c);
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
  return {static_cast<std::size_t>(s.out.channels), static_cast<std::size_t>(s.in.channels), 3, 3};
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
