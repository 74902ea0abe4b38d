#pragma once
#include "tests/reference/tensors.h"

/// Average pooling with windows of k x k that do not overlap, and its adjoint.
namespace saccade::reference {

inline Scaled<Images> average_pool(const Images& in, int k) {
  const Images zero(in.n, in.c, in.h / k, in.w / k);
  Scaled<Images> r{zero, zero};
  for (int i = 0; i < in.n; ++i)
    for (int c = 0; c < in.c; ++c)
      for (int y = 0; y < in.h / k * k; ++y)
        for (int x = 0; x < in.w / k * k; ++x) {
          r.value.at(i, c, y / k, x / k) += in.at(i, c, y, x) / (k * k);
          r.scale.at(i, c, y / k, x / k) += std::fabs(in.at(i, c, y, x)) / (k * k);
        }
  return r;
}

/// f'(in) * (adjoint of average_pool applied to error). Inactive views stay 0.
inline Images average_pool_gradient(const Images& error, const Images& in, int k, Activation below,
                                    const Active& active = {}) {
  Images r(in.n, in.c, in.h, in.w);
  for (int i = 0; i < in.n; ++i)
    if (is_active(active, i))
      for (int c = 0; c < in.c; ++c)
        for (int y = 0; y < error.h * k; ++y)
          for (int x = 0; x < error.w * k; ++x)
            r.at(i, c, y, x) = error.at(i, c, y / k, x / k) / (k * k) * derivative(below, in.at(i, c, y, x));
  return r;
}

}  // namespace saccade::reference
