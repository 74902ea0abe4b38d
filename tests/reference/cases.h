#pragma once
#include <algorithm>
#include <ostream>
#include <vector>

#include "tests/reference/conv.h"
#include "tests/reference/devices.h"

/// Shapes and data that several device tests share.
namespace saccade::reference {

struct ConvCase {
  int height, width, channels;
  bool image;  ///< stored without padding lanes
  int out_channels;
  Downsample down;
  Activation activation;
  int replicas, views;
  Sharing sharing = Sharing::shared;

  ConvShape shape() const {
    return ConvShape::make(image ? MapShape::image(height, width, channels) : MapShape::layer(height, width, channels),
                           out_channels, down, activation, sharing);
  }
  /// All zero.
  ConvWeights weights() const {
    if (sharing == Sharing::shared) return {out_channels, channels};
    const int cut = down == Downsample::none ? 1 : 2, stride = down == Downsample::stride ? 2 : 1;
    return {out_channels, channels, height / cut * cut / stride, width / cut * cut / stride, stride};
  }
  bool pools() const { return down == Downsample::max_pool; }
};

inline std::ostream& operator<<(std::ostream& out, const ConvCase& c) {
  return out << c.height << "x" << c.width << "x" << c.channels << (c.image ? " image" : " map") << " -> "
             << c.out_channels
             << (c.pools()                      ? " pool"
                 : c.down == Downsample::stride ? " stride"
                                                : "")
             << (c.sharing == Sharing::local ? " local" : "") << " activation " << static_cast<int>(c.activation)
             << ", replicas " << c.replicas << ", views " << c.views;
}

/// 1 pixel, odd sizes, odd sizes that halving cuts, channels around multiples of 16, and the layers of conv3 and conv5.
inline const std::vector<ConvCase>& conv_cases() {
  using enum Activation;
  constexpr Downsample dense = Downsample::none, pool = Downsample::max_pool, stride = Downsample::stride;
  constexpr Sharing local = Sharing::local;
  static const std::vector<ConvCase> cases = {
      {1, 1, 1, true, 5, dense, none, 1, 1},
      {1, 1, 20, false, 3, dense, hardtanh, 3, 1},
      {1, 7, 16, false, 16, dense, relu, 1, 3},
      {2, 2, 3, true, 16, pool, none, 1, 3},
      {2, 3, 17, false, 5, pool, relu, 3, 7},
      {3, 2, 33, false, 20, pool, tanh, 1, 1},
      {5, 7, 3, true, 20, dense, hardtanh, 3, 3},
      {5, 7, 5, true, 16, pool, relu, 3, 7},
      {7, 7, 20, false, 33, pool, none, 1, 3},
      {14, 14, 33, false, 5, pool, tanh, 3, 1},
      {9, 31, 16, false, 20, dense, hardtanh, 1, 3},
      {4, 4, 64, false, 48, dense, none, 1, 7},
      {28, 28, 1, true, 32, pool, tanh, 1, 3},
      {32, 32, 3, true, 32, dense, hardtanh, 1, 1},
      {8, 8, 64, false, 512, pool, none, 1, 1},
      {2, 2, 3, true, 16, stride, none, 1, 3},
      {5, 7, 3, true, 20, stride, hardtanh, 3, 3},
      {3, 2, 33, false, 20, stride, tanh, 1, 1},
      {9, 31, 16, false, 20, stride, hardtanh, 1, 3},
      {7, 7, 20, false, 33, stride, none, 3, 7},
      {13, 17, 32, false, 48, stride, relu, 1, 3},
      {28, 28, 1, true, 32, stride, tanh, 1, 3},
      {1, 1, 20, false, 3, dense, hardtanh, 3, 1, local},
      {2, 3, 17, false, 5, pool, relu, 3, 7, local},
      {5, 7, 3, true, 20, pool, hardtanh, 3, 3, local},
      {5, 7, 3, true, 20, stride, hardtanh, 3, 9, local},
      {7, 7, 20, false, 33, pool, none, 1, 3, local},
      {7, 7, 20, false, 33, stride, tanh, 1, 5, local},
      {14, 14, 16, false, 48, dense, relu, 1, 4, local},
      {28, 28, 1, true, 32, pool, tanh, 1, 3, local},
  };
  return cases;
}

struct ConvData {
  std::vector<Images> in;  ///< per replica
  std::vector<ConvWeights> weights;
};

/// Images have a black border on two sides and a flat square; maps have saturated values at exactly +-1 and exact
/// zeros. `exact`: sums are exact in float and pooling windows have many ties.
inline ConvData make_conv_data(const ConvCase& c, bool exact, std::uint64_t seed) {
  Draw draw(seed);
  ConvData data;
  const double bound = 3 / std::sqrt(9.0 * c.channels);  // large enough to saturate hardtanh here and there
  for (int r = 0; r < c.replicas; ++r) {
    Images in(c.views, c.channels, c.height, c.width);
    if (exact)
      draw.fill_exact(in.v);
    else
      draw.fill(in.v, c.image ? 0 : -1.3, c.image ? 1 : 1.3);
    for (int i = 0; i < in.n; ++i)
      for (int ch = 0; ch < in.c; ++ch)
        for (int y = 0; y < in.h; ++y)
          for (int x = 0; x < in.w; ++x) {
            double& v = in.at(i, ch, y, x);
            v = std::clamp(v, -1.0, 1.0);
            if (c.image && in.w > 2 && (x < 2 || y + 1 == in.h)) v = 0;
            if (c.image && y < in.h / 2 && x >= in.w / 2) v = 0.5;
            if (!c.image && (x + 3 * y + 5 * ch) % 11 == 0) v = 0;
          }
    data.in.push_back(in);
    ConvWeights w = c.weights();
    if (exact)
      draw.fill_exact(w.v);
    else
      draw.fill(w.v, -bound, bound);
    data.weights.push_back(w);
  }
  return data;
}

/// Which views are active: all (no flags given), all by flags, some, none.
enum class Flagging { null, all, some, none };

inline std::vector<Active> make_flags(Flagging flagging, int replicas, int views) {
  std::vector<Active> flags;
  for (int r = 0; r < replicas; ++r) {
    Active active;
    for (int v = 0; v < views; ++v)
      if (flagging != Flagging::null)
        active.push_back(flagging == Flagging::all || (flagging == Flagging::some && (r + v) % 3 != 0));
    flags.push_back(active);
  }
  return flags;
}

/// Flags on the device; null when all views are active without saying so.
inline std::vector<std::int32_t> flags_to_layout(const std::vector<Active>& flags, int views) {
  std::vector<std::int32_t> host;
  for (const Active& active : flags)
    for (int v = 0; v < views; ++v) host.push_back(is_active(active, v));
  return host;
}

/// NaN in the stored error of inactive views: it must be skipped, not multiplied by 0.
inline void spoil_inactive(std::vector<float>& errors, const std::vector<Active>& flags, int views) {
  const std::size_t size = errors.size() / (flags.size() * views);
  for (std::size_t i = 0; i < errors.size(); ++i)
    if (!is_active(flags[i / (size * views)], static_cast<int>(i / size % views))) errors[i] = std::nanf("");
}

/// View v of replica r was left as it was, or set to zero.
inline bool untouched_or_zero(const std::vector<float>& now, const std::vector<float>& before, std::size_t size,
                              int view) {
  const auto from = static_cast<std::ptrdiff_t>(size * view), to = from + static_cast<std::ptrdiff_t>(size);
  return std::equal(now.begin() + from, now.begin() + to, before.begin() + from) ||
         std::all_of(now.begin() + from, now.begin() + to, [](float x) { return x == 0.0f; });
}

/// A backward step of a convolution: winners of the reference's forward pass and a random error with exact zeros in it.
struct ConvBackward {
  ConvCase c;
  ConvShape shape;
  ConvData data;
  std::vector<Images> error;
  std::vector<std::vector<std::uint8_t>> winners;
  std::vector<ConvWeights> feedback;

