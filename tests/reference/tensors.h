#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/shapes.h"

/// A slow reference in double precision, written for being obviously right: logical layouts without padding, plain
/// loops. It shares no code with the devices.
namespace saccade::reference {

/// [n][C][H][W]
struct Images {
  int n = 0, c = 0, h = 0, w = 0;
  std::vector<double> v;

  Images() = default;
  Images(int n_, int c_, int h_, int w_)
      : n(n_), c(c_), h(h_), w(w_), v(static_cast<std::size_t>(n_) * c_ * h_ * w_, 0.0) {}
  std::size_t index(int i, int ch, int y, int x) const {
    return ((static_cast<std::size_t>(i) * c + ch) * h + y) * w + x;
  }
  double& at(int i, int ch, int y, int x) { return v[index(i, ch, y, x)]; }
  double at(int i, int ch, int y, int x) const { return v[index(i, ch, y, x)]; }
  bool inside(int y, int x) const { return y >= 0 && y < h && x >= 0 && x < w; }
  int features() const { return c * h * w; }
};

/// [K][C][3][3], or of a locally connected layer [h][w][K][C][3][3]; tap (1, 1) is the centre.
struct ConvWeights {
  int k = 0, c = 0;
  int h = 0, w = 0;  ///< positions with weights of their own; 0: all share theirs
  int stride = 1;    ///< of a locally connected layer: its position (y, x) stands at pixel (stride y, stride x)
  std::vector<double> v;

  ConvWeights() = default;
  ConvWeights(int k_, int c_, int h_ = 0, int w_ = 0, int stride_ = 1)
      : k(k_),
        c(c_),
        h(h_),
        w(w_),
        stride(stride_),
        v(static_cast<std::size_t>(k_) * c_ * 9 * (h_ > 0 ? h_ * w_ : 1), 0.0) {}
  std::size_t index(int out, int in, int dy, int dx) const {
    return ((static_cast<std::size_t>(out) * c + in) * 3 + dy) * 3 + dx;
  }
  /// Whether there are weights for an output at pixel (y, x), before pooling, and where its own begin.
  bool stands_at(int y, int x) const {
    return h == 0 || (y % stride == 0 && x % stride == 0 && y / stride < h && x / stride < w);
  }
  std::size_t own(int y, int x) const {
    return h == 0 ? 0 : (static_cast<std::size_t>(y / stride) * w + x / stride) * k * c * 9;
  }
  double& at(int out, int in, int dy, int dx) { return v[index(out, in, dy, dx)]; }
  double at(int out, int in, int dy, int dx) const { return v[index(out, in, dy, dx)]; }
};

/// [rows][columns]: embeddings [n][E], or head weights [E][F] with F = (c, h, w).
struct Matrix {
  int rows = 0, columns = 0;
  std::vector<double> v;

  Matrix() = default;
  Matrix(int r, int c) : rows(r), columns(c), v(static_cast<std::size_t>(r) * c, 0.0) {}
  double& at(int r, int c) { return v[static_cast<std::size_t>(r) * columns + c]; }
  double at(int r, int c) const { return v[static_cast<std::size_t>(r) * columns + c]; }
};

/// A result and, per element, the sum of the absolute values of the terms that it is a sum of: what rounding scales
/// with.
template <class T>
struct Scaled {
  T value, scale;
};

/// 1 where a view counts; empty = all do.
using Active = std::vector<int>;
inline bool is_active(const Active& active, int view) {
  return active.empty() || active[static_cast<std::size_t>(view)] != 0;
}

inline double sgn(double x) { return x > 0 ? 1.0 : x < 0 ? -1.0 : 0.0; }

template <class Weights>
Weights signs(Weights weights) {
  for (double& w : weights.v) w = sgn(w);
  return weights;
}

inline double activate(Activation f, double x) {
  switch (f) {
    case Activation::none:
      return x;
    case Activation::hardtanh:
      return x > 1 ? 1 : x < -1 ? -1 : x;
    case Activation::tanh:
      return std::tanh(x);
    case Activation::relu:
      return x > 0 ? x : 0;
  }
  return NAN;
}

/// f' as a function of y = f(x); all four activations allow that.
inline double derivative(Activation f, double y) {
  switch (f) {
    case Activation::none:
      return 1;
    case Activation::hardtanh:
      return y > -1 && y < 1 ? 1 : 0;
    case Activation::tanh:
      return 1 - y * y;
    case Activation::relu:
      return y > 0 ? 1 : 0;
  }
  return NAN;
}

/// Test data: SplitMix64, and numbers that are exact in float, so that both routes start from the same bits.
class Draw {
 public:
  explicit Draw(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}
  std::uint64_t bits() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  double uniform(double low, double high) {
    const double unit = static_cast<double>(bits() >> 11) * 0x1p-53;
    return static_cast<double>(static_cast<float>(low + (high - low) * unit));
  }
  int below(int n) { return static_cast<int>(bits() % static_cast<std::uint64_t>(n)); }
  void fill(std::vector<double>& v, double low, double high) {
    for (double& x : v) x = uniform(low, high);
  }
  /// Multiples of 1/8 in [-1, 1]: sums of products of a few thousand such are exact in float, whatever their order.
  void fill_exact(std::vector<double>& v) {
    for (double& x : v) x = (below(17) - 8) / 8.0;
  }

 private:
  std::uint64_t state_;
};

/// (f(x + h) - f(x - h)) / 2h for one of the parameters of f.
template <class F>
double central_difference(F f, double& x, double h = 1e-5) {
  const double old = x;
  x = old + h;
  const double above = f();
  x = old - h;
  const double below = f();
  x = old;
  return (above - below) / (2 * h);
}

}  // namespace saccade::reference
