#include "streams/check_view.h"

#include <fmt/format.h>

#include <cmath>

#include "engine/error.h"
#include "streams/colour.h"

namespace saccade {
namespace {

constexpr float largest_matrix_entry = 1e6f;  // far beyond any use; products with it stay finite

/// The checks of one recipe's parameters.
class Parameters {
 public:
  explicit Parameters(const ViewRecipe& recipe) : recipe_(recipe) {}

  void matrix() const {
    for (std::size_t i = recipe::warp_matrix; i < recipe::warp_matrix + 6; ++i)
      require(std::fabs(value(i)) <= largest_matrix_entry, i, "a matrix entry between -1e6 and 1e6");
  }
  void factor(std::size_t place, const char* expected) const {
    require(value(place) >= 0 && !std::isinf(value(place)), place, expected);
  }
  void hue() const {
    require(std::fabs(value(recipe::hue)) <= 0.5f, recipe::hue, "a hue shift between -0.5 and 0.5 turns");
  }
  void flag(std::size_t place, const char* expected) const {
    require(value(place) == 0 || value(place) == 1, place, expected);
  }
  void whole(std::size_t place, int low, int high, const char* what) const {
    const float v = value(place);
    require(v >= static_cast<float>(low) && v <= static_cast<float>(high) && v == std::floor(v), place,
            fmt::format("a whole number from {} to {} ({})", low, high, what));
  }
  float value(std::size_t place) const { return recipe_.parameters[place]; }

 private:
  void require(bool condition, std::size_t place, const std::string& expected) const {
    if (condition) return;
    throw InputError(fmt::format("view of image {}: recipe parameter {} is {}, expected {}", recipe_.source, place,
                                 value(place), expected));
  }
  const ViewRecipe& recipe_;
};

void check_crop(const Parameters& p, const ImageSet& images, ViewKind kind) {
  const bool resized = kind == ViewKind::crop_jitter;
  const ViewShape view = view_shape(kind, images);
  p.whole(recipe::crop_height, resized ? 1 : view.height, resized ? images.height : view.height, "height of the crop");
  p.whole(recipe::crop_width, resized ? 1 : view.width, resized ? images.width : view.width, "width of the crop");
  p.whole(recipe::crop_top, 0, images.height - static_cast<int>(p.value(recipe::crop_height)), "top of the crop");
  p.whole(recipe::crop_left, 0, images.width - static_cast<int>(p.value(recipe::crop_width)), "left of the crop");
  if (!resized) return;
  p.flag(recipe::jitter, "0 or 1 (jitter)");
  p.flag(recipe::grey, "0 or 1 (grey)");
  if (p.value(recipe::jitter) == 0) return;
  p.factor(recipe::brightness, "a finite brightness factor of at least 0");
  p.factor(recipe::contrast, "a finite contrast factor of at least 0");
  p.factor(recipe::saturation, "a finite saturation factor of at least 0");
  p.hue();
  p.whole(recipe::order, 0, ColourJitter::orders - 1, "order of the colour changes");
}

}  // namespace

void check_kind(const ImageSet& images, ViewKind kind) {
  switch (kind) {
    case ViewKind::plain:
      return;
    case ViewKind::affine_hsv:
    case ViewKind::crop_jitter:
      if (images.channels == 3) return;
      throw InputError(fmt::format("views of kind {} need images of 3 channels, {} has {}; use {}", to_string(kind),
                                   images.name, images.channels,
                                   kind == ViewKind::affine_hsv ? "affine" : "random-crop-flip"));
    case ViewKind::affine:
    case ViewKind::rotate_scale_shift:
    case ViewKind::centre_crop:
    case ViewKind::random_crop_flip:
    case ViewKind::grey_crop:
      if (images.channels == 1 || images.channels == 3) return;
      throw InputError(fmt::format("views of kind {} need images of 1 or 3 channels, {} has {}", to_string(kind),
                                   images.name, images.channels));
    case ViewKind::world:
      throw InputError(
          fmt::format("views of kind world show objects of the built-in world, {} has images; expected "
                      "another kind",
                      images.name));
  }
  throw InputError(fmt::format("view of unknown kind {}, expected 0 to {}", static_cast<int>(kind),
                               static_cast<int>(last_view_kind)));
}

void check_recipe(const ImageSet& images, const ViewRecipe& recipe) {
  if (recipe.source >= images.size()) {
    throw InputError(fmt::format("view of image {}: {} has {} images, expected a smaller number", recipe.source,
                                 images.name, images.size()));
  }
  check_kind(images, recipe.kind);
  if (recipe.kind == ViewKind::plain) return;
  const Parameters p(recipe);
  p.flag(recipe::flip, "0 or 1 (flip)");
  if (cuts(recipe.kind)) return check_crop(p, images, recipe.kind);
  p.matrix();
  if (recipe.kind != ViewKind::affine_hsv) return;
  p.factor(recipe::saturation, "a finite saturation factor of at least 0");
  p.hue();
}

}  // namespace saccade
