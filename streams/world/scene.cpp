#include "streams/world/scene.h"

#include <fmt/format.h>

#include <cmath>

#include "engine/error.h"

namespace saccade {

ViewRecipe recipe_of(const Scene& s, std::uint32_t object) {
  return {ViewKind::world,
          object,
          {s.rotation[0], s.rotation[1], s.rotation[2], s.rotation[3], s.distance, s.x, s.y, s.light.x, s.light.y,
           s.light.z, s.ambient, s.background}};
}

Scene scene_of(const ViewRecipe& recipe) {
  if (recipe.kind != ViewKind::world)
    throw InputError(fmt::format("view of object {}: recipe of kind {}, expected {} (world)", recipe.source,
                                 static_cast<int>(recipe.kind), static_cast<int>(ViewKind::world)));
  const auto& p = recipe.parameters;
  const auto within = [&](std::size_t place, float low, float high, const char* what) {
    const float value = p[place];
    if (!(value >= low && value <= high))
      throw InputError(fmt::format("view of object {}: recipe parameter {} is {}, expected {} from {} to {}",
                                   recipe.source, place, value, what, low, high));
    return value;
  };
  Scene scene;
  float square = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    scene.rotation[i] = within(recipe::rotation + i, -1.001f, 1.001f, "a component of a unit quaternion");
    square += scene.rotation[i] * scene.rotation[i];
  }
  if (!(std::fabs(square - 1) <= 1e-3f))
    throw InputError(fmt::format("view of object {}: the rotation's quaternion has squared length {}, expected 1",
                                 recipe.source, square));
  scene.distance = within(recipe::distance, 1.5f, 100, "a distance");
  scene.x = within(recipe::place, -2, 2, "a place");
  scene.y = within(recipe::place + 1, -2, 2, "a place");
  scene.light = {within(recipe::light, -4, 4, "a light"), within(recipe::light + 1, -4, 4, "a light"),
                 within(recipe::light + 2, -4, 4, "a light")};
  if (!(length(scene.light) <= 4.001f))
    throw InputError(
        fmt::format("view of object {}: a light of strength {}, expected 0 to 4", recipe.source, length(scene.light)));
  scene.ambient = within(recipe::ambient, 0, 4, "a strength of ambient light");
  scene.background = within(recipe::background, 0, 16777215, "the number of a background");
  if (scene.background != std::floor(scene.background))
    throw InputError(fmt::format("view of object {}: recipe parameter {} is {}, expected a whole number", recipe.source,
                                 recipe::background, scene.background));
  return scene;
}

}  // namespace saccade
