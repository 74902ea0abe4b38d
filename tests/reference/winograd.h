#pragma once
#include <array>
#include <cmath>
#include <vector>

#include "tests/reference/compare.h"
#include "tests/reference/conv.h"

/// How large the rounding errors of Winograd's F(4x4, 3x3) are to be expected, told from the scheme's own matrices
/// (Lavin and Gray, CVPR 2016, eq. 15). Every rounding is taken as independent, so variances add: each matrix enters
/// with its squared elements, and so do the data. A tile's result has a variance of (roundings of a product) u^2 / 3
/// times the sum of the squares of all that is added up on the way to it.
namespace saccade::reference::winograd {

using Six = std::array<std::array<double, 6>, 6>;

inline constexpr double input_matrix[6][6] = {{4, 0, -5, 0, 1, 0},  {0, -4, -4, 1, 1, 0}, {0, 4, -4, -1, 1, 0},
                                              {0, -2, -1, 2, 1, 0}, {0, 2, -1, -2, 1, 0}, {0, 4, 0, -5, 0, 1}};
inline constexpr double kernel_matrix[6][3] = {{1 / 4.0, 0, 0},
                                               {-1 / 6.0, -1 / 6.0, -1 / 6.0},
                                               {-1 / 6.0, 1 / 6.0, -1 / 6.0},
                                               {1 / 24.0, 1 / 12.0, 1 / 6.0},
                                               {1 / 24.0, -1 / 12.0, 1 / 6.0},
                                               {0, 0, 1}};
inline constexpr double output_matrix[4][6] = {
    {1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 0}, {0, 1, 1, 4, 4, 0}, {0, 1, -1, 8, -8, 1}};

inline double squared(double x) { return x * x; }

/// matrix data matrix^T with all elements squared, one side after the other; data(i, j) for i, j < Columns.
template <int Rows, int Columns, class Data>
auto squares(const double (&matrix)[Rows][Columns], Data data) {
  double left[Rows][Columns] = {};
  for (int i = 0; i < Columns; ++i)
    for (int j = 0; j < Columns; ++j) {
      const double x = squared(data(i, j));
      for (int r = 0; r < Rows; ++r) left[r][j] += squared(matrix[r][i]) * x;
    }
  std::array<std::array<double, Rows>, Rows> result{};
  for (int r = 0; r < Rows; ++r)
    for (int c = 0; c < Rows; ++c)
      for (int j = 0; j < Columns; ++j) result[r][c] += left[r][j] * squared(matrix[c][j]);
  return result;
}

/// Ten standard deviations, in units of the scales below: a sum of n products in one chain, and about ten roundings
/// before and behind it. Ten, because the elements of a tile are not independent and the sums of a few large ones are
/// not normal; a wrong coefficient gives errors a thousand times as large.
inline double bound(double terms) { return 10 * unit_roundoff * std::sqrt((10 + terms / 2) / 3); }

/// Square root of the summed squares behind every result of a dense convolution; images in, one per output channel out.
inline Images scale(const Images& in, const ConvWeights& weights) {
  Images s(in.n, weights.k, in.h, in.w);
  std::vector<Six> kernels(weights.k);
  for (int c = 0; c < in.c; ++c) {
    for (int k = 0; k < weights.k; ++k)
      kernels[k] = squares(kernel_matrix, [&](int i, int j) { return weights.at(k, c, i, j); });
    for (int v = 0; v < in.n; ++v)
      for (int y = 0; y < in.h; y += 4)
        for (int x = 0; x < in.w; x += 4) {
          const Six patch = squares(input_matrix, [&](int i, int j) {
            return in.inside(y + i - 1, x + j - 1) ? in.at(v, c, y + i - 1, x + j - 1) : 0.0;
          });
          for (int k = 0; k < weights.k; ++k) {
            const auto tile =
                squares(output_matrix, [&](int i, int j) { return std::sqrt(kernels[k][i][j] * patch[i][j]); });
            for (int i = 0; i < 4; ++i)
              for (int j = 0; j < 4; ++j)
                if (in.inside(y + i, x + j)) s.at(v, k, y + i, x + j) += tile[i][j];
          }
        }
  }
  for (double& x : s.v) x = std::sqrt(x);
  return s;
}

/// The kernel that carries errors down: turned, inputs and outputs exchanged.
inline ConvWeights turned(const ConvWeights& w) {
  ConvWeights t(w.c, w.k);
  for (int k = 0; k < w.k; ++k)
    for (int c = 0; c < w.c; ++c)
      for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j) t.at(c, k, 2 - i, 2 - j) = w.at(k, c, i, j);
  return t;
}

/// The same for the gradient of the weights: A^T and G^T change sides.
inline ConvWeights gradient_scale(const Images& in, const Images& error, const Active& active) {
  ConvWeights s(error.c, in.c);
  double errors[6][4], kernels[3][6];
  for (int i = 0; i < 6; ++i) {
    for (int j = 0; j < 4; ++j) errors[i][j] = output_matrix[j][i];
    for (int j = 0; j < 3; ++j) kernels[j][i] = kernel_matrix[i][j];
  }
  for (int k = 0; k < error.c; ++k)
    for (int c = 0; c < in.c; ++c) {
      Six sum{};
      for (int v = 0; v < in.n; ++v) {
        if (!is_active(active, v)) continue;
        for (int y = 0; y < in.h; y += 4)
          for (int x = 0; x < in.w; x += 4) {
            const Six patch = squares(input_matrix, [&](int i, int j) {
              return in.inside(y + i - 1, x + j - 1) ? in.at(v, c, y + i - 1, x + j - 1) : 0.0;
            });
            const Six e = squares(
                errors, [&](int i, int j) { return in.inside(y + i, x + j) ? error.at(v, k, y + i, x + j) : 0.0; });
            for (int i = 0; i < 6; ++i)
              for (int j = 0; j < 6; ++j) sum[i][j] += patch[i][j] * e[i][j];
          }
      }
      const auto taps = squares(kernels, [&](int i, int j) { return std::sqrt(sum[i][j]); });
      for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j) s.at(k, c, i, j) = std::sqrt(taps[i][j]);
    }
  return s;
}

}  // namespace saccade::reference::winograd
