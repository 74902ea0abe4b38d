#pragma once
#include <cmath>
#include <cstdint>
#include <vector>

namespace saccade::reference {

inline void sgd(std::vector<double>& weights, const std::vector<double>& gradient, double rate) {
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] -= rate * gradient[i];
}

/// Kingma and Ba 2015, algorithm 1, line by line.
struct Adam {
  double rate = 1e-4, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  std::int64_t t = 0;
  std::vector<double> m, v;

  /// Returns the increments, which the caller subtracts from the weights (and, under urf, from the feedback).
  std::vector<double> step(const std::vector<double>& gradient) {
    m.resize(gradient.size());
    v.resize(gradient.size());
    ++t;
    std::vector<double> increments;
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      const double g = gradient[i];
      m[i] = beta1 * m[i] + (1 - beta1) * g;
      v[i] = beta2 * v[i] + (1 - beta2) * g * g;
      const double m_hat = m[i] / (1 - std::pow(beta1, static_cast<double>(t)));
      const double v_hat = v[i] / (1 - std::pow(beta2, static_cast<double>(t)));
      increments.push_back(rate * m_hat / (std::sqrt(v_hat) + epsilon));
    }
    return increments;
  }
};

}  // namespace saccade::reference
