#include "models/feature_scaling.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "tests/models/support.h"

using namespace saccade;
using namespace saccade::test;

namespace {

const MapShape shape = MapShape::image(3, 5, 7).compact();

Features drawn(Device& device, int count, std::uint64_t seed) {
  Features f{
      shape, {device, shape.features(), 1, count}, std::vector<std::int32_t>(static_cast<std::size_t>(count)), 2};
  ref::Draw draw(seed);
  std::vector<float> values;
  for (int i = 0; i < count; ++i)
    for (std::size_t j = 0; j < shape.features(); ++j)
      values.push_back(j == 4 ? 2.5f : static_cast<float>(draw.uniform(-1, 3) * std::pow(10.0, j % 5) + 20));
  f.values.write(values);
  return f;
}

}  // namespace

TEST_CASE("standardised features: mean 0, one spread, the wanted norm; constant ones vanish") {
  const auto device = make_cpu_device(1);
  constexpr int count = 37;
  Features features = drawn(*device, count, 1);
  FeatureScaling(*device, features).apply(*device, features);
  const std::vector<float> values = features.values.read();
  const std::size_t width = shape.features();
  double norm = 0;
  const double spread = FeatureScaling::squared_norm / static_cast<double>(width - 1);  // variance of each that varies
  for (std::size_t j = 0; j < width; ++j) {
    double mean = 0, variance = 0;
    for (int i = 0; i < count; ++i) mean += static_cast<double>(values[i * width + j]) / count;
    for (int i = 0; i < count; ++i) {
      const double x = static_cast<double>(values[i * width + j]);
      norm += x * x / count;
      variance += (x - mean) * (x - mean) / count;
    }
    CAPTURE(j);
    // Rounding of (x - mean), where the mean is up to 10^4 spreads of a float's precision away from 0.
    CHECK(std::abs(mean) <= 1e-4);
    CHECK(std::abs(variance - (j == 4 ? 0 : spread)) <= 1e-4 * spread);
  }
  CHECK(std::abs(norm - FeatureScaling::squared_norm) <= 1e-3 * FeatureScaling::squared_norm);
}

TEST_CASE("standardised features do not depend on the size of features; others are scaled as those for training") {
  const auto device = make_cpu_device(1);
  const Features training = drawn(*device, 20, 2);
  Features large = drawn(*device, 20, 2), test = drawn(*device, 3, 5), test_large = drawn(*device, 3, 5);
  for (Features* features : {&large, &test_large}) {
    std::vector<float> values = features->values.read();
    for (float& x : values) x *= 1024;
    features->values.write(values);
  }
  FeatureScaling(*device, training).apply(*device, test);
  FeatureScaling(*device, large).apply(*device, test_large);
  const std::vector<float> a = test.values.read(), b = test_large.values.read();
  CHECK(relative_l2(b, a) <= 1e-6);
  Features other{MapShape::image(3, 5, 8).compact(), {*device, 120, 1, 1}, {0}, 2};
  CHECK_THROWS_AS(FeatureScaling(*device, training).apply(*device, other), std::invalid_argument);
}
