#pragma once
#include <cmath>
#include <vector>

#include "tests/reference/network.h"

/// CLAPP's hinge loss on the output maps of a layer, and its derivatives.
namespace saccade::reference {

struct Comparison {
  int context, target;  ///< views
  int w;                ///< which W predicts
  bool positive;
};

/// Views [0, n) are contexts, [n, 2n) targets: s with s, and with the T that follow (T < 0: all others).
inline std::vector<Comparison> clapp_pairs(int n, int T) {
  std::vector<Comparison> all;
  for (int s = 0; s < n; ++s)
    for (int t = 0; t < n; ++t)
      if (s == t || T < 0 || (t > s && t <= s + T)) all.push_back({s, n + t, 0, s == t});
  return all;
}

struct ClappGradients {
  double loss = 0;
  double nearest = INFINITY;                  ///< smallest distance of a score from its kink
  double largest = 0;                         ///< largest sum of absolute values of the terms of a score
  int active[2] = {0, 0}, terms[2] = {0, 0};  ///< of negatives and positives
  std::vector<ConvWeights> convs;
  std::vector<Matrix> w;
};

/// z . W c at one position of the maps; `row` of W is the channel of z.
inline double position_score(const Images& maps, const Matrix& w, int c, int z, int y, int x, double* scale = nullptr) {
  double score = 0;
  for (int o = 0; o < maps.c; ++o)
    for (int i = 0; i < maps.c; ++i) {
      const double term = maps.at(z, o, y, x) * w.at(o, i) * maps.at(c, i, y, x);
      score += term;
      if (scale) *scale += std::fabs(term);
    }
  return score;
}

/// `level` as in network_gradients. Only those of `comparisons` count; which = 1 or -1: positives or negatives alone.
inline ClappGradients clapp(const Network& network, const Network& feedback, Rule rule, int level,
                            const std::vector<Matrix>& w, const Images& views,
                            const std::vector<Comparison>& comparisons, int which = 0, bool context_learns = true) {
  const int top = level == end_to_end ? network.depth() - 1 : level, lowest = level == end_to_end ? 0 : level;
  const Activity x = forward(network, top, views);
  const Images& maps = x.maps.back();
  ClappGradients r;
  for (const ConvWeights& c : network.convs) r.convs.emplace_back(c.k, c.c);
  r.w.assign(w.size(), Matrix(maps.c, maps.c));
  for (const Comparison& c : comparisons) ++r.terms[c.positive];
  Images error(maps.n, maps.c, maps.h, maps.w);
  for (const Comparison& t : comparisons) {
    if (which != 0 && t.positive != (which > 0)) continue;
    const Matrix& own = w[static_cast<std::size_t>(t.w)];
    double score = 0, scale = 0;
    for (int y = 0; y < maps.h; ++y)
      for (int col = 0; col < maps.w; ++col) score += position_score(maps, own, t.context, t.target, y, col, &scale);
    const double sign = t.positive ? 1 : -1, excess = 1 - sign * score;
    r.nearest = std::fmin(r.nearest, std::fabs(excess));
    r.largest = std::fmax(r.largest, scale);
    if (!(excess > 0)) continue;
    ++r.active[t.positive];
    const double slope = -sign / r.terms[t.positive];
    r.loss += excess / r.terms[t.positive];
    for (int y = 0; y < maps.h; ++y)
      for (int col = 0; col < maps.w; ++col)
        for (int o = 0; o < maps.c; ++o)
          for (int i = 0; i < maps.c; ++i) {
            const double z = maps.at(t.target, o, y, col), c = maps.at(t.context, i, y, col);
            error.at(t.target, o, y, col) += slope * own.at(o, i) * c;
            if (context_learns) error.at(t.context, i, y, col) += slope * own.at(o, i) * z;
            r.w[static_cast<std::size_t>(t.w)].at(o, i) += slope * z * c;
          }
  }
  for (std::size_t i = 0; i < error.v.size(); ++i)
    error.v[i] *= derivative(network.layers[static_cast<std::size_t>(top)].activation, maps.v[i]);
  for (int i = top; i >= lowest; --i) {
    const auto j = static_cast<std::size_t>(i);
    r.convs[j] = conv_weight_gradient(x.maps[j], error, x.winners[j]).value;
    if (i > lowest)
      error = conv_input_gradient(error, x.winners[j], carrier(rule, network.convs[j], feedback.convs[j]), x.maps[j],
                                  network.layers[j - 1].activation)
                  .value;
  }
  return r;
}

}  // namespace saccade::reference
