#include "tools/measures/feature_statistics.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/reference/cases.h"

namespace saccade {
namespace {

using Rows = std::vector<float>;

/// By the definitions, from the covariance itself: features x features.
FeatureStatistics by_definition(const Rows& rows, int views) {
  const int features = static_cast<int>(rows.size()) / views;
  const auto x = [&](int view, int f) {
    return static_cast<double>(
        rows[static_cast<std::size_t>(view) * static_cast<std::size_t>(features) + static_cast<std::size_t>(f)]);
  };
  std::vector<double> mean(static_cast<std::size_t>(features));
  FeatureStatistics s;
  for (int f = 0; f < features; ++f)
    for (int v = 0; v < views; ++v)
      mean[static_cast<std::size_t>(f)] += x(v, f) / views, s.norm2 += x(v, f) * x(v, f) / views;
  double squares = 0;
  for (int f = 0; f < features; ++f)
    for (int g = 0; g < features; ++g) {
      double c = 0;
      for (int v = 0; v < views; ++v)
        c += (x(v, f) - mean[static_cast<std::size_t>(f)]) * (x(v, g) - mean[static_cast<std::size_t>(g)]) / views;
      if (f == g) s.variance += c;
      squares += c * c;
    }
  s.participation_ratio = s.variance * s.variance / squares;
  return s;
}

void check_close(const FeatureStatistics& got, const FeatureStatistics& want, double limit = 1e-12) {
  const auto close = [&](double a, double b) { return std::fabs(a - b) <= limit * std::fabs(b); };
  CHECK(close(got.norm2, want.norm2));
  CHECK(close(got.variance, want.variance));
  CHECK(close(got.participation_ratio, want.participation_ratio));
}

}  // namespace

TEST_CASE("feature statistics of a matrix that can be worked out by hand") {
  // +-a along the first feature, +-b along the third, around the mean (1, 2, 3, 0): C = diag(a^2, 0, b^2, 0) / 2.
  const auto rows = [](float a, float b) {
    return Rows{1 + a, 2, 3, 0, 1 - a, 2, 3, 0, 1, 2, 3 + b, 0, 1, 2, 3 - b, 0};
  };
  check_close(feature_statistics(rows(1, 1), 4), {14 + 1, 1, 2});                     // as many directions as there are
  check_close(feature_statistics(rows(1, 0), 4), {14 + 0.5, 0.5, 1});                 // one
  check_close(feature_statistics(rows(2, 1), 4), {14 + 2.5, 2.5, 2.5 * 2.5 / 4.25});  // (2 + 0.5)^2 / (4 + 0.25)
}

TEST_CASE("feature statistics against the covariance, on odd shapes") {
  reference::Draw draw(4);
  for (const auto& [views, features] : {std::pair{2, 1}, {3, 7}, {9, 5}, {17, 40}, {5, 701}, {40, 33}}) {
    CAPTURE(views);
    CAPTURE(features);
    Rows rows;
    for (int i = 0; i < views * features; ++i)
      rows.push_back(static_cast<float>(draw.uniform(-1, 3) * (1 + i % features)));
    check_close(feature_statistics(rows, views), by_definition(rows, views), 1e-10);
    // Each view a direction of its own: at most n - 1 of them.
    CHECK(feature_statistics(rows, views).participation_ratio <= views - 1 + 1e-9);
  }
}

TEST_CASE("feature statistics: more features than a block, padding, and features that do not vary") {
  reference::Draw draw(5);
  Rows rows, padded;
  for (int v = 0; v < 3; ++v)
    for (int f = 0; f < 5000; ++f) {
      const auto x = static_cast<float>(draw.uniform(-1, 1));
      rows.push_back(x), padded.push_back(x);
      if (f % 100 == 0) padded.push_back(0);
    }
  const FeatureStatistics s = feature_statistics(rows, 3);
  check_close(feature_statistics(padded, 3), s, 1e-12);
  CHECK(s.norm2 == doctest::Approx(5000.0 / 3).epsilon(0.05));
  CHECK(s.participation_ratio == doctest::Approx(2).epsilon(0.01));  // three random directions of high dimension
  const FeatureStatistics same = feature_statistics(Rows{1, 2, 1, 2}, 2);
  CHECK(same.variance == 0);
  CHECK(std::isnan(same.participation_ratio));
}

TEST_CASE("feature statistics of what is not a number are none") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const FeatureStatistics s = feature_statistics(Rows{1, nan, 3, 4, 5, 7}, 3);
  CHECK(std::isnan(s.norm2));
  CHECK(std::isnan(s.variance));
  CHECK(std::isnan(s.participation_ratio));
}

TEST_CASE("saturation counts what lies at the ends of an activation, where it has ends") {
  const Rows values{-2, -1, -0.995f, -0.99f, 0, 0.9900001f, 0.9999999f, 1, 3};
  CHECK(saturated(Activation::hardtanh, values) == 4);
  CHECK(saturated(Activation::tanh, values) == 7);
  CHECK(!saturated(Activation::relu, values));
  CHECK(!saturated(Activation::none, values));
}

}  // namespace saccade
