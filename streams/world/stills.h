#pragma once
#include "streams/image_set.h"
#include "streams/world/world.h"

namespace saccade {

/// Labelled pictures of the world for a probe, as 8-bit images: `train` stills of the world's own objects, one after
/// the other and again from the first, each in a scene of its own; `test` stills of as many objects that the world does
/// not show (numbers from World::most_objects on), so that accuracy is about shapes, not about objects seen before; and
/// the same test objects in wider scenes (DataSet::deformed_test): any rotation, places 1.5 times and light twice as
/// wide. A function of the options, whose path does not matter; scenes follow from the seed of the objects.
DataSet world_stills(const World::Options& world, std::size_t train, std::size_t test);

/// The recipe of still i of a world: see world_factors() for what it shows.
ViewRecipe still_recipe(const World& world, std::size_t i);

/// The options of the worlds that the three are taken from.
World::Options training_stills(World::Options world);
World::Options test_stills(World::Options world, std::size_t count);
World::Options wide_stills(World::Options world, std::size_t count);

}  // namespace saccade
