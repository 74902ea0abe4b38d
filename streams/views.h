#pragma once
#include <cstdint>
#include <string>

#include "engine/event.h"
#include "engine/random.h"
#include "streams/image_set.h"

/// Deformed views of an image (Tang, Yang and Amit 2022, section 3.1; numbers from their published experiments).
///
/// Of the image's size:
/// `plain`: the image itself.
/// `affine_hsv`, three channels: (a) with a given probability an affine warp, identity + U(-0.25, 0.25) on the four
/// linear entries and U(-0.5, 0.5) on the two shifts; (b) always saturation times 2^U(-2, 2), clamped to 1, and hue
/// plus U(-0.1, 0.1) turns; (c) with probability 1/2 a horizontal flip of the result.
/// `affine`: the same without (b).
/// `rotate_scale_shift`, the test transform of Table 4: with u = U(-strength / 2, strength / 2), drawn afresh each
/// time, rotation by 1.5 u radians, scale exp(1.5 u), shifts 2 u; x_in = scale (cos x - sin y) + shift_x, y_in = scale
/// (sin x
/// + cos y) + shift_y, on every image, no flip.
///
/// Cut out of the image, 64 pixels high and wide (or as many as a smaller image has):
/// `crop_jitter`, three channels: a crop of U(0.08, 1) of the area, width / height log-uniform in 3/4 .. 4/3, anywhere
/// (ten tries, then the largest centred one of a permitted aspect), resampled (streams/resized_crop.h); a flip with
/// probability 1/2; with probability 0.8 a colour jitter (streams/colour.h), factors U(0.2, 1.8), hue U(-0.2, 0.2), in
/// any order; with probability 0.2 grey instead of colours. Values stay floats between the steps.
/// `centre_crop`: the middle. `random_crop_flip`: a crop anywhere, with probability 1/2 flipped.
/// `grey_crop`, one channel, from one or three: as random_crop_flip, then luminance minus 0.4120 over 0.2570.
///
/// One or three channels where not said. Pixels are in [0, 1] but for `grey_crop`.
namespace saccade {

/// What grey_crop subtracts and divides by: mean and spread of the luminance in STL-10 (Illing et al. 2021).
inline constexpr float grey_mean = 0.4120f, grey_spread = 0.2570f;

/// The name of a kind in experiment files: "affine-hsv".
std::string to_string(ViewKind kind);

/// The kinds that cut a view out of an image.
constexpr bool cuts(ViewKind kind) { return kind >= ViewKind::crop_jitter && kind <= ViewKind::grey_crop; }

/// How a probe shows an image, without deformation, to a network that learns from views of `kind` (method.md, section
/// 7): the image itself; where the kind cuts, a crop anywhere and flipped for training, the middle
/// (DrawOptions::centred) for tests.
ViewKind undeformed(ViewKind kind, bool training);

/// Size of a view or an image.
struct ViewShape {
  int height = 0, width = 0, channels = 0;
  std::size_t values() const { return static_cast<std::size_t>(height) * width * channels; }
  friend bool operator==(const ViewShape&, const ViewShape&) = default;
};

/// The views that a kind makes of images of a shape.
ViewShape view_shape(ViewKind kind, const ViewShape& image);
ViewShape view_shape(ViewKind kind, const ImageSet& images);

/// A fixation has fewer views than this: draws of 32 bits last no longer.
inline constexpr std::uint32_t views_limit = std::uint32_t{1} << 26;

/// What a draw can be told besides its kind.
struct DrawOptions {
  float warp_probability = 0.5f;  ///< affine, affine_hsv; test views of Table 3 have 1
  float strength = 0.5f;          ///< rotate_scale_shift: the paper's unpublished p, 0 to 10
  int height = 0, width = 0;      ///< of the images; kinds that cut need them
  bool centred = false;           ///< random_crop_flip and grey_crop: the middle, no flip (test images of a probe)
};

/// The options with the size of these images.
DrawOptions for_images(const ImageSet& images, DrawOptions options = {});

/// The recipe of one view; a function of its arguments alone, with our own elementary functions. `presentation` is the
/// fixation's number in a stream (the epoch in a batch), `view` the view's number within it: draws D * view .. D * view
/// + D - 1 of Random(seed, purpose, source, presentation), D = 64 for kinds that cut, else 16. Throws
/// std::invalid_argument for an unknown kind, view >= views_limit or an option out of range.
ViewRecipe draw_recipe(ViewKind kind, std::uint64_t seed, std::uint32_t source, std::uint64_t presentation,
                       std::uint32_t view, Purpose purpose = Purpose::view_recipe, const DrawOptions& options = {});

/// Throws InputError if views of this kind cannot be made of these images (colours of a grey image, say).
void check_kind(const ImageSet& images, ViewKind kind);

/// Renders a view to out, [height][width][channels] floats of view_shape(recipe.kind, images): the same bits from the
/// same recipe on every thread and instruction set. Thread-safe. Throws InputError if the recipe, which may come from a
/// file, does not suit the images: no such source image, unknown kind, parameters outside their ranges.
void render(const ImageSet& images, const ViewRecipe& recipe, float* out);

}  // namespace saccade
