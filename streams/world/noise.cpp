#include "streams/world/noise.h"

#include <array>
#include <cmath>

#include "engine/random.h"

namespace saccade {
namespace {

constexpr int period = 8;

using Lattice = std::array<float, period * period * period>;

Lattice draw_lattice() {
  Lattice drawn;
  const Random random(0, Purpose::world_noise, 0, 0);
  for (std::uint32_t i = 0; i < drawn.size(); ++i) drawn[i] = random.uniform(i);
  return drawn;
}

struct Cell {
  int low, high;  ///< places in the lattice
  float blend;
};
Cell cell(float x) {
  const float floor = std::floor(x), t = x - floor;
  const int low = static_cast<int>(floor) & (period - 1);
  return {low, (low + 1) & (period - 1), t * t * (3 - 2 * t)};
}

float mix(float a, float b, float t) { return a + t * (b - a); }

}  // namespace

float noise(Vector3 at) {
  static const Lattice values = draw_lattice();
  const Cell x = cell(at.x), y = cell(at.y), z = cell(at.z);
  const auto row = [&](int j, int k) {
    const float* line = values.data() + (k * period + j) * period;
    return mix(line[x.low], line[x.high], x.blend);
  };
  return mix(mix(row(y.low, z.low), row(y.high, z.low), y.blend), mix(row(y.low, z.high), row(y.high, z.high), y.blend),
             z.blend);
}

}  // namespace saccade