  explicit ConvBackward(const ConvCase& which)
      : c(which), shape(which.shape()), data(make_conv_data(which, false, 11)) {
    Draw draw(12);
    for (int r = 0; r < c.replicas; ++r) {
      const ConvResult y = conv_forward(data.in[r], data.weights[r], c.down, c.activation);
      Images e = y.out;
      draw.fill(e.v, -1, 1);
      for (std::size_t i = 0; i < e.v.size(); ++i) e.v[i] *= derivative(c.activation, y.out.v[i]) > 0;
      error.push_back(e);
      winners.push_back(y.winners);
      ConvWeights f = c.weights();
      draw.fill(f.v, -1, 1);
      for (std::size_t i = 0; i < f.v.size(); i += 5) f.v[i] = i % 2 == 0 ? 0.0 : -0.0;  // sgn(0) = 0, of either sign
      feedback.push_back(f);
    }
  }

  std::vector<float> stored_error(const std::vector<Active>& flags) const {
    std::vector<float> host = to_layout(shape.out, error);
    spoil_inactive(host, flags, c.views);
    return host;
  }
  std::vector<std::uint8_t> stored_winners() const {
    return c.pools() ? winners_to_layout(shape, winners, error[0])
                     : std::vector<std::uint8_t>(static_cast<std::size_t>(c.replicas) * c.views);
  }
};

}  // namespace saccade::reference
