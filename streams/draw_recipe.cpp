#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "engine/elementary.h"
#include "streams/views.h"
#include "streams/warp.h"

namespace saccade {
namespace {

constexpr std::uint32_t draws_per_view = 16, most_views = std::uint32_t{1} << 28;
constexpr float largest_strength = 10.0f;

/// One view's share of a draw site.
struct Draws {
  Random random;
  std::uint32_t first;
  float uniform(std::uint32_t draw) const { return random.uniform(first + draw); }
  float within(std::uint32_t draw, float low, float high) const { return random.uniform(first + draw, low, high); }
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

}  // namespace

ViewRecipe draw_recipe(ViewKind kind, std::uint64_t seed, std::uint32_t source, std::uint64_t presentation,
                       std::uint32_t view, Purpose purpose, const DrawOptions& options) {
  if (view >= most_views) throw std::invalid_argument(fmt::format("draw_recipe: view {}, expected below 2^28", view));
  if (!(options.strength >= 0 && options.strength <= largest_strength))
    throw std::invalid_argument(fmt::format("draw_recipe: strength {}, expected 0 to 10", options.strength));
  ViewRecipe drawn{kind, source, {}};
  auto& p = drawn.parameters;
  const Draws draws{Random(seed, purpose, source, presentation), view * draws_per_view};
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
  }
  throw std::invalid_argument("draw_recipe: kind " + to_string(kind));
}

}  // namespace saccade
