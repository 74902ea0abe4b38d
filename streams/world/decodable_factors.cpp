#include "streams/world/decodable_factors.h"

#include <algorithm>
#include <cmath>

namespace saccade {
namespace {

/// Off the learning path: the C library's logarithm will do.
float log2_of(float strength) { return std::log2(std::max(strength, 0x1p-10f)); }

}  // namespace

KnownFactors decodable_factors() {
  return {{"rotation", "distance", "place", "light", "strength", "ambient"}, {9, 1, 2, 3, 1, 1}, {}};
}

void add_scene(const Scene& scene, KnownFactors& factors) {
  const auto [w, x, y, z] = scene.rotation;
  const float strength = std::sqrt(scene.light.x * scene.light.x + scene.light.y * scene.light.y +
                                   scene.light.z * scene.light.z),
              shortest = std::max(strength, 0x1p-10f);
  factors.values.insert(
      factors.values.end(),
      {1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y), 2 * (x * y + w * z), 1 - 2 * (x * x + z * z),
       2 * (y * z - w * x), 2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y), log2_of(scene.distance),
       scene.x, scene.y, scene.light.x / shortest, scene.light.y / shortest, scene.light.z / shortest,
       log2_of(strength), log2_of(scene.ambient)});
}

}  // namespace saccade
