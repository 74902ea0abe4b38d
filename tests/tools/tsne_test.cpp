#include "tools/reproduce/tsne.h"

#include <doctest/doctest.h>
#include <tbb/global_control.h>

#include <cmath>
#include <limits>

#include "engine/error.h"
#include "engine/random.h"

namespace saccade {
namespace {

Points normal_points(std::size_t count, std::size_t dimensions, std::uint64_t seed) {
  Points points{count, dimensions, {}};
  const Random random(seed, Purpose::layout, 1, 0);
  for (std::size_t i = 0; i < count * dimensions; ++i)
    points.values.push_back(random.normal(static_cast<std::uint32_t>(i)));
  return points;
}

}  // namespace

TEST_CASE("every row of the affinities has the perplexity asked for") {
  for (const double perplexity : {2.0, 5.0, 30.0}) {
    Points points = normal_points(101, 7, 3);
    for (std::size_t i = 0; i < 7; ++i) points.values[i] *= 50;  // one point far out
    const std::vector<double> p = conditional_affinities(points, perplexity);
    for (std::size_t i = 0; i < 101; ++i) {
      double sum = 0, entropy = 0;
      for (std::size_t j = 0; j < 101; ++j) {
        const double value = p[i * 101 + j];
        sum += value;
        if (value > 0) entropy -= value * std::log(value);
      }
      CHECK(p[i * 101 + i] == 0);
      CHECK(std::abs(sum - 1) <= 1e-12);
      CHECK(std::abs(std::exp(entropy) / perplexity - 1) <= 1e-8);
    }
  }
}

TEST_CASE("points that coincide or are equally far have finite affinities") {
  const std::vector<double> same = conditional_affinities({5, 1, {2, 2, 2, 2, 2}}, 2);
  for (std::size_t i = 0; i < 25; ++i) CHECK(same[i] == (i % 6 == 0 ? 0.0 : 0.25));
  // Three copies and one point 1e8 away.
  const std::vector<double> far = conditional_affinities({4, 1, {0, 0, 0, 1e8}}, 1.5);
  for (double value : far) CHECK(std::isfinite(value));
}

TEST_CASE("the gradient of t-SNE is that of its cost") {
  constexpr std::size_t n = 17;
  const std::vector<double> joint = joint_affinities(conditional_affinities(normal_points(n, 5, 8), 4), n);
  std::vector<double> layout = normal_points(n, 2, 9).values, gradient;
  tsne_gradient(joint, layout, gradient);
  CHECK(tsne_cost(joint, layout) > 0);
  double scale = 0;
  for (double g : gradient) scale = std::max(scale, std::abs(g));
  REQUIRE(scale > 1e-3);
  constexpr double h = 1e-5;  // error of the central difference about h^2, of its rounding 1e-16 / h
  for (std::size_t i = 0; i < layout.size(); ++i) {
    const double at = layout[i];
    layout[i] = at + h;
    const double above = tsne_cost(joint, layout);
    layout[i] = at - h;
    const double below = tsne_cost(joint, layout);
    layout[i] = at;
    CHECK(std::abs((above - below) / (2 * h) - gradient[i]) <= 1e-8 * scale + 1e-9);
  }
}

TEST_CASE("exaggeration strengthens the pull alone") {
  constexpr std::size_t n = 12;
  const std::vector<double> joint = joint_affinities(conditional_affinities(normal_points(n, 3, 1), 3), n);
  const std::vector<double> layout = normal_points(n, 2, 2).values;
  std::vector<double> once, twice, thrice;
  tsne_gradient(joint, layout, once, 1);
  tsne_gradient(joint, layout, twice, 2);
  tsne_gradient(joint, layout, thrice, 3);
  for (std::size_t i = 0; i < once.size(); ++i)
    CHECK(std::abs((thrice[i] - twice[i]) - (twice[i] - once[i])) <= 1e-14);  // linear in it
}

TEST_CASE("clusters that are far apart stay apart, with the same bits twice and on one thread") {
  constexpr std::size_t n = 90;
  Points points = normal_points(n, 6, 4);
  for (std::size_t i = 0; i < n; ++i) points.values[i * 6 + i % 3] += 40;
  TsneOptions options;
  options.perplexity = 10;
  options.iterations = 400;
  const std::vector<double> layout = tsne(points, options);
  REQUIRE(layout.size() == 2 * n);
  const auto distance = [&](std::size_t i, std::size_t j) {
    return std::hypot(layout[2 * i] - layout[2 * j], layout[2 * i + 1] - layout[2 * j + 1]);
  };
  double within = 0, between = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (i % 3 == j % 3)
        within = std::max(within, distance(i, j));
      else
        between = std::min(between, distance(i, j));
  CHECK(std::isfinite(within));
  CHECK(between > within);
  CHECK(tsne(points, options) == layout);
  const tbb::global_control one(tbb::global_control::max_allowed_parallelism, 1);
  CHECK(tsne(points, options) == layout);
}

TEST_CASE("t-SNE stops when asked and refuses what it cannot do") {
  int steps = 0;
  CHECK(tsne(
            normal_points(40, 2, 1), {.perplexity = 5}, [&] { return steps == 7; }, [&](int done) { steps = done; })
            .empty());
  CHECK(steps == 7);
  CHECK_THROWS_AS(tsne(normal_points(3, 2, 1), {.perplexity = 1.5}), InputError);
  CHECK_THROWS_AS(tsne(normal_points(80, 2, 1), {.perplexity = 30}), InputError);
  CHECK_THROWS_AS(tsne(normal_points(2001, 1, 1), {}), InputError);
}

}  // namespace saccade
