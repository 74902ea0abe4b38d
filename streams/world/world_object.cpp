#include "streams/world/world_object.h"

#include <algorithm>
#include <cmath>

#include "engine/elementary.h"
#include "engine/random.h"
#include "streams/world/noise.h"
#include "streams/world/shapes.h"

namespace saccade {
namespace {

int floored(float x) { return static_cast<int>(std::floor(x)); }

/// 0: the first colour, 1: the second.
float share(const Paint& paint, Vector3 place) {
  const Vector3 u = paint.frequency * place + paint.phase;
  const auto off_middle = [](float x) { return x - std::floor(x) - 0.5f; };
  switch (paint.pattern) {
    case Paint::Pattern::plain:
      return 0;
    case Paint::Pattern::stripes:
      return floored(2 * u.x) & 1 ? 0.0f : 1.0f;
    case Paint::Pattern::checks:
      return (floored(2 * u.x) + floored(2 * u.y) + floored(2 * u.z)) & 1 ? 1.0f : 0.0f;
    case Paint::Pattern::dots: {
      const Vector3 d{off_middle(u.x), off_middle(u.y), off_middle(u.z)};
      return dot(d, d) < 0.09f ? 1.0f : 0.0f;
    }
    case Paint::Pattern::marble:
      break;
  }
  return std::clamp(3 * noise(2 * u) - 1, 0.0f, 1.0f);
}

Paint draw_paint(const Random& random) {
  Paint paint;
  paint.pattern = static_cast<Paint::Pattern>(random.below(0, patterns));
  const float hue = random.uniform(1), apart = random.uniform(2, 0.25f, 0.75f), second = hue + apart;
  paint.colours[0] = colour_of_hue(hue, random.uniform(3, 0.3f, 0.9f), random.uniform(4, 0.55f, 1));
  paint.colours[1] =
      colour_of_hue(second - std::floor(second), random.uniform(5, 0.1f, 0.9f), random.uniform(6, 0.1f, 0.9f));
  paint.frequency = random.uniform(7, 0.9f, 1.6f);
  paint.phase = {random.uniform(8), random.uniform(9), random.uniform(10)};
  return paint;
}

}  // namespace

Vector3 colour_of(const Paint& paint, Vector3 place) {
  return paint.colours[0] + share(paint, place) * (paint.colours[1] - paint.colours[0]);
}

Vector3 colour_of_hue(float hue, float saturation, float value) {
  // Value less the part that a channel lacks: a trapezium of period 6 over the hue (Smith 1978).
  const auto channel = [&](float offset) {
    const float k = offset + 6 * hue, sixth = k >= 6 ? k - 6 : k;
    return value * (1 - saturation * std::clamp(std::min(sixth, 4 - sixth), 0.0f, 1.0f));
  };
  return {channel(5), channel(3), channel(1)};
}

int shape_of(std::uint32_t number) { return static_cast<int>(number % shape_names().size()); }

WorldObject world_object(std::uint64_t seed, std::uint32_t number, std::uint32_t paints) {
  const Random random(seed, Purpose::world_object, number, 0);
  WorldObject object;
  object.shape = shape_of(number);
  const auto stretch = [&](std::uint32_t draw) {
    return static_cast<float>(own_exp2(static_cast<double>(random.uniform(draw, -0.25f, 0.25f))));
  };
  object.proportions = {stretch(0), stretch(1), stretch(2)};
  object.gloss = random.uniform(3, 0, 0.6f);
  const std::uint32_t paint = paints > 0 ? random.below(4, paints) : number;
  object.paint = draw_paint(Random(seed, Purpose::world_paint, paint, 0));
  return object;
}

}  // namespace saccade
