#include "streams/image_trajectories.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "engine/error.h"
#include "view_helpers.h"

using namespace saccade;
using namespace saccade::test;

namespace {

struct Moments {
  double mean = 0, deviation = 0, correlation = 0;  ///< the last between views 0 and `lag`
};

/// Of one parameter over many fixations.
template <class F>
Moments moments(const ImageTrajectories& source, std::uint32_t lag, const F& value) {
  constexpr std::uint32_t n = 20000;
  double sum = 0, squares = 0, products = 0;
  for (std::uint32_t fixation = 0; fixation < n; ++fixation) {
    const double first = value(source.draw(0, fixation, 0)), later = value(source.draw(0, fixation, lag));
    sum += later;
    squares += later * later;
    products += first * later;
  }
  const double mean = sum / n, variance = squares / n - mean * mean;
  return {mean, std::sqrt(variance), (products / n - mean * mean) / variance};
}

constexpr double limit = 5 / 141.4;  // 5 standard errors of a correlation, or of a mean in deviations, from 20,000

}  // namespace

TEST_CASE("a trajectory is stationary and forgets with its time constant") {
  const ImageSet images = noise_images(5, 6, 3);
  const ImageTrajectories source(images, ViewKind::affine_hsv, 3,
                                 {.step = 0.1, .warp_time = 0.5, .colour_time = 1.0, .colour_spread = 0.5});
  struct Case {
    std::size_t parameter;
    double mean, deviation, time;
  };
  const double third = 1 / std::sqrt(3.0);
  for (const auto& [parameter, mean, deviation, time] :
       {Case{0, 1, 0.25 * third, 0.5}, Case{1, 0, 0.25 * third, 0.5}, Case{5, 0, 0.5 * third, 0.5},
        Case{recipe::saturation, 0, third, 1}, Case{recipe::hue, 0, 0.05 * third, 1}}) {
    for (const std::uint32_t lag : {0u, 1u, 7u}) {
      CAPTURE(parameter);
      CAPTURE(lag);
      const Moments found = moments(source, lag, [&](const ViewRecipe& r) {
        const double p = r.parameters[parameter];
        return (parameter == recipe::saturation ? std::log2(p) : p) - mean;
      });
      CHECK(std::abs(found.mean) <= limit * deviation);
      CHECK(std::abs(found.deviation / deviation - 1) <= limit);
      CHECK(std::abs(found.correlation - std::exp(-0.1 * lag / time)) <= limit);
    }
  }
}

TEST_CASE("paths of a fixation are independent of each other, of other fixations and of other objects") {
  const ImageSet images = noise_images(5, 6, 3);
  const ImageTrajectories source(images, ViewKind::affine_hsv, 3, {});
  double products[3] = {}, squares = 0;
  constexpr std::uint32_t n = 20000;
  for (std::uint32_t fixation = 0; fixation < n; ++fixation) {
    const auto p = source.draw(1, fixation, 2).parameters;
    const double x = p[1];
    products[0] += x * p[2];
    products[1] += x * source.draw(1, fixation + 1, 2).parameters[1];
    products[2] += x * source.draw(2, fixation, 2).parameters[1];
    squares += x * x;
  }
  CHECK(std::abs(products[0] / squares) <= 2 * limit);  // the shift's spread is twice as large
  CHECK(std::abs(products[1] / squares) <= limit);
  CHECK(std::abs(products[2] / squares) <= limit);
}

TEST_CASE("neighbouring views look alike, the flip stays, and every recipe can be rendered") {
  const ImageSet images = noise_images(9, 8, 3);
  const ImageTrajectories source(images, ViewKind::affine_hsv, 3, {.step = 0.001});
  const ImageTrajectories wild(images, ViewKind::affine_hsv, 3, {.warp_spread = 1000, .colour_spread = 1000});
  int flipped = 0;
  Pixels out(source.view_shape().values());
  for (std::uint32_t fixation = 0; fixation < 200; ++fixation) {
    const auto first = source.draw(0, fixation, 4).parameters, second = source.draw(0, fixation, 5).parameters;
    for (std::size_t i = 0; i < 6; ++i) CHECK(std::abs(first[i] - second[i]) < 0.1);
    CHECK(first[recipe::flip] == second[recipe::flip]);
    flipped += first[recipe::flip] == 1.0f;
    for (const ImageTrajectories* each : {&source, &wild}) {
      each->render(each->draw(0, fixation, 3), out.data());
      for (const float x : out) CHECK((x >= 0 && x <= 1));
    }
  }
  CHECK(flipped > 60);
  CHECK(flipped < 140);
}

TEST_CASE("trajectories that cannot be are refused") {
  const ImageSet images = noise_images(5, 6, 3);
  const auto refusal = [&](ViewKind kind, const ImageTrajectories::Options& options) {
    return message_of<InputError>([&] { ImageTrajectories(images, kind, 1, options); });
  };
  CHECK(refusal(ViewKind::affine, {}).empty());
  CHECK(says(refusal(ViewKind::plain, {}), {"plain", "expected \"affine\""}));
  CHECK(says(refusal(ViewKind::affine, {.warp_time = 0}), {"time constant 0"}));
  CHECK(says(refusal(ViewKind::affine, {.step = 0}), {"steps of 0 s"}));
  CHECK(says(refusal(ViewKind::affine, {.warp_spread = -1}), {"spread -"}));
  CHECK(says(refusal(ViewKind::affine, {.warp_spread = 1001}), {"1001", "at most 1000"}));
  CHECK(says(refusal(ViewKind::affine, {.colour_time = std::nan("")}), {"time constant nan"}));
}
