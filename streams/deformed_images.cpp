#include "streams/deformed_images.h"

#include <fmt/format.h>

#include <limits>

#include "engine/error.h"

namespace saccade {

DeformedImages::DeformedImages(const ImageSet& images, ViewKind kind, std::uint64_t seed)
    : images_(images), kind_(kind), seed_(seed) {
  if (images.size() == 0) throw InputError(fmt::format("stream of {}: no images, expected at least one", images.name));
  if (images.size() > std::numeric_limits<std::uint32_t>::max())
    throw InputError(fmt::format("stream of {}: {} images, expected fewer than 2^32", images.name, images.size()));
  check_kind(images, kind);
}

ViewRecipe DeformedImages::draw(std::uint32_t object, std::uint64_t fixation, std::uint32_t view) const {
  return draw_recipe(kind_, seed_, object, fixation, view, Purpose::view_recipe, for_images(images_));
}

}  // namespace saccade
