#include "streams/views.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "streams/check_view.h"
#include "streams/colour.h"
#include "streams/resized_crop.h"
#include "streams/warp.h"

namespace saccade {
namespace {

constexpr int crop_side = 64;

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

/// Three planes of this thread, zeroed.
std::array<float*, 3> zero_planes(std::size_t size) {
  thread_local std::vector<float> planes;
  planes.assign(3 * size, 0.0f);
  return {planes.data(), planes.data() + size, planes.data() + 2 * size};
}

void render_warp(const ImageSet& images, const ViewRecipe& recipe, float* out) {
  thread_local WarpedRows rows;
  const auto& p = recipe.parameters;
  AffineMatrix matrix;
  std::copy_n(p.begin() + recipe::warp_matrix, matrix.size(), matrix.begin());
  rows.start(images.image(recipe.source), images.height, images.width, images.channels, matrix);
  const int padded_width = (images.width + 3) / 4 * 4;  // shift_hsv takes four pixels at a time; the surplus stays zero
  const auto planes = zero_planes(static_cast<std::size_t>(padded_width));
  for (int row = 0; row < images.height; ++row) {
    rows.row(row, planes);
    if (recipe.kind == ViewKind::affine_hsv) {
      shift_hsv(planes[0], planes[1], planes[2], padded_width, p[recipe::saturation], p[recipe::hue]);
    }
    write_row(planes, images.width, images.channels, p[recipe::flip] == 1.0f,
              out + static_cast<std::ptrdiff_t>(row) * images.width * images.channels);
  }
}

void render_crop(const ImageSet& images, const ViewRecipe& recipe, float* out) {
  thread_local ResizedCrop resized;
  const auto& p = recipe.parameters;
  const auto whole = [&](std::size_t place) { return static_cast<int>(p[place]); };
  const ViewShape view = view_shape(recipe.kind, images);
  const int pixels = view.height * view.width, padded = (pixels + 3) / 4 * 4;
  const auto planes = zero_planes(static_cast<std::size_t>(padded));
  const Crop crop{whole(recipe::crop_top), whole(recipe::crop_left), whole(recipe::crop_height),
                  whole(recipe::crop_width)};
  resized.resample(images.image(recipe.source), images.width, images.channels, crop, view.height, view.width, planes);
  if (p[recipe::jitter] == 1 && recipe.kind == ViewKind::crop_jitter)
    jitter_colours(
        planes, padded, pixels,
        {p[recipe::brightness], p[recipe::contrast], p[recipe::saturation], p[recipe::hue], whole(recipe::order)});
  if (p[recipe::grey] == 1 && recipe.kind == ViewKind::crop_jitter) {
    luminance(planes, padded, planes[0]);
    for (float* plane : {planes[1], planes[2]}) std::copy_n(planes[0], padded, plane);
  }
  if (recipe.kind == ViewKind::grey_crop) {
    if (images.channels == 3) luminance(planes, padded, planes[0]);
    std::transform(planes[0], planes[0] + padded, planes[0], [](float x) { return (x - grey_mean) / grey_spread; });
  }
  for (std::ptrdiff_t row = 0; row < view.height; ++row) {
    const std::ptrdiff_t at = row * view.width;
    write_row({planes[0] + at, planes[1] + at, planes[2] + at}, view.width, view.channels, p[recipe::flip] == 1.0f,
              out + at * view.channels);
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
    case ViewKind::crop_jitter:
      return "crop-jitter";
    case ViewKind::centre_crop:
      return "centre-crop";
    case ViewKind::random_crop_flip:
      return "random-crop-flip";
    case ViewKind::grey_crop:
      return "grey-crop";
    case ViewKind::world:
      return "world";
  }
  return fmt::format("unknown ({})", static_cast<int>(kind));
}

ViewKind undeformed(ViewKind kind, bool training) {
  if (!cuts(kind)) return ViewKind::plain;
  if (kind == ViewKind::grey_crop) return kind;
  return training ? ViewKind::random_crop_flip : ViewKind::centre_crop;
}

ViewShape view_shape(ViewKind kind, const ViewShape& image) {
  if (!cuts(kind)) return image;
  return {std::min(image.height, crop_side), std::min(image.width, crop_side),
          kind == ViewKind::grey_crop ? 1 : image.channels};
}

ViewShape view_shape(ViewKind kind, const ImageSet& images) {
  return view_shape(kind, ViewShape{images.height, images.width, images.channels});
}

void render(const ImageSet& images, const ViewRecipe& recipe, float* out) {
  check_recipe(images, recipe);
  if (recipe.kind == ViewKind::plain) {
    std::transform(images.image(recipe.source), images.image(recipe.source) + images.image_bytes(), out,
                   [](std::uint8_t byte) { return static_cast<float>(byte) * byte_scale; });
  } else if (cuts(recipe.kind)) {
    render_crop(images, recipe, out);
  } else {
    render_warp(images, recipe, out);
  }
}

}  // namespace saccade
