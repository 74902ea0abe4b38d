#include "tools/measures/feature_statistics.h"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <limits>

namespace saccade {

/// With the centred rows X, the covariance X^T X / n and the Gram matrix K = X X^T / n have the same trace and the same
/// sum of squares, and K is small.
FeatureStatistics feature_statistics(std::span<const float> rows, int views) {
  using Rows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  // Eigen's blocks, and so the order of its sums, follow the caches of the machine; here they must not.
  Eigen::setCpuCacheSizes(32 << 10, 256 << 10, 2 << 20);
  const Eigen::Index features = static_cast<Eigen::Index>(rows.size()) / views;
  const Eigen::Map<const Rows> x(rows.data(), views, features);
  Eigen::MatrixXd gram = Eigen::MatrixXd::Zero(views, views);
  FeatureStatistics s;
  constexpr Eigen::Index block = 4096;  // columns in double precision at a time
  for (Eigen::Index first = 0; first < features; first += block) {
    Eigen::MatrixXd part = x.middleCols(first, std::min(block, features - first)).cast<double>();
    s.norm2 += part.squaredNorm();
    part.rowwise() -= part.colwise().mean().eval();
    gram.selfadjointView<Eigen::Lower>().rankUpdate(part);
  }
  gram.triangularView<Eigen::StrictlyUpper>() = gram.transpose();
  const double trace = gram.trace();
  s.norm2 /= views;
  s.variance = trace / views;
  s.participation_ratio = trace == 0 ? std::numeric_limits<double>::quiet_NaN() : trace * trace / gram.squaredNorm();
  return s;
}

std::optional<double> saturated(Activation activation, std::span<const float> values) {
  const auto count = [&](auto beyond) {
    return static_cast<double>(std::count_if(values.begin(), values.end(), beyond));
  };
  if (activation == Activation::hardtanh) return count([](float x) { return std::fabs(x) >= 1; });
  if (activation == Activation::tanh) return count([](float x) { return std::fabs(x) > 0.99f; });
  return {};
}

}  // namespace saccade
