#pragma once
#include <array>
#include <cstdint>
#include <string>

#include "engine/view_recipe.h"
#include "streams/world/vector3.h"

namespace saccade {

/// Where the object is, how it is turned and lit, and what is behind it: what a recipe of the kind `world` holds. The
/// eye is at the origin and looks along -z. Lengths are in radii of the object.
struct Scene {
  std::array<float, 4> rotation{1, 0, 0, 0};  ///< unit quaternion w, x, y, z from the object's frame to the eye's
  float distance = 4;                         ///< of the object's middle, along z; 1.5 .. 100
  float x = 0, y = 0;      ///< its middle in the picture, which reaches from -1 to 1 (right, up); -2 .. 2
  Vector3 light{0, 0, 1};  ///< towards the light, from the object; its length, 0 .. 4, is the light's strength
  float ambient = 0.3f;    ///< light from everywhere; 0 .. 4
  float background = 0;    ///< number of the background: whole, 0 .. 2^24 - 1
};

/// The focal length in halves of the picture: a point (x, y, z) is seen at focal_length (x, y) / -z.
inline constexpr float focal_length = 2.6f;

ViewRecipe recipe_of(const Scene& scene, std::uint32_t object);

/// InputError, naming the parameter, unless the recipe is of the kind `world` and within the ranges above (the
/// quaternion's squared length within 1e-3 of 1).
Scene scene_of(const ViewRecipe& recipe);

}  // namespace saccade
