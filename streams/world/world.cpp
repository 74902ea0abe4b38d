#include "streams/world/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "engine/elementary.h"
#include "engine/error.h"
#include "engine/hash.h"
#include "engine/random.h"
#include "streams/world/picture.h"
#include "streams/world/shapes.h"

namespace saccade {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();

constexpr std::uint32_t pose_paths = 7, paths = 12;  // of one scene: rotation 4, distance, place 2; light 3 and 2
/// 30 degrees from above, 40 from the side.
constexpr std::array<double, 4> rest_pose{0.9077, 0.2432, -0.3304, -0.0885};

/// base * 2^exponent.
float power(double base, double exponent, double low, double high) {
  return static_cast<float>(base * own_exp2(std::clamp(exponent, low, high)));
}

/// n: the scene's standard normal numbers.
Scene scene_from(const SceneSpread& spread, const std::array<double, paths>& n) {
  Scene scene;
  std::array<double, 4> q;
  double square = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    q[i] = spread.pose == infinite ? n[i] : rest_pose[i] + spread.pose * n[i];
    square += q[i] * q[i];
  }
  for (std::size_t i = 0; i < 4; ++i) scene.rotation[i] = static_cast<float>(q[i] / std::sqrt(square));
  scene.distance = power(3.3, 0.25 * spread.place * n[4], -0.7, 2);
  scene.x = static_cast<float>(std::clamp(0.15 * spread.place * n[5], -1.0, 1.0));
  scene.y = static_cast<float>(std::clamp(0.15 * spread.place * n[6], -1.0, 1.0));
  const double x = -0.4 + spread.light * n[7], y = 0.6 + spread.light * n[8], z = 0.7 + spread.light * n[9];
  const double strength =
      0.9 * own_exp2(std::clamp(0.3 * spread.light * n[10], -1.5, 1.5)) / std::sqrt(x * x + y * y + z * z);
  scene.light = {static_cast<float>(x * strength), static_cast<float>(y * strength), static_cast<float>(z * strength)};
  scene.ambient = power(0.3, 0.5 * spread.light * n[11], -4, 1.7);
  return scene;
}

const World::Options& checked(const World::Options& o) {
  const auto require = [](bool condition, const std::string& expected) {
    if (!condition) throw InputError("world: " + expected);
  };
  require(o.size >= 16 && o.size <= 128, fmt::format("views of {} pixels, expected 16 to 128", o.size));
  require(o.objects >= 1 && o.objects <= World::most_objects && o.first <= World::most_objects,
          fmt::format("{} objects from number {}, expected at most {}", o.objects, o.first, World::most_objects));
  const auto spread = [&](const char* name, double value, double most) {
    require(value >= 0 && value <= most, fmt::format("{} spread {}, expected 0 to {}", name, value, most));
  };
  spread("pose", o.spread.pose, infinite);
  spread("place", o.spread.place, 10);
  spread("light", o.spread.light, 10);
  return o;
}

}  // namespace

World::World(const Options& options)
    : options_(checked(options)),
      pose_(1, options.pose_time, options.step),
      light_(1, options.light_time, options.step) {
  labels_.resize(options.objects);
  for (std::uint32_t i = 0; i < options.objects; ++i) labels_[i] = shape_of(options.first + i);
}

const std::string& World::name() const {
  static const std::string name = "world";
  return name;
}

ViewRecipe World::draw(std::uint32_t object, std::uint64_t fixation, std::uint32_t view) const {
  if (object >= options_.objects || view >= views_limit)
    throw std::invalid_argument(fmt::format("world: view {} of object {}, expected below {} of {}", view, object,
                                            views_limit, options_.objects));
  const std::uint32_t number = options_.first + object;
  const Random random(options_.scenes, Purpose::world_scene, number, fixation);
  std::array<double, paths> n;
  for (std::uint32_t i = 0; i < paths; ++i)
    n[i] = options_.trajectory ? (i < pose_paths ? pose_ : light_).at(random, i, paths, view)
                               : random.normal(view * paths + i);
  Scene scene = scene_from(options_.spread, n);
  const Random backgrounds(options_.scenes, Purpose::world_background_choice, number, fixation);
  scene.background = static_cast<float>(backgrounds.bits(options_.trajectory ? 0 : view) >> 8);
  return recipe_of(scene, number);
}

std::string World::hash() const {
  Hash hash;  // of what decides a picture, scenes being in the recipes
  hash.add(name());
  for (const std::uint64_t value :
       {std::uint64_t{1} /* version of the renderer */, options_.seed, std::uint64_t{options_.first},
        std::uint64_t{options_.objects}, std::uint64_t{options_.paints}, static_cast<std::uint64_t>(options_.size)})
    hash.add(value);
  return hash.hex();
}

Scene World::checked_scene(const ViewRecipe& recipe) const {
  const Scene scene = scene_of(recipe);
  if (recipe.source < options_.first || recipe.source - options_.first >= options_.objects)
    throw InputError(fmt::format("view of object {}: this world has objects {} to {}", recipe.source, options_.first,
                                 options_.first + options_.objects - 1));
  return scene;
}

void World::render(const ViewRecipe& recipe, float* out) const {
  const Scene scene = checked_scene(recipe);  // first: the object is one of this world's
  draw_picture(scene, world_object(options_.seed, recipe.source, options_.paints), options_.size, out);
}

WorldFactors world_factors(const ViewRecipe& recipe) {
  return {recipe.source, shape_of(recipe.source), scene_of(recipe)};
}

std::string factors_header() {
  return "object,label,shape,rotation_w,rotation_x,rotation_y,rotation_z,distance,x,y,light_x,light_y,light_z,ambient,"
         "background";
}

std::string factors_row(const WorldFactors& f) {
  std::string row = fmt::format("{},{},{}", f.object, f.label, shape_names().at(static_cast<std::size_t>(f.label)));
  for (const float parameter : recipe_of(f.scene, f.object).parameters) row += fmt::format(",{}", parameter);
  return row;
}

}  // namespace saccade
