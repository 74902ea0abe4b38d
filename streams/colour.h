#pragma once

namespace saccade {

/// Changes saturation and hue of pixels in place by way of HSV (Smith 1978): saturation becomes min(1, factor *
/// saturation), the hue moves by `hue_turns` (1 = the whole circle, -0.5 <= hue_turns <= 0.5); value stays. Grey pixels
/// stay grey. red, green and blue hold `count` floats in [0, 1] each, count a multiple of 4; results are in [0, 1].
void shift_hsv(float* red, float* green, float* blue, int count, float saturation_factor, float hue_turns);

}  // namespace saccade
