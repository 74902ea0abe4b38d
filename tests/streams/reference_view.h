#pragma once
#include <algorithm>
#include <array>
#include <cmath>

#include "streams/views.h"

/// A slow rendering of views in double precision, written from section 2 of the method and textbook formulas.
namespace saccade::test {

/// Input pixel, zero outside.
inline double pixel_or_zero(const ImageSet& images, std::uint32_t source, int row, int column, int channel) {
  if (row < 0 || column < 0 || row >= images.height || column >= images.width) return 0;
  return images.image(source)[(row * images.width + column) * images.channels + channel] / 255.0;
}

/// -1 at the first, 1 at the last pixel; 0 for a single one.
inline double normalised(int index, int extent) { return extent == 1 ? 0.0 : -1.0 + 2.0 * index / (extent - 1); }

inline double bilinear(const ImageSet& images, std::uint32_t source, double row, double column, int channel) {
  double sum = 0;
  const int upper = static_cast<int>(std::floor(row)), left = static_cast<int>(std::floor(column));
  for (int r : {upper, upper + 1}) {
    for (int c : {left, left + 1}) {
      sum += (1 - std::abs(row - r)) * (1 - std::abs(column - c)) * pixel_or_zero(images, source, r, c, channel);
    }
  }
  return sum;
}

/// Wikipedia, "HSL and HSV": to HSV in degrees, change, back by sectors.
inline std::array<double, 3> changed_colour(std::array<double, 3> rgb, double saturation_factor, double hue_turns) {
  const double largest = *std::max_element(rgb.begin(), rgb.end()),
               smallest = *std::min_element(rgb.begin(), rgb.end());
  const double chroma = largest - smallest;
  double hue = 0;
  if (chroma > 0) {
    if (largest == rgb[0]) {
      hue = 60 * (rgb[1] - rgb[2]) / chroma;
    } else if (largest == rgb[1]) {
      hue = 60 * ((rgb[2] - rgb[0]) / chroma + 2);
    } else {
      hue = 60 * ((rgb[0] - rgb[1]) / chroma + 4);
    }
  }
  const double saturation = std::clamp(largest > 0 ? chroma / largest * saturation_factor : 0.0, 0.0, 1.0);
  hue = std::fmod(hue + 360 * hue_turns + 720, 360.0);
  const double sector = hue / 60, part = sector - std::floor(sector);
  const double p = largest * (1 - saturation), q = largest * (1 - saturation * part),
               t = largest * (1 - saturation * (1 - part));
  switch (static_cast<int>(sector)) {
    case 0:
      return {largest, t, p};
    case 1:
      return {q, largest, p};
    case 2:
      return {p, largest, t};
    case 3:
      return {p, q, largest};
    case 4:
      return {t, p, largest};
    default:
      return {largest, p, q};
  }
}

inline std::vector<double> reference_view(const ImageSet& images, const ViewRecipe& recipe) {
  const auto& p = recipe.parameters;
  std::vector<double> out(images.image_bytes());
  for (int row = 0; row < images.height; ++row) {
    for (int column = 0; column < images.width; ++column) {
      std::array<double, 3> colour{};
      const double x = normalised(column, images.width), y = normalised(row, images.height);
      const double x_in = p[0] * x + p[1] * y + p[2], y_in = double{p[3]} * x + p[4] * y + p[5];
      for (int c = 0; c < images.channels; ++c) {
        colour[c] = recipe.kind == ViewKind::plain
                        ? pixel_or_zero(images, recipe.source, row, column, c)
                        : bilinear(images, recipe.source, (y_in + 1) / 2 * (images.height - 1),
                                   (x_in + 1) / 2 * (images.width - 1), c);
      }
      if (recipe.kind == ViewKind::affine_hsv) colour = changed_colour(colour, p[6], p[7]);
      const bool flip = recipe.kind != ViewKind::plain && p[8] == 1;
      const int out_column = flip ? images.width - 1 - column : column;
      for (int c = 0; c < images.channels; ++c) {
        out[(row * images.width + out_column) * images.channels + c] = colour[c];
      }
    }
  }
  return out;
}

}  // namespace saccade::test
