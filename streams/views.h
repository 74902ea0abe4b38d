#pragma once
#include <cstdint>
#include <string>

#include "engine/event.h"
#include "engine/random.h"
#include "streams/image_set.h"

/// Deformed views of an image (Tang, Yang and Amit 2022, section 3.1; numbers from their published experiments).
///
/// `affine_hsv`, three channels: (a) with a given probability an affine warp, identity + U(-0.25, 0.25) on the four
/// linear entries and U(-0.5, 0.5) on the two shifts; (b) always saturation times 2^U(-2, 2), clamped to 1, and hue
/// plus U(-0.1, 0.1) turns; (c) with probability 1/2 a horizontal flip of the result. `affine`, one or three channels:
/// the same without (b). `plain`: the image itself. `rotate_scale_shift`, one or three channels, the test transform of
/// Table 4: with u = U(-strength / 2, strength / 2), drawn afresh each time, rotation by 1.5 u radians, scale exp(1.5
/// u), shifts 2 u; x_in = scale (cos x - sin y) + shift_x, y_in = scale (sin x + cos y) + shift_y, on every image, no
/// flip.
namespace saccade {

/// Places in ViewRecipe::parameters; the rest are 0. They are stored in files: append, never renumber.
/// `plain` has none. `affine`, `affine_hsv` and `rotate_scale_shift`: warp_matrix .. +5 is a 2x3 matrix, row-major,
/// entries within +-1e6 (identity = no warp; its meaning: streams/warp.h), flip is 0 or 1. `affine_hsv` alone:
/// saturation is a factor >= 0, hue is in turns, at most +-0.5.
namespace recipe {
inline constexpr std::size_t warp_matrix = 0, saturation = 6, hue = 7, flip = 8;
}

/// The name of a kind in experiment files: "affine-hsv".
std::string to_string(ViewKind kind);

/// What a draw can be told besides its kind.
struct DrawOptions {
  float warp_probability = 0.5f;  ///< affine, affine_hsv; test views of Table 3 have 1
  float strength = 0.5f;          ///< rotate_scale_shift: the paper's unpublished p, 0 to 10
};

/// The recipe of one view; a function of its arguments alone, with our own elementary functions. `presentation` is the
/// fixation's number in a stream (the epoch in a batch), `view` the view's number within it: draws 16 * view .. 16 *
/// view + 9 of Random(seed, purpose, source, presentation), so view < 2^28. Throws std::invalid_argument for an unknown
/// kind, view >= 2^28 or a strength out of range.
ViewRecipe draw_recipe(ViewKind kind, std::uint64_t seed, std::uint32_t source, std::uint64_t presentation,
                       std::uint32_t view, Purpose purpose = Purpose::view_recipe, const DrawOptions& options = {});

/// Throws InputError if views of this kind cannot be made of these images (colours of a grey image, say).
void check_kind(const ImageSet& images, ViewKind kind);

/// Renders a view to out, [height][width][channels] floats in [0, 1]: the same bits from the same recipe on every
/// thread and instruction set. Thread-safe. Throws InputError if the recipe, which may come from a file, does not suit
/// the images: no such source image, unknown kind, parameters outside their ranges.
void render(const ImageSet& images, const ViewRecipe& recipe, float* out);

}  // namespace saccade
