#pragma once
#include <array>
#include <cstdint>
#include <vector>

namespace saccade {

/// A rectangle of pixels of an image.
struct Crop {
  int top = 0, left = 0, height = 0, width = 0;
};

/// Cuts a rectangle out of an image and resamples it: bilinear, antialiased where it shrinks. Along an axis that goes
/// from n to m pixels, output i is the mean of the inputs j of the crop, weighted by the triangle
/// max(0, 1 - |j + 1/2 - (i + 1/2) n / m| / max(1, n / m)); rows first, then columns. A crop of the output's size is
/// copied exactly. Reused from image to image, it allocates only when a size grows. One thread at a time.
class ResizedCrop {
 public:
  /// bytes: [][image_width][channels], 1 or 3 channels, the crop within it. One plane per channel, [height][width]
  /// floats in [0, 1].
  void resample(const std::uint8_t* bytes, int image_width, int channels, const Crop& crop, int height, int width,
                const std::array<float*, 3>& planes);

 private:
  /// Inputs and weights of each output along an axis.
  struct Axis {
    std::vector<int> first, count;
    std::vector<float> weights;  // [outputs][most]
    std::size_t most = 0;
    void prepare(int inputs, int outputs);
  };

  Axis rows_, columns_;
  std::vector<float> narrowed_;  // [crop.height][width] of one channel
};

}  // namespace saccade
