#pragma once
#include <cstdint>

#include "streams/world/vector3.h"

namespace saccade {

/// Solid paint in two colours (linear light, red green blue in [0, 1]): which one, or how much of each, is a function
/// of the place p in the object, u = frequency p + phase (components in floor and frac are those of u).
struct Paint {
  /// plain: the first colour. stripes: the second where frac(u.x) < 1/2. checks: where floor(2 u.x) + floor(2 u.y) +
  /// floor(2 u.z) is odd. dots: within 0.3 of the middle of a unit cube. marble: as much of the second as
  /// clamp(3 noise(2 u) - 1, 0, 1).
  enum class Pattern : std::uint8_t { plain, stripes, checks, dots, marble };
  Pattern pattern = Pattern::plain;
  Vector3 colours[2];
  float frequency = 1;  ///< periods per unit
  Vector3 phase;
};
inline constexpr int patterns = 5;

/// The colour at a place of the object.
Vector3 colour_of(const Paint& paint, Vector3 place);

/// A thing of the built-in world.
struct WorldObject {
  int shape = 0;        ///< its class, 0 .. shape_names().size() - 1
  Vector3 proportions;  ///< the shape is stretched by these along its axes, then brought to radius 1
  Paint paint;
  float gloss = 0;  ///< strength of the highlight
};

/// The shape of an object: its number mod 16.
int shape_of(std::uint32_t number);

/// Object `number` of the world with this seed; a function of its arguments. All but the shape is drawn independently
/// of it: proportions 2^U(-0.25, 0.25), any pattern, two colours of any hue. `paints` > 0: there are only so many
/// paints, and each object has one of them; 0: each has its own.
WorldObject world_object(std::uint64_t seed, std::uint32_t number, std::uint32_t paints = 0);

/// Red, green, blue of hue (turns), saturation and value, each in [0, 1].
Vector3 colour_of_hue(float hue, float saturation, float value);

}  // namespace saccade
