#include "streams/warp.h"

#include <algorithm>
#include <cstring>

#include "streams/image_set.h"

namespace saccade {
namespace {

/// Floats of byte values, so that a conversion is one load.
constexpr std::array<float, 256> float_of_byte = [] {
  std::array<float, 256> table{};
  for (int byte = 0; byte < 256; ++byte) table[byte] = static_cast<float>(byte) * byte_scale;
  return table;
}();

using Float4 = float __attribute__((vector_size(16)));

/// One stored pixel: red, green, blue and an unused lane side by side, or one grey value.
template <int stored>
struct Sample;
template <>
struct Sample<1> {
  using Type = float;
  static Type load(const float* from) { return *from; }
  static void store(Type value, const std::array<float*, 3>& planes, int column) { planes[0][column] = value; }
};
template <>
struct Sample<4> {
  using Type = Float4;
  static Type load(const float* from) {
    Type value;
    std::memcpy(&value, from, sizeof(value));
    return value;
  }
  static void store(Type value, const std::array<float*, 3>& planes, int column) {
    for (int c = 0; c < 3; ++c) planes[c][column] = value[c];
  }
};

}  // namespace

void WarpedRows::start(const std::uint8_t* bytes, int height, int width, int channels, const AffineMatrix& matrix) {
  const bool resized = height != height_ || width != width_ || channels != channels_;
  bytes_ = bytes;
  height_ = height;
  width_ = width;
  channels_ = channels;
  identity_ = matrix == identity_warp;
  if (resized) padded_.clear();  // also where an unwarped image comes first, which needs no padding
  if (identity_) return;
  warp_ = PixelWarp::make(matrix, height, width);
  if (padded_.empty()) {
    const std::size_t stored = channels == 1 ? 1 : 4;
    padded_.assign(static_cast<std::size_t>(height + 3) * (width + 3) * stored, 0.0f);
    offset_.resize(width);
    x_share_.resize(width);
    y_share_.resize(width);
  }
  pad_image();
}

void WarpedRows::pad_image() {
  const std::uint8_t* __restrict from = bytes_;
  for (int row = 0; row < height_; ++row) {
    if (channels_ == 1) {
      float* __restrict to = padded_.data() + static_cast<std::ptrdiff_t>(row + 1) * (width_ + 3) + 1;
      for (int column = 0; column < width_; ++column) to[column] = float_of_byte[from[column]];
    } else {
      float* __restrict to = padded_.data() + (static_cast<std::ptrdiff_t>(row + 1) * (width_ + 3) + 1) * 4;
      for (int column = 0; column < width_; ++column) {
        for (int c = 0; c < 3; ++c) to[4 * column + c] = float_of_byte[from[3 * column + c]];
      }
    }
    from += static_cast<std::ptrdiff_t>(width_) * channels_;
  }
}

void WarpedRows::row(int row, const std::array<float*, 3>& planes) {
  if (identity_) {
    copy_row(row, planes);
  } else if (channels_ == 1) {
    sample_row<1>(row, planes);
  } else {
    sample_row<4>(row, planes);
  }
}

void WarpedRows::copy_row(int row, const std::array<float*, 3>& planes) const {
  const std::uint8_t* __restrict from = bytes_ + static_cast<std::ptrdiff_t>(row) * width_ * channels_;
  for (int c = 0; c < channels_; ++c) {
    float* __restrict to = planes[c];
    for (int column = 0; column < width_; ++column) to[column] = float_of_byte[from[channels_ * column + c]];
  }
}

template <int stored>
void WarpedRows::sample_row(int row, const std::array<float*, 3>& planes) {
  const int stride = (width_ + 3) * stored;
  const PixelWarp warp = warp_;
  const float x_start = warp.x_start(row), y_start = warp.y_start(row);
  std::int32_t* __restrict offset = offset_.data();
  float* __restrict x_share = x_share_.data();
  float* __restrict y_share = y_share_.data();
  for (int column = 0; column < width_; ++column) {
    const float x = PixelWarp::along(warp.x_per_column, column, x_start, width_);
    const float y = PixelWarp::along(warp.y_per_column, column, y_start, height_);
    const int left = static_cast<int>(x), upper = static_cast<int>(y);
    offset[column] = upper * stride + left * stored;
    x_share[column] = x - static_cast<float>(left);
    y_share[column] = y - static_cast<float>(upper);
  }
  const float* __restrict image = padded_.data();
  for (int column = 0; column < width_; ++column) {
    using S = Sample<stored>;
    const float* at = image + offset[column];
    const auto upper_left = S::load(at), upper_right = S::load(at + stored);
    const auto lower_left = S::load(at + stride), lower_right = S::load(at + stride + stored);
    S::store(pixelwise::bilinear(upper_left, upper_right, lower_left, lower_right, x_share[column], y_share[column]),
             planes, column);
  }
}

}  // namespace saccade
