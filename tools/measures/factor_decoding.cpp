#include "tools/measures/factor_decoding.h"

#include <Eigen/Cholesky>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace saccade {
namespace {

using Rows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Eigen::Index;
using Eigen::MatrixXd;

Rows rows_of(const Features& features) {
  const std::vector<float> values = features.values.read();
  const auto width = static_cast<Index>(features.shape.features());
  return Eigen::Map<const Rows>(values.data(), static_cast<Index>(features.labels.size()), width);
}

MatrixXd numbers_of(const KnownFactors& factors) {
  const auto width = static_cast<Index>(factors.width());
  return Eigen::Map<const Rows>(factors.values.data(), static_cast<Index>(factors.size()), width).cast<double>();
}

/// Ridge regression in its dual form: predictions K* (K + penalty 1)^-1 (Y - m) + m.
MatrixXd predictions(const MatrixXd& own, const MatrixXd& across, const MatrixXd& numbers, double penalty) {
  const Eigen::RowVectorXd mean = numbers.colwise().mean();
  MatrixXd penalised = own;
  penalised.diagonal().array() += penalty;
  const MatrixXd weights = penalised.llt().solve(numbers.rowwise() - mean);
  return (across * weights).rowwise() + mean;
}

/// Of a factor in columns [first, first + width).
double r2(const MatrixXd& predicted, const MatrixXd& numbers, const Eigen::RowVectorXd& mean, Index first,
          Index width) {
  const auto part = [&](const auto& m) { return m.middleCols(first, width); };
  const double spread = (part(numbers).rowwise() - mean.segment(first, width)).squaredNorm();
  if (!(spread > 0)) return std::numeric_limits<double>::quiet_NaN();
  return 1 - (part(numbers) - part(predicted)).squaredNorm() / spread;
}

}  // namespace

std::vector<double> factor_r2(const Features& stored, const KnownFactors& stored_factors, const Features& tested,
                              const KnownFactors& tested_factors) {
  if (stored.labels.size() != stored_factors.size() || tested.labels.size() != tested_factors.size() ||
      stored.shape.features() != tested.shape.features() || stored_factors.widths != tested_factors.widths)
    throw std::invalid_argument("factor_r2: features and factors do not belong together");
  if (stored_factors.size() < 10 || tested_factors.size() < 1)
    throw std::invalid_argument("factor_r2: expected 10 stored images and one to test on");
  const Rows rows = rows_of(stored), test_rows = rows_of(tested);
  Eigen::MatrixXf products = Eigen::MatrixXf::Zero(rows.rows(), rows.rows());
  products.selfadjointView<Eigen::Lower>().rankUpdate(rows);
  const MatrixXd own = MatrixXd(products.cast<double>().selfadjointView<Eigen::Lower>()),
                 across = (test_rows * rows.transpose()).cast<double>();
  const MatrixXd numbers = numbers_of(stored_factors), test_numbers = numbers_of(tested_factors);
  const Index count = own.rows(), fitted = count - count / 5, left = count / 5;
  const double scale = own.trace() / static_cast<double>(count);
  constexpr int exponents = 6;

  const Eigen::RowVectorXd fitted_mean = numbers.topRows(fitted).colwise().mean(), mean = numbers.colwise().mean();
  std::vector<MatrixXd> tried, final;
  for (int e = 0; e < exponents; ++e) {
    const double penalty = scale * std::pow(10.0, e - 4) + std::numeric_limits<double>::min();
    tried.push_back(predictions(own.topLeftCorner(fitted, fitted), own.bottomLeftCorner(left, fitted),
                                numbers.topRows(fitted), penalty));
    final.push_back({});
  }
  std::vector<double> all;
  Index first = 0;
  for (const std::size_t width : stored_factors.widths) {
    const auto own_width = static_cast<Index>(width);
    std::size_t best = 0;
    double best_r2 = -std::numeric_limits<double>::infinity();
    for (std::size_t e = 0; e < tried.size(); ++e)
      if (const double got = r2(tried[e], numbers.bottomRows(left), fitted_mean, first, own_width); got > best_r2)
        best = e, best_r2 = got;
    if (final[best].size() == 0)
      final[best] =
          predictions(own, across, numbers,
                      scale * std::pow(10.0, static_cast<double>(best) - 4) + std::numeric_limits<double>::min());
    all.push_back(r2(final[best], test_numbers, mean, first, own_width));
    first += own_width;
  }
  return all;
}

}  // namespace saccade
