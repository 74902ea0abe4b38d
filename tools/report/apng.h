#pragma once
#include <cstdint>
#include <vector>

#include "tools/report/png.h"

namespace saccade {

/// One picture of an animation and how long it stays.
struct AnimationFrame {
  Picture picture;
  double seconds = 0;  ///< rounded to milliseconds, 1 ms to 65 s
};

/// The file bytes of an animated PNG that repeats for ever: a PNG, whose first frame is what a reader without animation
/// shows (PNG specification, third edition, 2025, section 11.3.6). std::invalid_argument for no frames or frames of
/// different sizes.
std::vector<std::uint8_t> encode_apng(const std::vector<AnimationFrame>& frames);

}  // namespace saccade
