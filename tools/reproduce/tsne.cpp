#include "tools/reproduce/tsne.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/elementary.h"
#include "engine/error.h"
#include "engine/random.h"
#include "engine/thread_pool.h"

namespace saccade {
namespace {

/// body(i) for every row; rows are independent, so the number of threads cannot change a result.
template <class Body>
void for_rows(std::size_t count, const Body& body) {
  ThreadPool(0).run(count, body);
}

/// exp(-beta (d - least)) over the row, normalised; returns its entropy in nats. Subtracting the least distance leaves
/// p as it is and keeps the nearest neighbour from underflowing.
double row_of(const std::vector<double>& squared, std::size_t self, double beta, double least, double* p) {
  double sum = 0, weighted = 0;
  for (std::size_t j = 0; j < squared.size(); ++j) {
    const double distance = squared[j] - least;
    p[j] = j == self ? 0.0 : own_exp(-beta * distance);
    sum += p[j];
    weighted += p[j] * distance;
  }
  for (std::size_t j = 0; j < squared.size(); ++j) p[j] /= sum;
  return own_log(sum) + beta * weighted / sum;  // -sum p log p
}

void fill_row(const Points& points, std::size_t i, double entropy, double* row) {
  const std::size_t n = points.count, d = points.dimensions;
  std::vector<double> squared(n);
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t k = 0; k < d; ++k) {
      const double difference = points.values[i * d + k] - points.values[j * d + k];
      squared[j] += difference * difference;
    }
    if (j != i) least = std::min(least, squared[j]);
  }
  // Entropy falls as beta = 1 / (2 sigma^2) grows. Where all neighbours are equally far nothing falls: the bisection
  // then ends after its steps with the uniform row, which is the answer.
  double beta = 1, low = 0, high = std::numeric_limits<double>::infinity();
  for (int step = 0; step < 200; ++step) {
    const double difference = row_of(squared, i, beta, least, row) - entropy;
    if (std::abs(difference) < 1e-10) break;
    (difference > 0 ? low : high) = beta;
    beta = std::isinf(high) ? 2 * beta : (low + high) / 2;
    if (!std::isfinite(beta)) break;
  }
}

}  // namespace

std::vector<double> conditional_affinities(const Points& points, double perplexity) {
  std::vector<double> conditional(points.count * points.count);
  const double entropy = own_log(perplexity);
  for_rows(points.count, [&](std::size_t i) { fill_row(points, i, entropy, conditional.data() + i * points.count); });
  return conditional;
}

std::vector<double> joint_affinities(const std::vector<double>& conditional, std::size_t count) {
  std::vector<double> joint(conditional.size());
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t j = 0; j < count; ++j)
      joint[i * count + j] =
          (conditional[i * count + j] + conditional[j * count + i]) / (2 * static_cast<double>(count));
  return joint;
}

double tsne_cost(const std::vector<double>& joint, const std::vector<double>& layout) {
  const std::size_t n = layout.size() / 2;
  double sum = 0, cost = 0, mass = 0;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) {
      if (j == i) continue;
      const double dx = layout[2 * i] - layout[2 * j], dy = layout[2 * i + 1] - layout[2 * j + 1];
      const double t = 1 / (1 + dx * dx + dy * dy), p = joint[i * n + j];
      sum += t;
      mass += p;
      if (p > 0) cost += p * own_log(p / t);
    }
  return cost + mass * own_log(sum);
}

void tsne_gradient(const std::vector<double>& joint, const std::vector<double>& layout, std::vector<double>& gradient,
                   double exaggeration) {
  const std::size_t n = layout.size() / 2;
  gradient.assign(layout.size(), 0.0);
  // q(i,j) = t(i,j) / sum of all t, t = 1 / (1 + |y_i - y_j|^2). The gradient, 4 sum_j (p - q) t (y_i - y_j), splits
  // into a pull sum_j p t (y_i - y_j) and a push sum_j t^2 (y_i - y_j) / sum of t; the point itself has distance 0 in
  // both.
  std::vector<double> push(layout.size()), row_sum(n);
  for_rows(n, [&](std::size_t i) {
    double pull_x = 0, pull_y = 0, push_x = 0, push_y = 0, sum = 0;
    const double x = layout[2 * i], y = layout[2 * i + 1];
    const double* p = joint.data() + i * n;
    for (std::size_t j = 0; j < n; ++j) {
      const double dx = x - layout[2 * j], dy = y - layout[2 * j + 1];
      const double t = 1 / (1 + dx * dx + dy * dy);
      sum += t;
      pull_x += p[j] * t * dx;
      pull_y += p[j] * t * dy;
      push_x += t * t * dx;
      push_y += t * t * dy;
    }
    gradient[2 * i] = pull_x;
    gradient[2 * i + 1] = pull_y;
    push[2 * i] = push_x;
    push[2 * i + 1] = push_y;
    row_sum[i] = sum - 1;  // without itself
  });
  double sum = 0;
  for (double row : row_sum) sum += row;
  for (std::size_t i = 0; i < gradient.size(); ++i) gradient[i] = 4 * (exaggeration * gradient[i] - push[i] / sum);
}

std::vector<double> tsne(const Points& points, const TsneOptions& options, const std::function<bool()>& stop,
                         const std::function<void(int)>& progress) {
  const std::size_t n = points.count;
  if (n > most_tsne_points)
    throw InputError(
        fmt::format("t-SNE: found {} points, expected at most {}; choose fewer images", n, most_tsne_points));
  if (n < 4 || !(3 * options.perplexity < static_cast<double>(n)) || !(options.perplexity > 1))
    throw InputError(
        fmt::format("t-SNE: found {} points and a perplexity of {:g}, expected a perplexity above 1 and more "
                    "than three times as many points",
                    n, options.perplexity));
  if (points.values.size() != n * points.dimensions) throw std::invalid_argument("tsne: values do not fit the sizes");
  const std::vector<double> joint = joint_affinities(conditional_affinities(points, options.perplexity), n);

  std::vector<double> layout(2 * n), velocity(2 * n), gains(2 * n, 1.0), gradient;
  const Random random(options.seed, Purpose::layout, 0, 0);
  for (std::size_t i = 0; i < layout.size(); ++i) layout[i] = 0.01 * random.normal(static_cast<std::uint32_t>(i));
  for (int step = 0; step < options.iterations; ++step) {
    if (stop && stop()) return {};
    tsne_gradient(joint, layout, gradient, step < options.exaggerated_until ? options.exaggeration : 1.0);
    const double momentum = step < options.late_from ? options.early_momentum : options.late_momentum;
    double centre[2] = {0, 0};
    for (std::size_t i = 0; i < layout.size(); ++i) {
      // Jacobs' gains (1988): grow while the direction stays, shrink when it turns.
      const bool turned = (gradient[i] > 0) == (velocity[i] > 0);
      gains[i] = std::max(0.01, turned ? gains[i] * 0.8 : gains[i] + 0.2);
      velocity[i] = momentum * velocity[i] - options.rate * gains[i] * gradient[i];
      layout[i] += velocity[i];
      centre[i % 2] += layout[i] / static_cast<double>(n);
    }
    for (std::size_t i = 0; i < layout.size(); ++i) layout[i] -= centre[i % 2];
    if (progress) progress(step + 1);
  }
  return layout;
}

}  // namespace saccade
