#include "tools/report/picture_grid.h"

#include <algorithm>

namespace saccade {
namespace {
constexpr int gap = 1;
}

PictureGrid::PictureGrid(int rows, int columns, const ViewShape& view, ViewKind kind)
    : height_(view.height), width_(view.width) {
  if (kind == ViewKind::grey_crop) scale_ = grey_spread, offset_ = grey_mean;
  picture_ = {rows * (height_ + gap) - gap, columns * (width_ + gap) - gap, view.channels, {}};
  picture_.bytes.assign(static_cast<std::size_t>(picture_.height) * picture_.width * picture_.channels, 128);
}

void PictureGrid::put(int row, int column, const float* pixels) {
  for (int y = 0; y < height_; ++y) {
    const int at = (row * (height_ + gap) + y) * picture_.width + column * (width_ + gap);
    for (int i = 0; i < width_ * picture_.channels; ++i)
      picture_.bytes[static_cast<std::size_t>(at) * picture_.channels + i] =
          static_cast<std::uint8_t>(std::clamp(*pixels++ * scale_ + offset_, 0.0f, 1.0f) * 255.0f + 0.5f);
  }
}

Picture enlarged(const Picture& picture, int factor) {
  Picture large{picture.height * factor, picture.width * factor, picture.channels, {}};
  large.bytes.reserve(picture.bytes.size() * static_cast<std::size_t>(factor) * static_cast<std::size_t>(factor));
  for (int y = 0; y < large.height; ++y)
    for (int x = 0; x < large.width; ++x) {
      const auto pixel = picture.bytes.begin() +
                         (static_cast<std::ptrdiff_t>(y / factor) * picture.width + x / factor) * picture.channels;
      large.bytes.insert(large.bytes.end(), pixel, pixel + picture.channels);
    }
  return large;
}

}  // namespace saccade
