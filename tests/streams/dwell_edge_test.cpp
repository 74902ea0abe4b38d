#include <doctest/doctest.h>

#include <cmath>

#include "streams/deformed_images.h"
#include "streams/fixations.h"
#include "tests/reference/tensors.h"

namespace saccade {
namespace {

/// A single linear unit that learns to predict itself and to vary (Halvagal and Zenke 2023, their latent predictive
/// learning): z = w . x,
///   dw = rate [ -(z - z') + (z - mean) / variance ] x,
/// z' being z at the view before. Views have a place in one of two clusters (+-1, the object looked at, which the
/// stream decides) and a coordinate that is noise of the same variance. A direction's decay is 1 - rho, rho its
/// correlation from view to view: 1 - 2 p for the cluster, if the next view is of the other object with probability p,
/// and 0 for the noise. So the unit comes to tell the objects apart if p < 1/2, and not beyond.
double selectivity(double switch_probability) {
  ImageSet two{"two", 1, 1, 1, {"a", "b"}, {0, 255}, {0, 1}};
  const DeformedImages source(two, ViewKind::plain, 1);
  FixationOptions options;
  options.dwell = Dwell::geometric;
  options.switch_probability = switch_probability;
  options.order = ObjectOrder::fixed;  // another fixation is the other object
  Fixations fixations(source, options);
  reference::Draw draw(3);
  double w[2] = {0.5, 0.5}, before = 0, mean = 0, variance = 0.5;
  constexpr double rate = 0.005, forget = 0.005;
  constexpr int views = 60'000;
  for (int view = 0; view < views; fixations.advance())
    for (std::uint32_t i = 0; i < fixations.current().views && view < views; ++i, ++view) {
      const double x[2] = {fixations.current().object == 0 ? -1.0 : 1.0, draw.uniform(-1, 1) * std::sqrt(3)};
      const double z = w[0] * x[0] + w[1] * x[1];
      mean += forget * (z - mean);
      variance += forget * ((z - mean) * (z - mean) - variance);
      const double drive = -(z - before) + (z - mean) / (variance + 1e-3);
      for (int k : {0, 1}) w[k] += rate * drive * x[k];
      before = z;
    }
  return w[0] * w[0] / (w[0] * w[0] + w[1] * w[1]);
}

}  // namespace

TEST_CASE("a predictive Hebbian unit tells two objects apart while the eye moves on less than every second view") {
  for (const double p : {0.05, 0.2, 0.35, 0.42}) {
    CAPTURE(p);
    CHECK(selectivity(p) > 0.9);
  }
  for (const double p : {0.58, 0.65, 0.8, 1.0}) {
    CAPTURE(p);
    CHECK(selectivity(p) < 0.1);
  }
}

}  // namespace saccade
