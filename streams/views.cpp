#include "streams/views.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "engine/error.h"
#include "streams/colour.h"
#include "streams/warp.h"

namespace saccade {
namespace {

constexpr float largest_matrix_entry = 1e6f;  // far beyond any use; products with it stay finite

void check_recipe(const ImageSet& images, const ViewRecipe& recipe) {
  if (recipe.source >= images.size()) {
    throw InputError(fmt::format("view of image {}: {} has {} images, expected a smaller number", recipe.source,
                                 images.name, images.size()));
  }
  check_kind(images, recipe.kind);
  if (recipe.kind == ViewKind::plain) return;
  const auto& p = recipe.parameters;
  const auto refuse = [&](std::size_t place, const char* expected) {
    throw InputError(fmt::format("view of image {}: recipe parameter {} is {}, expected {}", recipe.source, place,
                                 p[place], expected));
  };
  for (std::size_t i = recipe::warp_matrix; i < recipe::warp_matrix + 6; ++i) {
    if (!(std::fabs(p[i]) <= largest_matrix_entry)) refuse(i, "a matrix entry between -1e6 and 1e6");
  }
  if (p[recipe::flip] != 0 && p[recipe::flip] != 1) refuse(recipe::flip, "0 or 1 (flip)");
  if (recipe.kind != ViewKind::affine_hsv) return;
  if (!(p[recipe::saturation] >= 0) || std::isinf(p[recipe::saturation])) {
    refuse(recipe::saturation, "a finite saturation factor of at least 0");
  }
  if (!(std::fabs(p[recipe::hue]) <= 0.5f)) refuse(recipe::hue, "a hue shift between -0.5 and 0.5 turns");
}

/// Planes of one row to interleaved pixels, mirrored if asked.
void write_row(const std::array<float*, 3>& planes, int width, int channels, bool mirror, float* __restrict out) {
  if (channels == 1) {
    if (mirror) {
      std::reverse_copy(planes[0], planes[0] + width, out);
    } else {
      std::copy(planes[0], planes[0] + width, out);
    }
    return;
  }
  const float* __restrict red = planes[0];
  const float* __restrict green = planes[1];
  const float* __restrict blue = planes[2];
  const int first = mirror ? width - 1 : 0, step = mirror ? -1 : 1;
  for (int column = 0, from = first; column < width; ++column, from += step) {
    out[3 * column] = red[from];
    out[3 * column + 1] = green[from];
    out[3 * column + 2] = blue[from];
  }
}

}  // namespace

std::string to_string(ViewKind kind) {
  switch (kind) {
    case ViewKind::plain:
      return "plain";
    case ViewKind::affine_hsv:
      return "affine-hsv";
    case ViewKind::affine:
      return "affine";
    case ViewKind::rotate_scale_shift:
      return "rotate-scale-shift";
  }
  return fmt::format("unknown ({})", static_cast<int>(kind));
}

void check_kind(const ImageSet& images, ViewKind kind) {
  switch (kind) {
    case ViewKind::plain:
      return;
    case ViewKind::affine_hsv:
      if (images.channels == 3) return;
      throw InputError(fmt::format("views of kind affine-hsv need images of 3 channels, {} has {}; use affine",
                                   images.name, images.channels));
    case ViewKind::affine:
    case ViewKind::rotate_scale_shift:
      if (images.channels == 1 || images.channels == 3) return;
      throw InputError(fmt::format("views of kind {} need images of 1 or 3 channels, {} has {}", to_string(kind),
                                   images.name, images.channels));
  }
  throw InputError(fmt::format("view of unknown kind {}, expected 0 to 3", static_cast<int>(kind)));
}

void render(const ImageSet& images, const ViewRecipe& recipe, float* out) {
  check_recipe(images, recipe);
  if (recipe.kind == ViewKind::plain) {
    std::transform(images.image(recipe.source), images.image(recipe.source) + images.image_bytes(), out,
                   [](std::uint8_t byte) { return static_cast<float>(byte) * byte_scale; });
    return;
  }
  thread_local WarpedRows rows;
  thread_local std::vector<float> planes_of_row;
  const auto& p = recipe.parameters;
  AffineMatrix matrix;
  std::copy_n(p.begin() + recipe::warp_matrix, matrix.size(), matrix.begin());
  rows.start(images.image(recipe.source), images.height, images.width, images.channels, matrix);
  const int padded_width = (images.width + 3) / 4 * 4;  // shift_hsv takes four pixels at a time; the surplus stays zero
  planes_of_row.assign(3 * static_cast<std::size_t>(padded_width), 0.0f);
  float* const first = planes_of_row.data();
  const std::array<float*, 3> planes{first, first + padded_width, first + 2 * padded_width};
  for (int row = 0; row < images.height; ++row) {
    rows.row(row, planes);
    if (recipe.kind == ViewKind::affine_hsv) {
      shift_hsv(planes[0], planes[1], planes[2], padded_width, p[recipe::saturation], p[recipe::hue]);
    }
    write_row(planes, images.width, images.channels, p[recipe::flip] == 1.0f,
              out + static_cast<std::ptrdiff_t>(row) * images.width * images.channels);
  }
}

}  // namespace saccade
