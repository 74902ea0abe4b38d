#pragma once
#include "streams/views.h"

namespace saccade {

/// Throws InputError if the recipe does not suit the images, as render() promises.
void check_recipe(const ImageSet& images, const ViewRecipe& recipe);

}  // namespace saccade
