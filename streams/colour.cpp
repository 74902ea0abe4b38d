#include "streams/colour.h"

#include <cstring>

namespace saccade {
namespace {

// Four pixels at a time, in operations that every instruction set rounds alike.
using Float4 = float __attribute__((vector_size(16)));

Float4 load(const float* from) {
  Float4 value;
  std::memcpy(&value, from, sizeof(value));
  return value;
}
void store(float* to, Float4 value) { std::memcpy(to, &value, sizeof(value)); }

Float4 larger(Float4 a, Float4 b) { return a > b ? a : b; }
Float4 smaller(Float4 a, Float4 b) { return a < b ? a : b; }
Float4 magnitude(Float4 a) { return larger(a, -a); }
Float4 clamped(Float4 a) { return smaller(larger(a, Float4{}), Float4{} + 1.0f); }

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

// With value v, smallest component m and chroma c = v - m, saturation is c / v; so the new chroma is min(v, factor * c)
// without a division. The hue h in sixths of a turn comes from the component that is largest (red before green before
// blue), and a pure hue has red = |h - 3| - 1, green = 2 - |h - 2|, blue = 2 - |h - 4|, clamped to [0, 1].
void shift_hsv(float* __restrict red, float* __restrict green, float* __restrict blue, int count,
               float saturation_factor, float hue_turns) {
  const Float4 zero{};
  const Float4 one = zero + 1.0f;
  const float shift = 6.0f * hue_turns;
  for (int i = 0; i < count; i += 4) {
    const Float4 r = load(red + i), g = load(green + i), b = load(blue + i);
    const Float4 value = larger(r, larger(g, b));
    const Float4 chroma = value - smaller(r, smaller(g, b));
    const auto red_leads = r == value;
    const auto green_leads = g == value;
    const Float4 difference = red_leads ? g - b : green_leads ? b - r : r - g;
    const Float4 sector = red_leads ? zero : green_leads ? zero + 2.0f : zero + 4.0f;
    Float4 hue = difference / (chroma > zero ? chroma : one) + sector + shift;
    hue = hue < zero ? hue + 6.0f : hue;
    hue = hue >= 6.0f ? hue - 6.0f : hue;
    const Float4 new_chroma = smaller(value, chroma * saturation_factor);
    store(red + i, value - new_chroma * (one - clamped(magnitude(hue - 3.0f) - one)));
    store(green + i, value - new_chroma * (one - clamped(2.0f - magnitude(hue - 2.0f))));
    store(blue + i, value - new_chroma * (one - clamped(2.0f - magnitude(hue - 4.0f))));
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
