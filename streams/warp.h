#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace saccade {

/// A 2x3 matrix, row-major, that maps output to input coordinates: x_in = m0 x + m1 y + m2, y_in = m3 x + m4 y + m5.
/// The centres of the outermost pixels are at -1 and 1 ("corner-aligned"); an extent of one pixel has its centre at 0
/// and cannot be shifted.
using AffineMatrix = std::array<float, 6>;

inline constexpr AffineMatrix identity_warp{1, 0, 0, 0, 1, 0};

/// Samples one image through an affine warp, row by row: bilinear, zeros outside. The identity gives the image exactly.
/// Reused from image to image, it allocates only when the size grows. One thread at a time.
class WarpedRows {
 public:
  /// bytes: [height][width][channels], 1 or 3 channels, must stay valid while rows are taken. Entries of the
  /// matrix are within +-1e6.
  void start(const std::uint8_t* bytes, int height, int width, int channels, const AffineMatrix& matrix);
  /// Row 0 <= row < height of the output, one plane per channel, `width` floats each. Planes must not overlap.
  void row(int row, const std::array<float*, 3>& planes);

 private:
  void copy_row(int row, const std::array<float*, 3>& planes) const;
  template <int stored>
  void sample_row(int row, const std::array<float*, 3>& planes);
  void pad_image();

  const std::uint8_t* bytes_ = nullptr;
  int height_ = 0, width_ = 0, channels_ = 0;
  bool identity_ = true;
  // In pixels of the padded image: x = x_per_column_ * column + x_per_row_ * row + x_origin_, the same for y.
  float x_per_column_ = 1, x_per_row_ = 0, x_origin_ = 0, y_per_column_ = 0, y_per_row_ = 1, y_origin_ = 0;
  std::vector<float> padded_;  // [height + 3][width + 3][stored]: one zero pixel before, two after; stored is 1 or 4
  std::vector<std::int32_t> offset_;      // [width]: first float of a sample's upper left pixel
  std::vector<float> x_share_, y_share_;  // [width]: share of the right and of the lower pixel
};

}  // namespace saccade
