#include "tools/measures/factor_decoding.h"

#include <doctest/doctest.h>

#include <cmath>
#include <stdexcept>

#include "streams/world/decodable_factors.h"
#include "streams/world/stills.h"
#include "tests/tools/labelled_features.h"

namespace saccade {
namespace {

using namespace test;
namespace ref = reference;

using Table = std::vector<std::vector<double>>;

/// Solves A x = b by elimination with pivots.
std::vector<double> solve(Table a, std::vector<double> b) {
  const std::size_t n = b.size();
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t pivot = k;
    for (std::size_t i = k; i < n; ++i)
      if (std::fabs(a[i][k]) > std::fabs(a[pivot][k])) pivot = i;
    std::swap(a[k], a[pivot]);
    std::swap(b[k], b[pivot]);
    for (std::size_t i = k + 1; i < n; ++i) {
      const double f = a[i][k] / a[k][k];
      for (std::size_t j = k; j < n; ++j) a[i][j] -= f * a[k][j];
      b[i] -= f * b[k];
    }
  }
  for (std::size_t k = n; k-- > 0;) {
    for (std::size_t j = k + 1; j < n; ++j) b[k] -= a[k][j] * b[j];
    b[k] /= a[k][k];
  }
  return b;
}

double mean_of(const std::vector<double>& y, std::size_t count) {
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum += y[i];
  return sum / static_cast<double>(count);
}

/// R^2 on `tests` of a ridge regression in its primal form, (X'X + penalty 1) w = X'(y - m), on the first `count` rows.
double reference_r2(const Table& x, const std::vector<double>& y, std::size_t count, double penalty, const Table& tests,
                    const std::vector<double>& wanted) {
  const std::size_t width = x[0].size();
  const double mean = mean_of(y, count);
  Table a(width, std::vector<double>(width));
  std::vector<double> b(width);
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t p = 0; p < width; ++p) {
      b[p] += x[i][p] * (y[i] - mean);
      for (std::size_t q = 0; q < width; ++q) a[p][q] += x[i][p] * x[i][q];
    }
  for (std::size_t p = 0; p < width; ++p) a[p][p] += penalty;
  const std::vector<double> w = solve(a, b);
  double wrong = 0, spread = 0;
  for (std::size_t i = 0; i < tests.size(); ++i) {
    double guess = mean;
    for (std::size_t p = 0; p < width; ++p) guess += w[p] * tests[i][p];
    wrong += std::pow(wanted[i] - guess, 2);
    spread += std::pow(wanted[i] - mean, 2);
  }
  return 1 - wrong / spread;
}

KnownFactors one_factor(const std::vector<double>& y) {
  KnownFactors factors{{"y"}, {1}, {}};
  for (const double value : y) factors.values.push_back(static_cast<float>(value));
  return factors;
}

struct Problem {
  ref::LabelledRows stored, tested;
  std::vector<double> y, wanted;
};

/// y is linear in the features, plus noise.
Problem problem(int images, int tests, int features, double noise) {
  Problem p{drawn_rows(images, features, 2, 1), drawn_rows(tests, features, 2, 2), {}, {}};
  ref::Draw draw(5);
  std::vector<double> w(static_cast<std::size_t>(features)), some(1);
  draw.fill(w, -1, 1);
  for (const auto& [rows, values] : {std::pair{&p.stored.rows, &p.y}, std::pair{&p.tested.rows, &p.wanted}})
    for (const std::vector<double>& row : *rows) {
      draw.fill(some, -noise, noise);
      double sum = 3 + some[0];
      for (std::size_t k = 0; k < w.size(); ++k) sum += w[k] * row[k];
      values->push_back(static_cast<double>(static_cast<float>(sum)));
    }
  return p;
}

double decoded(const Problem& p) {
  const auto device = make_cpu_device(2);
  const int features = static_cast<int>(p.stored.rows[0].size());
  const MapShape shape{1, 1, features, features, 0};
  return factor_r2(on_device(*device, p.stored, shape), one_factor(p.y), on_device(*device, p.tested, shape),
                   one_factor(p.wanted))
      .at(0);
}

}  // namespace

