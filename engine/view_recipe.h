#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

namespace saccade {

/// How a view is rendered from its source image. Values are stored in files: append, never renumber.
enum class ViewKind : std::uint8_t {
  plain = 0,
  affine_hsv = 1,
  affine = 2,
  rotate_scale_shift = 3,
  crop_jitter = 4,
  centre_crop = 5,
  random_crop_flip = 6,
  grey_crop = 7
};
inline constexpr ViewKind last_view_kind = ViewKind::grey_crop;

/// Everything needed to render a view again: the source image's index in its data set, the kind of deformation and its
/// parameters (their meaning belongs to the kind, see namespace recipe).
struct ViewRecipe {
  ViewKind kind = ViewKind::plain;
  std::uint32_t source = 0;
  std::array<float, 12> parameters{};
};

/// Places in ViewRecipe::parameters; the rest are 0. They are stored in files: append, never renumber.
/// `plain` has none. `affine`, `affine_hsv` and `rotate_scale_shift`: warp_matrix .. +5 is a 2x3 matrix, row-major,
/// entries within +-1e6 (identity = no warp; its meaning: engine/deformation.h), flip is 0 or 1. `affine_hsv` alone:
/// saturation is a factor >= 0, hue is in turns, at most +-0.5.
/// Kinds that cut: crop_top .. crop_width in whole pixels of the image, within it, and of the view's size but for
/// `crop_jitter`; flip. `crop_jitter` alone: jitter 0 or 1; where it is 1, brightness, contrast and saturation are
/// factors >= 0, hue as above, order is 0 .. 23 (streams/colour.h), where it is 0 they are 0 and not looked at; grey
/// 0 or 1.
namespace recipe {
inline constexpr std::size_t warp_matrix = 0, saturation = 6, hue = 7, flip = 8;
inline constexpr std::size_t crop_top = 0, crop_left = 1, crop_height = 2, crop_width = 3, brightness = 4, contrast = 5,
                             order = 9, jitter = 10, grey = 11;
}  // namespace recipe

/// What a stored byte means: byte * (1/255), both factors and the product rounded to float. 0 gives 0, 255 gives
/// exactly 1.
inline constexpr float byte_scale = 1.0f / 255.0f;
static_assert(255.0f * byte_scale == 1.0f);

}  // namespace saccade
