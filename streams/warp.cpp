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

/// Puts x into [0, last]; outside this range all samples are zero.
float confined(float x, float last) {
  x = x > 0.0f ? x : 0.0f;
  return x < last ? x : last;
}

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
  // With centre k = (extent - 1) / 2 a pixel p has the coordinate (p - k) / k, or 0 if the extent is 1.
  const double kx = (width - 1) / 2.0, ky = (height - 1) / 2.0;
  const double m0 = matrix[0], m1 = matrix[1], m2 = matrix[2], m3 = matrix[3], m4 = matrix[4], m5 = matrix[5];
  const double row_to_x = ky > 0 ? m1 * kx / ky : 0.0, column_to_y = kx > 0 ? m3 * ky / kx : 0.0;
  constexpr double padding = 1.0;
  x_per_column_ = static_cast<float>(m0);
  x_per_row_ = static_cast<float>(row_to_x);
  x_origin_ = static_cast<float>(kx * (1.0 + m2) - m0 * kx - row_to_x * ky + padding);
  y_per_column_ = static_cast<float>(column_to_y);
  y_per_row_ = static_cast<float>(m4);
  y_origin_ = static_cast<float>(ky * (1.0 + m5) - m4 * ky - column_to_y * kx + padding);
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
  const float x_last = static_cast<float>(width_ + 1), y_last = static_cast<float>(height_ + 1);
  const float x_start = x_per_row_ * static_cast<float>(row) + x_origin_;
  const float y_start = y_per_row_ * static_cast<float>(row) + y_origin_;
  std::int32_t* __restrict offset = offset_.data();
  float* __restrict x_share = x_share_.data();
  float* __restrict y_share = y_share_.data();
  for (int column = 0; column < width_; ++column) {
    const float x = confined(x_per_column_ * static_cast<float>(column) + x_start, x_last);
    const float y = confined(y_per_column_ * static_cast<float>(column) + y_start, y_last);
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
    const auto upper = upper_left + x_share[column] * (upper_right - upper_left);
    const auto lower = lower_left + x_share[column] * (lower_right - lower_left);
    S::store(upper + y_share[column] * (lower - upper), planes, column);
  }
}

}  // namespace saccade
