#pragma once
#include <array>

/// The formulas of deformed views (streams/views.h), a pixel or a vector of pixels at a time. Whoever renders, the
/// streams on the host or a device, takes them from here: the same operations in the same order, and so the same bits.
namespace saccade {

/// A 2x3 matrix, row-major, that maps output to input coordinates: x_in = m0 x + m1 y + m2, y_in = m3 x + m4 y + m5.
/// The centres of the outermost pixels are at -1 and 1 ("corner-aligned"); an extent of one pixel has its centre at 0
/// and cannot be shifted.
using AffineMatrix = std::array<float, 6>;

inline constexpr AffineMatrix identity_warp{1, 0, 0, 0, 1, 0};

/// An affine warp in pixels of the padded image, which has a zero pixel before each row and column and two behind:
/// where the output's pixel (row, column) is sampled. The identity gives (row + 1, column + 1) exactly.
struct PixelWarp {
  float x_per_column, x_per_row, x_origin, y_per_column, y_per_row,
      y_origin;  // no initialisers: may lie in a block's shared memory

  static constexpr PixelWarp make(const AffineMatrix& matrix, int height, int width) {
    // With centre k = (extent - 1) / 2 a pixel p has the coordinate (p - k) / k, or 0 if the extent is 1.
    const double kx = (width - 1) / 2.0, ky = (height - 1) / 2.0;
    const double m0 = matrix[0], m1 = matrix[1], m2 = matrix[2], m3 = matrix[3], m4 = matrix[4], m5 = matrix[5];
    const double row_to_x = ky > 0 ? m1 * kx / ky : 0.0, column_to_y = kx > 0 ? m3 * ky / kx : 0.0;
    constexpr double padding = 1.0;
    return {static_cast<float>(m0),
            static_cast<float>(row_to_x),
            static_cast<float>(kx * (1.0 + m2) - m0 * kx - row_to_x * ky + padding),
            static_cast<float>(column_to_y),
            static_cast<float>(m4),
            static_cast<float>(ky * (1.0 + m5) - m4 * ky - column_to_y * kx + padding)};
  }

  constexpr float x_start(int row) const { return x_per_row * static_cast<float>(row) + x_origin; }
  constexpr float y_start(int row) const { return y_per_row * static_cast<float>(row) + y_origin; }
  /// Confined to the padded image, of whose first and last two pixels all samples are zero; NaN becomes 0.
  static constexpr float along(float per_column, int column, float start, int extent) {
    const float at = per_column * static_cast<float>(column) + start, last = static_cast<float>(extent + 1);
    const float positive = at > 0.0f ? at : 0.0f;
    return positive < last ? positive : last;
  }
};

/// T is a float, or a vector of floats of which each is treated alike.
namespace pixelwise {

template <class T>
constexpr T larger(T a, T b) {
  return a > b ? a : b;
}
template <class T>
constexpr T smaller(T a, T b) {
  return a < b ? a : b;
}
template <class T>
constexpr T magnitude(T a) {
  return larger(a, -a);
}
/// To [0, 1].
template <class T>
constexpr T clamped(T a) {
  return smaller(larger(a, T{}), T{} + 1.0f);
}

/// Between four neighbours; `x_share` is the share of the right ones, `y_share` of the lower ones.
template <class T>
constexpr T bilinear(T upper_left, T upper_right, T lower_left, T lower_right, float x_share, float y_share) {
  const T upper = upper_left + x_share * (upper_right - upper_left);
  const T lower = lower_left + x_share * (lower_right - lower_left);
  return upper + y_share * (lower - upper);
}

/// Changes saturation and hue by way of HSV (Smith 1978), see streams/colour.h.
///
/// With value v, smallest component m and chroma c = v - m, saturation is c / v; so the new chroma is min(v, factor *
/// c) without a division. The hue h in sixths of a turn comes from the component that is largest (red before green
/// before blue), and a pure hue has red = |h - 3| - 1, green = 2 - |h - 2|, blue = 2 - |h - 4|, clamped to [0, 1].
template <class T>
constexpr void shift_hsv(T& red, T& green, T& blue, float saturation_factor, float hue_turns) {
  const T zero{};
  const T one = zero + 1.0f;
  const float shift = 6.0f * hue_turns;
  const T r = red, g = green, b = blue;
  const T value = larger(r, larger(g, b));
  const T chroma = value - smaller(r, smaller(g, b));
  const auto red_leads = r == value;
  const auto green_leads = g == value;
  const T difference = red_leads ? g - b : green_leads ? b - r : r - g;
  const T sector = red_leads ? zero : green_leads ? zero + 2.0f : zero + 4.0f;
  T hue = difference / (chroma > zero ? chroma : one) + sector + shift;
  hue = hue < zero ? hue + 6.0f : hue;
  hue = hue >= 6.0f ? hue - 6.0f : hue;
  const T new_chroma = smaller(value, chroma * saturation_factor);
  red = value - new_chroma * (one - clamped(magnitude(hue - 3.0f) - one));
  green = value - new_chroma * (one - clamped(2.0f - magnitude(hue - 2.0f)));
  blue = value - new_chroma * (one - clamped(2.0f - magnitude(hue - 4.0f)));
}

}  // namespace pixelwise
}  // namespace saccade
