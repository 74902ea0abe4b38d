#include "streams/world/background.h"

#include <algorithm>

#include "engine/random.h"
#include "streams/world/mesh.h"
#include "streams/world/noise.h"
#include "streams/world/world_object.h"

namespace saccade {

Background::Background(std::uint32_t number) {
  const Random random(0, Purpose::world_background, number, 0);
  for (std::uint32_t i = 0; i < 2; ++i)
    colours_[i] = colour_of_hue(random.uniform(3 * i), random.uniform(3 * i + 1, 0, 0.4f),
                                random.uniform(3 * i + 2, 0.03f, 0.4f));
  const auto turns = static_cast<double>(random.uniform(6));
  right_ = static_cast<float>(0.35 * solid::cosine(turns));
  up_ = static_cast<float>(0.35 * solid::sine(turns));
  slice_ = random.uniform(7, 0, 8);
}

Vector3 Background::at(float x, float y) const {
  const float blend = 0.5f + right_ * x + up_ * y + (noise({2 * x, 2 * y, slice_}) - 0.5f);
  return colours_[0] + std::clamp(blend, 0.0f, 1.0f) * (colours_[1] - colours_[0]);
}

}  // namespace saccade