TEST_CASE("factors are read out as ridge regression in its primal form does, penalties chosen likewise") {
  for (const auto& [images, tests, features, noise] :
       {std::tuple{50, 20, 7, 0.5}, std::tuple{33, 9, 40, 0.1}, std::tuple{121, 30, 16, 3.0}}) {
    CAPTURE(features);
    const Problem p = problem(images, tests, features, noise);
    const auto count = static_cast<std::size_t>(images), left = count / 5, fitted = count - left;
    double scale = 0;
    for (const auto& row : p.stored.rows)
      for (const double value : row) scale += value * value / images;
    const Table last(p.stored.rows.begin() + static_cast<std::ptrdiff_t>(fitted), p.stored.rows.end());
    const std::vector<double> last_y(p.y.begin() + static_cast<std::ptrdiff_t>(fitted), p.y.end());
    double best = 0, best_r2 = -1e9;
    for (int e = -4; e <= 1; ++e) {
      const double penalty = scale * std::pow(10, e);
      const double r2 = reference_r2(p.stored.rows, p.y, fitted, penalty, last, last_y);
      if (r2 > best_r2) best = penalty, best_r2 = r2;
    }
    const double want = reference_r2(p.stored.rows, p.y, count, best, p.tested.rows, p.wanted);
    // Products of rows are sums in single precision: 1e-6 of them, enlarged by the inverse of the smallest penalty,
    // 1e4, at worst; what is seen is below 1e-4.
    CHECK(decoded(p) == doctest::Approx(want).epsilon(2e-3));
  }
}

TEST_CASE("a linear factor is read out wholly, one that is not in the features not at all") {
  CHECK(decoded(problem(300, 50, 12, 0)) > 0.999);
  Problem p = problem(300, 200, 12, 0);
  std::rotate(p.y.begin(), p.y.begin() + 37, p.y.end());
  CHECK(decoded(p) < 0.1);
  std::fill(p.wanted.begin(), p.wanted.end(), p.wanted[0]);
  p.y = std::vector<double>(p.y.size(), p.wanted[0]);
  CHECK(std::isnan(decoded(p)));  // does not vary
  p.y.pop_back();
  CHECK_THROWS_AS(decoded(p), std::invalid_argument);
}

TEST_CASE("factors of the world's stills are those of their recipes") {
  World::Options options;
  options.size = 16;
  options.objects = 20;
  const DataSet data = world_stills(options, 45, 7);
  for (const ImageSet* set : {&data.train, &data.test, &data.deformed_test}) {
    REQUIRE(set->factors.size() == set->size());
    CHECK(set->factors.width() == 17);
  }
  const World world(training_stills(options));
  const Scene scene = world_factors(still_recipe(world, 33)).scene;
  const KnownFactors part = data.train.factors.part(33, 1);
  // Column by column: rotating unit vectors by q v q*.
  const auto [w, x, y, z] = scene.rotation;
  const double turned_x[3] = {w * w + x * x - y * y - z * z, 2 * (x * y + w * z), 2 * (x * z - w * y)};
  for (std::size_t i = 0; i < 3; ++i) CHECK(part.values[3 * i] == doctest::Approx(turned_x[i]).epsilon(1e-5));
  CHECK(part.values[9] == doctest::Approx(std::log2(scene.distance)));
  CHECK(part.values[10] == scene.x);
  CHECK(part.values[11] == scene.y);
  const double strength =
      std::sqrt(std::pow(scene.light.x, 2) + std::pow(scene.light.y, 2) + std::pow(scene.light.z, 2));
  CHECK(part.values[14] == doctest::Approx(scene.light.z / strength));
  CHECK(part.values[15] == doctest::Approx(std::log2(strength)));
  CHECK(part.values[16] == doctest::Approx(std::log2(scene.ambient)));
}

}  // namespace saccade
