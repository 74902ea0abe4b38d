#pragma once
#include "streams/deformed_images.h"
#include "streams/ornstein_uhlenbeck.h"

namespace saccade {

/// Images that move and change colour continuously while they are looked at, so that successive views look like video:
/// within a fixation the warp's six entries, the exponent of the saturation and the hue follow Ornstein-Uhlenbeck paths
/// (one each, independent) around those of the image itself; the flip is drawn once for the fixation. A saccade draws a
/// new object and a new start. Recipes are of the kind `affine` or `affine_hsv`, every view is warped.
class ImageTrajectories final : public DeformedImages {
 public:
  struct Options {
    double step = 0.15;        ///< seconds between views
    double warp_time = 1.0;    ///< seconds: time constant of the warp
    double colour_time = 2.0;  ///< seconds: of saturation and hue
    /// Spreads of the paths, as multiples of the standard deviations of independent views: 0.25 / sqrt 3 for linear
    /// entries, 0.5 / sqrt 3 for shifts, 2 / sqrt 3 for the exponent of the saturation, 0.1 / sqrt 3 turns for the hue.
    double warp_spread = 1.0, colour_spread = 1.0;
  };

  /// As DeformedImages; InputError for another kind than the two, or options out of range.
  ImageTrajectories(const ImageSet& images, ViewKind kind, std::uint64_t seed, const Options& options);

  /// Costs a walk from the fixation's first view, about 0.4 us a view before this one. `view` is at most 2^26 - 1.
  ViewRecipe draw(std::uint32_t object, std::uint64_t fixation, std::uint32_t view) const override;

 private:
  OrnsteinUhlenbeck linear_, shift_, saturation_, hue_;
};

}  // namespace saccade
