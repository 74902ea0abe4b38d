#pragma once
#include <array>
#include <cstddef>

/// Changes of the colours of pixels, in place. Planes hold `count` floats in [0, 1] each, count a multiple of 4;
/// results are in [0, 1].
namespace saccade {

/// Changes saturation and hue of pixels by way of HSV (Smith 1978): saturation becomes min(1, factor *
/// saturation), the hue moves by `hue_turns` (1 = the whole circle, -0.5 <= hue_turns <= 0.5); value stays. Grey pixels
/// stay grey.
void shift_hsv(float* red, float* green, float* blue, int count, float saturation_factor, float hue_turns);

/// Changes of a whole image. With l the luminance 0.299 r + 0.587 g + 0.114 b and results clamped to [0, 1]:
/// brightness, x becomes f x; contrast, f x + (1 - f) mean of l; saturation, f x + (1 - f) l; hue as in shift_hsv.
struct ColourJitter {
  float brightness = 1, contrast = 1, saturation = 1, hue = 0;
  /// 0 .. 23, the lexicographic number of a permutation of the four in the order above: order / 6 says which comes
  /// first, order % 6 / 2 which of the three others comes next, order % 2 which of the last two.
  int order = 0;
  static constexpr int orders = 24;
};

/// `pixels` <= count of the planes' places are the image's; the mean is taken over them.
void jitter_colours(const std::array<float*, 3>& planes, int count, int pixels, const ColourJitter& jitter);

/// The luminance of each pixel; `grey` may be one of the planes.
void luminance(const std::array<float*, 3>& planes, int count, float* grey);

}  // namespace saccade
