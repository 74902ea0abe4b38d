#pragma once
#include <cmath>
#include <vector>

#include "tests/reference/network.h"

/// Difference target propagation (Lee et al. 2015; Algorithm 1 of Tang, Yang and Amit 2022), written from the formulas.
namespace saccade::reference {

/// g_l: convs[l] leads from map l + 1 to map l for 0 < l < depth, head from the embedding to map depth; head is [E][F].
struct Inverses {
  std::vector<ConvWeights> convs;  ///< [0] is not used
  Matrix head;
};

/// y[c](p) = f(sum over k, positions q and taps with step * q + tap - 1 = p of x[k](q) w[k][c][tap]).
inline Scaled<Images> conv_transpose(const Images& x, const ConvWeights& w, int height, int width, int step,
                                     Activation f) {
  const Images zero(x.n, w.c, height, width);
  Scaled<Images> r{zero, zero};
  for (int i = 0; i < x.n; ++i)
    for (int c = 0; c < w.c; ++c)
      for (int y = 0; y < height; ++y)
        for (int z = 0; z < width; ++z) {
          double sum = 0, scale = 0;
          for (int k = 0; k < x.c; ++k)
            for (int qy = 0; qy < x.h; ++qy)
              for (int qx = 0; qx < x.w; ++qx) {
                const int dy = y - step * qy + 1, dx = z - step * qx + 1;
                if (dy < 0 || dy > 2 || dx < 0 || dx > 2) continue;
                const double term = x.at(i, k, qy, qx) * w.at(k, c, dy, dx);
                sum += term, scale += std::fabs(term);
              }
          r.value.at(i, c, y, z) = activate(f, sum);
          r.scale.at(i, c, y, z) = scale;
        }
  return r;
}

inline int step_of(const Layer& layer) { return layer.down == Downsample::none ? 1 : 2; }

/// g_l of a conv bundle, 0 < l < depth.
inline Images inverse(const Network& net, const Inverses& g, int l, const Images& above, const Images& like) {
  const auto j = static_cast<std::size_t>(l);
  return conv_transpose(above, g.convs[j], like.h, like.w, step_of(net.layers[j]), net.layers[j - 1].activation).value;
}

/// g of the head: linear.
inline Images inverse_head(const Matrix& g, const Matrix& embedding, const Images& like) {
  Images r(like.n, like.c, like.h, like.w);
  for (int i = 0; i < like.n; ++i)
    for (int f = 0; f < like.features(); ++f)
      for (int e = 0; e < g.rows; ++e)
        r.v[static_cast<std::size_t>(i) * like.features() + f] += g.at(e, f) * embedding.at(i, e);
  return r;
}

/// targets[l] of map l for 0 < l <= depth; [0] is empty.
inline std::vector<Images> targets(const Network& net, const Inverses& g, const Activity& x, const Matrix& error,
                                   double eta) {
  const int depth = net.depth();
  std::vector<Images> t(static_cast<std::size_t>(depth) + 1);
  Matrix moved = x.embedding;
  for (std::size_t i = 0; i < moved.v.size(); ++i) moved.v[i] -= eta * error.v[i];
  for (int l = depth; l > 0; --l) {
    const auto j = static_cast<std::size_t>(l);
    const Images& here = x.maps[j];
    const Images was = l == depth ? inverse_head(g.head, x.embedding, here) : inverse(net, g, l, x.maps[j + 1], here);
    const Images will = l == depth ? inverse_head(g.head, moved, here) : inverse(net, g, l, t[j + 1], here);
    t[j] = here;
    for (std::size_t i = 0; i < here.v.size(); ++i) t[j].v[i] += will.v[i] - was.v[i];
  }
  return t;
}

/// Sum over active views and layers of |f_l(x) - target|^2 with x and the target held fixed.
inline double layer_loss(const Layer& layer, const ConvWeights& w, const Images& below, const Images& target,
                         const Active& active = {}) {
  const Images y = conv_forward(below, w, layer.down, layer.activation).out;
  double sum = 0;
  for (std::size_t i = 0; i < y.v.size(); ++i)
    if (is_active(active, static_cast<int>(i / (y.v.size() / static_cast<std::size_t>(y.n)))))
      sum += (y.v[i] - target.v[i]) * (y.v[i] - target.v[i]);
  return sum;
}

}  // namespace saccade::reference
