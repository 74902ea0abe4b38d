#include "models/schedule.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "engine/error.h"
#include "models/plasticity.h"

using namespace saccade;

namespace {

std::vector<int> draws(const Schedule& schedule, int depth, std::uint64_t events) {
  std::vector<int> counts(static_cast<std::size_t>(depth));
  for (std::uint64_t event = 0; event < events; ++event) ++counts.at(static_cast<std::size_t>(schedule.layer(event)));
  return counts;
}

}  // namespace

TEST_CASE("a schedule of several layers at once has no single one") {
  const Schedule schedule("pll", 3, 1, 100);
  std::vector<int> layers;
  schedule.layers(7, layers);
  CHECK(layers == std::vector<int>{0, 1, 2});
  CHECK_THROWS_AS(schedule.layer(7), std::logic_error);
  Schedule("e2e", 3, 1, 100).layers(7, layers);
  CHECK(layers == std::vector<int>{end_to_end});
}

TEST_CASE("layers are drawn as often as their weights say") {
  constexpr int events = 40000;
  const std::vector<double> weights{1, 0, 2.5, 0.5, 0};
  for (const std::uint64_t seed : {1, 2}) {
    const std::vector<int> counts = draws(Schedule("rll", 5, seed, 0, weights), 5, events);
    for (std::size_t layer = 0; layer < weights.size(); ++layer) {
      CAPTURE(layer);
      const double p = weights[layer] / 4;
      // Binomial: 5 standard deviations; a weight of 0 is never drawn.
      CHECK(std::abs(counts[layer] - events * p) <= 5 * std::sqrt(events * p * (1 - p)));
    }
  }
  CHECK(draws(Schedule("rll", 3, 1, 0, {0, 0, 7}), 3, 1000) == std::vector<int>{0, 0, 1000});
  CHECK(draws(Schedule("rll", 3, 1, 0, {1e-300, 0, 0}), 3, 1000) == std::vector<int>{1000, 0, 0});
}

TEST_CASE("equal weights are no weights: the same draws") {
  const Schedule plain("rll", 5, 3, 0), weighted("rll", 5, 3, 0, std::vector<double>(5, 0.3));
  for (std::uint64_t event = 0; event < 1000; ++event) CHECK(plain.layer(event) == weighted.layer(event));
  CHECK_NOTHROW(Schedule("gll", 3, 1, 100, {1, 1, 1}));
}

TEST_CASE("weights of layers that cannot be are refused") {
  const auto refused = [](const std::string& name, const std::vector<double>& weights, const char* text) {
    CHECK_THROWS_WITH_AS(Schedule(name, 3, 1, 100, weights), doctest::Contains(text), InputError);
  };
  refused("rll", {1, 2}, "2 numbers are given, expected 3");
  refused("rll", {1, -2, 1}, "a weight is -2");
  refused("rll", {1, std::nan(""), 1}, "a weight is nan");
  refused("rll", {1, std::numeric_limits<double>::infinity(), 1}, "a weight is inf");
  refused("rll", {0, 0, 0}, "their sum is 0");
  refused("rll", {1e308, 1e308, 1}, "their sum is inf");
  refused("gll", {1, 2, 1}, "\"gll\" draws no layers");
  refused("pll", {1, 2, 1}, "draws no layers");
}
