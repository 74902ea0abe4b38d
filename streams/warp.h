#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/deformation.h"

namespace saccade {

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
  PixelWarp warp_{};
  std::vector<float> padded_;  // [height + 3][width + 3][stored]: one zero pixel before, two after; stored is 1 or 4
  std::vector<std::int32_t> offset_;      // [width]: first float of a sample's upper left pixel
  std::vector<float> x_share_, y_share_;  // [width]: share of the right and of the lower pixel
};

}  // namespace saccade
