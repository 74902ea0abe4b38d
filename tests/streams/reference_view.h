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

/// Weights of the inputs 0 .. n-1 for output i of m: the triangle around the output's centre, as wide as one input or,
/// when shrinking, one output; their sum is 1.
inline std::vector<double> axis_weights(int n, int m, int i) {
  const double step = double(n) / m, centre = (i + 0.5) * step, reach = step > 1 ? step : 1;
  std::vector<double> weights;
  double sum = 0;
  for (int j = 0; j < n; ++j) {
    const double away = std::abs(j + 0.5 - centre) / reach;
    weights.push_back(away < 1 ? 1 - away : 0);
    sum += weights.back();
  }
  for (double& weight : weights) weight /= sum;
  return weights;
}

inline double resampled(const ImageSet& images, const ViewRecipe& recipe, const ViewShape& view, int row, int column,
                        int channel) {
  const auto& p = recipe.parameters;
  const auto rows = axis_weights(static_cast<int>(p[2]), view.height, row),
             columns = axis_weights(static_cast<int>(p[3]), view.width, column);
  double sum = 0;
  for (std::size_t r = 0; r < rows.size(); ++r)
    for (std::size_t c = 0; c < columns.size(); ++c)
      if (rows[r] * columns[c] > 0)
        sum += rows[r] * columns[c] *
               pixel_or_zero(images, recipe.source, static_cast<int>(p[0]) + static_cast<int>(r),
                             static_cast<int>(p[1]) + static_cast<int>(c), channel);
  return sum;
}

using Colours = std::vector<std::array<double, 3>>;

inline double reference_luminance(const std::array<double, 3>& c) { return 0.299 * c[0] + 0.587 * c[1] + 0.114 * c[2]; }

/// The four changes in the order of the recipe's permutation, taken from the list of all permutations.
inline void reference_jitter(Colours& pixels, const ViewRecipe& recipe) {
  const auto& p = recipe.parameters;
  std::array<int, 4> changes{0, 1, 2, 3};
  for (int i = 0; i < static_cast<int>(p[9]); ++i) std::next_permutation(changes.begin(), changes.end());
  for (int change : changes) {
    double mean = 0;
    for (const auto& colour : pixels) mean += reference_luminance(colour) / static_cast<double>(pixels.size());
    for (auto& colour : pixels) {
      if (change == 3) {
        colour = changed_colour(colour, 1, p[7]);
        continue;
      }
      const double factor = p[4 + static_cast<std::size_t>(change)];
      const double other = change == 0 ? 0 : change == 1 ? mean : reference_luminance(colour);
      for (double& value : colour) value = std::clamp(factor * value + (1 - factor) * other, 0.0, 1.0);
    }
  }
}

inline std::vector<double> reference_cut(const ImageSet& images, const ViewRecipe& recipe) {
  const ViewShape view = view_shape(recipe.kind, images);
  const auto& p = recipe.parameters;
  Colours pixels;
  for (int row = 0; row < view.height; ++row)
    for (int column = 0; column < view.width; ++column) {
      std::array<double, 3> colour{};
      for (int c = 0; c < 3; ++c)
        colour[c] = resampled(images, recipe, view, row, column, images.channels == 3 ? c : 0);
      pixels.push_back(colour);
    }
  if (recipe.kind == ViewKind::crop_jitter && p[10] == 1) reference_jitter(pixels, recipe);
  std::vector<double> out(view.values());
  for (int row = 0; row < view.height; ++row)
    for (int column = 0; column < view.width; ++column) {
      const auto& colour = pixels[row * view.width + (p[8] == 1 ? view.width - 1 - column : column)];
      for (int c = 0; c < view.channels; ++c) {
        double& value = out[(row * view.width + column) * view.channels + c];
        value = colour[c];
        if (recipe.kind == ViewKind::crop_jitter && p[11] == 1) value = reference_luminance(colour);
        if (recipe.kind == ViewKind::grey_crop) value = (reference_luminance(colour) - 0.4120) / 0.2570;
      }
    }
  return out;
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
