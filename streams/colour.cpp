#include "streams/colour.h"

#include <cstring>

#include "engine/deformation.h"

namespace saccade {
namespace {

using pixelwise::clamped, pixelwise::smaller;

// Four pixels at a time, in operations that every instruction set rounds alike.
using Float4 = float __attribute__((vector_size(16)));

Float4 load(const float* from) {
  Float4 value;
  std::memcpy(&value, from, sizeof(value));
  return value;
}
void store(float* to, Float4 value) { std::memcpy(to, &value, sizeof(value)); }

Float4 luminance_of(Float4 r, Float4 g, Float4 b) {
  return smaller(0.299f * r + 0.587f * g + 0.114f * b, Float4{} + 1.0f);
}

/// x becomes factor * x + toward, per pixel.
template <class Toward>
void blend(const std::array<float*, 3>& planes, int count, float factor, const Toward& toward) {
  for (int i = 0; i < count; i += 4) {
    const Float4 other = toward(i);
    for (float* plane : planes) store(plane + i, clamped(factor * load(plane + i) + other));
  }
}

Float4 luminance_at(const std::array<float*, 3>& planes, int i) {
  return luminance_of(load(planes[0] + i), load(planes[1] + i), load(planes[2] + i));
}

double mean_luminance(const std::array<float*, 3>& planes, int pixels) {
  double sum = 0;
  for (int i = 0; i < pixels; i += 4) {
    const Float4 grey = luminance_at(planes, i);
    for (int k = 0; k < 4 && i + k < pixels; ++k) sum += static_cast<double>(grey[k]);
  }
  return sum / pixels;
}

}  // namespace

void shift_hsv(float* __restrict red, float* __restrict green, float* __restrict blue, int count,
               float saturation_factor, float hue_turns) {
  for (int i = 0; i < count; i += 4) {
    Float4 r = load(red + i), g = load(green + i), b = load(blue + i);
    pixelwise::shift_hsv(r, g, b, saturation_factor, hue_turns);
    store(red + i, r);
    store(green + i, g);
    store(blue + i, b);
  }
}

void jitter_colours(const std::array<float*, 3>& planes, int count, int pixels, const ColourJitter& jitter) {
  std::array<int, 4> left{0, 1, 2, 3};
  const std::array<int, 4> picks{jitter.order / 6, jitter.order % 6 / 2, jitter.order % 2, 0};
  for (std::size_t step = 0; step < 4; ++step) {
    const auto pick = static_cast<std::size_t>(picks[step]);
    const int change = left[pick];
    for (std::size_t i = pick; i + 1 < 4 - step; ++i) left[i] = left[i + 1];
    if (change == 0) {
      blend(planes, count, jitter.brightness, [](int) { return Float4{}; });
    } else if (change == 1) {
      const auto toward =
          static_cast<float>((1.0 - static_cast<double>(jitter.contrast)) * mean_luminance(planes, pixels));
      blend(planes, count, jitter.contrast, [=](int) { return Float4{} + toward; });
    } else if (change == 2) {
      blend(planes, count, jitter.saturation,
            [&](int i) { return (1.0f - jitter.saturation) * luminance_at(planes, i); });
    } else {
      shift_hsv(planes[0], planes[1], planes[2], count, 1.0f, jitter.hue);
    }
  }
}

void luminance(const std::array<float*, 3>& planes, int count, float* grey) {
  for (int i = 0; i < count; i += 4) store(grey + i, luminance_at(planes, i));
}

}  // namespace saccade
