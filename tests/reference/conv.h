#pragma once
#include <cmath>
#include <cstdint>
#include <vector>

#include "tests/reference/tensors.h"

/// 3x3 convolution, or locally connected layer, zero padding 1, no bias; optional 2x2 max-pool, or stride 2;
/// activation.
namespace saccade::reference {

struct ConvResult {
  Images before_pool, before_pool_scale;
  Images out, scale;
  std::vector<std::uint8_t> winners;  ///< indexed like `out`; 0..3, row-major in the window; empty without pooling
};

inline ConvResult conv_forward(const Images& in, const ConvWeights& weights, Downsample down, Activation activation) {
  ConvResult r;
  r.before_pool = r.before_pool_scale = Images(in.n, weights.k, in.h, in.w);
  for (int i = 0; i < in.n; ++i)
    for (int k = 0; k < weights.k; ++k)
      for (int c = 0; c < in.c; ++c)
        for (int dy = 0; dy < 3; ++dy)
          for (int dx = 0; dx < 3; ++dx) {
            const std::size_t weight = weights.index(k, c, dy, dx);
            for (int y = 0; y < in.h; ++y)
              for (int x = 0; x < in.w; ++x)
                if (weights.stands_at(y, x) && in.inside(y + dy - 1, x + dx - 1)) {
                  const double term = weights.v[weights.own(y, x) + weight] * in.at(i, c, y + dy - 1, x + dx - 1);
                  r.before_pool.at(i, k, y, x) += term;
                  r.before_pool_scale.at(i, k, y, x) += std::fabs(term);
                }
          }
  if (down == Downsample::none) {
    r.out = r.before_pool;
    r.scale = r.before_pool_scale;
  } else if (down == Downsample::stride) {
    r.out = r.scale = Images(in.n, weights.k, in.h / 2, in.w / 2);
    for (int i = 0; i < r.out.n; ++i)
      for (int k = 0; k < r.out.c; ++k)
        for (int y = 0; y < r.out.h; ++y)
          for (int x = 0; x < r.out.w; ++x) {
            r.out.at(i, k, y, x) = r.before_pool.at(i, k, 2 * y, 2 * x);
            r.scale.at(i, k, y, x) = r.before_pool_scale.at(i, k, 2 * y, 2 * x);
          }
  } else {
    r.out = r.scale = Images(in.n, weights.k, in.h / 2, in.w / 2);
    r.winners.resize(r.out.v.size());
    for (int i = 0; i < r.out.n; ++i)
      for (int k = 0; k < r.out.c; ++k)
        for (int y = 0; y < r.out.h; ++y)
          for (int x = 0; x < r.out.w; ++x) {
            int winner = 0;
            double best = r.before_pool.at(i, k, 2 * y, 2 * x), scale = 0;
            for (int j = 0; j < 4; ++j) {
              const double value = r.before_pool.at(i, k, 2 * y + j / 2, 2 * x + j % 2);
              if (value > best) best = value, winner = j;
              // The largest of four values is off by at most the largest of their errors.
              scale = std::fmax(scale, r.before_pool_scale.at(i, k, 2 * y + j / 2, 2 * x + j % 2));
            }
            r.out.at(i, k, y, x) = best;
            r.scale.at(i, k, y, x) = scale;
            r.winners[r.out.index(i, k, y, x)] = static_cast<std::uint8_t>(winner);
          }
  }
  for (double& x : r.out.v) x = activate(activation, x);
  return r;
}

/// The error at every position of the convolution, given the error after pooling; `winners` empty: no pooling, and a
/// smaller map is that of a stride.
inline Images conv_unpool(const Images& error, const std::vector<std::uint8_t>& winners, int height, int width) {
  if (error.h == height && error.w == width) return error;
  Images full(error.n, error.c, height, width);
  for (int i = 0; i < error.n; ++i)
    for (int k = 0; k < error.c; ++k)
      for (int y = 0; y < error.h; ++y)
        for (int x = 0; x < error.w; ++x) {
          const int winner = winners.empty() ? 0 : winners[error.index(i, k, y, x)];
          full.at(i, k, 2 * y + winner / 2, 2 * x + winner % 2) += error.at(i, k, y, x);
        }
  return full;
}

/// Sum over active views of error (x) input; `error` is before the activation and after pooling, `none` a gradient of
/// zeros.
inline Scaled<ConvWeights> conv_weight_gradient(const Images& in, const Images& error,
                                                const std::vector<std::uint8_t>& winners, const Active& active,
                                                const ConvWeights& none) {
  const Images full = conv_unpool(error, winners, in.h, in.w);
  Scaled<ConvWeights> r{none, none};
  for (int i = 0; i < in.n; ++i) {
    if (!is_active(active, i)) continue;
    for (int k = 0; k < error.c; ++k)
      for (int c = 0; c < in.c; ++c)
        for (int dy = 0; dy < 3; ++dy)
          for (int dx = 0; dx < 3; ++dx)
            for (int y = 0; y < in.h; ++y)
              for (int x = 0; x < in.w; ++x)
                if (none.stands_at(y, x) && in.inside(y + dy - 1, x + dx - 1)) {
                  const double term = full.at(i, k, y, x) * in.at(i, c, y + dy - 1, x + dx - 1);
                  const std::size_t weight = none.own(y, x) + none.index(k, c, dy, dx);
                  r.value.v[weight] += term;
                  r.scale.v[weight] += std::fabs(term);
                }
  }
  return r;
}

inline Scaled<ConvWeights> conv_weight_gradient(const Images& in, const Images& error,
                                                const std::vector<std::uint8_t>& winners, const Active& active = {}) {
  return conv_weight_gradient(in, error, winners, active, ConvWeights(error.c, in.c));
}

/// f'(in) * (feedback^T error), f being the activation whose output is `in`. Inactive views stay 0.
inline Scaled<Images> conv_input_gradient(const Images& error, const std::vector<std::uint8_t>& winners,
                                          const ConvWeights& feedback, const Images& in, Activation below,
                                          const Active& active = {}) {
  const Images full = conv_unpool(error, winners, in.h, in.w);
  const Images zero(in.n, in.c, in.h, in.w);
  Scaled<Images> r{zero, zero};
  for (int i = 0; i < in.n; ++i) {
    if (!is_active(active, i)) continue;
    for (int k = 0; k < error.c; ++k)
      for (int c = 0; c < in.c; ++c)
        for (int dy = 0; dy < 3; ++dy)
          for (int dx = 0; dx < 3; ++dx)
            for (int y = 0; y < in.h; ++y)
              for (int x = 0; x < in.w; ++x)
                if (feedback.stands_at(y, x) && in.inside(y + dy - 1, x + dx - 1)) {
                  const double term =
                      full.at(i, k, y, x) * feedback.v[feedback.own(y, x) + feedback.index(k, c, dy, dx)];
                  r.value.at(i, c, y + dy - 1, x + dx - 1) += term;
                  r.scale.at(i, c, y + dy - 1, x + dx - 1) += std::fabs(term);
                }
  }
  for (std::size_t j = 0; j < in.v.size(); ++j) {
    const double slope = derivative(below, in.v[j]);
    r.value.v[j] *= slope;
    // 1 - y^2 has an absolute rounding error near 1: the scale keeps the unscaled sum except where the slope is exactly
    // 0.
    if (slope == 0) r.scale.v[j] = 0;
  }
  return r;
}

}  // namespace saccade::reference
