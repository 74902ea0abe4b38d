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

}  // namespace saccade
