#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "engine/elementary.h"
#include "streams/check_view.h"
#include "streams/colour.h"
#include "streams/warp.h"

namespace saccade {
namespace {

constexpr std::uint32_t draws_per_view = 16, draws_per_cut_view = 64;
static_assert(std::uint64_t{draws_per_cut_view} * views_limit <= std::uint64_t{1} << 32);
constexpr float largest_strength = 10.0f;

/// One view's share of a draw site.
struct Draws {
  Random random;
  std::uint32_t first;
  float uniform(std::uint32_t draw) const { return random.uniform(first + draw); }
  float within(std::uint32_t draw, float low, float high) const { return random.uniform(first + draw, low, high); }
  std::uint32_t below(std::uint32_t draw, int n) const {
    return random.below(first + draw, static_cast<std::uint32_t>(n));
  }
  bool chance(std::uint32_t draw, float probability) const { return uniform(draw) < probability; }
};

void draw_warp(const Draws& draws, float probability, std::array<float, 12>& p) {
  constexpr std::uint32_t warped = 0, matrix = 1;
  constexpr float largest_stretch = 0.25f, largest_shift = 0.5f;
  if (!draws.chance(warped, probability)) return;
  for (std::uint32_t i = 0; i < 6; ++i) {
    const float spread = i % 3 == 2 ? largest_shift : largest_stretch;
    p[recipe::warp_matrix + i] += draws.within(matrix + i, -spread, spread);
  }
}

void draw_hsv(const Draws& draws, std::array<float, 12>& p) {
  constexpr std::uint32_t saturation_exponent = 7, hue_shift = 8;
  constexpr float largest_exponent = 2.0f, largest_hue_shift = 0.1f;
  const double exponent = draws.within(saturation_exponent, -largest_exponent, largest_exponent);
  p[recipe::saturation] = static_cast<float>(own_exp2(exponent));
  p[recipe::hue] = draws.within(hue_shift, -largest_hue_shift, largest_hue_shift);
}

void draw_flip(const Draws& draws, std::array<float, 12>& p) {
  constexpr std::uint32_t flipped = 9;
  p[recipe::flip] = draws.chance(flipped, 0.5f) ? 1.0f : 0.0f;
}

/// Rotation and scale about the centre, then the shift (method.md, section 2: 1.5 u, exp(1.5 u), 2 u).
void draw_rotate_scale_shift(const Draws& draws, float strength, std::array<float, 12>& p) {
  constexpr std::uint32_t rotation = 0, log_scale = 1, shift_x = 2, shift_y = 3;
  const auto u = [&](std::uint32_t draw) -> double { return draws.within(draw, -strength / 2, strength / 2); };
  const double angle = 1.5 * u(rotation), scale = own_exp(1.5 * u(log_scale));
  const double along = scale * own_cos(angle), across = scale * own_sin(angle);
  const double matrix[6] = {along, -across, 2 * u(shift_x), across, along, 2 * u(shift_y)};
  std::transform(std::begin(matrix), std::end(matrix), p.begin() + recipe::warp_matrix,
                 [](double entry) { return static_cast<float>(entry); });
}

void set_crop(std::array<float, 12>& p, int top, int left, int height, int width) {
  p[recipe::crop_top] = static_cast<float>(top);
  p[recipe::crop_left] = static_cast<float>(left);
  p[recipe::crop_height] = static_cast<float>(height);
  p[recipe::crop_width] = static_cast<float>(width);
}

/// Draws of the kinds that cut: two per try, then the rest.
enum CutDraw : std::uint32_t {
  tries = 0,
  top = 20,
  left,
  cut_flipped,
  jittered,
  brightness,
  contrast,
  saturation,
  hue,
  order,
  grey
};

/// A crop of random area and aspect, as torchvision's RandomResizedCrop takes it.
void draw_resized_crop(const Draws& draws, int height, int width, std::array<float, 12>& p) {
  constexpr double narrowest = 3.0 / 4, widest = 4.0 / 3;
  constexpr float smallest_area = 0.08f;
  const double log_widest = own_log(widest);
  for (std::uint32_t attempt = 0; attempt < 10; ++attempt) {
    const std::uint32_t at = CutDraw::tries + 2 * attempt;
    const double area = static_cast<double>(height) * width * draws.within(at, smallest_area, 1.0f);
    const double aspect = own_exp(draws.within(at + 1, -1.0f, 1.0f) * log_widest);
    const double w = std::nearbyint(std::sqrt(area * aspect)), h = std::nearbyint(std::sqrt(area / aspect));
    if (w < 1 || h < 1 || w > width || h > height) continue;
    const int cut_width = static_cast<int>(w), cut_height = static_cast<int>(h);
    return set_crop(p, static_cast<int>(draws.below(CutDraw::top, height - cut_height + 1)),
                    static_cast<int>(draws.below(CutDraw::left, width - cut_width + 1)), cut_height, cut_width);
  }
  const double aspect = static_cast<double>(width) / height;
  const int cut_width = aspect > widest ? static_cast<int>(std::nearbyint(height * widest)) : width;
  const int cut_height = aspect < narrowest ? static_cast<int>(std::nearbyint(width / narrowest)) : height;
  set_crop(p, (height - cut_height) / 2, (width - cut_width) / 2, cut_height, cut_width);
}

void draw_jitter(const Draws& draws, std::array<float, 12>& p) {
  constexpr float least = 0.2f, most = 1.8f, largest_hue_shift = 0.2f;
  if (draws.chance(CutDraw::jittered, 0.8f)) {
    p[recipe::jitter] = 1;
    p[recipe::brightness] = draws.within(CutDraw::brightness, least, most);
    p[recipe::contrast] = draws.within(CutDraw::contrast, least, most);
    p[recipe::saturation] = draws.within(CutDraw::saturation, least, most);
    p[recipe::hue] = draws.within(CutDraw::hue, -largest_hue_shift, largest_hue_shift);
    p[recipe::order] = static_cast<float>(draws.below(CutDraw::order, ColourJitter::orders));
  }
  p[recipe::grey] = draws.chance(CutDraw::grey, 0.2f) ? 1.0f : 0.0f;
}

void draw_cut(ViewKind kind, const Draws& draws, const DrawOptions& options, std::array<float, 12>& p) {
  if (options.height < 1 || options.width < 1)
    throw std::invalid_argument(fmt::format("draw_recipe: images of {}x{} pixels, expected at least one (kind {})",
                                            options.height, options.width, to_string(kind)));
  if (kind == ViewKind::crop_jitter) {
    draw_resized_crop(draws, options.height, options.width, p);
    draw_jitter(draws, p);
  } else {
    const ViewShape view = view_shape(kind, ViewShape{options.height, options.width, 1});
    const int spare_rows = options.height - view.height, spare_columns = options.width - view.width;
    const bool centred = kind == ViewKind::centre_crop || options.centred;
    set_crop(p, centred ? spare_rows / 2 : static_cast<int>(draws.below(CutDraw::top, spare_rows + 1)),
             centred ? spare_columns / 2 : static_cast<int>(draws.below(CutDraw::left, spare_columns + 1)), view.height,
             view.width);
    if (centred) return;
  }
  p[recipe::flip] = draws.chance(CutDraw::cut_flipped, 0.5f) ? 1.0f : 0.0f;
}

}  // namespace

DrawOptions for_images(const ImageSet& images, DrawOptions options) {
  options.height = images.height;
  options.width = images.width;
  return options;
}

ViewRecipe draw_recipe(ViewKind kind, std::uint64_t seed, std::uint32_t source, std::uint64_t presentation,
                       std::uint32_t view, Purpose purpose, const DrawOptions& options) {
  if (view >= views_limit) throw std::invalid_argument(fmt::format("draw_recipe: view {}, expected below 2^26", view));
  if (!(options.strength >= 0 && options.strength <= largest_strength))
    throw std::invalid_argument(fmt::format("draw_recipe: strength {}, expected 0 to 10", options.strength));
  ViewRecipe drawn{kind, source, {}};
  auto& p = drawn.parameters;
  const Draws draws{Random(seed, purpose, source, presentation),
                    view * (cuts(kind) ? draws_per_cut_view : draws_per_view)};
  switch (kind) {
    case ViewKind::plain:
      return drawn;
    case ViewKind::affine:
    case ViewKind::affine_hsv:
      std::copy(identity_warp.begin(), identity_warp.end(), p.begin() + recipe::warp_matrix);
      draw_warp(draws, options.warp_probability, p);
      if (kind == ViewKind::affine_hsv) draw_hsv(draws, p);
      draw_flip(draws, p);
      return drawn;
    case ViewKind::rotate_scale_shift:
      draw_rotate_scale_shift(draws, options.strength, p);
      return drawn;
    case ViewKind::crop_jitter:
    case ViewKind::centre_crop:
    case ViewKind::random_crop_flip:
    case ViewKind::grey_crop:
      draw_cut(kind, draws, options, p);
      return drawn;
    case ViewKind::world:
      break;
  }
  throw std::invalid_argument("draw_recipe: kind " + to_string(kind));
}

}  // namespace saccade
