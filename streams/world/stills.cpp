#include "streams/world/stills.h"

#include <limits>

#include "streams/world/decodable_factors.h"
#include "streams/world/shapes.h"

namespace saccade {
namespace {

constexpr std::uint64_t no_fixation = std::uint64_t{1} << 63;  // of any stream

ImageSet stills(const World::Options& options, std::string name, std::size_t count) {
  const World world(options);
  ImageSet images{std::move(name), options.size, options.size, 3, shape_names(), {}, {}, decodable_factors()};
  images.pixels.resize(count * images.image_bytes());
  std::vector<float> pixels(images.image_bytes());
  auto* byte = images.pixels.data();
  for (std::size_t i = 0; i < count; ++i) {
    const ViewRecipe recipe = still_recipe(world, i);
    images.labels.push_back(shape_of(recipe.source));
    add_scene(world_factors(recipe).scene, images.factors);
    world.render(recipe, pixels.data());
    for (const float value : pixels) *byte++ = static_cast<std::uint8_t>(value * 255 + 0.5f);
  }
  return images;
}

}  // namespace

ViewRecipe still_recipe(const World& world, std::size_t i) {
  return world.draw(static_cast<std::uint32_t>(i % world.size()), no_fixation,
                    static_cast<std::uint32_t>(i / world.size()));
}

World::Options training_stills(World::Options world) {
  world.trajectory = false;
  world.scenes = world.seed;
  return world;
}

World::Options test_stills(World::Options world, std::size_t count) {
  world = training_stills(world);
  world.first = World::most_objects;
  world.objects = static_cast<std::uint32_t>(count);
  return world;
}

World::Options wide_stills(World::Options world, std::size_t count) {
  world = test_stills(world, count);
  world.spread = {std::numeric_limits<double>::infinity(), 1.5 * world.spread.place, 2 * world.spread.light};
  return world;
}

DataSet world_stills(const World::Options& world, std::size_t train, std::size_t test) {
  DataSet data;
  data.train = stills(training_stills(world), "world", train);
  data.test = stills(test_stills(world, test), "world", test);
  data.deformed_test = stills(wide_stills(world, test), "any pose, wider places and light", test);
  return data;
}

}  // namespace saccade
