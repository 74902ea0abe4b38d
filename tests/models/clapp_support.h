#pragma once
#include "models/clapp_step.h"
#include "tests/models/support.h"

/// Networks and data that the tests of CLAPP share.
namespace saccade::test {

/// Odd sizes, a pool that cuts a row and a column, a stride, channels that are no multiples of 16, every activation.
inline NetworkSpec small_network() {
  using enum Activation;
  constexpr Downsample dense = Downsample::none, pool = Downsample::max_pool, stride = Downsample::stride;
  return {"small", 3, 11, 9, {{20, dense, hardtanh}, {17, pool, relu}, {33, stride, tanh}, {16, dense, none}}, 8};
}

/// 9 x 8 pixels, one channel: a patch.
inline NetworkSpec patch_network() {
  using enum Activation;
  return {"patch", 1, 9, 8, {{12, Downsample::max_pool, tanh}, {16, Downsample::none, hardtanh}}, 4};
}

inline Rates rates_of(const NetworkSpec& net, float rate = 1e-3f) {
  return {std::vector<float>(net.layers.size(), rate), std::vector<float>(net.layers.size(), rate)};
}

inline std::vector<float> patches_of(const NetworkSpec& net, int images) {
  std::vector<float> pixels;
  for (int i = 0; i < images * 49; ++i) {
    const Pixels patch = gratings(net, static_cast<std::uint64_t>(i / 49) + 1, 0.1 * (i % 49));
    pixels.insert(pixels.end(), patch.begin(), patch.end());
  }
  return pixels;
}

}  // namespace saccade::test
