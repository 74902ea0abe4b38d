#include "streams/image_trajectories.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "engine/elementary.h"
#include "engine/error.h"

namespace saccade {
namespace {

constexpr std::uint32_t paths = 8;                    // of one fixation
const double uniform_deviation = 1 / std::sqrt(3.0);  // of U(-1, 1)

}  // namespace

ImageTrajectories::ImageTrajectories(const ImageSet& images, ViewKind kind, std::uint64_t seed, const Options& o)
    : DeformedImages(images, kind, seed),
      linear_(0.25 * uniform_deviation * o.warp_spread, o.warp_time, o.step),
      shift_(0.5 * uniform_deviation * o.warp_spread, o.warp_time, o.step),
      saturation_(2 * uniform_deviation * o.colour_spread, o.colour_time, o.step),
      hue_(0.1 * uniform_deviation * o.colour_spread, o.colour_time, o.step) {
  if (kind != ViewKind::affine && kind != ViewKind::affine_hsv)
    throw InputError(
        fmt::format("trajectories of views of kind \"{}\": only warp and colour move, expected \"affine\" "
                    "or \"affine-hsv\"",
                    to_string(kind)));
  if (o.warp_spread > 1000 || o.colour_spread > 1000)
    throw InputError(
        fmt::format("trajectories with spreads {} and {}: expected at most 1000 times that of "
                    "independent views",
                    o.warp_spread, o.colour_spread));
}

ViewRecipe ImageTrajectories::draw(std::uint32_t object, std::uint64_t fixation, std::uint32_t view) const {
  if (view >= views_limit) throw std::invalid_argument(fmt::format("trajectory: view {}, expected below 2^26", view));
  const Random random(seed_, Purpose::trajectory, object, fixation);
  ViewRecipe drawn{kind_, object, {}};
  auto& p = drawn.parameters;
  for (std::uint32_t entry = 0; entry < 6; ++entry) {
    const bool shifts = entry % 3 == 2, diagonal = entry == 0 || entry == 4;
    p[recipe::warp_matrix + entry] =
        static_cast<float>((diagonal ? 1 : 0) + (shifts ? shift_ : linear_).at(random, entry, paths, view));
  }
  if (kind_ == ViewKind::affine_hsv) {
    p[recipe::saturation] =
        static_cast<float>(own_exp2(std::clamp(saturation_.at(random, 6, paths, view), -16.0, 16.0)));
    p[recipe::hue] = static_cast<float>(std::clamp(hue_.at(random, 7, paths, view), -0.5, 0.5));
  }
  const Random flips(seed_, Purpose::trajectory_flip, object, fixation);
  p[recipe::flip] = flips.uniform(0) < 0.5f ? 1.0f : 0.0f;
  return drawn;
}

}  // namespace saccade
