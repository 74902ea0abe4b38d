#pragma once
#include <cmath>

#include "tests/reference/tensors.h"

/// A linear head without bias: embedding = W features, W being [E][F], features in the order (c, h, w) of Images.
namespace saccade::reference {

inline Scaled<Matrix> head_forward(const Images& in, const Matrix& weights) {
  Scaled<Matrix> r{Matrix(in.n, weights.rows), Matrix(in.n, weights.rows)};
  for (int i = 0; i < in.n; ++i)
    for (int e = 0; e < weights.rows; ++e)
      for (int f = 0; f < weights.columns; ++f) {
        const double term = weights.at(e, f) * in.v[static_cast<std::size_t>(i) * in.features() + f];
        r.value.at(i, e) += term;
        r.scale.at(i, e) += std::fabs(term);
      }
  return r;
}

/// Sum over active views of error (x) input.
inline Scaled<Matrix> head_weight_gradient(const Images& in, const Matrix& error, const Active& active = {}) {
  const Matrix zero(error.columns, in.features());
  Scaled<Matrix> r{zero, zero};
  for (int i = 0; i < in.n; ++i) {
    if (!is_active(active, i)) continue;
    for (int e = 0; e < error.columns; ++e)
      for (int f = 0; f < in.features(); ++f) {
        const double term = error.at(i, e) * in.v[static_cast<std::size_t>(i) * in.features() + f];
        r.value.at(e, f) += term;
        r.scale.at(e, f) += std::fabs(term);
      }
  }
  return r;
}

/// f'(in) * (feedback^T error). Inactive views stay 0.
inline Scaled<Images> head_input_gradient(const Matrix& error, const Matrix& feedback, const Images& in,
                                          Activation below, const Active& active = {}) {
  const Images zero(in.n, in.c, in.h, in.w);
  Scaled<Images> r{zero, zero};
  for (int i = 0; i < in.n; ++i) {
    if (!is_active(active, i)) continue;
    for (int f = 0; f < in.features(); ++f) {
      const std::size_t j = static_cast<std::size_t>(i) * in.features() + f;
      for (int e = 0; e < error.columns; ++e) {
        const double term = error.at(i, e) * feedback.at(e, f);
        r.value.v[j] += term;
        r.scale.v[j] += std::fabs(term);
      }
      const double slope = derivative(below, in.v[j]);
      r.value.v[j] *= slope;
      if (slope == 0) r.scale.v[j] = 0;  // see conv_input_gradient
    }
  }
  return r;
}

}  // namespace saccade::reference
